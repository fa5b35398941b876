"""Which units of which images are looked at, between which layers, and in which parts."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from typing import Any

import numpy as np

from zfwidgets.backend.graph.program import Program
from zfwidgets.backend.graph.step import Step
from zfwidgets.data import Collection
from zfwidgets.experiments.checkpoint import Asked
from zfwidgets.experiments.sharing.links import WEIGHTS
from zfwidgets.experiments.sharing.result import Sharing
from zfwidgets.experiments.top_activations import NONE, TopActivations
from zfwidgets.models import Network

SHARD = 128  # images between two parts of a checkpoint
MOST = 16  # parts


@dataclass(frozen=True, eq=False)
class Plan:
    """Which units of which images are looked at, and between which layers."""

    empty: Sharing  # with no sums yet
    pairs: dict[str, Pair]  # by upper layer
    numbers: np.ndarray  # of the images
    halves: dict[str, np.ndarray]  # for each unit which half of the images of its map it is in, by upper layer

    @classmethod
    def of(
        cls, net: Network, images: Collection, tops: TopActivations, chain: tuple[str, ...], k: int, rule: str
    ) -> Plan:
        """For a chain of layers."""
        above = chain[:-1]
        active = {name: tops.values[name][:, :k] > 0 for name in above}  # of others a signal says nothing
        if not any(each.any() for each in active.values()):
            raise ValueError(
                "no image made a feature map of these layers positive, so nothing is of what they are made"
            )
        chosen = {name: np.where(active[name], tops.images[name][:, :k], NONE) for name in above}
        maps = {name: net.layer(name).channels for name in chain}
        zeros = {high: np.zeros((2, maps[high], maps[low]), np.float32) for high, low in pairwise(chain)}
        counts = {name: np.zeros((2, maps[name]), np.int32) for name in above}
        empty = Sharing(
            chain, tuple(net.layer(name).title for name in chain), zeros, dict(zeros), counts, chosen,
            {name: np.where(active[name][..., None], tops.units[name][:, :k], NONE) for name in above},
            WEIGHTS[0], rule, net.fingerprint, images.result_fingerprint,
        )  # fmt: skip
        numbers = np.unique(np.concatenate([each[each != NONE] for each in chosen.values()]))
        pairs = {high: Pair.of(net.program, high, low) for high, low in pairwise(chain)}
        return cls(empty, pairs, numbers, {name: halves_of(each) for name, each in chosen.items()})

    @property
    def count(self) -> int:
        """Units that are looked at."""
        return sum(int((each != NONE).sum()) for each in self.empty.images.values())

    def shards(self) -> list[np.ndarray]:
        """The images in parts, by their number alone."""
        count = min(max(-(-len(self.numbers) // SHARD), 1), MOST)
        return [part for part in np.array_split(self.numbers, count) if len(part)]

    def asked(self, images: Collection) -> Asked:
        """For the checkpoint."""
        units = {name: self.empty.units[name].tolist() for name in self.empty.layers[:-1]}
        return Asked(
            "sharing", self.empty.network, f"{len(images)} images, {images.fingerprint}",
            {"layers": self.empty.layers, "rule": self.empty.rule,
             "units": _short(units), "images": _short({n: x.tolist() for n, x in self.empty.images.items()})},
        )  # fmt: skip


def _short(value: Any) -> str:
    return sha256(repr(value).encode()).hexdigest()[:16]


@dataclass(frozen=True, eq=False)
class Pair:
    """Two layers, and the part of the network between them, from the last step on that everything passes."""

    gate: Step  # of the network
    part: Program  # above it
    at: Step  # of the part
    lower: Step

    @classmethod
    def of(cls, program: Program, upper: str, lower: str) -> Pair:
        """By names."""
        at = program.by_name[upper]
        gate = program.gate(program.by_name[lower], [at])
        part = program.above(gate, [at])
        return cls(gate, part, part.by_name[upper], part.by_name[lower])


def halves_of(images: np.ndarray) -> np.ndarray:
    """For each unit (maps, k) which half of its map's images it belongs to: 0 and 1 by turns, the strongest first."""
    found = np.zeros(images.shape, np.int64)
    for row, numbers in enumerate(images.tolist()):
        order = {number: place for place, number in enumerate(dict.fromkeys(numbers))}
        found[row] = [order[number] % 2 for number in numbers]
    return found
