"""Something under way: is it still wanted, how far is it, how urgent?"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

STEP = 0.05  # seconds after which who waits for something more urgent looks whether it is still wanted itself

Report = Callable[[float, float, str], None]  # how much is done, of how much, and of what


class Cancelled(Exception):
    """A computation was given up because its result is no longer wanted."""


def not_cancelled() -> bool:
    """The default answer to "is this no longer wanted?"."""
    return False


def unreported(done: float, count: float, what: str) -> None:
    """What becomes of progress that nobody watches."""


class Foreground:
    """What goes first: while something is in it, tasks behind it wait."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside: list[int] = []  # threads

    @contextmanager
    def occupied(self) -> Iterator[None]:
        """While this lasts, tasks of other threads wait at their next `check`."""
        thread = threading.get_ident()
        with self._changed:
            self._inside.append(thread)
        try:
            yield
        finally:
            with self._changed:
                self._inside.remove(thread)
                self._changed.notify_all()

    def let_pass(self, cancelled: Callable[[], bool]) -> None:
        """Wait until nothing of other threads is in the foreground, or the waiting task itself has been cancelled."""
        own = threading.get_ident()
        with self._changed:
            while any(thread != own for thread in self._inside) and not cancelled():
                self._changed.wait(STEP)


@dataclass(frozen=True)
class Task:
    """Something under way, as who computes sees it.

    Call `check()` between steps: it raises `Cancelled` when the result is no longer wanted, and waits first where
    something more urgent is under way. Say by `progress(done, count)` how far it is.
    """

    cancelled: Callable[[], bool] = not_cancelled
    report: Report = unreported
    behind: Foreground | None = None  # what goes first

    @property
    def stopped(self) -> bool:
        """Whether the result is no longer wanted."""
        if self.behind is not None:
            self.behind.let_pass(self.cancelled)
        return self.cancelled()

    def check(self) -> None:
        """Raise `Cancelled` if the result is no longer wanted."""
        if self.stopped:
            raise Cancelled

    def progress(self, done: float, count: float, what: str = "") -> None:
        """Say how far it is: `done` of `count`, both in one unit, and what is being done."""
        if not self.cancelled():
            self.report(done, count, what)

    def part(self, number: int, count: int, what: str = "") -> Task:
        """Part `number`, from 0, of `count` equally long ones: its progress is told as progress of the whole."""

        def report(done: float, of_all: float, words: str) -> None:
            self.report((number + done / of_all) / count, 1, words or what)

        return Task(self.cancelled, report, self.behind)


UNWATCHED = Task()  # nobody cancels it, and nobody asks how far it is
