"""Experiments that go from coarse to fine, and the same ones waited for to their end."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import ParamSpec, TypeVar

Arguments = ParamSpec("Arguments")
Found = TypeVar("Found")


def completed(name: str, summary: str, sweep: Callable[Arguments, Iterator[Found]]) -> Callable[Arguments, Found]:
    """The function that gives the last, complete result of a sweep; it takes the same arguments."""

    def last(*args: Arguments.args, **arguments: Arguments.kwargs) -> Found:
        *_, found = sweep(*args, **arguments)
        return found

    details = (inspect.getdoc(sweep) or "").partition("\n\n")[2]
    last.__name__ = last.__qualname__ = name
    last.__module__, last.__doc__ = sweep.__module__, f"{summary}\n\n{details}"
    last.__signature__ = inspect.signature(sweep)  # type: ignore[attr-defined]
    return last
