"""Contexts and defaults that surround a call: none of them may change a number."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import ParamSpec, TypeVar

import torch

AUTOCAST = ("cpu", "cuda", "mps")
Arguments = ParamSpec("Arguments")
Item = TypeVar("Item")


@contextmanager
def undisturbed() -> Iterator[None]:
    """Neither gradients nor `torch.inference_mode`, no `torch.autocast`, and the CPU as the default device.

    Another default type of number is left as it is, since all threads share it: our own code names the type.
    """
    with ExitStack() as contexts:
        contexts.enter_context(torch.inference_mode(False))
        contexts.enter_context(torch.no_grad())
        for kind in AUTOCAST:
            if torch.is_autocast_enabled(kind):
                contexts.enter_context(torch.autocast(kind, enabled=False))
        if torch.get_default_device().type != "cpu":
            contexts.enter_context(torch.device("cpu"))
        yield


def undisturbed_steps(generator: Callable[Arguments, Iterator[Item]]) -> Callable[Arguments, Iterator[Item]]:
    """The same for a generator: while it computes, but not while its reader has what it yielded."""

    @functools.wraps(generator)
    def called(*args: Arguments.args, **arguments: Arguments.kwargs) -> Iterator[Item]:
        items = generator(*args, **arguments)
        while True:
            with undisturbed():
                try:
                    item = next(items)
                except StopIteration:
                    return
            yield item

    return called
