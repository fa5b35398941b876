"""Features of every layer, a classifier for each layer, split and number of images, and what came of it so far."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm.auto import tqdm

from zfwidgets.backend.graph.layer import FeatureLayer
from zfwidgets.data import Labelled
from zfwidgets.data.sets import EMBEDDED, LabelledObjects, data_set
from zfwidgets.experiments.checkpoint import Asked, Checkpoint, opened
from zfwidgets.experiments.one_pass import SMALLEST
from zfwidgets.experiments.sweeping import completed
from zfwidgets.experiments.transfer.classify import SEARCHED_FROM, checked_kind
from zfwidgets.experiments.transfer.features import Features, Wanted, extracted
from zfwidgets.experiments.transfer.plan import planned
from zfwidgets.experiments.transfer.result import NOT_YET, Transfer
from zfwidgets.experiments.transfer.work import Work
from zfwidgets.models import Network, require_network
from zfwidgets.task import UNWATCHED, Task, unreported

if TYPE_CHECKING:
    from distributed import Client

PER_CLASS = (1, 3, 5, 10, 30)
MOST_LAYERS = 9
PLACES = 6  # rows and columns, as the paper's layer 5 has after its pooling


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
    wanted = Wanted(net, labelled.images, names, places, _workers(labelled, client))
    about = f"{net.name} {net.fingerprint}", f"{len(labelled)} images, {labelled.images.fingerprint}"
    settings: dict[str, Any] = {"layers": names, "places": places}
    bars = Bars(progress and task.report is unreported, task)
    with _folder(checkpoint) as folder, opened(folder / "features", Asked("features", *about, settings)) as saved:
        with bars.of("images", len(labelled)) as watched:
            features = _features(wanted, saved, client, watched)
        readable[[number for number, _ in features.broken]] = False
        plan = planned(labelled.targets, readable, labelled.classes, per_class, folds, seed)
        settings |= {"per_class": plan.per_class, "folds": folds, "seed": seed, "classifier": kind}
        fits = Asked("transfer", *about, {**settings, "labels": _digest(labelled)})
        work = Work(features, names, labelled.targets, plan, kind)
        with opened(folder / "answers", fits) as kept, bars.of("fits", len(work.places)) as watched:
            yield from _filled(work, _begun(net, labelled, work), kept, client, watched)


def _features(wanted: Wanted, saved: Checkpoint, client: Client | None, task: Task) -> Features:
    if client is None:
        return extracted(wanted, saved, task)
    from zfwidgets.experiments.transfer.cluster import extracted_on_cluster

    return extracted_on_cluster(client, wanted, saved, task)


def _filled(work: Work, begun: Transfer, saved: Checkpoint, client: Client | None, task: Task) -> Iterator[Transfer]:
    answers, strengths = begun.answers, begun.strengths
    for done, (place, found) in enumerate(work.all_answers(saved, client, task), 1):
        answers, strengths = answers.copy(), strengths.copy()
        answers[place.layer, :, place.fold], strengths[place.layer, :, place.fold] = found.answers, found.strengths
        task.progress(done, len(work.places), "fits")
        yield replace(begun, answers=answers, strengths=strengths)


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


def spread_layers(net: Network) -> tuple[FeatureLayer, ...]:
    """So many layers as a table has room for, from the first to the last."""
    found = net.block_layers
    places = np.unique(np.linspace(0, len(found) - 1, min(len(found), MOST_LAYERS)).round().astype(int))
    return tuple(found[place] for place in places)


def labelled_data(data: Any) -> Labelled:
    """What the user gave as data. Raises ValueError or TypeError where it is none with one label an image."""
    if isinstance(data, LabelledObjects):
        raise TypeError("these images have several objects each; zf.transfer_objects is made for them")
    return data_set(data) if isinstance(data, str) and data in EMBEDDED else Labelled.of(data)


def _digest(data: Labelled) -> str:
    """Tells other labels of the same images."""
    return sha256(repr(data.classes).encode() + data.targets.tobytes()).hexdigest()[:16]


def _workers(data: Labelled, client: Client | None) -> int:
    return 0 if len(data) < SMALLEST or client is not None else min(os.cpu_count() or 1, 8)


@contextmanager
def _folder(checkpoint: str | os.PathLike[str] | None) -> Iterator[Path]:
    """The user's folder, or one that is gone afterwards."""
    if checkpoint is not None:
        yield Path(checkpoint).expanduser()
        return
    with TemporaryDirectory(prefix="zfwidgets-") as folder:
        yield Path(folder)


@dataclass(frozen=True)
class Bars:
    """Progress on a bar, where it is wanted, and told on."""

    shown: bool
    task: Task

    @contextmanager
    def of(self, unit: str, count: int) -> Iterator[Task]:
        """A task whose progress is seen on a bar."""
        with tqdm(total=count, unit=f" {unit}", disable=not self.shown) as bar:

            def report(done: float, of_all: float, what: str) -> None:
                bar.update(int(done) - bar.n)
                self.task.report(done, of_all, what)

            yield Task(self.task.cancelled, report, self.task.behind)


transfer = completed(
    "transfer", "Do the features of a network carry over, and from which layer? (Tables 4, 5 and 7)", transfer_sweep
)
