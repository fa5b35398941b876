"""Results drawn as in the paper, and the colours that figures and widgets share."""

from zfwidgets.figures.correspondence import draw_correspondence
from zfwidgets.figures.drawing import new_figure
from zfwidgets.figures.features import draw_gallery, draw_projection
from zfwidgets.figures.invariance import draw_invariance
from zfwidgets.figures.occlusion import draw_occlusion
from zfwidgets.figures.pictures import (
    OKABE_ITO,
    REST,
    fit_tile,
    heat,
    label_picture,
    mosaic,
    said,
    signed_picture,
)  # fmt: skip

__all__ = [
    "OKABE_ITO", "REST", "draw_correspondence", "draw_gallery", "draw_invariance", "draw_occlusion", "draw_projection",
    "fit_tile", "heat", "label_picture", "mosaic", "new_figure", "said", "signed_picture",
]  # fmt: skip
