"""Names that have been bettered: the old ones work for one more release, and say so."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from operator import attrgetter
from typing import Any, TypeVar

from zfwidgets.task import Task, not_cancelled

Function = TypeVar("Function", bound=Callable[..., Any])


def warn(old: str, new: str) -> None:
    """Say that a name will go; the warning points at the line of the user's own code."""
    warnings.warn(f"{old} is now called {new}; the old name goes with the next release", DeprecationWarning, 3)


def renamed_property(old: str, new: str) -> Any:
    """A property or method under its old name; the new one may be that of a part, as `reader.read`."""

    def get(self: Any) -> Any:
        warn(f"{type(self).__name__}.{old}", new)
        return attrgetter(new)(self)

    return property(get, doc=f"The former name of `{new}`.")


def with_task(function: Function) -> Function:
    """Let a function that takes a `task` also be given `stale=` and a function as `progress=`, as before."""

    @functools.wraps(function)
    def called(*args: Any, **arguments: Any) -> Any:
        old = [name for name in ("stale", "progress") if name == "stale" or callable(arguments.get(name))]
        former = {name: arguments.pop(name) for name in old if name in arguments}
        if former:
            warn(f"{function.__name__}(…, {'=…, '.join(former)}=…)", "task=zfwidgets.Task(…)")
            arguments["task"] = _task(former.get("stale"), former.get("progress"))
        return function(*args, **arguments)

    return called  # type: ignore[return-value]


def _task(stale: Callable[[], bool] | None, progress: Callable[[int, int], None] | None) -> Task:
    def report(done: float, count: float, what: str) -> None:
        if progress is not None:
            progress(int(done), int(count))

    return Task(stale or not_cancelled, report)
