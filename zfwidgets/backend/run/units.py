"""Single units of a layer, and what they look like once they are projected."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, eq=False)
class Units:
    """Units of one layer to be projected: which image, feature map, row and column; each (n,) int64."""

    image: Tensor
    feature: Tensor
    row: Tensor
    column: Tensor

    def __len__(self) -> int:
        return len(self.image)

    def __getitem__(self, chosen: slice | Tensor) -> Units:
        return Units(self.image[chosen], self.feature[chosen], self.row[chosen], self.column[chosen])


@dataclass(frozen=True, eq=False)
class Patches:
    """Projections on the places where they can differ from zero."""

    pixels: Tensor  # (n, C, h, w), on the program's device; zero beyond the edge of the image
    top: Tensor  # (n,) first row of each patch on the image, int64; negative where it begins above the edge
    left: Tensor  # (n,) first column
    activation: Tensor  # (n,) of the projected units

    def on_image(self, index: int, height: int, width: int) -> Tensor:
        """One projection in its place on an image of zeros, (C, height, width)."""
        return cut(self.pixels[index], -int(self.top[index]), -int(self.left[index]), height, width)


def cut(image: Tensor, top: int, left: int, height: int, width: int, beyond: float = 0) -> Tensor:
    """A window of (…, H, W); `beyond` is put where it reaches over the edge."""
    inside = image[..., max(top, 0) : max(top + height, 0), max(left, 0) : max(left + width, 0)]
    if inside.shape[-2:] == (height, width):
        return inside
    canvas = image.new_full((*image.shape[:-2], height, width), beyond)
    if inside.numel():
        down, across = max(-top, 0), max(-left, 0)
        canvas[..., down : down + inside.shape[-2], across : across + inside.shape[-1]] = inside
    return canvas
