"""Where a panel lives: in a kernel, whose main thread must be kept free, in a script, or on a page without a kernel."""

from __future__ import annotations

import os


def shows_stills() -> bool:
    """Whether panels are to be shown as plain HTML, for a page without a kernel (set by `zfwidgets demo`)."""
    return bool(os.environ.get("ZFWIDGETS_STILL"))


def in_kernel() -> bool:
    """Whether there is a Jupyter kernel, whose main thread must be kept free."""
    from IPython import get_ipython

    return getattr(get_ipython(), "kernel", None) is not None


def saves_outputs() -> bool:
    """Whether what a cell shows may be saved with its notebook: in a kernel, unless that answers a page of Voila."""
    return in_kernel() and not shows_stills() and not os.environ.get("SERVER_SOFTWARE", "").startswith("voila")


def at_once() -> bool:
    """Whether things are computed in the caller's thread: for stills, and outside a kernel."""
    return shows_stills() or not in_kernel()
