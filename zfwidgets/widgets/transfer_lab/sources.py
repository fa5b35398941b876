"""The data sets of a transfer lab, by name; each is read when it is first asked for."""

from __future__ import annotations

import atexit
from collections.abc import Mapping
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any

from zfwidgets.data import Labelled
from zfwidgets.data.sets import EMBEDDED, data_set
from zfwidgets.experiments.transfer import labelled_data
from zfwidgets.widgets.belongings import at_the_end
from zfwidgets.widgets.panel import call

OF_EACH = {"digits": 40}  # images of each class, where all would take long


class Sources:
    """Labelled images by name: those that the user gave, or those that come with the package."""

    def __init__(self, data: Any = None) -> None:
        """Raises ValueError or TypeError where what the user gave is no labelled images."""
        self.embedded = data is None
        self._known: dict[str, Labelled] = {}
        if data is None:
            self.names = tuple(name for name in EMBEDDED if _there(name))
            return
        if isinstance(data, str) and data in EMBEDDED:
            data = {data: data}
        if not isinstance(data, Mapping):
            found = labelled_data(data)
            data = {found.name or "your images": found}
        if not data:
            raise ValueError("data is labelled images, or several by name; none was given")
        self._known = {str(name): labelled_data(given) for name, given in data.items()}
        self.names = tuple(self._known)

    def __getitem__(self, name: str) -> Labelled:
        if name not in self._known:
            self._known[name] = data_set(name, OF_EACH.get(name))
        return self._known[name]

    def line(self, name: str) -> str:
        """The line of a program that makes it."""
        if not self.embedded:
            return f"data = ...  # your {name!r}"
        return f"data = {call('zf.data_set', repr(name), per_class=OF_EACH.get(name))}"


def folder_for_now() -> Path:
    """A folder for what is computed on the way; gone when the panel is closed, or the program ends."""
    folder = Path(mkdtemp(prefix="zfwidgets-"))

    def remove() -> None:
        rmtree(folder, ignore_errors=True)
        atexit.unregister(remove)

    atexit.register(remove)
    at_the_end(remove)
    return folder


def _there(name: str) -> bool:
    """Stamps are there where somebody has installed them."""
    if name != "stamps":
        return True
    try:
        data_set(name)
    except ValueError:
        return False
    return True
