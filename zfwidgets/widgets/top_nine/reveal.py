"""What was opened below the wall is brought into view."""

from __future__ import annotations

from pathlib import Path

import anywidget


class Reveal(anywidget.AnyWidget):
    """In a box, a button back to where the reader was; `reveal` scrolls to the box and gives it the keyboard."""

    _esm = (Path(__file__).parent / "reveal.js").read_text(encoding="utf-8")  # a path would hold every one made

    def __init__(self) -> None:
        super().__init__()
        self.add_class("zf-reveal")

    def reveal(self) -> None:
        """Bring the box into view on every page that shows it."""
        self.send("reveal")
