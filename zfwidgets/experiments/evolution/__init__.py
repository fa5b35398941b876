"""How features form while a network trains (Fig. 4): recorded without disturbing the training, and read again."""

from zfwidgets.experiments.evolution.folder import EvolutionFolder
from zfwidgets.experiments.evolution.prepared import prepared_evolution
from zfwidgets.experiments.evolution.recorder import EPOCHS, EvolutionRecorder
from zfwidgets.experiments.evolution.result import ROWS, Evolution, Outline
from zfwidgets.experiments.evolution.snapshot import Snapshot

__all__ = [
    "EPOCHS",
    "ROWS",
    "Evolution",
    "EvolutionFolder",
    "EvolutionRecorder",
    "Outline",
    "Snapshot",
    "prepared_evolution",
]
