"""The ablation that comes with the package: the rows of Table 3 in small, on shapes."""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path
from typing import Any

from zfwidgets.data import Shapes
from zfwidgets.experiments.ablation.result import Ablation
from zfwidgets.experiments.ablation.work import Build
from zfwidgets.experiments.training import Recipe, recipe
from zfwidgets.models.zfnet import ConvNet, zfnet_shapes

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
