"""Find which lower feature maps the strongest units of each upper one are made of."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import reduce
from hashlib import sha256
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm.auto import tqdm

from zfwidgets.backend.graph.op import RULES
from zfwidgets.backend.graph.program import Program
from zfwidgets.backend.graph.step import Step
from zfwidgets.backend.run.deconvnet import fitting
from zfwidgets.backend.run.forward import forward
from zfwidgets.backend.run.meeting import meet
from zfwidgets.backend.run.units import Units
from zfwidgets.backend.surroundings import undisturbed
from zfwidgets.data import Collection, corpus
from zfwidgets.data import images as as_collection
from zfwidgets.experiments.checkpoint import Asked, Checkpoint, opened
from zfwidgets.experiments.gallery import Sources
from zfwidgets.experiments.memory import give_back
from zfwidgets.experiments.sharing.layers import checked_chain, sharing_layers
from zfwidgets.experiments.sharing.links import WEIGHTS
from zfwidgets.experiments.sharing.result import Sharing
from zfwidgets.experiments.top_activations import NONE, TopActivations, prepared_tops, top_activations
from zfwidgets.models import Network, require_network
from zfwidgets.task import UNWATCHED, Task, unreported

SHARD = 128  # images between two parts of a checkpoint
MOST = 16  # parts


@undisturbed()
def sharing(
    net: Network,
    images: Any = None,
    tops: TopActivations | None = None,
    upper: str | None = None,
    lower: str | Sequence[str] | None = None,
    *,
    weight: str = "contribution",
    k: int = 8,
    rule: str = "deconvnet",
    checkpoint: str | os.PathLike[str] | None = None,
    progress: bool = True,
    task: Task = UNWATCHED,
) -> Sharing:
    """Which lower feature maps each upper one is made of, and so which upper ones share a lower one.

    From each of an upper map's `k` strongest units a signal of 1 goes down as in the deconvnet. Where it arrives at a
    map j of the lower layer, as G_j, it meets the activations A_j that made the unit what it is. What the map
    contributes is the sum of max(G_j·A_j, 0) over its positions, averaged over the units: on rectified layers that is
    max(G_j, 0)·A_j. A map's share is its part of all contributions. Between layers that one convolution joins, the sum
    of G·A and the bias is exactly the unit's activation. The paper does not ask for it; its deconvnet (§2) answers.

    Args:
        net: the network.
        images: the data set in which `tops` were found; None: the embedded corpus.
        tops: what `top_activations` found; None: what comes with the package, or else it is found now.
        upper: the upper layer, a name or title from `net.layers`; None: the last main layer.
        lower: the lower layer; or several from the top down: the chain on which `chain` goes on; None: all main layers
            below, each with the next (`zf.sharing_layers` has them).
        weight: "contribution"; or "signal" for max(G_j, 0) alone, which does not ask whether the lower map is active.
        k: units of each upper map, from different images as a rule.
        rule: "deconvnet" (the paper's), "gradient" or "guided".
        checkpoint: a folder. Finished parts are saved there, and the same call, made again, goes on from them.
        progress: False for no progress bar.
        task: watches and cancels it.

    Raises:
        ValueError: `tops` belong to another network or data set; the layers lie in the wrong order, or not on one path;
            there is no such layer, weight or rule; k is below one.
        TypeError: `net` is no network.
    """
    require_network(net)
    if weight not in WEIGHTS:
        raise ValueError(f'the weights are "contribution" and "signal"; {weight!r} was given')
    if rule not in RULES:
        raise ValueError(f"the rules are {', '.join(map(repr, RULES))}; {rule!r} was given")
    if k < 1:
        raise ValueError(f"k is at least 1; {k} was given")
    collection = corpus() if images is None else as_collection(images)
    found = _tops(net, collection, tops, upper, lower, progress, task)
    plan = Plan.of(net, collection, found, checked_chain(net, found, upper, lower), k, rule)
    kept = nullcontext() if checkpoint is None else opened(checkpoint, plan.asked(collection))
    hidden = not progress or task.report is not unreported
    with kept as saved, tqdm(total=plan.count, unit=" units", disable=hidden) as bar:
        result = reduce(Sharing.merge, _parts(plan, net, collection, saved, bar, task))
    give_back()
    return replace(result, weight=weight)


def _tops(
    net: Network, images: Collection, tops: TopActivations | None, upper: str | None,
    lower: str | Sequence[str] | None, progress: bool, task: Task,
) -> TopActivations:  # fmt: skip
    """The strongest activations: given, prepared, or found now."""
    if tops is not None:
        tops.check(net, images)
        return tops
    known = prepared_tops(net, images)
    if known is not None:
        return known
    named = [upper, *([lower] if isinstance(lower, str) else lower or ())]
    wanted = {*sharing_layers(net), *(net.layer(name).name for name in named if name is not None)}
    return top_activations(net, images, sorted(wanted), progress=progress, task=task)


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
        chosen = {name: tops.images[name][:, :k] for name in above}
        maps = {name: net.layer(name).channels for name in chain}
        zeros = {high: np.zeros((2, maps[high], maps[low]), np.float32) for high, low in pairwise(chain)}
        counts = {name: np.zeros((2, maps[name]), np.int32) for name in above}
        empty = Sharing(
            chain, tuple(net.layer(name).title for name in chain), zeros, dict(zeros), counts, chosen,
            {name: tops.units[name][:, :k] for name in above}, WEIGHTS[0], rule, net.fingerprint,
            images.result_fingerprint,
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


def _parts(
    plan: Plan, net: Network, images: Collection, saved: Checkpoint | None, bar: tqdm, task: Task
) -> Iterator[Sharing]:
    """The sums over each part of the images; those that are saved are read."""
    sources = Sources(net, images, remembered=1)

    def tick(units: int) -> None:
        bar.update(units)
        task.progress(bar.n, plan.count, "units")

    for number, shard in enumerate(plan.shards()):
        name = f"part-{number:03d}"
        part = saved.load(name, Sharing) if saved else None
        if part is None:
            part = _summed(plan, net, sources, shard, tick, task)
            if saved:
                saved.save(name, part)
        else:
            tick(sum(int(counts.sum()) for counts in part.counts.values()))
        yield part


def _summed(
    plan: Plan, net: Network, sources: Sources, shard: np.ndarray, tick: Callable[[int], None], task: Task
) -> Sharing:
    """The sums over the units that lie in some images."""
    empty = plan.empty
    sums = {name: np.zeros((2, *each.shape), np.float32) for name, each in empty.contributions.items()}
    counts = {name: np.zeros_like(each) for name, each in empty.counts.items()}
    gates = {pair.gate for pair in plan.pairs.values()}
    together = max(8, fitting(net.device, max(prod(step.shape) for step in net.program.needed_for(gates))))
    for start in range(0, len(shard), together):
        numbers = shard[start : start + together]
        x = torch.stack([x for _, x in sources.read(numbers.tolist())]).to(net.device, net.dtype)
        values = forward(net.program, x, gates, task=task).activations
        for name, pair in plan.pairs.items():
            rows, places = np.nonzero(np.isin(empty.images[name], numbers))
            if not len(rows):
                continue
            found = _met(pair, values[pair.gate], numbers, empty, name, rows, places, task)
            half = plan.halves[name][rows, places]
            for kind in range(2):
                np.add.at(sums[name][kind], (half, rows), found[:, kind])
            np.add.at(counts[name], (half, rows), 1)
            tick(len(rows))
    return replace(
        empty, counts=counts, contributions={name: each[0] for name, each in sums.items()},
        signals={name: each[1] for name, each in sums.items()},
    )  # fmt: skip


def _met(
    pair: Pair, values: Tensor, numbers: np.ndarray, empty: Sharing, name: str, rows: np.ndarray, places: np.ndarray,
    task: Task,
) -> np.ndarray:  # fmt: skip
    """The sums (n, 3, lower) for some units of a layer, whose images' values at the gate are given."""
    order = np.lexsort((rows, empty.images[name][rows, places]))  # those of one image together
    which = np.searchsorted(numbers, empty.images[name][rows, places][order])
    row, column = empty.units[name][rows, places][order].T
    columns = (which, rows[order], row, column)
    units = Units(*(torch.from_numpy(each.astype(np.int64)) for each in columns))
    found = meet(pair.part, values, pair.at, units, pair.lower, RULES[empty.rule], task)
    back = np.empty(len(order), np.int64)
    back[order] = np.arange(len(order))
    return found.float().cpu().numpy()[back]
