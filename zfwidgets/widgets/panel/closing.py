"""When a panel ends: when it is closed, or when the cell that made it runs again."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar
from weakref import WeakSet

import ipywidgets as W
import traitlets as T

from zfwidgets.experiments.memory import give_back
from zfwidgets.widgets.belongings import Belongings, all_within, recording
from zfwidgets.widgets.panel.heard import hear_at_any_time

P = TypeVar("P")

CLOSED = "this panel is closed, and its results are forgotten: run the cell again that makes it"


@dataclass(frozen=True)
class Run:
    """One execution of a cell."""

    cell: str
    message: str
    started: datetime  # an earlier run may go on in the background, and make its panels late


@dataclass(frozen=True)
class Made:
    """What a run has made, as long as somebody else holds it."""

    run: Run
    panels: WeakSet[Any] = field(default_factory=WeakSet)


_latest: dict[str, Made] = {}  # by cell
_open: WeakSet[Any] = WeakSet()  # all panels that are not closed
_tidying: ContextVar[bool] = ContextVar("_tidying", default=False)


class Making(T.MetaHasTraits):
    """How panels are made: what is made on the way belongs to the panel, and where that fails nothing of it stays."""

    def __call__(cls: type[P], *arguments: Any, **settings: Any) -> P:
        """A panel. Those that an earlier run of the same cell made are closed first."""
        outer, belongings = recording(), Belongings()
        run = running_cell() if outer is None else None
        if run is not None:
            close_former(run)
        try:
            with belongings.recorded():
                panel = type.__call__(cls, *arguments, **settings)
        except BaseException:
            belongings.close()
            raise
        hear_at_any_time(belongings)
        belongings.remove(panel)
        if outer is not None:
            outer.add(panel)
        _remember(panel, run)
        return panel


class LatestResult(T.Any):
    """A panel's result; of a closed one it says so. Raises ValueError then."""

    def get(self, obj: Any, cls: Any = None) -> Any:
        obj.check_open()
        return super().get(obj, cls)


def running_cell() -> Run | None:
    """The execution of a cell that this is a part of.

    None outside a kernel, in a thread, in an answer to the reader, and where cells have no ids, as in Voila.
    """
    from IPython import get_ipython

    kernel = getattr(get_ipython(), "kernel", None)
    if kernel is None or threading.current_thread() is not threading.main_thread():
        return None
    request: dict[str, Any] = getattr(kernel, "get_parent", dict)()
    header, cell = request.get("header", {}), request.get("metadata", {}).get("cellId")
    if not cell or header.get("msg_type") != "execute_request" or "date" not in header:
        return None
    return Run(cell, header["msg_id"], header["date"])


def close_former(run: Run) -> None:
    """Close the panels that the cell's former run made, but for those that stand in another panel."""
    former = _latest.get(run.cell)
    if former is None or former.run.message == run.message or former.run.started > run.started:
        return
    del _latest[run.cell]
    with tidied():
        for panel in list(former.panels):
            others = [other for other in _open if other is not panel]
            if panel not in all_within(others):
                panel.close()


@contextmanager
def tidied() -> Iterator[None]:
    """While this lasts, panels are closed, some inside others: at the end their memory is given back, once for all."""
    if _tidying.get():
        yield
        return
    outermost = _tidying.set(True)
    try:
        yield
    finally:
        _tidying.reset(outermost)
        gc.collect()  # a panel goes round in circles, and Python counts objects, not megabytes
        give_back()


def forget(panel: W.Widget, kept: Iterable[str]) -> None:
    """Let go of all that a closed panel holds but for these attributes, and plain values of its traits."""
    _open.discard(panel)
    panel.unobserve_all()
    panel.children = ()
    for name in set(panel.trait_names()) - set(W.VBox.class_trait_names()):
        if not _is_plain(panel._trait_values.get(name)):
            del panel._trait_values[name]
    for name in set(vars(panel)) - {*vars(T.HasTraits()), *kept}:
        delattr(panel, name)


def _remember(panel: Any, run: Run | None) -> None:
    _open.add(panel)
    if run is not None and (run.cell not in _latest or _latest[run.cell].run.message == run.message):
        _latest.setdefault(run.cell, Made(run)).panels.add(panel)


def _is_plain(value: Any) -> bool:
    if isinstance(value, tuple):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, str | bool | int | float)
