"""What a page says to a widget is heard while the kernel runs cells, where kernel and page can do that."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import ipywidgets as W


def hear_at_any_time(widgets: Iterable[W.Widget]) -> None:
    """Let messages to these widgets go to the thread that the page asks for.

    JupyterLab and Notebook send what is said to widgets to a thread of its own (a subshell), which is free while cells
    run. ipykernel 7.4 takes another one, in which the widget spoke last: for a widget that a cell made, the thread of
    the cells, where it waits until all of them are done.
    """
    for widget in widgets:
        if hasattr(widget.comm, "_reply_subshell_for"):
            widget.comm._reply_subshell_for = as_asked


def as_asked(data: Any, asked: str | None) -> str | None:
    """The thread that the page asks for."""
    return asked
