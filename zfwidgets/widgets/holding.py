"""Several traits of a widget to the page in one message, whichever threads set them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakKeyDictionary

import ipywidgets as W

_locks: WeakKeyDictionary[W.Widget, threading.RLock] = WeakKeyDictionary()
_new_lock = threading.Lock()


@contextmanager
def holding(widget: W.Widget) -> Iterator[None]:
    """While this lasts, what is set goes to the page in one message at the end, and other threads wait.

    ipywidgets' own `hold_sync` loses what another thread sets while the first one is leaving it.
    """
    with _new_lock:
        lock = _locks.setdefault(widget, threading.RLock())
    with lock, widget.hold_sync():
        yield
