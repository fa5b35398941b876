"""Images from wherever the user has them, and some to begin with. Knows no network, experiment or widget."""

from zfwidgets.data.collection import Collection
from zfwidgets.data.corpus import Corpus, corpus
from zfwidgets.data.decode import decode
from zfwidgets.data.faces import face_parts, faces
from zfwidgets.data.labelled import IN_MEMORY, Labelled
from zfwidgets.data.photographs import photograph, photograph_names, photographs
from zfwidgets.data.shapes import Shapes, Truth, render
from zfwidgets.data.sources import images

__all__ = [
    "IN_MEMORY",
    "Collection",
    "Corpus",
    "Labelled",
    "Shapes",
    "Truth",
    "corpus",
    "decode",
    "face_parts",
    "faces",
    "images",
    "photograph",
    "photograph_names",
    "photographs",
    "render",
]
