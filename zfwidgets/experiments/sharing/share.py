"""Find which lower feature maps the strongest units of each upper one are made of."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import reduce
from math import prod
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm.auto import tqdm

from zfwidgets.backend.graph.op import RULES
from zfwidgets.backend.run.deconvnet import fitting
from zfwidgets.backend.run.forward import forward
from zfwidgets.backend.run.meeting import meet
from zfwidgets.backend.run.memory import in_parts, parts_of
from zfwidgets.backend.run.units import Units
from zfwidgets.backend.surroundings import undisturbed
from zfwidgets.data import Collection, corpus
from zfwidgets.data import images as as_collection
from zfwidgets.experiments.checkpoint import Checkpoint, opened
from zfwidgets.experiments.gallery import Sources
from zfwidgets.experiments.memory import give_back
from zfwidgets.experiments.sharing.layers import checked_chain, sharing_layers
from zfwidgets.experiments.sharing.links import WEIGHTS
from zfwidgets.experiments.sharing.plan import Pair, Plan
from zfwidgets.experiments.sharing.result import Sharing
from zfwidgets.experiments.top_activations import TopActivations, prepared_tops, top_activations
from zfwidgets.models import Network, require_network
from zfwidgets.task import UNWATCHED, Task, unreported


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


def _parts(
    plan: Plan, net: Network, images: Collection, saved: Checkpoint | None, bar: tqdm, task: Task
) -> Iterator[Sharing]:
    """The sums over each part of the images; those that are saved are read."""
    sources, done = Sources(net, images, remembered=1), 0

    def tick(units: int) -> None:
        nonlocal done
        done += units
        bar.update(units)
        task.progress(done, plan.count, "units")

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

    def met(part: slice) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Of each layer the units in some of the images, and their sums."""
        numbers = shard[part]
        x = torch.stack([x for _, x in sources.read(numbers.tolist())]).to(net.device, net.dtype)
        values = forward(net.program, x, gates, task=task).activations
        found = {}
        for name, pair in plan.pairs.items():
            rows, places = np.nonzero(np.isin(empty.images[name], numbers))
            if len(rows):
                found[name] = rows, places, _met(pair, values[pair.gate], numbers, empty, name, rows, places, task)
        return found

    for _, found in in_parts(parts_of(len(shard), together), met):
        for name, (rows, places, kinds) in found.items():
            half = plan.halves[name][rows, places]
            for kind in range(2):
                np.add.at(sums[name][kind], (half, rows), kinds[:, kind])
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
