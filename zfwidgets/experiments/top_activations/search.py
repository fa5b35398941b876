"""Find the strongest activations in a data set of any size: in shards that can be saved, resumed and spread."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from tqdm.auto import tqdm

from zfwidgets.backend.surroundings import undisturbed
from zfwidgets.data import Collection, Corpus, corpus
from zfwidgets.data import images as as_collection
from zfwidgets.experiments.checkpoint import Asked, Checkpoint, opened
from zfwidgets.experiments.one_pass import SMALLEST, Span, part_name, shards
from zfwidgets.experiments.top_activations.deduplicate import SPARE, deduplicate
from zfwidgets.experiments.top_activations.mining import Settings, mine
from zfwidgets.experiments.top_activations.result import TopActivations, merged
from zfwidgets.models import Network, require_network
from zfwidgets.renamed import with_task
from zfwidgets.task import UNWATCHED, Task, unreported

if TYPE_CHECKING:
    from distributed import Client


@with_task
@undisturbed()
def top_activations(
    net: Network,
    images: Any = None,
    layers: str | Sequence[str] | None = None,
    k: int = 9,
    *,
    per_image: int = 1,
    batch_size: int = 64,
    workers: int | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    client: Client | None = None,
    progress: bool = True,
    task: Task = UNWATCHED,
) -> TopActivations:
    """The k strongest activations of every feature map over a data set (Fig. 2).

    One pass over the images serves all layers and maps. Of one image, a map has its strongest unit only (usual, though
    the paper does not say it); with `per_image`, more, whose receptive fields do not overlap. Images that cannot be
    read are left out, and listed in the result's `broken`. Of the embedded corpus, in which pieces of photographs
    overlap, a map has one activation from a place.

    Args:
        net: the network.
        images: a folder, a list, a torch data set, …: whatever `zfwidgets.images` takes; by default, the embedded
            corpus.
        layers: names or titles from `net.layers`; "all"; by default those through which everything passes
            (`net.main_layers`).
        k: activations a map.
        per_image: at most so many of them from one image.
        batch_size: images that are read at once; on a CPU, eight of them go through the network together.
        workers: processes that decode images; by default, as many as there are processors, but none for few images.
        checkpoint: a folder. Finished shards are saved there; when the same call is made again, after whatever stopped
            it, only the missing ones are computed. With a `client`, its workers must see the same folder.
        client: a `dask.distributed.Client`: the shards are spread over its workers (extra `zfwidgets[cluster]`), each
            on a CUDA device where it has one.
        progress: False for no progress bar.
        task: watches and cancels it: is asked between steps of the network, and told how far it is.

    The result does not depend on the workers, the shards, or where a run was killed; on a CPU, not on the batch size
    either. Another processor or number of threads, or on CUDA another batch size, can round the last bit otherwise.

    Raises:
        ValueError: no such layer; k, per_image or batch_size below one; a checkpoint of another network, data set or
            setting; no image could be read.
        TypeError: `net` is no network.
    """
    require_network(net)
    collection = corpus() if images is None else as_collection(images)
    for name, number in (("k", k), ("per_image", per_image), ("batch_size", batch_size)):
        if number < 1:
            raise ValueError(f"{name} is at least 1; {number} was given")
    found = k * SPARE if isinstance(collection, Corpus) else k
    settings = Settings(
        net.layer_names(layers, net.main_layers), found, per_image, batch_size, _workers(workers, collection)
    )
    spans = shards(len(collection))
    kept = opened(checkpoint, _asked(net, collection, settings)) if checkpoint is not None else nullcontext()
    with kept as saved, _counted(progress and task.report is unreported, len(collection), task) as tick:
        if client is not None:
            from zfwidgets.experiments.top_activations.cluster import on_cluster

            result = on_cluster(client, net, collection, spans, settings, saved, tick, task)
        else:
            result = merged(_parts(net, collection, spans, settings, saved, tick, task))
    if not result.count:
        number, why = result.broken[0]
        raise ValueError(f"none of the {len(collection)} images could be read; the first, image {number}: {why}")
    return deduplicate(result, net, collection, k) if isinstance(collection, Corpus) else result


def _asked(net: Network, images: Collection, settings: Settings) -> Asked:
    return Asked(
        "top activations",
        f"{net.name} {net.fingerprint}",
        f"{len(images)} images, {images.fingerprint}",
        {"layers": settings.layers, "k": settings.k, "per_image": settings.per_image},
    )


def _parts(
    net: Network,
    images: Collection,
    spans: Sequence[Span],
    settings: Settings,
    saved: Checkpoint | None,
    tick: Callable[[int], None],
    task: Task,
) -> Iterator[TopActivations]:
    """The result of every shard: those that are saved first, and then the others as they are found."""
    missing = []
    for span in spans:
        found = saved.load(part_name(span), TopActivations) if saved else None
        if found is None:
            missing.append(span)
        else:
            tick(span[1] - span[0])
            yield found
    for found in mine(net, images, missing, settings, task, tick):
        if saved:
            saved.save(part_name(*found.ranges), found)
        yield found


def _workers(asked: int | None, images: Collection) -> int:
    if asked is not None:
        return asked
    return 0 if len(images) < SMALLEST else min(os.cpu_count() or 1, 8)


@contextmanager
def _counted(bar: bool, count: int, task: Task) -> Iterator[Callable[[int], None]]:
    """A function to call with every number of images more that have been read; with a progress bar, or without."""
    done = 0
    with tqdm(total=count, unit=" images", disable=not bar, smoothing=0.1) as shown:

        def tick(more: int) -> None:
            nonlocal done
            done += more
            shown.update(more)
            task.progress(done, count, "images")

        yield tick
