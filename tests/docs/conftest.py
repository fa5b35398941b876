"""The examples of the documentation, to be imported as its reader would."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from zfwidgets.backend.ops import LOWERINGS

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


@pytest.fixture
def example(monkeypatch):
    """Imports an example as its reader would; afterwards it is forgotten, and so is what it has registered."""
    lowerings, modules = dict(LOWERINGS), set(sys.modules)
    monkeypatch.syspath_prepend(EXAMPLES)
    yield importlib.import_module
    LOWERINGS.clear()
    LOWERINGS.update(lowerings)
    for name in set(sys.modules) - modules:
        if str(EXAMPLES) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]
