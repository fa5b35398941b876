"""How the network's answer changes when parts of an image are hidden (§4.2, Fig. 7)."""

from zfwidgets.experiments.occlusion.occluder import FILLS, Colour, filling, hide, shown
from zfwidgets.experiments.occlusion.result import Occlusion
from zfwidgets.experiments.occlusion.sweep import occlusion, occlusion_sweep, strongest_map

__all__ = ["FILLS", "Colour", "Occlusion", "filling", "hide", "occlusion", "occlusion_sweep", "shown", "strongest_map"]
