"""How differently features change when a part is hidden (§4.4, Fig. 8, Table 1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from zfwidgets.experiments.result import Result
from zfwidgets.experiments.schema import Bool, Float64, UInt8, check, within
from zfwidgets.renamed import renamed_property

if TYPE_CHECKING:
    import pandas

RANDOM = "random"

# Table 1: mean and spread, layer 5 and layer 7
_PAPER = {
    "right eye": ((0.067, 0.007), (0.069, 0.015)), "left eye": ((0.069, 0.007), (0.068, 0.013)),
    "nose": ((0.079, 0.017), (0.069, 0.011)), RANDOM: ((0.107, 0.017), (0.073, 0.014)),
}  # fmt: skip
# Of who looks into the camera, the right eye is on the left of the picture, as our own parts are named.
PAPER = _PAPER | {"eye on the left": _PAPER["right eye"], "eye on the right": _PAPER["left eye"]}


@dataclass(frozen=True, eq=False)
class Correspondence(Result):
    """How differently features change when a part is hidden: the share of signs in which two images differ (Table 1).

    What belongs to a part and a layer is found under "part/layer".
    """

    pictures: UInt8[np.ndarray, "images H W 3"]  # as the network gets them
    masks: dict[str, Bool[np.ndarray, "images H W"]]  # by part; empty for the images that have no such part
    baseline: UInt8[np.ndarray, "images H W 3"]  # what stands in hidden places
    differences: dict[str, Float64[np.ndarray, "*pairs"]]  # in 0…1: the share of signs that differ, of images with it
    chance: dict[str, Float64[np.ndarray, "draws *pairs"]]  # the same with the part's masks at random places
    names: tuple[str, ...]  # of the images
    parts: tuple[str, ...]
    layers: tuple[str, ...]
    network: str  # its name

    former_names: ClassVar = {"filler": "baseline"}
    filler = renamed_property("filler", "baseline")

    def verify(self) -> None:
        """Raise ValueError where fields contradict each other."""
        images, both = len(self.names), {f"{part}/{layer}" for part in self.parts for layer in self.layers}
        check(images == len(self.pictures), "there are not as many names as images")
        check(self.masks.keys() == set(self.parts), "something is missing for a part")
        check(self.differences.keys() == both == self.chance.keys(), "something is missing for a part and a layer")
        for part in self.parts:
            count = len(self.images_with(part))
            for key in (f"{part}/{layer}" for layer in self.layers):
                pairs = count * (count - 1) // 2
                check(len(self.differences[key]) == pairs > 0, f"{key} has not one number a pair of images")
                check(within(self.differences[key], 0, 1), f"{key} holds shares outside 0 to 1")
                check(within(self.chance[key], 0, 1), f"{key} holds shares by chance outside 0 to 1")

    @staticmethod
    def joined(results: Sequence[Correspondence]) -> Correspondence:
        """One result of several that have the same layers, each with parts of its own. An image that only some of them
        have is one without the others' parts."""
        names = tuple(dict.fromkeys(name for one in results for name in one.names))

        def gathered(images: str) -> np.ndarray:
            known = {
                name: image for one in results for name, image in zip(one.names, getattr(one, images), strict=True)
            }
            return np.stack([known[name] for name in names])

        def spread_out(masks: np.ndarray, own: tuple[str, ...]) -> np.ndarray:
            found = np.zeros((len(names), *masks.shape[1:]), bool)
            found[[names.index(name) for name in own]] = masks
            return found

        return replace(
            results[0],
            pictures=gathered("pictures"), baseline=gathered("baseline"), names=names,
            masks={part: spread_out(masks, one.names) for one in results for part, masks in one.masks.items()},
            differences={key: values for one in results for key, values in one.differences.items()},
            chance={key: values for one in results for key, values in one.chance.items()},
            parts=tuple(part for one in results for part in one.parts),
        )  # fmt: skip

    def images_with(self, part: str) -> tuple[str, ...]:
        """The names of the images between which a part is compared; "random": of all."""
        if part == RANDOM:
            return self.names
        return tuple(name for name, mask in zip(self.names, self.masks[part], strict=True) if mask.any())

    def delta(self, part: str, layer: str) -> float:
        """The mean over the pairs of images; "random" for masks at random places, of all parts."""
        return float(self._values(part, layer).mean())

    def spread(self, part: str, layer: str) -> float:
        """The standard deviation over the pairs; for "random", over pairs and draws. NaN where there is one pair."""
        values = self._values(part, layer)
        return float(values.std(ddof=1)) if values.size > 1 else float("nan")

    def p_value(self, part: str, layer: str) -> float:
        """How likely so low a Δ is by chance: the share of draws, the part itself counted as one, whose Δ is as low
        or lower. The paper gives no test."""
        drawn = self.chance[f"{part}/{layer}"].mean(1)
        return float((1 + (drawn <= self.delta(part, layer)).sum()) / (1 + len(drawn)))

    def hidden(self, part: str) -> np.ndarray:
        """The pictures with a part hidden, (images, H, W, 3) uint8 (Fig. 8); those without it are as they are."""
        return np.where(self.masks[part][..., None], self.baseline, self.pictures)

    def to_pandas(self) -> pandas.DataFrame:
        """Table 1: a row a part; the number of images with it; for each layer Δ, spread and p-value; and the
        paper's own numbers. Needs pandas."""
        import pandas

        rows: dict[str, dict[str, float]] = {}
        for part in (*self.parts, RANDOM):
            rows[part] = {"images": len(self.images_with(part))}
            for layer in self.layers:
                rows[part] |= {layer: self.delta(part, layer), f"{layer} spread": self.spread(part, layer)}
                rows[part][f"{layer} p"] = float("nan") if part == RANDOM else self.p_value(part, layer)
            nothing = (float("nan"), float("nan"))
            for place, number in enumerate((5, 7)):
                mean, spread = PAPER.get(part, (nothing, nothing))[place]
                rows[part] |= {f"paper, layer {number}": mean, f"paper, layer {number} spread": spread}
        return pandas.DataFrame.from_dict(rows, orient="index")

    def _values(self, part: str, layer: str) -> np.ndarray:
        if part == RANDOM:
            return np.concatenate([self.chance[f"{one}/{layer}"].ravel() for one in self.parts])
        if part not in self.parts or layer not in self.layers:
            raise ValueError(f"there are the parts {', '.join(self.parts)} and the layers {', '.join(self.layers)}")
        return self.differences[f"{part}/{layer}"]

    def __repr__(self) -> str:
        layer = self.layers[0]
        said = ", ".join(f"{part} {self.delta(part, layer):.3f}" for part in (*self.parts, RANDOM))
        return f"Correspondence({self.network}, {len(self.names)} images; {layer}: {said})"
