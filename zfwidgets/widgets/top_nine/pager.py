"""Buttons to turn the pages of a wall."""

from __future__ import annotations

import ipywidgets as W
import traitlets as T


class Pager(W.HBox):
    """The page before, which one this is, and the next."""

    turned = T.Any(None, help="(step, count): which button was pressed last, -1 or 1; the count grows each time")

    def __init__(self) -> None:
        self.back, self.next = _page_button("left", "Page before"), _page_button("right", "Next page")
        self.words, self._count = W.HTML(), 0
        super().__init__([self.back, self.words, self.next])
        self.back.on_click(lambda _: self._turn(-1))
        self.next.on_click(lambda _: self._turn(1))

    def show(self, page: int, pages: int) -> None:
        """Say which page it is, from 0."""
        self.words.value = f"page {page + 1} of {pages}"
        self.back.disabled, self.next.disabled = page == 0, page == pages - 1

    def _turn(self, step: int) -> None:
        self._count += 1
        self.turned = step, self._count


def _page_button(direction: str, name: str) -> W.Button:
    return W.Button(icon=f"chevron-{direction}", tooltip=name, layout=W.Layout(width="36px"))
