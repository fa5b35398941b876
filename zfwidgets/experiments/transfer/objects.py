"""Several objects in a photograph (PASCAL VOC, Table 6): a classifier for each class, and average precision."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.metrics import average_precision_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from zfwidgets.data.sets import LabelledObjects
from zfwidgets.data.sets.objects import DIFFICULT, THERE
from zfwidgets.experiments.result import Result
from zfwidgets.experiments.schema import Float64, Int8, check
from zfwidgets.experiments.transfer.classify import RowSpace, checked_kind, regularised, small_fits
from zfwidgets.experiments.transfer.extraction import PLACES, Bars, features_of, folder_for, workers_for
from zfwidgets.experiments.transfer.features import Features, Wanted
from zfwidgets.experiments.transfer.layers import spread_layers
from zfwidgets.models import Network, require_network
from zfwidgets.task import UNWATCHED, Task, unreported

if TYPE_CHECKING:
    import pandas
    from distributed import Client


@dataclass(frozen=True, eq=False)
class ObjectTransfer(Result):
    """How well classifiers on the frozen features of each layer find the classes of objects in photographs (Table 6).

    Photographs in which all objects of a class are marked difficult count neither for nor against it.
    """

    layers: tuple[str, ...]
    titles: tuple[str, ...]
    classes: tuple[str, ...]
    present: Int8[np.ndarray, "images classes"]  # of the images tested on: 1 there, -1 not there, 0 difficult
    scores: Float64[np.ndarray, "layers images classes"]  # higher where a class is likelier
    classifier: str
    data: str
    network: str
    weights: str  # the network's fingerprint
    broken: tuple[str, ...] = ()  # images that could not be read, and why

    def verify(self) -> None:
        """Raise ValueError where fields contradict each other."""
        check(np.isin(self.present, (-1, 0, 1)), "objects are there, not there, or difficult")
        check(np.isfinite(self.scores), "there are scores that are no numbers")

    def average_precision(self, layer: str, of: str = "voc") -> np.ndarray:
        """Of each class, (classes,): "voc" as its devkit counts it since 2010, or "scikit-learn", which does not first
        make precision fall. NaN for a class of which no object is there."""
        place = (self.layers if layer in self.layers else self.titles).index(layer)
        measure = {"voc": voc_average_precision, "scikit-learn": _scikit_learns}[of]
        found = []
        for label in range(len(self.classes)):
            known = self.present[:, label] != DIFFICULT
            there = self.present[known, label] == THERE
            found.append(measure(there, self.scores[place, known, label]) if there.any() else np.nan)
        return np.array(found)

    def to_pandas(self) -> pandas.DataFrame:
        """A row for each class and one for their mean, a column for each layer and way to count. Needs pandas."""
        import pandas

        columns = {
            (title, of): [*(values := self.average_precision(layer, of)), np.nanmean(values)]
            for layer, title in zip(self.layers, self.titles, strict=True)
            for of in ("voc", "scikit-learn")
        }
        return pandas.DataFrame(columns, index=[*self.classes, "mean"])

    def __repr__(self) -> str:
        lines = [f"ObjectTransfer ({len(self.present)} images, {len(self.classes)} classes, {self.classifier})"]
        for layer, title in zip(self.layers, self.titles, strict=True):
            lines.append(f"  {title}: mean average precision {np.nanmean(self.average_precision(layer)):.1%}")
        return "\n".join(lines)


def voc_average_precision(there: np.ndarray, scores: np.ndarray) -> float:
    """The area under precision against recall; precision is the best at that recall or beyond (VOC since 2010)."""
    order = np.argsort(-scores, kind="stable")
    hits = there[order]
    found = np.cumsum(hits)
    precision = found / np.arange(1, len(hits) + 1)
    best = np.maximum.accumulate(precision[::-1])[::-1]
    return float(best[hits].sum() / hits.sum())


def _scikit_learns(there: np.ndarray, scores: np.ndarray) -> float:
    return float(average_precision_score(there, scores))


def transfer_objects(
    net: Network,
    learn: LabelledObjects,
    test: LabelledObjects,
    layers: str | Sequence[str] | None = None,
    classifier: str = "softmax",
    *,
    places: int | None = PLACES,
    checkpoint: str | os.PathLike[str] | None = None,
    client: Client | None = None,
    progress: bool = True,
    task: Task = UNWATCHED,
) -> ObjectTransfer:
    """Find objects by frozen features: a classifier for each class, in each layer (Table 6).

    One label a photograph does not fit where there are several objects in it; so each class is there or not, and
    photographs in which it is only difficult are left out, neither learnt from nor tested on.

    Args:
        net: the network.
        learn, test: `zf.voc2012(root, "train")` and `zf.voc2012(root, "val")`.
        layers, classifier, places, checkpoint, client, progress, task: as for `zf.transfer`.

    Raises:
        ValueError: no such layer or classifier; the two have other classes, or a class has no object, or nothing but
            objects, to learn from.
        TypeError: `net` is no network, or the data has no objects.
    """
    require_network(net)
    kind = checked_kind(classifier)
    _check_data(learn, test)
    names = net.layer_names(layers, spread_layers(net))
    bars = Bars(progress and task.report is unreported, task)
    with folder_for(checkpoint) as folder:
        features = []
        for which, data in (("learn", learn), ("test", test)):
            wanted = Wanted(net, data.images, names, places, workers_for(len(data), client))
            features.append(features_of(wanted, folder / which, client, bars))
        kept = [_readable(data, found) for data, found in zip((learn, test), features, strict=True)]
        scores = np.empty((len(names), len(kept[1]), len(learn.classes)))
        with bars.of("classes", len(names) * len(learn.classes)) as watched:
            for place, name in enumerate(names):
                rows = [found.rows(name, numbers) for found, numbers in zip(features, kept, strict=True)]
                parts = watched.part(place, len(names), "classes")
                scores[place] = _scores(kind, rows[0], learn.present[kept[0]], rows[1], parts)
    broken = tuple(f"{data.images.names[n]}: {why}" for data, found in zip((learn, test), features, strict=True)
                   for n, why in found.broken)  # fmt: skip
    return ObjectTransfer(
        names, tuple(net.layer(name).title for name in names), learn.classes, test.present[kept[1]], scores, kind,
        learn.name or "images", net.name, net.fingerprint, broken,
    )  # fmt: skip


def _scores(kind: Any, learnt: np.ndarray, present: np.ndarray, tested: np.ndarray, task: Task) -> np.ndarray:
    """Of each class, (images, classes). Scaler and rotation are fitted once, to all images that are learnt from."""
    steps = [("scale", StandardScaler())] + [("rotate", RowSpace())] * (learnt.shape[1] > len(learnt))
    before = Pipeline(steps).fit(learnt)
    x, new, count = before.transform(learnt), before.transform(tested), learnt.shape[1]
    found = np.empty((len(tested), present.shape[1]))
    for label in range(present.shape[1]):
        task.check()
        known = present[:, label] != DIFFICULT
        there = present[known, label] == THERE
        fewest = int(min(there.sum(), (~there).sum()))
        with small_fits():
            last = regularised(kind, count, fewest, "average_precision").fit(x[known], there)
        found[:, label] = last.decision_function(new)
        task.progress(label + 1, present.shape[1], "classes")
    return found


def _readable(data: LabelledObjects, features: Features) -> np.ndarray:
    broken = [number for number, _ in features.broken]
    return np.setdiff1d(np.arange(len(data)), broken)


def _check_data(learn: Any, test: Any) -> None:
    if not isinstance(learn, LabelledObjects) or not isinstance(test, LabelledObjects):
        raise TypeError(
            'objects are what `zf.voc2012(root, "train")` gives; for one label an image there is zf.transfer'
        )
    if learn.classes != test.classes:
        raise ValueError("what is learnt from and what is tested on have other classes")
    if both := len(_files(learn) & _files(test)):
        raise ValueError(f"{both} images are learnt from and tested on: take parts that share none")
    for label, name in enumerate(learn.classes):
        if len(np.unique(learn.present[:, label][learn.present[:, label] != DIFFICULT])) < 2:
            raise ValueError(f"to learn what {name!r} is takes images with one and images without")


def _files(data: LabelledObjects) -> set[str]:
    """What tells its images from others, where they are files."""
    return {os.path.abspath(item) for item in data.images.items if isinstance(item, str | os.PathLike)}
