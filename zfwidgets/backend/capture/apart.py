"""The module as it is read, apart from its user's session: in evaluation mode and without hooks; then as it was."""

from __future__ import annotations

import logging
import sys
import warnings
from collections import OrderedDict, deque
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from copy import copy
from io import TextIOBase
from threading import get_ident
from typing import Any, TextIO

from torch import nn
from torch.nn.modules import module as of_all

HOOKS = ("_forward_hooks", "_forward_pre_hooks")
HOOKS_OF_ALL = ("_global_forward_hooks", "_global_forward_pre_hooks")


@contextmanager
def as_read(module: nn.Module) -> Iterator[None]:
    """Every part in evaluation mode, without the hooks of its user, who would find what torch traces with in them."""
    with evaluation_mode(module), _without_hooks(module), _keeping_attributes(module):
        yield


@contextmanager
def evaluation_mode(module: nn.Module) -> Iterator[None]:
    """Every part of the module in evaluation mode; afterwards each part as it was."""
    training = [part for part in module.modules() if part.training]
    try:
        module.eval()
        yield
    finally:
        for part in training:
            part.training = True


def notes_on_hooks(module: nn.Module) -> list[str]:
    """A sentence for the report, where there are hooks of the user's."""
    count = sum(not _is_of_torch(hook) for part in module.modules() for kind in HOOKS
                for hook in vars(part)[kind].values())  # fmt: skip
    return [f"{count} hooks on the module are not run here."] if count else []


def _is_of_torch(hook: Any) -> bool:
    """Weight norm, spectral norm and pruning are hooks, too, without which there are no weights."""
    kinds = getattr(type(hook), "__mro__", ())
    return any(str(kind.__module__).startswith("torch.nn.utils") for kind in kinds)


@contextmanager
def _without_hooks(module: nn.Module) -> Iterator[None]:
    places = [(vars(part), kind) for part in module.modules() for kind in HOOKS]
    places += [(vars(of_all), kind) for kind in HOOKS_OF_ALL]
    before = [(place, kind, place[kind]) for place, kind in places if place[kind]]
    try:
        for place, kind, hooks in before:
            place[kind] = OrderedDict((key, hook) for key, hook in hooks.items() if _is_of_torch(hook))
        yield
    finally:
        for place, kind, hooks in before:
            place[kind] = hooks


@contextmanager
def _keeping_attributes(module: nn.Module) -> Iterator[None]:
    """What the module remembers of what it computed last is again what it was, not what torch traced with."""
    seen: set[int] = set()
    before = [(each, copy(each)) for part in module.modules() for each in _containers(vars(part), seen)]
    try:
        yield
    finally:
        for container, content in before:
            _refill(container, content)


def _containers(value: Any, seen: set[int]) -> Iterator[Any]:
    """A value's dictionaries, lists and sets, itself and those inside."""
    if not isinstance(value, dict | list | set | deque | tuple) or id(value) in seen:
        return
    seen.add(id(value))
    if not isinstance(value, tuple):
        yield value
    for item in list(value.values()) if isinstance(value, dict) else list(value):
        yield from _containers(item, seen)


def _refill(container: Any, content: Any) -> None:
    """Give a container the content that it had; one that has it still is not touched."""
    if isinstance(container, dict):
        for key in container.keys() - content.keys():
            del container[key]
        container.update(content)
    elif isinstance(container, set):
        container &= content
        container |= content
    elif len(container) != len(content) or any(x is not y for x, y in zip(container, content, strict=True)):
        container.clear()
        container.extend(content)


@contextmanager
def quiet() -> Iterator[None]:
    """Without torch's warnings, logs and printed graphs: what matters is said in one sentence."""
    loggers = [logging.getLogger(name) for name in list(logging.root.manager.loggerDict) if name.startswith("torch")]
    before = [logger.disabled for logger in loggers]
    try:
        with warnings.catch_warnings(), redirect_stderr(_Muted(sys.stderr)):
            warnings.simplefilter("ignore")
            for logger in loggers:
                logger.disabled = True
            yield
    finally:
        for logger, disabled in zip(loggers, before, strict=True):
            logger.disabled = disabled


class _Muted(TextIOBase):
    """A stream that swallows what this thread writes; other threads' words are none of ours."""

    def __init__(self, stream: TextIO) -> None:
        self.stream, self.thread = stream, get_ident()

    def write(self, text: str) -> int:
        return len(text) if get_ident() == self.thread else self.stream.write(text)
