"""Record how features form while a network trains, without disturbing it (Fig. 4)."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor, nn

from zfwidgets.backend.capture.wrappers import unwrapped
from zfwidgets.backend.random_states import states_kept
from zfwidgets.backend.surroundings import undisturbed
from zfwidgets.data import images as as_collection
from zfwidgets.experiments.evolution.change import State
from zfwidgets.experiments.evolution.choice import outline_of
from zfwidgets.experiments.evolution.folder import Curves, EvolutionFolder
from zfwidgets.experiments.evolution.look import Watch, take_snapshot
from zfwidgets.experiments.evolution.result import Evolution, Outline
from zfwidgets.experiments.evolution.snapshot import Snapshot
from zfwidgets.models import Network
from zfwidgets.models.live import LiveModule

EPOCHS = (1, 2, 5, 10, 20, 30, 40, 64)  # the paper's


class EvolutionRecorder:
    """Takes snapshots of feature maps while a network trains (Fig. 4).

    In a loop of one's own, call `recorder.record(model, epoch)` after each epoch; `zf.train(…, recorder=recorder)` and
    `Trainer(callbacks=[recorder.callback()])` do it themselves. It never disturbs the training: losses are the same to
    the last bit with it and without. The network is captured once and read in evaluation mode on its own parameters;
    each of its parts keeps its mode, and the random numbers of torch, CUDA, NumPy and Python stay as they were.

    A snapshot holds for each feature map its strongest activation over the images (the paper's row) and its strongest
    in one image that stays the same (the *anchored* row: the image that was its strongest at the first snapshot), each
    with its place and its projection; the first layer's filters; and how much each layer has changed.

    Args:
        images: what to look at, whatever `zf.images` takes; a few hundred are enough.
        layers: names or titles; by default up to five rectified layers with maps, spread over the network.
        features: how many maps of each layer, chosen at random; or their numbers, or {layer: numbers}.
        epochs: after which to take a snapshot; by default the paper's.
        path: a folder to write to as the training goes on, for `zf.EvolutionPlayer` and `zf.Evolution.load` in any
            process. None: in memory only.
        size, preprocess: as for `zf.Network`; by default the training's own, where `zf.train` runs it.
        anchors: for each layer the numbers of the images of the anchored row, one a map; where a training has come to
            its end before, its last snapshot tells the most telling ones. By default those of the first snapshot.
        seed: of the choice of maps.

    Raises:
        ValueError: no image, or a number of epochs or features that is none.
    """

    def __init__(
        self,
        images: Any,
        layers: str | Sequence[str] | None = None,
        features: int | Sequence[int] | Mapping[str, Sequence[int]] = 16,
        epochs: Sequence[int] = EPOCHS,
        path: str | os.PathLike[str] | None = None,
        *,
        size: int | tuple[int, int] | None = None,
        preprocess: Any = None,
        anchors: Mapping[str, Sequence[int]] | None = None,
        seed: int = 0,
    ) -> None:
        self.images = as_collection(images)
        self.layers, self.features, self.seed = layers, features, seed
        self.epochs = _checked_epochs(epochs)
        self.size, self.preprocess = size, preprocess
        self.folder = None if path is None else EvolutionFolder(path)
        self.outline: Outline | None = None
        self.curves: Curves = {}
        self._snapshots: dict[int, Snapshot] = {}
        self._pictures: dict[int, np.ndarray] = {}  # all, as the network gets them
        self._shown: dict[int, np.ndarray] = {}  # those that snapshots speak of
        self._inputs: list[Tensor] = []
        self._given_anchors = {layer: np.array(numbers, np.int64) for layer, numbers in (anchors or {}).items()}
        self._anchors = dict(self._given_anchors)
        self._states: list[State] = []  # what the next snapshot is compared with: the last
        self._live: LiveModule | None = None
        self._failed = False  # the folder cannot be written, and that has been said

    def of_training(self, size: int, preprocess: Any) -> None:
        """Take over how a training reads its images, where nothing else was said."""
        self.size = self.size or size
        self.preprocess = self.preprocess or preprocess

    def start(self, model: nn.Module, epoch: int = 0) -> None:
        """Look at a model before its first step, so that the first snapshot knows how far it has come.

        `record` does it itself, without that. Raises ValueError where the model cannot be captured, has no such layer,
        or the folder holds another training.
        """
        with states_kept(), undisturbed():
            net = self._network(model)
            if epoch == 0:
                self._forget_from(0)
                self._keep(self._watch(net, 0).state)

    def record(self, model: nn.Module, epoch: int, **numbers: float) -> Snapshot | None:
        """Take a snapshot after an epoch, counted from 1, if it is one of `epochs`; otherwise only keep its numbers.

        Args:
            model: the module that is being trained, in any mode, wrapped or not.
            epoch: how many are done.
            numbers: what the epoch came to, such as `train_loss` and `validation_accuracy`: drawn beside the film.

        Returns the snapshot, or None. A full disk or a vanished folder is a warning, once; the training goes on.
        """
        with states_kept(), undisturbed():
            snapshot, pictures = self._take(model, epoch) if epoch in self.epochs else (None, {})
            self.curves = _until(self.curves, epoch)
            for name, value in numbers.items():
                if math.isfinite(value):
                    self.curves.setdefault(name, {})[int(epoch)] = float(value)
            self._write(snapshot, pictures)
        return snapshot

    def callback(self, module: nn.Module | None = None, curves: Mapping[str, Sequence[float]] | None = None) -> Any:
        """For Lightning: `Trainer(callbacks=[recorder.callback()])` records after each epoch.

        Args:
            module: what is recorded, where it is a part of the LightningModule; by default the whole.
            curves: number by number what each epoch came to, growing; by default what the training logs.
        """
        from zfwidgets.experiments.evolution.lightning import Recording

        return Recording(self, module, curves)

    @property
    def evolution(self) -> Evolution:
        """The evolution so far. Raises ValueError before the first snapshot."""
        if self.outline is None:
            raise ValueError("nothing has been recorded yet: call recorder.record(model, epoch) in the training")
        found = tuple(self._snapshots[epoch] for epoch in sorted(self._snapshots))
        return Evolution(self.outline, found, dict(self._shown), {name: dict(c) for name, c in self.curves.items()})

    def _network(self, model: nn.Module) -> Network:
        inside = unwrapped(model)
        if self._live is None or self._live.module is not inside:
            self._live = LiveModule(inside, self.size or getattr(inside, "size", 224), self.preprocess)
        net = self._live.network()
        if self.outline is None:
            self._begin(net)
        return net

    def _begin(self, net: Network) -> None:
        read = [net.reader.read_from(self.images, number) for number in range(len(self.images))]
        self._pictures, self._inputs = {n: picture for n, (picture, _) in enumerate(read)}, [x for _, x in read]
        outline = outline_of(net, self._inputs, self.layers, self.features, self.epochs, self.seed)
        self._given_anchors = _checked_anchors(self._given_anchors, outline, len(read))
        self._anchors = dict(self._given_anchors)
        if self.folder is not None:
            self._go_on(self.folder, outline)
        self.outline = outline

    def _go_on(self, folder: EvolutionFolder, outline: Outline) -> None:
        """Begin the folder; or take over what a training that was stopped has recorded there."""
        try:
            folder.begin(outline)
            found = folder.read()
        except OSError as error:
            self._warn(error)
            return
        self._snapshots = {snapshot.epoch: snapshot for snapshot in found.snapshots}
        self._shown = dict(found.pictures)
        own = min((epoch for curve in self.curves.values() for epoch in curve), default=math.inf)
        former = _until(found.curves, own)
        self.curves = {name: former.get(name, {}) | self.curves.get(name, {}) for name in former | self.curves}
        if found.snapshots:
            self._anchors = {layer: images[1].astype(np.int64) for layer, images in found.snapshots[0].images.items()}

    def _take(self, model: nn.Module, epoch: int) -> tuple[Snapshot, dict[int, np.ndarray]]:
        """A snapshot, and the pictures in it that no earlier one has."""
        net = self._network(model)
        self._forget_from(epoch)
        watch = self._watch(net, epoch)
        snapshot = take_snapshot(watch, self._anchors, self._states[-1] if self._states else None)
        new = {number: self._pictures[number] for number in sorted(_numbers_in(snapshot) - self._shown.keys())}
        self._shown |= new  # first: who reads along finds the pictures of every snapshot
        self._snapshots[epoch] = snapshot
        self._keep(watch.state)
        return snapshot, new

    def _watch(self, net: Network, epoch: int) -> Watch:
        assert self.outline is not None
        features = {layer: np.array(chosen, np.int64) for layer, chosen in self.outline.features.items()}
        return Watch(net, self._inputs, features, self._anchors, epoch, self.seed)

    def _keep(self, state: State) -> None:
        self._states = [*self._states[-1:], state]
        self._attempt(lambda folder: folder.write_state(state))

    def _forget_from(self, epoch: int) -> None:
        """What a former training recorded at this epoch and later is not of this one."""
        self._snapshots = {known: snapshot for known, snapshot in self._snapshots.items() if known < epoch}
        left = set().union(*map(_numbers_in, self._snapshots.values()))
        self._shown = {number: picture for number, picture in self._shown.items() if number in left}
        self._states = [state for state in self._states if state.epoch < epoch]
        self.curves = _until(self.curves, epoch)
        if not self._snapshots:
            self._anchors = dict(self._given_anchors)
        if not self._states and self.folder is not None and epoch:
            found = self.folder.state_before(epoch)
            self._states = [] if found is None else [found]
        self._attempt(lambda folder: folder.forget_from(epoch))

    def _attempt(self, write: Callable[[EvolutionFolder], None]) -> None:
        """Write to the folder, where there is one; once that has failed, it has been said."""
        if self.folder is None:
            return
        try:
            write(self.folder)
        except OSError as error:
            self._warn(error)

    def _write(self, snapshot: Snapshot | None, pictures: dict[int, np.ndarray]) -> None:
        """Write what is new; once that has failed, it has been said."""
        if self.outline is None:
            return

        def write(folder: EvolutionFolder) -> None:
            if snapshot is not None:
                folder.write(snapshot, pictures)
            folder.write_curves(self.curves)

        self._attempt(write)

    def _warn(self, error: OSError) -> None:
        if not self._failed:
            self._failed = True
            warnings.warn(
                f"the evolution cannot be written ({error.strerror or error}); the training goes on, and what is "
                "recorded is kept in memory",
                stacklevel=3,
            )


def _until(curves: Mapping[str, Mapping[int, float]], epoch: float) -> Curves:
    """The curves before an epoch."""
    return {name: {known: value for known, value in curve.items() if known < epoch} for name, curve in curves.items()}


def _checked_epochs(epochs: Sequence[int]) -> tuple[int, ...]:
    chosen = tuple(sorted({int(epoch) for epoch in epochs}))
    if not chosen or chosen[0] < 1:
        raise ValueError(f"epochs are those after which to take a snapshot, counted from 1; these are {epochs!r}")
    return chosen


def _numbers_in(snapshot: Snapshot) -> set[int]:
    """Of the images that a snapshot speaks of."""
    return {int(number) for images in snapshot.images.values() for number in images.ravel()}


def _checked_anchors(given: dict[str, np.ndarray], outline: Outline, count: int) -> dict[str, np.ndarray]:
    """Anchors by the names of layers. Raises ValueError where they are not one image a map."""
    names = dict(zip(outline.titles, outline.layers, strict=True)) | {name: name for name in outline.layers}
    if strange := given.keys() - names.keys():
        raise ValueError(f"anchors are for the layers {', '.join(outline.layers)}; there is none {min(strange)!r}")
    for layer, numbers in given.items():
        maps = len(outline.features[names[layer]])
        if numbers.shape != (maps,) or not ((numbers >= 0) & (numbers < count)).all():
            raise ValueError(f"anchors of {layer!r} are {maps} numbers of images from 0 to {count - 1}, one a map")
    return {names[layer]: numbers for layer, numbers in given.items()}
