"""Features of every layer, a classifier for each layer, split and number of images, and what came of it so far."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from zfwidgets.data import Labelled
from zfwidgets.experiments.checkpoint import Asked, Checkpoint, opened
from zfwidgets.experiments.sweeping import completed
from zfwidgets.experiments.transfer.classify import SEARCHED_FROM, Kind, checked_kind
from zfwidgets.experiments.transfer.data import labelled_data
from zfwidgets.experiments.transfer.extraction import PLACES, Bars, features_of, folder_for, workers_for
from zfwidgets.experiments.transfer.features import Wanted
from zfwidgets.experiments.transfer.layers import spread_layers
from zfwidgets.experiments.transfer.plan import planned
from zfwidgets.experiments.transfer.result import NOT_YET, Transfer
from zfwidgets.experiments.transfer.work import Answers, Place, Work
from zfwidgets.models import Network, require_network
from zfwidgets.task import UNWATCHED, Task, unreported

if TYPE_CHECKING:
    from distributed import Client

PER_CLASS = (1, 3, 5, 10, 30)


def transfer_sweep(
    net: Network,
    data: Any,
    layers: str | Sequence[str] | None = None,
    per_class: int | Sequence[int] = PER_CLASS,
    folds: int = 5,
    classifier: str = "softmax",
    *,
    places: int | None = PLACES,
    seed: int = 0,
    checkpoint: str | os.PathLike[str] | None = None,
    client: Client | None = None,
    progress: bool = True,
    task: Task = UNWATCHED,
) -> Iterator[Transfer]:
    """Do the features of a network carry over? What is known is told after each layer and split (Tables 4, 5, 7).

    The network stays as it is. The features of all layers are found in one pass, and a linear classifier learns from
    those of a few images of each class, and is tested on at most 50 others of each; so often, with other images drawn
    at random. Scaler, rotation and strength of regularisation are fitted to the images that are learnt from alone.
    Below five of them a class the strength is fixed, and the result says so (`searched`). Images that cannot be read
    are left out, and listed in `broken`.

    Splits share images, so a naive interval of their mean is too narrow: it is that of the corrected resampled t-test
    (Nadeau & Bengio 2003), where what is tested on is counted against all images that can be drawn.

    Args:
        net: the network.
        data: labelled images: pairs (image, label), a folder with a folder a class, `zf.caltech101(…)`, or the name of
            one that comes with the package ("digits", "faces", "forms", "textures"; see `zf.data_set`).
        layers: names or titles from `net.layers`; "all"; by default nine of `net.block_layers` at most, evenly from the
            first to the last.
        per_class: how many images of each class are learnt from, one number or several.
        folds: how often the images are divided at random.
        classifier: "softmax", or "svm": a linear one, one class against the others.
        places: maps with more rows or columns are averaged down to so many; None for every unit.
        seed: of the divisions.
        checkpoint: a folder. Features and answers are saved there, and the same call, made again, goes on from them.
        client: a `dask.distributed.Client`: passes and fits are spread over its workers, which must see the
            checkpoint's folder (without one, a folder for temporary files on this machine).
        progress: False for no progress bar.
        task: watches and cancels it.

    Raises:
        ValueError: no such layer, classifier or data set; a class has fewer images than are asked for; images without
            labels; a checkpoint of something else.
        TypeError: `net` is no network.
    """
    require_network(net)
    labelled, kind = labelled_data(data), checked_kind(classifier)
    names = net.layer_names(layers, spread_layers(net))
    if not names:
        raise ValueError(f"{net.name} has no layer before its classes; choose from net.layers")
    if places is not None and places < 1:
        raise ValueError(f"places is at least 1, or None for every unit; {places} was given")
    readable = np.ones(len(labelled), bool)
    planned(labelled.targets, readable, labelled.classes, per_class, folds, seed)  # before the work, what cannot be
    wanted = Wanted(net, labelled.images, names, places, workers_for(len(labelled), client))
    return _sweep(wanted, labelled, per_class, folds, kind, seed, checkpoint, client, progress, task)


def _sweep(
    wanted: Wanted, data: Labelled, per_class: int | Sequence[int], folds: int, kind: Kind, seed: int,
    checkpoint: str | os.PathLike[str] | None, client: Client | None, progress: bool, task: Task,
) -> Iterator[Transfer]:  # fmt: skip
    net, names, readable = wanted.net, wanted.layers, np.ones(len(data), bool)
    bars = Bars(progress and task.report is unreported, task)
    with folder_for(checkpoint) as folder:
        features = features_of(wanted, folder / "features", client, bars)
        readable[[number for number, _ in features.broken]] = False
        plan = planned(data.targets, readable, data.classes, per_class, folds, seed)
        fits = Asked("transfer", *wanted.told, {
            "layers": names, "places": wanted.places, "per_class": plan.per_class, "folds": folds, "seed": seed,
            "classifier": kind, "labels": data.label_digest,
        })  # fmt: skip
        work = Work(features, names, data.targets, plan, kind)
        with opened(folder / "answers", fits) as kept, bars.of("fits", len(work.places)) as watched:
            yield from _filled(work, _begun(net, data, work), kept, client, watched)


def _filled(work: Work, begun: Transfer, saved: Checkpoint, client: Client | None, task: Task) -> Iterator[Transfer]:
    """The result with what is saved, and then with one layer and split more each time."""
    known = work.known(saved)
    found = begun
    for place, one in known.items():
        found = _with(found, place, one)
    task.progress(len(known), len(work.places), "fits")
    if known:
        yield found
    for done, (place, one) in enumerate(work.missing(known, saved, client, task), len(known) + 1):
        found = _with(found, place, one)
        task.progress(done, len(work.places), "fits")
        yield found


def _with(found: Transfer, place: Place, one: Answers) -> Transfer:
    answers, strengths = found.answers.copy(), found.strengths.copy()
    answers[place.layer, :, place.fold], strengths[place.layer, :, place.fold] = one.answers, one.strengths
    return replace(found, answers=answers, strengths=strengths)


def _begun(net: Network, data: Labelled, work: Work) -> Transfer:
    """The result before the first answer."""
    plan = work.plan
    shape = len(work.layers), len(plan.per_class), len(plan.splits)
    return Transfer(
        layers=work.layers, titles=tuple(net.layer(name).title for name in work.layers), per_class=plan.per_class,
        classes=data.classes, targets=data.targets, tests=np.stack([split.test for split in plan.splits]),
        answers=np.full((*shape, len(plan.splits[0].test)), NOT_YET, np.int64), strengths=np.full(shape, np.nan),
        searched=np.array([count >= SEARCHED_FROM for count in plan.per_class]), test_share=plan.test_share,
        classifier=work.kind, data=data.name or "images", images=data.images.result_fingerprint, network=net.name,
        weights=net.fingerprint, broken=work.features.broken, left_out=data.left_out,
    )  # fmt: skip


transfer = completed(
    "transfer", "Do the features of a network carry over, and from which layer? (Tables 4, 5 and 7)", transfer_sweep
)
