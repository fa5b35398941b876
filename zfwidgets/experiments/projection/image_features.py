"""What a feature responds to in one image: its activation map, and its projection down to pixels (§2, Fig. 2)."""

from __future__ import annotations

from functools import cached_property, lru_cache
from operator import index
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import torch
from torch import Tensor

from zfwidgets.backend.graph.layer import FeatureLayer
from zfwidgets.backend.graph.op import RULES, Rule
from zfwidgets.backend.graph.step import Step
from zfwidgets.backend.run import deconvnet
from zfwidgets.backend.run.deconvnet import project_units
from zfwidgets.backend.run.forward import Record, forward
from zfwidgets.backend.run.memory import within_memory
from zfwidgets.backend.run.units import Units
from zfwidgets.backend.surroundings import undisturbed
from zfwidgets.experiments.projection.result import Projection
from zfwidgets.models import Network, Prediction, require_network
from zfwidgets.renamed import with_task
from zfwidgets.task import UNWATCHED, Task

if TYPE_CHECKING:
    pass

Unit = tuple[int, int]


def project(
    net: Network,
    image: Any,
    layer: str,
    feature: int,
    unit: Literal["max", "all"] | Unit = "max",
    rule: str = "deconvnet",
    *,
    crop: bool = True,
) -> Projection:
    """Carry what one feature map found in an image back down to the pixels (§2).

    Args:
        net: the network.
        image: any image: a path, bytes, PIL image, array or tensor.
        layer: a name from `net.layers`.
        feature: which map of the layer, from 0.
        unit: "max" (the strongest unit of the map), a unit's (row, column), or "all" (the whole map at once).
        rule: how the signal passes rectifiers: "deconvnet" (the paper's), "gradient", or "guided" (both).
        crop: compute on the unit's receptive field only, which gives the same numbers sooner.

    Raises:
        ValueError: no such layer, feature, unit or rule; the message says what there is.
        TypeError: `net` is no network.
    """
    return ImageFeatures(net, image, crop).project(layer, feature, unit, rule)


class ImageFeatures:
    """One image in one network. What has been computed is remembered, so that looking again costs nothing."""

    def __init__(self, net: Network, image: Any, crop: bool = True) -> None:
        require_network(net)
        self._begin(net, *net.prepare(image), crop)

    @classmethod
    def of_input(cls, net: Network, picture: np.ndarray, x: Tensor, crop: bool = True) -> Self:
        """The same for what is prepared already: the picture (H, W, 3) uint8 and the network's input (C, H, W)."""
        require_network(net)
        features = cls.__new__(cls)
        features._begin(net, picture, x, crop)
        return features

    def _begin(self, net: Network, picture: np.ndarray, x: Tensor, crop: bool) -> None:
        self.net, self.picture, self.input, self.crop = net, picture, x, crop
        self._maps = lru_cache(maxsize=32)(self._compute_maps)
        self._record = lru_cache(maxsize=2)(self._compute_record)
        self._scores: Tensor | None = None  # the output, where a pass upward has come by it
        self._projections: dict[tuple, Projection] = {}

    @cached_property
    def prediction(self) -> Prediction:
        """What the network says: the probabilities of the classes, or their scores."""
        if self._scores is None or not self.net.classifies:
            return self.net.classify(self.input[None], ["image"])
        return self.net.prediction(self._scores, ["image"])

    def maps(self, layer: str) -> np.ndarray:
        """All feature maps of a layer, (channels, height, width) float32; a fully connected layer has maps of 1×1."""
        return self._maps(self.net.layer(layer).name)

    def strengths(self, layer: str) -> np.ndarray:
        """The activation of the strongest unit of every map of a layer, (channels,)."""
        return self.maps(layer).max(axis=(1, 2))

    def strongest(self, layer: str, feature: int) -> Unit:
        """Row and column of the strongest unit of a map (the first of equals)."""
        chosen = self.maps(layer)[self._feature(layer, feature)]
        row, column = np.unravel_index(int(chosen.argmax()), chosen.shape)
        return int(row), int(column)

    def over_image(self, layer: str, feature: int) -> np.ndarray:
        """A feature map over the image, (H, W) float32: at each pixel the unit whose field has its middle nearest."""
        values = self.maps(layer)[self._feature(layer, feature)]
        rows = [self.unit_at(layer, row, 0)[0] for row in range(self._size[0])]
        columns = [self.unit_at(layer, 0, column)[1] for column in range(self._size[1])]
        return values[np.ix_(rows, columns)]

    def field(self, layer: str, unit: Unit) -> tuple[int, int, int, int]:
        """The box of pixels that a unit sees: top, left, bottom, right (the last two excluded)."""
        return self.net.program.receptive_field(self.net.step(layer), *unit)

    def unit_at(self, layer: str, row: float, column: float) -> Unit:
        """The unit of a layer whose receptive field has its middle nearest to a pixel of the image."""
        step, shape = self.net.step(layer), self.net.layer(layer)
        places = zip(step.fields, (row, column), (shape.height, shape.width), self._size, strict=True)
        chosen = [field.nearest(pixel, units, pixels) for field, pixel, units, pixels in places]
        return chosen[0], chosen[1]

    @with_task
    def project(
        self,
        layer: str,
        feature: int,
        unit: Literal["max", "all"] | Unit = "max",
        rule: str = "deconvnet",
        task: Task = UNWATCHED,
    ) -> Projection:
        """As `zfwidgets.project`. `task` is asked on the way whether the result is still wanted."""
        layer = self.net.layer(layer).name
        feature = self._feature(layer, feature)
        chosen = self._unit(layer, feature, unit)
        key = layer, feature, chosen, _rule(rule).name
        if key not in self._projections:
            self._projections[key] = self._compute(layer, feature, chosen, _rule(rule), task)
            while len(self._projections) > 256:
                self._projections.pop(next(iter(self._projections)), None)
        return self._projections[key]

    @undisturbed()
    def _compute(self, layer: str, feature: int, unit: Unit | None, rule: Rule, task: Task) -> Projection:
        step = self.net.step(layer)
        if unit is None:
            activation, pixels = self._from_record(step, (0, feature), rule, task)
            height, width = self.picture.shape[:2]
            box = (0, 0, height, width)
        else:
            activation, pixels = self._one_unit(step, feature, unit, rule, task)
            box = self.net.program.receptive_field(step, *unit)
        array = pixels.float().cpu().numpy()
        return Projection(array, self.picture, activation, layer, feature, unit, box, rule.name)

    def _one_unit(self, step: Step, feature: int, unit: Unit, rule: Rule, task: Task) -> tuple[float, torch.Tensor]:
        if not self.crop or any(field.whole for field in step.fields):
            return self._from_record(step, (0, feature, *unit), rule, task)
        one = Units(*(torch.tensor([number]) for number in (0, feature, *unit)))
        patches = project_units(self.net.program, self.input[None], step, one, rule, task=task)
        return float(patches.activation[0]), patches.on_image(0, *self._size)

    @within_memory()
    def _from_record(self, step: Step, where: tuple, rule: Rule, task: Task) -> tuple[float, torch.Tensor]:
        """Down from some units of the full image, whose forward pass is remembered."""
        activations = self._activations(step)
        where = where[: activations.ndim]
        seed = torch.zeros_like(activations)
        seed[where] = activations[where]
        pixels = deconvnet.project(self.net.program, self._record(rule), step, seed, rule, task)
        return float(seed.sum()), pixels[0]

    @property
    def _size(self) -> tuple[int, int]:
        return self.picture.shape[0], self.picture.shape[1]

    def _activations(self, step: Step) -> torch.Tensor:
        maps = torch.from_numpy(self._maps(step.name)).to(self.net.device, self.net.dtype)
        return maps.reshape(1, *step.shape)

    @within_memory()
    @undisturbed()
    def _compute_maps(self, layer: str) -> np.ndarray:
        step = self.net.step(layer)
        maps = forward(self.net.program, self.input[None], [step]).activations[step][0]
        return maps.reshape(*(*maps.shape, 1, 1)[:3]).cpu().numpy()

    @within_memory()
    def _compute_record(self, rule: Rule) -> Record:
        record = forward(self.net.program, self.input[None], self.net.program.ends, rule)
        self._scores = record.activations.get(self.net.program.output)
        return record

    def _feature(self, layer: str, feature: int) -> int:
        return self.net.layer(layer).checked(feature)

    def _unit(self, layer: str, feature: int, unit: Any) -> Unit | None:
        checked = checked_unit(self.net.layer(layer), unit)
        if checked == "max":
            return self.strongest(layer, feature)
        return None if checked == "all" else checked


def checked_unit(layer: FeatureLayer, unit: Any) -> Any:
    """The unit as "max", "all" or (row, column). Raises ValueError when it is none, or outside the layer's maps."""
    if isinstance(unit, str) and unit in ("max", "all"):
        return unit
    try:
        row, column = map(index, unit)
    except (TypeError, ValueError):
        raise ValueError(f'unit is "max", "all", or a (row, column); {unit!r} was given') from None
    if not (0 <= row < layer.height and 0 <= column < layer.width):
        raise ValueError(
            f"layer {layer.name!r} has maps of {layer.height} rows and {layer.width} columns; "
            f"the unit {(row, column)} lies outside"
        )
    return row, column


def _rule(name: str) -> Rule:
    if name not in RULES:
        raise ValueError(f"the rules are {', '.join(map(repr, RULES))}; {name!r} was given")
    return RULES[name]
