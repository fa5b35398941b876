"""The same pass over images, its shards spread over the workers of a Dask cluster."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from zfwidgets.data import Collection
from zfwidgets.experiments.checkpoint import Checkpoint
from zfwidgets.experiments.one_pass import Span, part_name
from zfwidgets.experiments.top_activations.mining import Settings, mine
from zfwidgets.experiments.top_activations.result import TopActivations, merged
from zfwidgets.models import Network
from zfwidgets.task import Task

if TYPE_CHECKING:
    from distributed import Client, Future

BRANCHES = 8  # results that are merged at once
RETRIES = 3  # a worker that dies costs its shard, which another one does again


def on_cluster(
    client: Client,
    net: Network,
    images: Collection,
    spans: Sequence[Span],
    settings: Settings,
    saved: Checkpoint | None,
    tick: Callable[[int], None],
    task: Task,
) -> TopActivations:
    """As the pass on one machine, to the bit. Every worker process has one network; results are merged in a tree."""
    from distributed import as_completed

    settings = replace(settings, workers=0)  # a worker of the cluster may not start processes of its own
    network, collection = client.scatter([net.on("cpu"), images], broadcast=True, hash=False)
    futures = [
        client.submit(_shard, network, collection, span, settings, saved, pure=False, retries=RETRIES) for span in spans
    ]
    sizes = {future.key: stop - start for future, (start, stop) in zip(futures, spans, strict=True)}
    root = _tree(client, futures)
    try:
        for future in as_completed(futures, timeout=None):
            future.exception()  # wait for it; an error is raised by `result` below
            tick(sizes[future.key])
            task.check()
        return root.result()
    finally:
        client.cancel([*futures, root])


def _tree(client: Client, futures: list[Future]) -> Future:
    while len(futures) > 1:
        groups = [futures[start : start + BRANCHES] for start in range(0, len(futures), BRANCHES)]
        futures = [client.submit(merged, group, pure=False, retries=RETRIES) for group in groups]
    return futures[0]


def _shard(
    net: Network, images: Collection, span: Span, settings: Settings, saved: Checkpoint | None
) -> TopActivations:
    """On a worker: what was found in one shard before, or is found now."""
    found = saved.load(part_name(span), TopActivations) if saved else None
    if found is None:
        (found,) = mine(_own(net), images, [span], settings)
        if saved:
            saved.save(part_name(span), found)
    return found


def _own(net: Network) -> Network:
    """The network on this worker's best device, made once a process."""
    if net.fingerprint not in _NETWORKS:
        _NETWORKS.clear()
        _NETWORKS[net.fingerprint] = net.on("auto")
    return _NETWORKS[net.fingerprint]


_NETWORKS: dict[str, Network] = {}
