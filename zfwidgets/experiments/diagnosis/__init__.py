"""Choosing an architecture by looking: what is wrong with a network's first layer (Fig. 6)."""

from zfwidgets.experiments.diagnosis.diagnose import diagnose
from zfwidgets.experiments.diagnosis.result import Diagnosis, Verdict

__all__ = ["Diagnosis", "Verdict", "diagnose"]
