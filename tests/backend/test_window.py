"""What a window sees, against plain enumeration: sets of positions, one axis at a time."""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest

from zfwidgets.backend.graph.window import Adaptive, Axis, Field, Mirrored, Sliding


@dataclass(frozen=True)
class Layer:
    """A convolution or pool along one axis, by enumeration."""

    kernel: int
    stride: int
    padding: int
    dilation: int
    ceil: bool = False

    def length(self, size: int) -> int:
        free = size + 2 * self.padding - self.dilation * (self.kernel - 1) - 1
        if free < 0:
            return 0
        steps = -(-free // self.stride) if self.ceil else free // self.stride
        if self.ceil and steps * self.stride >= size + self.padding:
            steps -= 1  # torch: the last window must begin on the map or in the padding before it
        return steps + 1

    def seen(self, output: int, size: int) -> set[int]:
        taps = (output * self.stride - self.padding + j * self.dilation for j in range(self.kernel))
        return {tap for tap in taps if 0 <= tap < size}


def random_layer(rng: random.Random) -> Layer:
    kernel, dilation = rng.randint(1, 5), rng.choice([1, 1, 1, 2, 3])
    padding = rng.randint(0, dilation * (kernel - 1) // 2 + rng.choice([0, 0, 1]))
    return Layer(kernel, rng.choice([1, 1, 2, 2, 3]), padding, dilation, ceil=rng.random() < 0.3)


def lengths_of(layers: list[Layer], image: int) -> list[int]:
    lengths = [image]
    for layer in layers:
        lengths.append(layer.length(lengths[-1]))
    return lengths


def pixels_of(layers: list[Layer], unit: int, lengths: list[int]) -> set[int]:
    """All pixels that one unit of the last layer depends on."""
    seen = {unit}
    for layer, size in zip(reversed(layers), reversed(lengths[:-1]), strict=True):
        seen = set().union(*(layer.seen(position, size) for position in seen))
    return seen


def field_of(layers: list[Layer]) -> Field:
    field = Field()
    for layer in layers:
        field = field.through(Sliding(layer.kernel, layer.stride, layer.padding, layer.dilation), mixes=False)
    return field


def random_networks(count: int):
    """(layers, length of the image, lengths of all maps): chains of which something is left at the end."""
    rng, made = random.Random(20), 0
    while made < count:
        layers = [random_layer(rng) for _ in range(rng.randint(1, 5))]
        image = rng.randint(1, 90)
        lengths = lengths_of(layers, image)
        if min(lengths) > 0:
            made += 1
            yield layers, image, lengths


NETWORKS = list(random_networks(400))


def test_a_unit_sees_nothing_outside_its_field_and_both_ends_of_it_where_no_border_is_near():
    inside = 0
    for layers, image, lengths in NETWORKS:
        field = field_of(layers)
        for unit in range(lengths[-1]):
            first = field.first + unit * field.stride
            last, seen = first + field.size - 1, pixels_of(layers, unit, lengths)
            assert all(first <= pixel <= last for pixel in seen), (layers, image, unit)
            if first >= 0 and last < image and not any(layer.padding for layer in layers):
                inside += 1
                assert {first, last} <= seen
    assert inside > 100


def test_what_looks_at_everything_sees_the_whole_image():
    assert Field(5, 2, -1).through(Adaptive(3), mixes=False).whole
    assert Field(5, 2, -1).through(Mirrored(1, "reflect"), mixes=False).whole
    assert Field(5, 2, -1).through(Sliding(3), mixes=True).whole


def test_paths_of_different_strides_have_no_common_window():
    assert Field(5, 2, -1).joined(Field(3, 4, 0)).whole
    assert Field(5, 2, -1).joined(Field(9, 2, 3)) == Field(13, 2, -1)
    assert Field(9, 2, 3).joined(Field(5, 2, -1)) == Field(13, 2, -1)


def seen_by(axis: Axis, outputs: set[int], size: int) -> list[int]:
    return axis.seen_by(np.array(sorted(outputs)), size).tolist()


def test_a_sliding_window_sees_what_enumeration_finds():
    rng = random.Random(21)
    for _ in range(2000):
        layer, size = random_layer(rng), rng.randint(1, 20)
        if rng.random() < 0.3:
            layer = Layer(layer.kernel, layer.stride + 2, layer.padding + 3, layer.dilation)
        first = rng.randint(0, 12)
        run = range(first, first + rng.randint(1, 6))
        outputs = set(run) if rng.random() < 0.5 else set(rng.sample(run, rng.randint(1, len(run))))
        seen = set().union(*(layer.seen(output, size) for output in outputs))
        axis = Sliding(layer.kernel, layer.stride, layer.padding, layer.dilation)
        assert seen_by(axis, outputs, size) == sorted(seen), (layer, size, outputs)


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
def test_a_mirrored_border_sees_the_pixels_that_it_is_made_of(mode):
    """Padding the positions themselves shows where each came from."""
    import torch

    size, before, after = 7, 5, 4
    positions = torch.arange(size, dtype=torch.float64)[None, None]
    made = torch.nn.functional.pad(positions, (before, after), mode).flatten().int().tolist()
    axis = Mirrored(before, mode)
    for i, source in enumerate(made):
        assert seen_by(axis, {i}, size) == [source]
    for i, both in enumerate(pairwise(made)):
        assert seen_by(axis, {i, i + 1}, size) == sorted(set(both))


def test_an_adaptive_pool_sees_its_bins():
    """One bin at a time, from what torch's adaptive average makes of a single spike."""
    import torch

    for size in range(1, 24):
        for bins in range(1, 12):
            spread = torch.nn.functional.adaptive_avg_pool1d(torch.eye(size)[:, None], bins)[:, 0]  # (pixel, bin)
            for b in range(bins):
                seen = set(spread[:, b].nonzero().flatten().tolist())
                assert seen_by(Adaptive(bins), {b}, size) == sorted(seen)
