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
    signature = inspect.signature(sweep)
    found = str(signature.return_annotation).removeprefix("Iterator[").removesuffix("]")
    last.__wrapped__ = sweep  # type: ignore[attr-defined]  # where the names in annotations are known
    last.__annotations__ = sweep.__annotations__ | {"return": found}
    last.__signature__ = signature.replace(return_annotation=found)  # type: ignore[attr-defined]
    return last
