"""One thread that works on the latest request only."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from zfwidgets.widgets.belongings import at_the_end, recording

IDLE = 60  # seconds after which a thread with nothing to do ends; the next request starts a new one


class LatestOnlyWorker:
    """Runs `work(request, cancelled)` in a thread of its own, one request at a time.

    A new request replaces one that waits, and cancels the one under way: `cancelled()` then says yes, and `work` should
    give up. With `direct=True` everything runs at once, in the caller's thread: for scripts and tests.
    One that is made with a panel is closed with it, and what `work` makes is the panel's.
    """

    def __init__(self, work: Callable[[Any, Callable[[], bool]], None], direct: bool = False) -> None:
        self._work = work
        self._direct = direct
        self._changed = threading.Condition()  # its lock can be taken again
        self._generation = 0
        self._waiting: tuple[int, Any] | None = None
        self._thread: threading.Thread | None = None
        self._closed = False
        self._owner = recording()
        at_the_end(self.close)

    def ask(self, request: Any) -> None:
        """Work on this, instead of whatever was asked before; once it is closed, nothing happens."""
        with self._changed:
            if self._closed:
                return
            self._generation += 1
            generation = self._generation
            if not self._direct:
                self._waiting = (generation, request)
                self._wake()
                return
        self._answer(request, lambda: generation != self._generation)

    def cancel(self) -> None:
        """Give up what is under way and what waits."""
        with self._changed:
            self._generation += 1
            self._waiting = None

    def close(self) -> None:
        """Give everything up, and let the thread end."""
        with self._changed:
            self._closed = True
            self.cancel()
            self._changed.notify()

    def _answer(self, request: Any, cancelled: Callable[[], bool]) -> None:
        with self._owner.recorded() if self._owner else nullcontext():
            self._work(request, cancelled)

    def _wake(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="zfwidgets", daemon=True)
            self._thread.start()
        self._changed.notify()

    def _run(self) -> None:
        while (taken := self._next()) is not None:
            generation, request = taken
            try:
                self._answer(request, lambda: generation != self._generation)  # noqa: B023 (used before the next round)
            except Exception:
                if generation != self._generation:
                    continue  # nobody waits for it: what it needed may have been closed
                logging.getLogger(__name__).exception("the request %r failed", request)

    def _next(self) -> tuple[int, Any] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting is not None or self._closed, timeout=IDLE)
            if self._waiting is None:
                self._thread = None
                return None
            taken, self._waiting = self._waiting, None
            return taken
