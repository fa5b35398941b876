"""The evolution of a network's features over a training (Fig. 4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from zfwidgets.drawing import signed_picture
from zfwidgets.experiments.evolution.snapshot import Snapshot
from zfwidgets.experiments.projection import robust_scale

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure

ROWS = ("strongest", "anchored")  # which image a map is looked at in: its strongest, or always the same


@dataclass(frozen=True)
class Outline:
    """What an evolution is of: the same for all its snapshots."""

    network: str  # the module's class, and a hash of its layers and their shapes
    images: str  # how many, and a hash of what the network reads
    layers: tuple[str, ...]
    titles: tuple[str, ...]  # of the layers
    features: dict[str, tuple[int, ...]]  # numbers of the maps that are recorded, by layer
    epochs: tuple[int, ...]  # at which snapshots are wanted
    size: tuple[int, int]  # of the pictures, pixels
    maps: tuple[tuple[int, int, int], ...]  # of each layer: how many, their rows and columns
    fields: tuple[tuple[int, int], ...]  # receptive fields of the layers' units, rows and columns, within the picture


@dataclass(frozen=True, eq=False)
class Evolution:
    """Snapshots of some feature maps at some epochs of a training, and its curves (Fig. 4).

    `Evolution.load(folder)` reads what an `EvolutionRecorder` has written so far; the training may still be running.
    """

    outline: Outline
    snapshots: tuple[Snapshot, ...]  # by epoch
    pictures: Mapping[int, np.ndarray]  # by the number of the image, (H, W, 3) uint8
    curves: Mapping[str, Mapping[int, float]] = field(default_factory=dict)  # by name and epoch: loss, accuracy, …
    damaged: tuple[str, ...] = ()  # files that are left out, and why

    @classmethod
    def load(cls, folder: Any) -> Evolution:
        """Read a recorder's folder. What is damaged is left out, and named in `damaged`.

        Raises ValueError where it is no recorder's folder, FileNotFoundError where there is none.
        """
        return _beside("folder").EvolutionFolder(folder).read()

    @property
    def epochs(self) -> tuple[int, ...]:
        """The epochs that there are snapshots of."""
        return tuple(snapshot.epoch for snapshot in self.snapshots)

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers that are recorded, in the order of the network."""
        return self.outline.layers

    def layer(self, name: str) -> str:
        """The name of a layer, given that or its title. Raises ValueError, with those there are."""
        known = dict(zip(self.outline.titles, self.layers, strict=True)) | {name: name for name in self.layers}
        if name not in known:
            raise ValueError(f"recorded are {', '.join(map(repr, self.layers))}; {name!r} was asked for")
        return known[name]

    def snapshot(self, epoch: int) -> Snapshot:
        """The snapshot of an epoch. Raises ValueError, with the epochs there are."""
        if epoch not in self.epochs:
            raise ValueError(f"there are snapshots of the epochs {', '.join(map(str, self.epochs))}, not of {epoch}")
        return self.snapshots[self.epochs.index(epoch)]

    def patch(self, epoch: int, layer: str, place: int, row: int = 0) -> np.ndarray:
        """What the unit saw, (h, w, 3) uint8; grey where its picture is missing."""
        snapshot = self.snapshot(epoch)
        top, left, bottom, right = snapshot.boxes[layer][row, place]
        picture = self.pictures.get(int(snapshot.images[layer][row, place]))
        if picture is None:
            return np.full((bottom - top, right - left, 3), 128, np.uint8)
        return picture[top:bottom, left:right]

    def scale(self, epoch: int, layer: str, place: int, row: int = 0) -> float:
        """What 99 of 100 pixels of a projection stay below in magnitude."""
        return robust_scale(self.snapshot(epoch).projection(layer, place, row))

    def tile(self, epoch: int, layer: str, place: int, row: int = 0, scale: float | None = None) -> np.ndarray:
        """A projection as a picture, (h, w, 3) uint8: zero is mid-grey, ±`scale` are the ends (by default its own).

        It has the size of the layer's receptive field; what hangs over the edge of the image is grey, too.
        """
        snapshot = self.snapshot(epoch)
        pixels = snapshot.projection(layer, place, row)
        picture = signed_picture(pixels, robust_scale(pixels) if scale is None else scale)
        return _in_the_middle(picture, snapshot.projections[layer].shape[-2:])

    def patch_tile(self, epoch: int, layer: str, place: int, row: int = 0) -> np.ndarray:
        """What the unit saw, in the same frame as `tile`, (h, w, 3) uint8."""
        return _in_the_middle(self.patch(epoch, layer, place, row), self.snapshot(epoch).projections[layer].shape[-2:])

    def changed_image(self, layer: str) -> np.ndarray:
        """Where another image than at the snapshot before is the strongest, (features, snapshots) bool: the sudden
        jumps in the paper's figure."""
        images = np.array([snapshot.images[layer][0] for snapshot in self.snapshots]).reshape(len(self.snapshots), -1)
        changed = np.zeros(images.shape, bool)
        changed[1:] = images[1:] != images[:-1]
        return changed.T

    def change(self, of: str = "activations") -> np.ndarray:
        """How much each layer has changed since the snapshot before, (layers, snapshots); NaN for the first.

        `of`: "activations", one minus the correlation of a map's activations in the same images, the median over the
        layer's maps; "weights", ‖ΔW‖ / ‖W‖. Raises ValueError for anything else.
        """
        if of not in ("activations", "weights"):
            raise ValueError(f'change is of "activations" or of "weights"; {of!r} was asked for')
        found = np.full((len(self.layers), len(self.snapshots)), np.nan)
        for column, snapshot in enumerate(self.snapshots):
            for line, layer in enumerate(self.layers):
                of_maps = snapshot.activation_change[layer] if of == "activations" else snapshot.weight_change[layer]
                known = of_maps[np.isfinite(of_maps)]
                found[line, column] = np.median(known) if len(known) else np.nan
        return found

    def plot(self, layer: str | None = None, row: str = "strongest", features: int = 8) -> Figure:
        """The paper's figure: a row a feature map, a column an epoch; by default of the last layer."""
        return _beside("figure").draw(
            self, self.layers[-1] if layer is None else self.layer(layer), checked_row(row), features
        )

    def to_pandas(self) -> pandas.DataFrame:
        """A line for each snapshot, layer, feature and row of the figure: activation, image, unit. Needs pandas."""
        import pandas

        lines = [
            {"epoch": snapshot.epoch, "layer": layer, "feature": int(feature), "shown": ROWS[row],
             "activation": float(snapshot.values[layer][row, place]), "image": int(snapshot.images[layer][row, place]),
             "row": int(snapshot.units[layer][row, place, 0]), "column": int(snapshot.units[layer][row, place, 1])}
            for snapshot in self.snapshots
            for layer in self.layers
            for place, feature in enumerate(snapshot.features[layer])
            for row in range(len(ROWS))
        ]  # fmt: skip
        return pandas.DataFrame(lines)

    def __repr__(self) -> str:
        maps = sum(map(len, self.outline.features.values()))
        damaged = f", {len(self.damaged)} files left out" if self.damaged else ""
        return f"Evolution({maps} maps of {len(self.layers)} layers at epochs {self.epochs}{damaged})"


def _in_the_middle(picture: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    down, across = size[0] - picture.shape[0], size[1] - picture.shape[1]
    sides = (down // 2, down - down // 2), (across // 2, across - across // 2)
    return np.pad(picture, (*sides, (0, 0)), constant_values=signed_picture(np.zeros((3, 1, 1)))[0, 0, 0])


def _beside(name: str) -> Any:
    """A module of this room that itself knows this one."""
    return import_module(f"{__name__.rpartition('.')[0]}.{name}")


def checked_row(row: str) -> int:
    """The number of a row. Raises ValueError for another name."""
    if row not in ROWS:
        raise ValueError(f"a row is {' or '.join(map(repr, ROWS))}; {row!r} was asked for")
    return ROWS.index(row)
