"""Things to be done a little later, in one thread for all panels."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable

IDLE = 10  # seconds after which the thread ends where nothing waits; what is asked for next starts a new one


class Alarm:
    """Something to be done a while after this is set, unless it is called off before.

    One thread does it for all, one at a time; it should be short, or others come late. A thread for each, as
    `threading.Timer` starts one, would take a millisecond of the computation that it is set for.
    """

    def __init__(self, work: Callable[[], None]) -> None:
        self.work = work
        self.at = 0.0  # seconds of the clock
        self.called_off = False  # also while it is being done: who shares a lock with it can rely on that

    def set(self, seconds: float) -> None:
        """Have it done, that many seconds from now."""
        self.at, self.called_off = time.monotonic() + seconds, False
        _clock.add(self)

    def call_off(self) -> None:
        """Let it not be done, if it has not begun."""
        self.called_off = True
        _clock.remove(self)


class _Clock:
    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._alarms: list[Alarm] = []  # a few
        self._thread: threading.Thread | None = None
        self._looks_at = 0.0  # when the thread looks again

    def add(self, alarm: Alarm) -> None:
        with self._changed:
            self._alarms.append(alarm)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="zfwidgets clock", daemon=True)
                self._thread.start()
            elif alarm.at < self._looks_at:
                self._changed.notify()

    def remove(self, alarm: Alarm) -> None:
        with self._changed:
            self._alarms = [each for each in self._alarms if each is not alarm]

    def _run(self) -> None:
        while (alarm := self._next()) is not None:
            try:
                alarm.work()
            except Exception:
                logging.getLogger(__name__).exception("what was put off has failed")
            del alarm  # while this waits, it holds nothing of a panel

    def _next(self) -> Alarm | None:
        """What is due next, when it is due; None after a while without anything."""
        ends = time.monotonic() + IDLE
        with self._changed:
            while True:
                now, earliest = time.monotonic(), min((each.at for each in self._alarms), default=math.inf)
                if earliest <= now:
                    alarm = next(each for each in self._alarms if each.at == earliest)
                    self._alarms.remove(alarm)
                    return alarm
                if not self._alarms and now >= ends:
                    self._thread = None
                    return None
                self._looks_at = earliest if self._alarms else ends
                self._changed.wait(self._looks_at - now)


_clock = _Clock()
