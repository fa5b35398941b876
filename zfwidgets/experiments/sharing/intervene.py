"""Is a share more than a guess? Take the lower maps out, and see whether the upper ones fall as their shares say."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from zfwidgets.backend.run.forward import forward
from zfwidgets.backend.surroundings import undisturbed
from zfwidgets.data import corpus
from zfwidgets.data import images as as_collection
from zfwidgets.experiments.gallery import Sources
from zfwidgets.experiments.memory import give_back
from zfwidgets.experiments.sharing.checked import SharingCheck
from zfwidgets.experiments.sharing.knock_out import below, without
from zfwidgets.experiments.sharing.result import Sharing
from zfwidgets.experiments.top_activations import NONE
from zfwidgets.models import Network, require_network
from zfwidgets.task import Task

STRONGEST, OTHERS = 8, 8  # lower maps that are taken out for each upper one: by share, and at random


@undisturbed()
def check_shares(
    sharing: Sharing, net: Network, images: Any, n: int, upper: str, seed: int, task: Task
) -> SharingCheck:
    """As `Sharing.check`."""
    require_network(net)
    collection = corpus() if images is None else as_collection(images)
    if sharing.network != net.fingerprint or not collection.fits(sharing.data):
        raise ValueError("this sharing was found in another network, or in other images")
    links, signals = sharing.links(upper, "contribution"), sharing.links(upper, "signal")
    rng = np.random.default_rng(seed)
    alive = np.flatnonzero(~links.silent & (sharing.counts[upper].sum(0) > 0))
    if n < 1 or not len(alive):
        raise ValueError(f"n is at least 1, and {upper!r} has a map that is not silent; n={n}, {len(alive)} maps")
    features = np.sort(rng.permutation(alive)[:n])
    parts = np.array([_lower_maps(links.share[feature], rng) for feature in features])
    sources = Sources(net, collection)
    falls = []
    for place, feature in enumerate(features.tolist()):
        task.check()
        task.progress(place, len(features), "maps")
        falls.append(_falls(sharing, net, sources, links.upper, links.lower, feature, parts[place], task))
    task.progress(len(features), len(features), "maps")
    give_back()
    rows = features[:, None]
    average = np.broadcast_to(links.share[~links.silent].mean(0), links.share.shape)
    return SharingCheck(
        links.upper, links.lower, features, parts, links.share[rows, parts], signals.share[rows, parts],
        average[rows, parts], np.array(falls), seed,
    )  # fmt: skip


def _lower_maps(shares: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The largest parts, and some of the others at random."""
    order = np.argsort(-shares, kind="stable")
    count = min(STRONGEST, len(order) // 2)
    return np.concatenate([order[:count], rng.permutation(order[count:])[: min(OTHERS, len(order) - count)]])


def _falls(
    sharing: Sharing,
    net: Network,
    sources: Sources,
    upper: str,
    lower: str,
    feature: int,
    parts: np.ndarray,
    task: Task,
) -> np.ndarray:
    """By what part the mean activation of the map's strongest units falls without each of the lower maps."""
    there = sharing.images[upper][feature] != NONE
    numbers, units = sharing.images[upper][feature][there], sharing.units[upper][feature][there]
    at, step = net.step(upper), net.step(lower)
    gate = below(net, step, [at])
    x = torch.stack([x for _, x in sources.read(numbers.tolist())]).to(net.device, net.dtype)
    values = forward(net.program, x, [gate, at], task=task).activations
    here = (
        torch.arange(len(numbers)),
        torch.full((len(numbers),), feature),
        *torch.from_numpy(units.astype(np.int64)).T,
    )
    here = here[: values[at].ndim]
    before = values[at][here].double().mean()
    found = []
    for part in parts.tolist():
        task.check()
        after = without(net.without(lower, part), gate, [at], values[gate])[at][here].double().mean()
        found.append(float((before - after) / before))
    return np.array(found)
