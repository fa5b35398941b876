"""The style sheet of all panels: every room's own, joined."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from zfwidgets.widgets.tokens import tokens

WIDGETS = Path(__file__).parents[1]


@cache
def stylesheet() -> str:
    """The CSS of every room: first what several widgets share (`picture/picture.css`), then each widget's `style.css`.

    Before them stands what they refer to: the custom properties of `zfwidgets.widgets.tokens`.

    A page needs it once; see `zfwidgets.widgets.panel.page_ready`.
    """
    return f"{tokens()}\n{rooms()}"


def rooms() -> str:
    """The same without the custom properties."""
    return "\n".join(sheet.read_text(encoding="utf-8") for sheet in sheets())


def sheets() -> list[Path]:
    """Where the rooms' style sheets are, in the order in which they are joined."""
    return sorted(WIDGETS.glob("*/*.css"), key=lambda sheet: (sheet.stem == "style", sheet.parent.name))
