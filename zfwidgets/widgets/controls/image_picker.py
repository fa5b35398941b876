"""Choose an image by its thumbnail, or add one of one's own."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import anywidget
import traitlets as T
from PIL import Image

from zfwidgets.models import Network
from zfwidgets.task import Foreground, Task
from zfwidgets.widgets.holding import holding
from zfwidgets.widgets.selection import Images
from zfwidgets.widgets.worker import LatestOnlyWorker

HEIGHT, LONGEST = 88, 176  # of a thumbnail, pixels: twice what it takes on the page, for sharp screens
MOST = 24  # thumbnails; of more images, those around the chosen one, and a list of all names


class ImagePicker(anywidget.AnyWidget):
    """The images of a selection as thumbnails, on which is outlined what the network sees of them.

    One's own come in by a button, by being dropped anywhere on the panel, or pasted. Thumbnails are made while nothing
    is in the foreground that they are `behind`; with `direct=True`, in the caller's thread.
    """

    _esm = (Path(__file__).parent / "image_picker.js").read_text(encoding="utf-8")  # a path would hold every one made

    value = T.Unicode(help="name of the image").tag(sync=True)
    names: T.List[Any] = T.List(T.Unicode(), help="of all images, in order").tag(sync=True)
    shown: T.List[Any] = T.List(T.Unicode(), help="those with a thumbnail").tag(sync=True)
    pictures: T.List[Any] = T.List(help="thumbnails of the shown ones, JPEG; as many as there are yet").tag(sync=True)
    crops: T.List[Any] = T.List(
        help="what the network sees of each: top, left, bottom, right as parts of the whole; empty: not known"
    ).tag(sync=True)

    def __init__(
        self, images: Images, report: Callable[[str, Any], None], net: Network | None = None,
        behind: Foreground | None = None, direct: bool = True,
    ) -> None:  # fmt: skip
        self._images, self._report, self._net, self._behind = images, report, net, behind
        self._worker = LatestOnlyWorker(self._draw, direct)
        super().__init__(names=list(images.names), value=images.names[0])
        self.on_msg(self._heard)
        self._fill()
        self.observe(self._fill, names="value")
        images.observe(self._fill, names="names")

    def add(self, name: str, content: bytes) -> None:
        """Put an image file on the list and choose it; what is wrong with it is reported."""
        self._report("upload", None)
        try:
            self.value = self._images.add(name, content)
        except (ValueError, TypeError) as error:
            self._report("upload", f"{name}: {error}")

    def _heard(self, _: Any, message: Any, buffers: list[Any]) -> None:
        name = str(message.get("name") or "a photograph")
        if message.get("refused"):
            self._report("upload", f"{name}: {message['refused']}")
        elif buffers:
            self.add(name, bytes(buffers[0]))

    def _fill(self, _: Any = None) -> None:
        names = list(self._images.names)
        shown = self.shown
        if self.names != names or self.value not in shown:
            shown = around(names, self.value)
        with holding(self):
            self.names = names
            if shown != self.shown:
                self.shown, self.pictures, self.crops = shown, [], []
        if len(self.pictures) < len(shown):
            self._worker.ask(shown)

    def _draw(self, shown: list[str], cancelled: Callable[[], bool]) -> None:
        task, pictures, crops = Task(cancelled, behind=self._behind), list[bytes](), list[list[float]]()
        for name in shown:
            if task.stopped:
                return
            try:
                pixels = self._images[name]
            except (ValueError, TypeError, OSError):  # it is said when the image is chosen
                pictures.append(b"")
                crops.append([])
                continue
            pictures.append(thumbnail(Image.fromarray(pixels)))
            crops.append(list(self._net.crop_of(pixels.shape[0], pixels.shape[1])) if self._net else [])
        if not cancelled():
            with holding(self):
                self.pictures, self.crops = pictures, crops


def around(names: list[str], chosen: str) -> list[str]:
    """At most `MOST` names, among them the chosen one."""
    place = names.index(chosen) if chosen in names else 0
    first = min(max(0, place - MOST // 2), max(0, len(names) - MOST))
    return names[first : first + MOST]


def thumbnail(picture: Image.Image) -> bytes:
    """A picture made small, as JPEG."""
    small = picture.copy()
    small.thumbnail((LONGEST, HEIGHT), Image.Resampling.BOX, reducing_gap=2.0)
    data = BytesIO()
    small.save(data, "JPEG", quality=80)
    return data.getvalue()
