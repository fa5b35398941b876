"""Project units down to pixels (§2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from zfwidgets.backend.forward import Cancelled, Record, forward, never
from zfwidgets.backend.ops import DECONVNET, Rule
from zfwidgets.backend.program import Program, Step


@torch.no_grad()
def project(
    program: Program,
    record: Record,
    at: Step,
    seed: Tensor,
    rule: Rule = DECONVNET,
    stale: Callable[[], bool] = never,
) -> Tensor:
    """Carry the signal `seed`, shaped like the activations of step `at`, down to the pixels (N, C, H, W)."""
    signals: dict[Step, Tensor] = {at: seed}
    for step in program.downward_from(at):
        if step not in signals:
            continue
        if stale():
            raise Cancelled
        assert step.op is not None
        parts = step.op.project(signals.pop(step), record.kept[step], rule)
        for source, part in zip(step.inputs, parts, strict=True):
            if part is not None:
                signals[source] = signals[source] + part if source in signals else part
    return signals[program.input]


@dataclass(frozen=True, eq=False)
class Units:
    """Units of one layer to be projected: which image, feature map, row and column; each (n,) int64."""

    image: Tensor
    feature: Tensor
    row: Tensor
    column: Tensor

    def __len__(self) -> int:
        return len(self.image)

    def __getitem__(self, chosen: slice) -> Units:
        return Units(self.image[chosen], self.feature[chosen], self.row[chosen], self.column[chosen])


@dataclass(frozen=True, eq=False)
class Patches:
    """Projections on the places where they can differ from zero."""

    pixels: Tensor  # (n, C, h, w), on the program's device
    top: Tensor  # (n,) first row of each patch on the image, int64
    left: Tensor  # (n,) first column
    activation: Tensor  # (n,) of the projected units

    def on_image(self, index: int, height: int, width: int) -> Tensor:
        """One projection in its place on an image of zeros, (C, height, width)."""
        canvas = self.pixels.new_zeros((self.pixels.shape[1], height, width))
        top, left = int(self.top[index]), int(self.left[index])
        canvas[:, top : top + self.pixels.shape[2], left : left + self.pixels.shape[3]] = self.pixels[index]
        return canvas


def project_units(
    program: Program,
    images: Tensor,
    at: Step,
    units: Units,
    rule: Rule = DECONVNET,
    crop: bool = True,
    chunk: int = 64,
    stale: Callable[[], bool] = never,
) -> Patches:
    """Project single units of layer `at`, each multiplied by its activation.

    `images` is (N, C, H, W), preprocessed. By default each unit is computed on a crop of the image around its
    receptive field, which is exact, since nothing else reaches the unit, and much less work; units whose crop would
    be the whole image share one forward pass an image. `chunk` projections go down at once.
    """
    cuts = _Cuts.of(at, units, images.shape[2:], crop)
    run = _on_images if cuts.size == tuple(images.shape[2:]) else _on_crops
    pieces = [
        run(program, images, at, units[start : start + chunk], cuts[start : start + chunk], rule, stale)
        for start in range(0, len(units), chunk)
    ]
    pixels, activations = (torch.cat(part) for part in zip(*pieces, strict=True))
    return Patches(pixels, cuts.top, cuts.left, activations)


@dataclass(frozen=True, eq=False)
class _Cuts:
    """Where the image is cut for each unit, and what the unit's row and column are on the cut."""

    size: tuple[int, int]
    top: Tensor
    left: Tensor
    row: Tensor
    column: Tensor

    @classmethod
    def of(cls, at: Step, units: Units, image: tuple[int, ...], crop: bool) -> _Cuts:
        (top, height, row), (left, width, column) = (
            _cut_axis(at, axis, positions, pixels, crop)
            for axis, (positions, pixels) in enumerate(zip((units.row, units.column), image, strict=True))
        )
        return cls((height, width), top, left, row, column)

    def __getitem__(self, chosen: slice) -> _Cuts:
        return _Cuts(self.size, self.top[chosen], self.left[chosen], self.row[chosen], self.column[chosen])


def _cut_axis(at: Step, axis: int, positions: Tensor, pixels: int, crop: bool) -> tuple[Tensor, int, Tensor]:
    """Along one axis: where each cut starts, how long all are, and the unit's position on its cut."""
    field = at.fields[axis]
    if not crop or any(field.whole for field in at.fields):
        return torch.zeros_like(positions), pixels, positions
    cuts = [field.crop(int(position), pixels) for position in positions]
    starts = torch.tensor([start for start, _ in cuts], dtype=torch.int64)
    return starts, cuts[0][1], positions - starts // field.stride


def _on_crops(
    program: Program, images: Tensor, at: Step, units: Units, cuts: _Cuts, rule: Rule, stale: Callable[[], bool]
) -> tuple[Tensor, Tensor]:
    height, width = cuts.size
    corners = zip(units.image.tolist(), cuts.top.tolist(), cuts.left.tolist(), strict=True)
    crops = torch.stack([images[i, :, top : top + height, left : left + width] for i, top, left in corners])
    record = forward(program, crops, [at], rule, stale)
    seed, activation = _seed(record.activations[at], torch.arange(len(units)), units.feature, cuts)
    return project(program, record, at, seed, rule, stale), activation


def _on_images(
    program: Program, images: Tensor, at: Step, units: Units, cuts: _Cuts, rule: Rule, stale: Callable[[], bool]
) -> tuple[Tensor, Tensor]:
    used, which = units.image.unique(return_inverse=True)
    if len(used) == len(units) or not all(step.batched for step in program.needed_for([at])):
        used, which = units.image, torch.arange(len(units))  # what is kept cannot be told apart by image
    record = forward(program, images[used.to(images.device)], [at], rule, stale)
    seed, activation = _seed(record.activations[at], which, units.feature, cuts)
    if len(used) < len(units):
        record = record.of_images(which.to(images.device))
    return project(program, record, at, seed, rule, stale), activation


def _seed(activations: Tensor, which: Tensor, feature: Tensor, cuts: _Cuts) -> tuple[Tensor, Tensor]:
    """Zeros like the activations of each unit's image, but for the unit itself; and the units' activations."""
    seed = activations.new_zeros((len(which), *activations.shape[1:]))
    here = (torch.arange(len(which)), feature, cuts.row, cuts.column)[: activations.ndim]
    values = activations[(which, *here[1:])]
    seed[here] = values
    return seed, values
