"""Interval arithmetic against plain enumeration: sets of positions, one axis at a time."""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import pairwise

import pytest

from zfwidgets.backend.window import NOTHING, Adaptive, Field, Mirrored, Sliding


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


def test_a_unit_sees_exactly_the_same_pixels_on_its_crop_as_on_the_image():
    cut = 0
    for layers, image, lengths in NETWORKS:
        field = field_of(layers)
        for unit in range(lengths[-1]):
            start, length = field.crop(unit, image)
            cut += length < image
            on_crop = lengths_of(layers, length)
            moved = unit - start // field.stride
            assert 0 <= moved < on_crop[-1]
            seen = pixels_of(layers, moved, on_crop)
            assert {pixel + start for pixel in seen} == pixels_of(layers, unit, lengths), (layers, image, unit)
    assert cut > 1000


def test_no_layer_sees_padding_on_the_crop_where_it_saw_pixels_on_the_image():
    """Also for the maps below: each layer's window hangs over the border as far as it did on the image."""
    for layers, image, lengths in NETWORKS:
        field = field_of(layers)
        for unit in (0, lengths[-1] // 2, lengths[-1] - 1):
            start, length = field.crop(unit, image)
            on_crop, stride = lengths_of(layers, length), field.stride
            whole, part = {unit}, {unit - start // stride}
            for i in reversed(range(len(layers))):
                whole = set().union(*(layers[i].seen(position, lengths[i]) for position in whole))
                part = set().union(*(layers[i].seen(position, on_crop[i]) for position in part))
                stride //= layers[i].stride
                assert {position + start // stride for position in part} == whole


def test_crops_start_on_a_multiple_of_the_stride_and_are_congruent_to_the_image():
    for layers, image, lengths in NETWORKS:
        field = field_of(layers)
        for unit in range(lengths[-1]):
            start, length = field.crop(unit, image)
            assert start % field.stride == 0
            assert (image - length) % field.stride == 0
            assert 0 <= start <= start + length <= image


def test_crops_hold_the_units_field_and_are_all_of_one_length():
    for layers, image, lengths in NETWORKS:
        field = field_of(layers)
        crops = [field.crop(unit, image) for unit in range(lengths[-1])]
        assert len({length for _, length in crops}) == 1
        for unit, (start, length) in enumerate(crops):
            first = field.first + unit * field.stride
            assert start <= max(first, 0)
            assert start + length >= min(first + field.size, image)


def test_crops_are_hardly_longer_than_the_field():
    for layers, image, _ in NETWORKS:
        field = field_of(layers)
        length = field.crop(0, image)[1]
        assert length < field.size + 2 * field.stride or length == image


def test_what_looks_at_everything_is_never_cropped():
    assert Field(size=5, stride=2, first=-1, whole=True).crop(3, 50) == (0, 50)
    assert Field(5, 2, -1).through(Adaptive(3), mixes=False).whole
    assert Field(5, 2, -1).through(Mirrored(1, "reflect"), mixes=False).whole
    assert Field(5, 2, -1).through(Sliding(3), mixes=True).whole


def test_paths_of_different_strides_cannot_be_cropped_together():
    assert Field(5, 2, -1).joined(Field(3, 4, 0)).whole
    assert Field(5, 2, -1).joined(Field(9, 2, 3)) == Field(13, 2, -1)
    assert Field(9, 2, 3).joined(Field(5, 2, -1)) == Field(13, 2, -1)


def hull(positions: set[int]) -> tuple[int, int]:
    return (min(positions), max(positions)) if positions else NOTHING


def test_a_sliding_window_sees_what_enumeration_finds():
    rng = random.Random(21)
    for _ in range(2000):
        layer, size = random_layer(rng), rng.randint(1, 20)
        if rng.random() < 0.3:
            layer = Layer(layer.kernel, layer.stride + 2, layer.padding + 3, layer.dilation)
        first = rng.randint(0, 12)
        last = first + rng.randint(0, 5)
        seen = set().union(*(layer.seen(output, size) for output in range(first, last + 1)))
        axis = Sliding(layer.kernel, layer.stride, layer.padding, layer.dilation)
        assert axis.seen_by((first, last), size) == hull(seen), (layer, size, first, last)


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
def test_a_mirrored_border_sees_the_pixels_that_it_is_made_of(mode):
    """Padding the positions themselves shows where each came from."""
    import torch

    size, before, after = 7, 5, 4
    positions = torch.arange(size, dtype=torch.float64)[None, None]
    made = torch.nn.functional.pad(positions, (before, after), mode).flatten().int().tolist()
    axis = Mirrored(before, mode)
    for i, source in enumerate(made):
        assert axis.seen_by((i, i), size) == (source, source)
    for i, pair in enumerate(pairwise(made)):
        assert axis.seen_by((i, i + 1), size) == (min(pair), max(pair))


def test_an_adaptive_pool_sees_its_bins():
    """One bin at a time, from what torch's adaptive average makes of a single spike."""
    import torch

    for size in range(1, 24):
        for bins in range(1, 12):
            spread = torch.nn.functional.adaptive_avg_pool1d(torch.eye(size)[:, None], bins)[:, 0]  # (pixel, bin)
            for b in range(bins):
                seen = set(spread[:, b].nonzero().flatten().tolist())
                assert Adaptive(bins).seen_by((b, b), size) == hull(seen)
