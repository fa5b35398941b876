"""How the network's answer changes when parts of an image are hidden (§4.2, Fig. 7)."""

from zfwidgets.experiments.occlusion.occluder import FILLS, Colour, baseline_picture, hide, make_baseline
from zfwidgets.experiments.occlusion.result import Occlusion
from zfwidgets.experiments.occlusion.sweep import occlusion, occlusion_sweep, strongest_map

__all__ = [
    "FILLS",
    "Colour",
    "Occlusion",
    "baseline_picture",
    "hide",
    "make_baseline",
    "occlusion",
    "occlusion_sweep",
    "strongest_map",
]
