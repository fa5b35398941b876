"""Ablations that compare fairly (Table 3, with what readers missed): the same budget, a learning rate for each, folds,
seeds, intervals."""

from zfwidgets.experiments.ablation.ablate import ablation
from zfwidgets.experiments.ablation.result import Ablation

__all__ = ["Ablation", "ablation"]
