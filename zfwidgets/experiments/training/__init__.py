"""Train a network: by the paper's recipe (§3), or by one that teaches a small network shapes in minutes."""

from zfwidgets.experiments.training.evaluate import right_share
from zfwidgets.experiments.training.held_back import split
from zfwidgets.experiments.training.recipe import RECIPES, Recipe, recipe
from zfwidgets.experiments.training.result import Training
from zfwidgets.experiments.training.rms import clip_rms
from zfwidgets.experiments.training.train import train

__all__ = [
    "RECIPES",
    "Recipe",
    "Training",
    "clip_rms",
    "recipe",
    "right_share",
    "split",
    "train",
]
