"""What a panel made, found out while it is made: widgets, threads, and what it hears from others."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any
from weakref import WeakKeyDictionary

import ipywidgets as W
import traitlets as T

_numbers = count()
_made: WeakKeyDictionary[W.Widget, int] = WeakKeyDictionary()  # when each widget was made, as a number that grows
_owned: WeakKeyDictionary[W.Widget, int] = WeakKeyDictionary()  # the number of the belongings that it is among
_thread = threading.local()


class Belongings:
    """What is made while this is `recorded`, in that thread: it can be closed together, whatever it is.

    Widgets come in by being made; anything else says by `at_the_end` how it ends.
    """

    def __init__(self) -> None:
        self._number = next(_numbers)
        self._widgets: WeakKeyDictionary[W.Widget, None] = WeakKeyDictionary()  # the latest last
        self._endings: list[Callable[[], None]] = []

    @contextmanager
    def recorded(self) -> Iterator[None]:
        """While this lasts, what this thread makes is among these belongings."""
        with _belonging_to(self):
            yield

    def __iter__(self) -> Iterator[W.Widget]:
        return iter(list(self._widgets))

    def add(self, widget: W.Widget) -> None:
        """Let a widget be among these, and among no others."""
        self._widgets[widget] = None
        _owned[widget] = self._number

    def remove(self, widget: W.Widget) -> None:
        """Let a widget be among these no more."""
        self._widgets.pop(widget, None)
        _owned.pop(widget, None)

    def at_the_end(self, end: Callable[[], None]) -> None:
        """Have something done when these belongings are closed."""
        self._endings.append(end)

    def end(self) -> None:
        """Stop threads, and hear no more from others."""
        while self._endings:
            self._endings.pop()()

    def close(self) -> None:
        """Close the widgets, the latest first, and what was put into them since."""
        self.end()
        own = [widget for widget in self._widgets if not _is_everybodys(widget)]
        later = [widget for widget in all_within(own) if self._came_later(widget)]
        for widget in (*later, *reversed(own)):
            widget.close()
        self._widgets.clear()

    def _came_later(self, widget: W.Widget) -> bool:
        """Whether a widget that stands in one of these was made since, in an answer to the reader, by nobody else."""
        since = _made.get(widget, -1) > self._number
        return since and widget not in _owned and not _is_everybodys(widget)


class Shared(T.HasTraits):
    """Outlives the panels that look at it: what they observe of it from their beginning ends with them."""

    def observe(self, handler: Callable[..., Any], names: Any = T.All, type: Any = "change") -> None:
        """Tell `handler` of changes, as traitlets do; where a panel is being made, until it is closed."""
        super().observe(handler, names, type)
        at_the_end(lambda: self.unobserve(handler, names, type))

    def notify_change(self, change: T.Bunch) -> None:
        """Tell whoever observes this; what they make is theirs."""
        with made_by_others():
            super().notify_change(change)


def recording() -> Belongings | None:
    """The belongings among which is what this thread makes now."""
    return getattr(_thread, "belongings", None)


def at_the_end(end: Callable[[], None]) -> None:
    """Have something done when that is closed whose belongings are recorded now; never, where none are."""
    belongings = recording()
    if belongings is not None:
        belongings.at_the_end(end)


@contextmanager
def made_by_others() -> Iterator[None]:
    """While this lasts, what this thread makes is nobody's: for calls to whoever has asked to be told of something."""
    with _belonging_to(None):
        yield


def all_within(*values: Any) -> Iterator[W.Widget]:
    """Widgets, and every other one that their state refers to, each once, those inside first."""
    yield from _all_within(values, set())


def _all_within(value: Any, known: set[int]) -> Iterator[W.Widget]:
    if isinstance(value, W.Widget):
        if id(value) not in known:
            known.add(id(value))
            yield from _all_within([getattr(value, name) for name in value.keys], known)
            yield value
    elif isinstance(value, list | tuple | dict):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _all_within(one, known)


@contextmanager
def _belonging_to(belongings: Belongings | None) -> Iterator[None]:
    outer, _thread.belongings = recording(), belongings
    try:
        yield
    finally:
        _thread.belongings = outer


def _is_everybodys(widget: W.Widget) -> bool:
    """Whether its module holds it by a name: all draw with the manager of ipycanvas, whoever imported that first."""
    module = sys.modules.get(type(widget).__module__)
    return any(value is widget for value in vars(module).values()) if module else False


def _note(widget: W.Widget) -> None:
    if _former is not None:
        _former(widget)
    _made[widget] = next(_numbers)
    belongings = recording()
    if belongings is not None:
        belongings.add(widget)


_former = W.Widget._widget_construction_callback  # there is room for one only
W.Widget.on_widget_constructed(_note)
