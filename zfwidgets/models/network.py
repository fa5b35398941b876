"""A network to look into: a captured program, with what surrounds it — preprocessing, labels, a device."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from zfwidgets.backend.device import properties_of
from zfwidgets.backend.graph.layer import FeatureLayer
from zfwidgets.backend.graph.program import Program
from zfwidgets.backend.graph.step import Step
from zfwidgets.backend.ops.muted import Muted
from zfwidgets.backend.run.forward import forward
from zfwidgets.backend.run.memory import in_parts, within_memory
from zfwidgets.backend.surroundings import undisturbed
from zfwidgets.data import images
from zfwidgets.models.captured import captured
from zfwidgets.models.checks import best_device, checked_labels
from zfwidgets.models.fingerprint import fingerprint
from zfwidgets.models.lookup import class_number, find_layer, nearest_layers
from zfwidgets.models.main_layers import block_layers, class_layers, feature_layers, last_spatial, main_layers
from zfwidgets.models.prediction import Prediction
from zfwidgets.models.preprocess import Preprocess
from zfwidgets.models.reader import Reader
from zfwidgets.models.report import Report
from zfwidgets.models.scores import output_count, scores_of
from zfwidgets.renamed import renamed_property


class Network:
    """Any PyTorch convolutional network, ready to be looked into.

    The module is read, never changed: it is captured as in evaluation mode (dropout off, batch norm with the statistics
    of training), and its weights are copied, so training it further changes nothing here.

    Args:
        module: any `torch.nn.Module` from one batch of images (N, C, H, W) to a tensor; or a captured `Program`.
        size: height and width of its input in pixels, or one number for both.
        labels: names of the classes, in the order of the output, all different; or a dictionary {number: name} or
            {name: number}. One output may have two labels: it is then about the second one.
        preprocess: from a photograph to the input. None: scale and crop to `size`, ImageNet's mean and standard
            deviation. Or a `Preprocess`, a torchvision preset, or any function from a PIL image to a tensor (C, H, W).
        device: "auto" (CUDA, else Apple's MPS, else CPU) or any torch device.
        name: what to call it; the module's class by default.
        channels: input channels; by default three, else as many as the first convolution reads, else one: the first
            of these that the module takes.
        output: which of several results is the output: its key in a dictionary, its place in a list, or several of
            these from the outside in. By default, what is called `logits` or the like, else the first vector, else the
            smallest maps; the report says which.
        scores: what the output says of the classes. "auto" asks the network's last operations: what ends in softmax,
            sigmoid or their logarithms gives its own probabilities; one output with two labels is taken for a logit of
            the second, another single output for a number that is no probability, several for logits that softmax makes
            probabilities (`report()` says which, and why). "softmax" and "sigmoid" (labels that do not exclude each
            other) are put on raw outputs; on a network that ends in the same they change nothing. "none" leaves the
            output as it is.

    Raises:
        ValueError: the module cannot be captured (the message names the place), its weights are not finite, or the
            labels are not one for each class; or scores make no sense of the output, such as "softmax" of sigmoids.
        TypeError: it is not a module; or labels without an order.
    """

    def __init__(
        self,
        module: nn.Module | Program,
        size: int | tuple[int, int] = 224,
        labels: Iterable[str] | Mapping[Any, Any] | None = None,
        preprocess: Any = None,
        device: str | torch.device = "auto",
        *,
        name: str | None = None,
        channels: int | None = None,
        output: str | int | tuple[str | int, ...] | None = None,
        scores: str = "auto",
    ) -> None:
        self.source = ""  # the expression that makes it, where it is known
        self.device = best_device(device)
        found = captured(module, size, preprocess, channels, output, self.device)
        self.program, self.preprocess, self.notes = found.program, found.preprocess, found.notes
        self.dtype = found.dtype
        self.name = name or found.name
        self.labels = checked_labels(labels, output_count(self.program), self.program.output.shape)
        self.scores = scores_of(self.program, scores, self.labels)
        if not self.layers:
            raise ValueError(
                f"{self.name} has no layer to look at: no step gives feature maps (N, C, H, W) or a vector (N, C)"
            )

    def __repr__(self) -> str:
        channels, height, width = self.program.input.shape
        return f"Network({self.name}: {channels}×{height}×{width}, {len(self.layers)} layers, on {self.device})"

    @property
    def layers(self) -> tuple[FeatureLayer, ...]:
        """Every layer whose feature maps can be looked at, in the order of computation."""
        return self.program.layers

    @cached_property
    def main_layers(self) -> tuple[FeatureLayer, ...]:
        """The layers to look at first: those through which everything passes, after their rectifier."""
        return main_layers(self.program)

    @cached_property
    def feature_layers(self) -> tuple[FeatureLayer, ...]:
        """The main layers whose features are not the classes themselves."""
        return feature_layers(self.program)

    @cached_property
    def block_layers(self) -> tuple[FeatureLayer, ...]:
        """The feature layers less pools and bottlenecks: one a block, in most networks."""
        return block_layers(self.feature_layers)

    @cached_property
    def _class_layers(self) -> frozenset[str]:
        return class_layers(self.program)

    def class_of(self, layer: str, feature: int) -> str:
        """The label of the class that a feature map stands for; "" where the layer's maps are not the classes."""
        found = self.layer(layer)
        return self.labels[found.checked(feature)] if found.name in self._class_layers else ""

    def seen_from(self, layer: str) -> str:
        """What a unit of a layer sees, in words: "47×47 pixels"; never more than there is."""
        found, image = self.layer(layer), self.program.input.shape[1:]
        if found.whole or all(field >= size for field, size in zip(found.receptive_field, image, strict=True)):
            return "the whole image" if found.whole or found.units == 1 else "up to the whole image"
        return "{}×{} pixels".format(*map(min, found.receptive_field, image))

    def crop_of(self, height: int, width: int) -> tuple[float, ...]:
        """What it sees of an image of that size: top, left, bottom, right, as parts of its height and width.

        Empty where nobody knows: with a preprocessing of one's own.
        """
        return self.preprocess.crop_of(height, width) if isinstance(self.preprocess, Preprocess) else ()

    @property
    def last_spatial_layer(self) -> FeatureLayer:
        """The last feature layer with maps of more than one unit: what the paper's layer 5 is to its network."""
        return last_spatial(self.feature_layers)

    read = renamed_property("read", "reader.read")
    item = renamed_property("item", "reader.item")
    watched_layer = renamed_property("watched_layer", "last_spatial_layer")

    def layer_names(self, layers: str | Sequence[str] | None, default: Iterable[FeatureLayer]) -> tuple[str, ...]:
        """Names of layers, checked, in the order of the network: "all", one name or title, several, or None for the
        default."""
        if layers is None or isinstance(layers, str):
            wanted = default if layers is None else self.layers if layers == "all" else [self.layer(layers)]
        else:
            wanted = map(self.layer, layers)
        chosen = {layer.name for layer in wanted}
        return tuple(layer.name for layer in self.layers if layer.name in chosen)

    def layer(self, name: str) -> FeatureLayer:
        """The layer of that name or title (`conv 1`, in any spelling). Raises ValueError with the nearest when there is
        none."""
        found = find_layer(self.layers, name)
        if found is None:
            near = ", ".join(nearest_layers(self.layers, name))
            raise ValueError(f"{self.name} has no layer {name!r}; near it: {near} (all: net.layers)")
        return found

    @undisturbed()
    def on(self, device: str | torch.device) -> Network:
        """The same network on another device ("auto": the best one here)."""
        chosen = best_device(device)
        if chosen == self.device:
            return self
        moved = copy(self)
        moved.device, moved.program = chosen, self.program.to(chosen, self.dtype)
        return moved

    @undisturbed()
    def without(self, layer: str, features: int | Sequence[int], fill: str = "zero") -> Network:
        """The same network with some feature maps of a layer taken out: to ask what they are good for.

        With `fill="mean"` each keeps its mean over the image instead of 0, so that only what it says of places is
        lost. Down through them no signal goes. Raises ValueError for a layer, map or filling that there is not.
        """
        found, step = self.layer(layer), self.step(layer)
        if fill not in ("zero", "mean"):
            raise ValueError(f'a map is filled with its "mean" or with "zero"; {fill!r} was given')
        numbers = [found.checked(each) for each in np.atleast_1d(np.asarray(features, dtype=object)).tolist()]
        out = torch.zeros(found.channels, dtype=torch.bool, device=self.device)
        out[numbers] = True
        assert step.op is not None
        changed = copy(self)
        changed.program = self.program.with_op(step, Muted(step.op, out, fill == "mean"))
        changed.source = self.source and f"{self.source}.without({found.name!r}, {numbers}, {fill!r})"
        changed.__dict__.pop("fingerprint", None)
        return changed

    @undisturbed()
    def reinitialised(self, seed: int = 0) -> Network:
        """The same network before any training: what it learnt shows beside what its architecture gives.

        The weights of convolutions and linear layers are drawn as He did, their biases are 0, batch norms do nothing.
        Everything else stays as it is, such as other constants that were learnt.
        """
        changed = copy(self)
        changed.program = self.program.reinitialised(torch.Generator().manual_seed(seed))
        changed.name = f"{self.name}, new weights"
        changed.source = self.source and f"{self.source}.reinitialised({seed})"
        changed.__dict__.pop("fingerprint", None)
        return changed

    def step(self, layer: str) -> Step:
        """The program's step behind a layer, by its name or title, as `layer`."""
        return self.program.by_name[self.layer(layer).name]

    @undisturbed()
    def prepare(self, image: Any) -> tuple[np.ndarray, Tensor]:
        """Any image as the network gets it: the picture (H, W, 3) uint8, and its input (C, H, W) on the device."""
        pixels, x = self.reader.read(image)
        return pixels, x.to(self.device, self.dtype)

    @property
    def reader(self) -> Reader:
        """What reads images for it, without its weights: for processes that only read."""
        return Reader(self.preprocess, self.program.input.shape, self.name)

    @undisturbed()
    def batch(self, images: Sequence[Any]) -> Tensor:
        """Any images as one input, (N, C, H, W) on the device."""
        x = torch.stack([self.prepare(image)[1] for image in images])
        return x.to(memory_format=torch.channels_last) if properties_of(self.device).channels_last else x

    def predict(self, source: Any) -> Prediction:
        """The probabilities of the classes for one image or many (their scores, where they are no probabilities).

        Raises ValueError when the network does not end in one score a class.
        """
        collection = images(source)
        items, names = [self.reader.item(collection, place) for place in range(len(collection))], collection.names
        parts = in_parts([slice(0, len(items))], lambda some: self.classify(self.batch(items[some]), names[some]))
        found = [part for _, part in parts]
        return replace(found[0], probability=np.concatenate([part.probability for part in found]), names=names)

    @within_memory()
    def classify(self, x: Tensor, names: Sequence[str]) -> Prediction:
        """The same for inputs (N, C, H, W) that are prepared already."""
        self.check_classes()
        scores = forward(self.program, x, [self.program.output]).activations[self.program.output]
        return self.prediction(scores, names)

    def prediction(self, output: Tensor, names: Sequence[str]) -> Prediction:
        """What the network's output, (N, classes) or (N,), says of N images of these names."""
        return Prediction(self.probabilities(output), self.labels, tuple(names), self.scores.meaning)

    def check_classes(self) -> None:
        """Raise ValueError when the network does not end in one score a class."""
        if not self.classifies:
            shape = self.program.output.shape
            raise ValueError(f"{self.name} ends in an output of shape {shape}, not in one score a class")

    @undisturbed()
    def probabilities(self, output: Tensor) -> np.ndarray:
        """Of the classes, (N, classes) float32, from the network's output; its scores where these are no
        probabilities."""
        return self.scores.of(output).float().cpu().numpy()

    def class_number(self, target: int | str) -> int:
        """The number of a class given by its number or label. Raises ValueError with the nearest labels when there is
        none."""
        return class_number(self.labels, target, self.name)

    @property
    def classifies(self) -> bool:
        """Whether the output is one score a class."""
        return output_count(self.program) > 0

    @cached_property
    def fingerprint(self) -> str:
        """Sixteen letters that are the same for the same steps, weights and preprocessing, and for no others."""
        return fingerprint(self.program, self.preprocess)

    def report(self) -> Report:
        """What is known of the network: its layers and costs, and where the deconvnet has no rule of its own."""
        return Report.of(self.name, self.program, (*self.notes, *self.program.notes, self.scores.why))
