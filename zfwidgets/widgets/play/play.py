"""A button that goes through places one after another, as a film does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anywidget
import traitlets as T

from zfwidgets.widgets.tokens import styled
from zfwidgets.widgets.traits import reject_unknown

ROOM = Path(__file__).parent


class Play(anywidget.AnyWidget):
    """Go from a place to the next until the last one; a second press stops. At the last place it begins anew.

    The page keeps the time, and sends `place`; a kernel that is slow gets fewer places, not later ones.
    """

    _esm = (ROOM / "play.js").read_text(encoding="utf-8")  # a path would hold every one made
    _css = styled(ROOM / "play.css")

    readout = False  # nothing to be read where there is no page

    place = T.Int(0, min=0, help="where it is, from 0").tag(sync=True)
    count = T.Int(1, min=1, help="of the places").tag(sync=True)
    playing = T.Bool(False, help="it goes on").tag(sync=True)
    interval = T.Int(200, min=20, help="milliseconds from one place to the next").tag(sync=True)
    what = T.Unicode(help="what it plays through, for the tooltip").tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        reject_unknown(type(self), traits)
        super().__init__(**traits)
