"""Out of memory on a device: what is computed together is halved, and the work goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import TypeVar

import torch

T = TypeVar("T")


def parts_of(count: int, size: int) -> list[slice]:
    """`count` things, `size` at a time; the last part has what is left."""
    return [slice(start, min(start + size, count)) for start in range(0, count, size)]


def equal_parts(count: int, most: int) -> list[slice]:
    """`count` things in as few parts as have at most `most` each, the first of which may have one more."""
    parts = -(-count // most)
    ends = [index * (count // parts) + min(index, count % parts) for index in range(parts + 1)] if parts else []
    return [slice(start, stop) for start, stop in pairwise(ends)]


def in_parts(parts: Iterable[slice], compute: Callable[[slice], T]) -> Iterator[tuple[slice, T]]:
    """Compute part after part; yields each with its result.

    Where the device has too little memory for a part, that one is computed in halves, and no later one is larger. So
    `compute` can be called again for what it was interrupted in. Raises MemoryError where not even one fits.
    """
    most: int | None = None
    for part in parts:
        start = part.start
        while start < part.stop:
            some = slice(start, part.stop if most is None else min(start + most, part.stop))
            try:
                with within_memory():
                    found = compute(some)
            except MemoryError:
                if some.stop - some.start == 1:
                    raise
                most = (some.stop - some.start) // 2
                continue
            yield some, found
            del found  # not to be held while the next is computed
            start = some.stop


@contextmanager
def within_memory() -> Iterator[None]:
    """Where a device has too little memory, torch's error of several lines becomes a MemoryError of one sentence."""
    try:
        yield
    except RuntimeError as error:
        if not _out_of_memory(error):
            raise
        raise MemoryError(
            "not even one image at a time fits into what is free of the device's memory: "
            'free some of it, give the network a smaller size, or compute with net.on("cpu")'
        ) from error


def _out_of_memory(error: RuntimeError) -> bool:
    """CUDA's allocator has an error of its own; its libraries and MPS say it in words."""
    said = str(error)
    return isinstance(error, torch.OutOfMemoryError) or "out of memory" in said or "ALLOC_FAILED" in said
