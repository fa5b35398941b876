"""Controls and traits that always have the same value; what a control is made to show is no choice of the reader's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from threading import get_ident
from typing import Any

import ipywidgets as W
import traitlets as T

from zfwidgets.widgets.belongings import all_within
from zfwidgets.widgets.holding import holding


class Filled(W.VBox):
    """A control around others; while it sets them, what they say is no choice of the reader's."""

    _filling: int | None = None  # the thread that does

    @contextmanager
    def fills(self) -> Iterator[None]:
        """While this lasts, what this thread makes the control say is no choice.

        Each part of it goes to the page in one message. A page that gets a shorter range first moves its slider to the
        end of it, and says so, as if the reader had.
        """
        with holding(self), ExitStack() as held:
            outer, self._filling = self._filling, get_ident()
            try:
                for part in self.filled():
                    held.enter_context(part.hold_sync())
                yield
            finally:
                self._filling = outer

    def filled(self) -> Iterable[W.Widget]:
        """The parts that it sets: all that it holds, unless it knows better."""
        return all_within(self)

    @property
    def by_reader(self) -> bool:
        """Whether what the control says now comes from the reader."""
        return self._filling != get_ident()


def bind(control: Any, owner: Any, name: str, attribute: str = "value") -> None:
    """Let a control follow a trait of a panel, and the trait the control.

    A trait that is None, because nobody has chosen, leaves the control as it is. A choice that does not fit is reported
    by the panel.
    """
    showing: set[int] = set()  # threads that make the control show the trait

    def chosen(change: T.Bunch) -> None:
        if get_ident() in showing or change["new"] is None or not getattr(control, "by_reader", True):
            return
        owner.report(name, None)
        try:
            setattr(owner, name, change["new"])
        except (ValueError, TypeError, T.TraitError) as error:
            owner.report(name, error)

    def show(_: T.Bunch | None = None) -> None:
        value = getattr(owner, name)
        if value is not None:
            showing.add(get_ident())
            try:
                setattr(control, attribute, value)
            finally:
                showing.discard(get_ident())

    control.observe(chosen, names=attribute)
    owner.observe(show, names=name)
    show()
