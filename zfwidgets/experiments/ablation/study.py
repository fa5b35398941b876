"""The ablation that comes with the package: the rows of Table 3 in small, on shapes; and the paper's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from zfwidgets.data import Shapes
from zfwidgets.experiments.ablation.result import Ablation
from zfwidgets.experiments.ablation.statistics import corrected_interval
from zfwidgets.experiments.ablation.work import Build, Work
from zfwidgets.experiments.training import IN_MEMORY, Labelled, Recipe, recipe, right_share
from zfwidgets.models import Network
from zfwidgets.models.zfnet import ConvNet, alexnet_zf, zfnet, zfnet_shapes
from zfwidgets.task import UNWATCHED, Task

PLACE = Path(__file__).parent / "prepared" / "shapes.safetensors"
FORMS = ("ring", "square", "star", "cross", "bar", "crescent")
SIDE = 32  # of an image, pixels
MAPS, WIDE = (16, 32, 48, 48, 32), (16, 32, 64, 128, 64)  # the paper's wide network has as many times more
UNITS, MORE = (32, 32), (64, 64)
RATES = (1e-3, 3e-3, 9e-3)


def study_network(**changes: Any) -> ConvNet:
    """The network that is varied, untrained; changes are arguments of `zf.zfnet_shapes`."""
    settings: dict[str, Any] = {"maps": MAPS, "hidden": UNITS, "size": SIDE} | changes
    return zfnet_shapes(len(FORMS), **settings)


VARIANTS: dict[str, Build] = {
    "all layers": study_network,
    "without 3, 4": partial(study_network, without=(3, 4)),
    "without 7": partial(study_network, without=(7,)),
    "without 6, 7": partial(study_network, without=(6, 7)),
    "without 3, 4, 6, 7": partial(study_network, without=(3, 4, 6, 7)),
    "16 units in 6, 7": partial(study_network, hidden=(16, 16)),
    "64 units in 6, 7": partial(study_network, hidden=MORE),
    "more maps in 3, 4, 5": partial(study_network, maps=WIDE),
    "both": partial(study_network, maps=WIDE, hidden=MORE),
    "11×11, stride 4": partial(study_network, kernel_size=11, stride=4),
}


def study_images() -> Shapes:
    """What the variants learn: 1200 images of 32×32 pixels with six forms on cluttered grounds."""
    return Shapes(1200, SIDE, forms=FORMS)


def study_budget() -> Recipe:
    """How each variant is trained: twelve epochs of the recipe "small"."""
    return recipe("small", epochs=12, batch_size=32)


@cache
def prepared_ablation() -> Ablation:
    """The rows of Table 3 in small: ten variants of a small `zf.zfnet_shapes`, which learnt six forms from images of
    32×32 pixels, over five folds and three seeds. It was found by `scripts/prepare_ablation.py`.
    """
    return Ablation.load(PLACE)


@dataclass(frozen=True, eq=False)
class Trial:
    """A network of one's own beside the study: trained on folds of the study's first seed, as its variants were."""

    network: Network  # after the training on the first of them
    train: np.ndarray  # share of wrong answers to the images that it learnt from, a fold each
    validation: np.ndarray  # … to those that were held back

    def error(self) -> tuple[float, float, float]:
        """Mean share of wrong answers to images held back, and where it lies with 95 % confidence (0 to 1 while there
        is one fold)."""
        low, high = corrected_interval(self.validation, prepared_ablation().test_share)
        return float(self.validation.mean()), max(low, 0.0), min(high, 1.0)

    def difference(self) -> tuple[float, float, float]:
        """How much larger it is than that of the study's base, on the same folds: mean, and its interval."""
        study = prepared_ablation()
        values = self.validation - study.validation[0, 0, : len(self.validation)]
        return float(values.mean()), *corrected_interval(values, study.test_share)


def trials(build: Build, task: Task = UNWATCHED, callbacks: Sequence[Any] = ()) -> Iterator[Trial]:
    """Train a network on the study's images with its budget, fold after fold; what is known is told after each.

    Its learning rate is the one that the study's variants chose most often. Lightning's callbacks watch the first fold.
    """
    study, budget = prepared_ablation(), study_budget()
    rates, often = np.unique(study.rates, return_counts=True)
    work = Work(_study_data(), budget, (float(rates[often.argmax()]),), study.folds, None)
    errors: list[tuple[float, float]] = []
    network = None
    for fold in range(study.folds):
        learn, held = work.parts(0, fold)

        def report(done: float, count: float, what: str, fold: int = fold) -> None:
            if what.startswith("Epoch"):  # and not while images are read
                task.progress((fold + done / count) * budget.epochs, study.folds * budget.epochs, "epochs")

        watched = Task(task.cancelled, report, task.behind)
        module, training = work.trained(build, (learn, held), work.rates[0], 0, watched, () if fold else callbacks)
        network = network or training.network(module, "cpu")
        errors.append((1 - right_share(training, module, learn), 1 - training.accuracy))
        yield Trial(network, *np.array(errors).T)


@cache
def _study_data() -> Labelled:
    return Labelled.of(study_images()).kept(IN_MEMORY)


@dataclass(frozen=True)
class PaperRow:
    """A row of Table 3, and how large the network is, which the paper leaves out."""

    variant: str
    train: float  # wrong answers on ImageNet 2012's training images, %
    validation: float  # … on its validation images, %
    top5: float  # … when five answers are allowed, %
    parameters: int
    macs: int  # multiply–adds for one image


_WIDE = (96, 256, 512, 1024, 512)
_TABLE: tuple[tuple[str, Callable[..., nn.Module], dict[str, object], tuple[float, float, float]], ...] = (
    ("AlexNet", alexnet_zf, {}, (35.1, 40.5, 18.1)),
    ("AlexNet without 3, 4", alexnet_zf, {"without": (3, 4)}, (41.8, 45.4, 22.1)),
    ("AlexNet without 7", alexnet_zf, {"without": (7,)}, (27.4, 40.0, 18.4)),
    ("AlexNet without 6, 7", alexnet_zf, {"without": (6, 7)}, (27.4, 44.8, 22.4)),
    ("AlexNet without 3, 4, 6, 7", alexnet_zf, {"without": (3, 4, 6, 7)}, (71.1, 71.3, 50.1)),
    ("AlexNet, 6, 7: 2048 units", alexnet_zf, {"hidden": (2048, 2048)}, (40.3, 41.7, 18.8)),
    ("AlexNet, 6, 7: 8192 units", alexnet_zf, {"hidden": (8192, 8192)}, (26.8, 40.0, 18.1)),
    ("ZFNet", zfnet, {}, (33.1, 38.4, 16.5)),
    ("ZFNet, 6, 7: 2048 units", zfnet, {"hidden": (2048, 2048)}, (38.2, 40.2, 17.6)),
    ("ZFNet, 6, 7: 8192 units", zfnet, {"hidden": (8192, 8192)}, (22.0, 38.8, 17.0)),
    ("ZFNet, 512, 1024, 512 maps", zfnet, {"maps": _WIDE}, (18.8, 37.5, 16.0)),
    ("ZFNet, both", zfnet, {"maps": _WIDE, "hidden": (8192, 8192)}, (10.0, 38.3, 16.9)),
)


@cache
def papers_ablation() -> tuple[PaperRow, ...]:
    """Table 3 as the paper has it, one training each on ImageNet 2012, with the parameters of each network counted."""
    rows = []
    for name, build, changed, errors in _TABLE:
        with torch.device("meta"):
            module = build(**changed).eval()
            with FlopCounterMode(display=False) as counter:
                module(torch.zeros(1, 3, 224, 224))
        parameters = sum(weight.numel() for weight in module.parameters())
        rows.append(PaperRow(name, *errors, parameters, counter.get_total_flops() // 2))
    return tuple(rows)
