"""Features of all images in some layers, found in one pass and kept in files that are mapped into memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from math import prod
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from zfwidgets.data import Collection
from zfwidgets.experiments.checkpoint import Checkpoint
from zfwidgets.experiments.loading import load_batches
from zfwidgets.experiments.one_pass import Span, batches_of, look_at, part_name, shards
from zfwidgets.experiments.result import Result
from zfwidgets.experiments.schema import Float32, check
from zfwidgets.files import mapped_arrays
from zfwidgets.models import Network
from zfwidgets.task import UNWATCHED, Task

SHARD = 64  # images whose features are in memory at once
BATCH = 32  # images that are read at once


@dataclass(frozen=True, eq=False)
class FeatureShard(Result):
    """Features of some images; those of images that could not be read are NaN."""

    features: dict[str, Float32[np.ndarray, "images *features"]]  # by layer
    broken: tuple[tuple[int, str], ...]  # images that could not be read, and why

    def verify(self) -> None:
        """Raise ValueError where fields contradict each other."""
        check(all(number >= 0 for number, _ in self.broken), "there are images with numbers below 0")


@dataclass(frozen=True)
class Wanted:
    """Which features, of which images."""

    net: Network
    images: Collection
    layers: tuple[str, ...]
    places: int | None  # rows and columns that a map keeps, at most; None for all of its units
    workers: int = 0  # processes that decode images

    @property
    def told(self) -> tuple[str, str]:
        """The network and the images, as a checkpoint knows them again."""
        net, images = self.net, self.images
        return f"{net.name} {net.fingerprint}", f"{len(images)} images, {images.fingerprint}"

    def shards(self, spans: Sequence[Span], task: Task = UNWATCHED) -> Iterator[FeatureShard]:
        """Those of the images in each span, in their order."""
        batches = [numbers for span in spans for numbers in batches_of(span, BATCH)]
        with closing(load_batches(self.net, self.images, batches, self.workers)) as loaded:
            for span in spans:
                length = span[1] - span[0]
                found = {name: np.full((length, self._length(name)), np.nan, np.float32) for name in self.layers}
                looks = {name: self._writer(found[name], span[0]) for name in self.layers}
                broken: list[tuple[int, str]] = []
                for _ in batches_of(span, BATCH):
                    batch = next(loaded)
                    broken += batch.broken
                    look_at(self.net, batch, looks, task)
                yield FeatureShard(found, tuple(broken))

    def _writer(self, rows: np.ndarray, first: int) -> Callable[[Tensor, Tensor], None]:
        def write(maps: Tensor, numbers: Tensor) -> None:
            rows[(numbers - first).numpy()] = flattened(maps, self.places).cpu().numpy()

        return write

    def _length(self, layer: str) -> int:
        found = self.net.layer(layer)
        height, width = (min(size, self.places or size) for size in (found.height, found.width))
        return found.channels * height * width


@torch.no_grad()
def flattened(maps: Tensor, places: int | None) -> Tensor:
    """Maps (n, C, H, W) or (n, C) as features (n, m); larger ones are averaged down to so many rows and columns."""
    maps = maps.float()
    if maps.ndim == 4 and places is not None and max(maps.shape[2:]) > places:
        maps = adaptive_avg_pool2d(maps, (min(maps.shape[2], places), min(maps.shape[3], places)))
    return maps.reshape(len(maps), prod(maps.shape[1:]))


@dataclass(frozen=True, eq=False)
class Features:
    """Features of images by layer, in files: what is asked for is read."""

    spans: tuple[Span, ...]
    files: tuple[Path, ...]
    broken: tuple[tuple[int, str], ...]

    @cached_property
    def _mapped(self) -> list[Mapping[str, np.ndarray]]:
        return [mapped_arrays(path) for path in self.files]

    def rows(self, layer: str, numbers: np.ndarray) -> np.ndarray:
        """Those of some images in a layer, (n, features) float32."""
        found = np.empty((len(numbers), self._mapped[0][f"features/{layer}"].shape[1]), np.float32)
        for (start, stop), arrays in zip(self.spans, self._mapped, strict=True):
            here = np.flatnonzero((numbers >= start) & (numbers < stop))
            if len(here):
                found[here] = arrays[f"features/{layer}"][numbers[here] - start]
        return found

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in self.__dict__.items() if name != "_mapped"}  # another process maps anew


def extracted(wanted: Wanted, saved: Checkpoint, task: Task = UNWATCHED) -> Features:
    """Features of all images: those that are saved are taken, the others are found and saved."""
    spans = shards(len(wanted.images), SHARD)
    broken = {span: known.broken for span in spans if (known := saved.load(part_name(span), FeatureShard))}
    missing = [span for span in spans if span not in broken]
    done = len(wanted.images) - sum(stop - start for start, stop in missing)
    for span, found in zip(missing, wanted.shards(missing, task), strict=True):
        saved.save(part_name(span), found)
        broken[span] = found.broken
        done += span[1] - span[0]
        task.progress(done, len(wanted.images), "images")
    return of_files(spans, saved, broken)


def of_files(spans: Sequence[Span], saved: Checkpoint, broken: Mapping[Span, Sequence[tuple[int, str]]]) -> Features:
    """Features that are saved. Raises ValueError where a file of them could not be written."""
    files = tuple(saved.path(part_name(span)) for span in spans)
    if missing := next((path for path in files if not path.is_file()), None):
        raise ValueError(f"there is no room for the features: {str(missing)!r} could not be written")
    return Features(tuple(spans), files, tuple(image for span in spans for image in broken[span]))
