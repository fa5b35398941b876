"""How the network's answer changes when parts of an image are hidden (§4.2, Fig. 7)."""

from zfwidgets.experiments.occlusion.hiding import Hiding, compare_hidden, hide, map_sums, strongest_map
from zfwidgets.experiments.occlusion.masks import mask_of, part_masks, random_placement, rectangles
from zfwidgets.experiments.occlusion.occluder import FILLS, Colour, baseline_picture, make_baseline
from zfwidgets.experiments.occlusion.result import Occlusion
from zfwidgets.experiments.occlusion.sweep import occlusion, occlusion_sweep

__all__ = [
    "FILLS",
    "Colour",
    "Hiding",
    "Occlusion",
    "baseline_picture",
    "compare_hidden",
    "hide",
    "make_baseline",
    "map_sums",
    "mask_of",
    "occlusion",
    "occlusion_sweep",
    "part_masks",
    "random_placement",
    "rectangles",
    "strongest_map",
]
