"""What the strongest activations of some feature maps saw, and their projections (Fig. 2)."""

from zfwidgets.experiments.gallery.build import Sources, build_gallery, gallery, patches
from zfwidgets.experiments.gallery.result import GREY, Gallery

__all__ = ["GREY", "Gallery", "Sources", "build_gallery", "gallery", "patches"]
