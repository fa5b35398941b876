"""The evolution that the package ships: `zfnet_shapes` while it learnt shapes."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from zfwidgets.experiments.evolution.folder import EvolutionFolder
from zfwidgets.experiments.evolution.result import Evolution

PLACE = Path(__file__).parent / "prepared"


@cache
def prepared_evolution() -> Evolution:
    """How the features of `zf.load("zfnet_shapes")` formed, at the paper's eight epochs. No network is needed."""
    return EvolutionFolder(PLACE).read()
