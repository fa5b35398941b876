"""What a feature responds to in one image: its activation map, and its projection down to pixels (§2, Fig. 2)."""

from zfwidgets.experiments.projection.image_features import ImageFeatures, Unit, checked_unit, project
from zfwidgets.experiments.projection.result import Projection, robust_scale

__all__ = ["ImageFeatures", "Projection", "Unit", "checked_unit", "project", "robust_scale"]
