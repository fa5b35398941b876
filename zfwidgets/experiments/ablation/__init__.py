"""Ablations that compare fairly (Table 3, with what readers missed): the same budget, a learning rate for each, folds,
seeds, intervals."""

from zfwidgets.experiments.ablation.ablate import ablation
from zfwidgets.experiments.ablation.figure import draw_papers
from zfwidgets.experiments.ablation.papers import PaperRow, papers_ablation
from zfwidgets.experiments.ablation.plan import Built, BuiltLayer, Plan
from zfwidgets.experiments.ablation.result import Ablation
from zfwidgets.experiments.ablation.study import prepared_ablation, study_network
from zfwidgets.experiments.ablation.trial import Trial, trials

__all__ = [
    "Ablation",
    "Built",
    "BuiltLayer",
    "PaperRow",
    "Plan",
    "Trial",
    "ablation",
    "draw_papers",
    "papers_ablation",
    "prepared_ablation",
    "study_network",
    "trials",
]
