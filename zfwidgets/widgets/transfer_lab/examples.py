"""Pictures of one thing, from files or the camera."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets as T
from PIL import Image

from zfwidgets.data import decode
from zfwidgets.widgets.controls import thumbnail

MOST = 60  # pictures of one thing
LARGEST = 640  # pixels, the longer side of a picture that is kept: more than networks look at


class Examples(anywidget.AnyWidget):
    """Pictures of one thing; a click on one takes it away. What is wrong with a file is told to `report`.

    With `most=1` a new picture takes the old one's place.
    """

    _esm = (Path(__file__).parent / "examples.js").read_text(encoding="utf-8")  # a path would hold every one made

    what = T.Unicode(help="what they are pictures of").tag(sync=True)
    pictures: T.List[Any] = T.List(help="thumbnails, JPEG").tag(sync=True)
    version = T.Int(0, help="another with every change")

    def __init__(self, what: str, report: Callable[[str, Any], None], most: int = MOST) -> None:
        self.images: list[np.ndarray] = []  # (H, W, 3) uint8
        self._report, self._most = report, most
        self._lock, self._changes = threading.Lock(), itertools.count(1)
        super().__init__(what=what)
        self.on_msg(self._heard)

    def add(self, name: str, content: Any) -> None:
        """Put a picture there, of whatever kind `decode` reads; what is wrong with it is reported."""
        self._report("upload", None)
        try:
            image = decode(content)
        except (ValueError, TypeError) as error:
            self._report("upload", f"{name}: {error}")
            return
        shrunk = Image.fromarray(image)
        shrunk.thumbnail((LARGEST, LARGEST))
        image, small = np.asarray(shrunk), thumbnail(shrunk)
        with self._lock:  # messages may come in several threads
            full = self._most > 1 and len(self.images) == self._most
            if not full:
                kept, thumbnails = ([], []) if self._most == 1 else (self.images, self.pictures)
                self.images, self.pictures = [*kept, image], [*thumbnails, small]
        if full:
            self._report("upload", f"{name}: {self._most} pictures are the most; take one away first")
        else:
            self.version = next(self._changes)

    def take_away(self, place: int) -> None:
        """Take a picture away, by its place."""
        with self._lock:
            if not 0 <= place < len(self.images):
                return
            self.images = [image for number, image in enumerate(self.images) if number != place]
            self.pictures = [picture for number, picture in enumerate(self.pictures) if number != place]
        self.version = next(self._changes)

    def _heard(self, _: Any, message: Any, buffers: list[Any]) -> None:
        if "away" in message:
            self.take_away(int(message["away"]))
        elif message.get("refused"):
            self._report("upload", f"{message.get('name')}: {message['refused']}")
        elif buffers:
            self.add(str(message.get("name") or "a picture"), bytes(buffers[0]))
