"""Images from wherever the user has them, and photographs to begin with. Knows no network, experiment or widget."""

from zfwidgets.data.collection import Collection, images
from zfwidgets.data.decode import decode
from zfwidgets.data.photographs import photograph, photograph_names, photographs

__all__ = ["Collection", "decode", "images", "photograph", "photograph_names", "photographs"]
