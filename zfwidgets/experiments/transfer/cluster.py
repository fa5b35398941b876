"""The same pass over images, its shards spread over the workers of a Dask cluster, which save what they find."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from zfwidgets.experiments.checkpoint import Checkpoint
from zfwidgets.experiments.one_pass import Span, part_name, shards
from zfwidgets.experiments.spread import spread
from zfwidgets.experiments.transfer.features import SHARD, Features, FeatureShard, Wanted, of_files
from zfwidgets.task import Task

if TYPE_CHECKING:
    from distributed import Client

RETRIES = 3  # a worker that dies costs its shard, which another one does again


def extracted_on_cluster(client: Client, wanted: Wanted, saved: Checkpoint, task: Task) -> Features:
    """Features of all images, in files that the workers write to the folder."""
    spans = shards(len(wanted.images), SHARD)
    alone = replace(wanted, net=wanted.net.on("cpu"), workers=0)  # a worker may not start processes of its own
    pieces = ((span, (span, saved)) for span in spans)
    broken, done = {}, 0
    for span, found in spread(client, _shard, alone, pieces, task, RETRIES):
        broken[span] = found
        done += span[1] - span[0]
        task.progress(done, len(wanted.images), "images")
    return of_files(spans, saved, broken)


def _shard(wanted: Wanted, span: Span, saved: Checkpoint) -> tuple[tuple[int, str], ...]:
    """On a worker: have the features of some images in the folder; those that could not be read."""
    found = saved.load(part_name(span), FeatureShard)
    if found is None:
        (found,) = replace(wanted, net=wanted.net.on("auto")).shards([span])
        saved.save(part_name(span), found)
    return found.broken
