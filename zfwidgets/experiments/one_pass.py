"""A data set through a network once: cut into shards, read in batches, and a look at the maps of each layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from zfwidgets.backend.device import properties_of
from zfwidgets.backend.graph.step import Step
from zfwidgets.backend.run.forward import forward
from zfwidgets.backend.run.memory import in_parts, parts_of
from zfwidgets.backend.surroundings import undisturbed
from zfwidgets.experiments.loading import Batch
from zfwidgets.models import Network
from zfwidgets.task import UNWATCHED, Task

MIN_BATCH = 8  # images that go through the network at once on a CPU, whatever the batch size: see `_input`
SMALLEST = 512  # images in a shard
MOST = 256  # shards

Span = tuple[int, int]  # images: first, last (excluded)
Look = Callable[[Tensor, Tensor], None]  # maps (n, C, H, W) or (n, C) of images, and their numbers in the data set


@undisturbed()
def look_at(net: Network, batch: Batch, looks: Mapping[str, Look], task: Task = UNWATCHED) -> None:
    """Carry a batch through the network, and call what looks at each layer with the maps of the images that could be
    read, in their order. An image is looked at once, also where memory ends half-way up."""
    by_step = {net.step(name): look for name, look in looks.items()}
    seen = dict.fromkeys(by_step, 0)  # images; some layers have had theirs when memory ends half-way up

    def compute(some: slice) -> None:
        read = batch.read[some]

        def visit(step: Step, maps: Tensor) -> None:
            if seen[step] < some.stop:
                by_step[step](maps[: len(read)][read], batch.numbers[some][read])
                seen[step] = some.stop

        forward(net.program, _input(batch.inputs[some], net), by_step, task=task, visit=visit)

    size = MIN_BATCH if properties_of(net.device).small_batches else len(batch.numbers)
    for _ in in_parts(parts_of(len(batch.numbers), size), compute):
        pass


def _input(images: Tensor, net: Network) -> Tensor:
    """Part of a batch (n, C, H, W) as it goes through the network, on its device.

    Torch rounds differently in batches of different size, and at different places of a batch. So that the last bit does
    not depend on the batch size, nor on where a data set is cut, a CPU always gets the same images together, broken
    ones empty. Few are fastest there, too: their maps stay in memory that has been used before.
    """
    properties = properties_of(net.device)
    x = images.to(net.device, net.dtype, non_blocking=True)
    if properties.small_batches and len(x) < MIN_BATCH:
        x = torch.cat([x, x.new_zeros((MIN_BATCH - len(x), *x.shape[1:]))])
    return x.contiguous(memory_format=torch.channels_last) if properties.channels_last else x


def shards(count: int, smallest: int | None = None) -> list[Span]:
    """A data set of `count` images in parts, by its size alone: of `smallest` images (512), or more where there would
    be many."""
    size = max(smallest or SMALLEST, -(-count // MOST))
    size = -(-size // MIN_BATCH) * MIN_BATCH  # the same images go through the network together, wherever it is cut
    return [(start, min(start + size, count)) for start in range(0, count, size)]


def batches_of(span: Span, size: int) -> list[list[int]]:
    """The images of a span in batches of about a size."""
    start, stop = span
    size = -(-size // MIN_BATCH) * MIN_BATCH
    return [list(range(first, min(first + size, stop))) for first in range(start, stop, size)]


def part_name(span: Span) -> str:
    """What the result of a span is called in a checkpoint."""
    return f"images-{span[0]:09d}-{span[1]:09d}"
