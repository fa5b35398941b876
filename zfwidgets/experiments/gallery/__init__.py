"""What the strongest activations of some feature maps saw, and their projections (Fig. 2)."""

from zfwidgets.experiments.gallery.build import Sources, gallery, hang, patches
from zfwidgets.experiments.gallery.result import GREY, Gallery

__all__ = ["GREY", "Gallery", "Sources", "gallery", "hang", "patches"]
