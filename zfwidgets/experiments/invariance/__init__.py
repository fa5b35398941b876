"""How far feature vectors move when the image is moved, scaled, turned, … (§4.1, Fig. 5)."""

from zfwidgets.experiments.invariance.result import MEASURES, Invariance
from zfwidgets.experiments.invariance.shift import FeatureShift, feature_shift
from zfwidgets.experiments.invariance.sweep import FIVE, Transforms, invariance, invariance_sweep
from zfwidgets.experiments.invariance.transforms import BORDERS, TRANSFORMATIONS, Transformation, chosen, transformation

__all__ = [
    "BORDERS",
    "FIVE",
    "MEASURES",
    "TRANSFORMATIONS",
    "FeatureShift",
    "Invariance",
    "Transformation",
    "Transforms",
    "chosen",
    "feature_shift",
    "invariance",
    "invariance_sweep",
    "transformation",
]
