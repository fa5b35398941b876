"""Look at some feature maps of a network in the same images, once more after each epoch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from zfwidgets.backend.graph.op import DECONVNET
from zfwidgets.backend.graph.step import Step
from zfwidgets.backend.run.deconvnet import project_units
from zfwidgets.backend.run.forward import forward
from zfwidgets.backend.run.memory import in_parts, parts_of
from zfwidgets.backend.run.units import Units, cut
from zfwidgets.experiments.evolution.change import State, sample_places, weights_by_layer
from zfwidgets.experiments.evolution.choice import field_of
from zfwidgets.experiments.evolution.result import ROWS
from zfwidgets.experiments.evolution.snapshot import Snapshot
from zfwidgets.models import Network

AT_ONCE = 32  # images that go up together
LARGEST_FILTERS = 128  # of the first layer that are kept
HALF = 60_000.0  # what half precision holds


def take_snapshot(watch: Watch, anchors: dict[str, np.ndarray], since: State | None) -> Snapshot:
    """What was seen, with projections; `anchors` that are not known yet become the images of the strongest."""
    parts = {layer: _projected(watch, layer) for layer in watch.features}
    for layer in watch.features:
        anchors.setdefault(layer, watch.images[layer][0].copy())
    return Snapshot(
        epoch=watch.epoch,
        features={layer: chosen.astype(np.int32) for layer, chosen in watch.features.items()},
        values=watch.values,
        images={layer: images.astype(np.int32) for layer, images in watch.images.items()},
        units={layer: units.astype(np.int16) for layer, units in watch.units.items()},
        **{name: {layer: part[name] for layer, part in parts.items()} for name in ("boxes", "projections", "scales")},
        weight_change=watch.state.weight_change(since),
        activation_change=watch.state.activation_change(since),
        filters=_first_filters(watch.net),
    )


class Watch:
    """The strongest activations of some maps over images that come by, and those in the anchored ones."""

    def __init__(
        self, net: Network, inputs: Sequence[Tensor], features: dict[str, np.ndarray], anchors: dict[str, np.ndarray],
        epoch: int, seed: int,
    ) -> None:  # fmt: skip
        self.net, self.inputs, self.features, self.anchors, self.epoch = net, inputs, features, anchors, epoch
        shape = {layer: (len(ROWS), len(chosen)) for layer, chosen in features.items()}
        self.values = {layer: np.full(size, -np.inf, np.float32) for layer, size in shape.items()}
        self.images = {layer: np.zeros(size, np.int64) for layer, size in shape.items()}
        self.units = {layer: np.zeros((*size, 2), np.int64) for layer, size in shape.items()}
        known = {layer: net.layer(layer) for layer in features}
        self.places = {name: sample_places(layer.units, len(inputs), seed) for name, layer in known.items()}
        self.samples = {
            name: np.zeros((layer.channels, len(self.places[name][0])), np.float32) for name, layer in known.items()
        }
        for _ in in_parts(parts_of(len(inputs), AT_ONCE), self._look):
            pass

    @property
    def state(self) -> State:
        """What the next snapshot is compared with."""
        return State(self.epoch, weights_by_layer(self.net.program, list(self.features)), self.samples)

    def _look(self, some: slice) -> None:
        """Look at some of the images, later ones than before."""
        steps = {self.net.step(layer): layer for layer in self.features}
        x = torch.stack(list(self.inputs[some])).to(self.net.device, self.net.dtype)

        def visit(step: Step, maps: Tensor) -> None:
            maps = maps.float()
            self._seen(steps[step], maps.flatten(2) if maps.ndim > 2 else maps[..., None], some.start)

        forward(self.net.program, x, steps, visit=visit)

    def _seen(self, layer: str, maps: Tensor, start: int) -> None:
        """Maps (n, C, units) of a layer."""
        image, unit = self.places[layer]
        here = np.flatnonzero((image >= start) & (image < start + len(maps)))
        rows, columns = (torch.from_numpy(x[here]).to(maps.device) for x in (image - start, unit))
        self.samples[layer][:, here] = maps[rows, :, columns].T.cpu().numpy()
        chosen = maps[:, torch.from_numpy(self.features[layer]).to(maps.device)]
        peak, place = (part.cpu().numpy() for part in chosen.max(2))  # the first of equals
        best = peak.argmax(0)
        among = np.arange(peak.shape[1])
        stronger = peak[best, among] > self.values[layer][0]
        self._enter(layer, 0, stronger, peak[best, among], best + start, place[best, among])
        anchors = self.anchors.get(layer)
        if anchors is None:  # they become those of the strongest
            self._enter(layer, 1, stronger, peak[best, among], best + start, place[best, among])
            return
        inside = (anchors >= start) & (anchors < start + len(maps))
        local = np.where(inside, anchors - start, 0)
        self._enter(layer, 1, inside, peak[local, among], anchors, place[local, among])

    def _enter(
        self, layer: str, row: int, which: np.ndarray, values: np.ndarray, images: np.ndarray, places: np.ndarray
    ) -> None:
        units = np.stack(np.divmod(places, self.net.layer(layer).width), axis=1)
        self.values[layer][row, which] = values[which]
        self.images[layer][row, which] = images[which]
        self.units[layer][row, which] = units[which]


def _projected(watch: Watch, layer: str) -> dict[str, np.ndarray]:
    """Boxes (rows, features, 4), projections in them in half precision, and what these are to be multiplied by."""
    net, inputs, images = watch.net, watch.inputs, watch.images[layer]
    step = net.step(layer)
    used, which = np.unique(images, return_inverse=True)
    rows, columns = watch.units[layer].reshape(-1, 2).T
    numbers = which.ravel(), np.tile(watch.features[layer], len(images)), rows, columns
    chosen = Units(*(torch.from_numpy(np.ascontiguousarray(column, np.int64)) for column in numbers))
    patches = project_units(net.program, [inputs[n].to(net.device, net.dtype) for n in used], step, chosen, DECONVNET)
    field = field_of(net.layer(layer), (net.program.input.shape[1], net.program.input.shape[2]))
    boxes = [net.program.receptive_field(step, row, column) for row, column in zip(rows.tolist(), columns.tolist(),
                                                                                   strict=True)]  # fmt: skip
    pixels = np.zeros((len(boxes), *inputs[0].shape[:1], *field), np.float32)
    for place, (top, left, bottom, right) in enumerate(boxes):
        down, across = top - int(patches.top[place]), left - int(patches.left[place])
        part = cut(patches.pixels[place], down, across, bottom - top, right - left)
        pixels[place, :, : bottom - top, : right - left] = part.float().cpu().numpy()
    pixels = np.nan_to_num(pixels)  # of a training that has diverged
    scales = np.maximum(np.abs(pixels).reshape(len(pixels), -1).max(1), np.finfo(np.float32).tiny)
    return {
        "boxes": np.array(boxes, np.int16).reshape(*images.shape, 4),
        "projections": (pixels / scales[:, None, None, None])
        .astype(np.float16)
        .reshape(*images.shape, *pixels.shape[1:]),
        "scales": scales.reshape(images.shape),
    }


def _first_filters(net: Network) -> np.ndarray:
    """Of the first layer that has filters, (n, channels, rows, columns); none where there is none."""
    for step in net.program.steps:
        weight = getattr(step.op, "weight", None)
        if isinstance(weight, Tensor) and weight.ndim == 4:
            return weight.detach()[:LARGEST_FILTERS].clamp(-HALF, HALF).cpu().to(torch.float16).numpy().copy()
    return np.zeros((0, 0, 0, 0), np.float16)
