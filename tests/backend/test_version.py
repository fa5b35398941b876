"""A PyTorch that is too old is refused before anything can go wrong with it."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from zfwidgets.backend.capture.version import OLDEST, require_torch

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).parents[2] / "pyproject.toml"


@pytest.mark.parametrize(
    "version", ["2.9", "2.9.0+cpu", "2.9.1+cu128", "2.10.0", "2.10.0a0+git1a2b3c", "2.14.1", "3.0.dev1"]
)
def test_new_enough(version):
    require_torch(version)


@pytest.mark.parametrize(
    "version", ["1.13.1", "2.1.0+cu121", "2.8.0", "2.8.0+cpu", "2.9.0rc1", "2.9.0.dev20250801+cpu"]
)
def test_too_old(version):
    with pytest.raises(ImportError) as refusal:
        require_torch(version)
    assert str(refusal.value) == (
        f"zfwidgets needs PyTorch 2.9 or newer, and this is PyTorch {version}; "
        "`pip install --upgrade torch torchvision` brings one, with the torchvision that goes with it"
    )


def test_the_package_asks_for_the_same_version():
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    assert f"torch>={OLDEST}" in project["dependencies"]


def test_an_old_torch_is_refused_when_a_network_is_made_and_not_on_import():
    code = (
        "import torch; torch.__version__ = '2.8.0'; import zfwidgets as zf; zf.__version__; zf.photograph_names\n"
        "zf.load('squeezenet1_1')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "ImportError: zfwidgets needs PyTorch 2.9 or newer, and this is PyTorch 2.8.0" in done.stderr
    assert 'File "<string>", line 2' in done.stderr
