"""Choose an image, or upload one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets as W
import traitlets as T

from zfwidgets.widgets.controls.binding import Filled
from zfwidgets.widgets.controls.layout import classed, labelled, row
from zfwidgets.widgets.selection import Images


class ImagePicker(Filled):
    """The images of a selection, by name, and a way to add one of one's own to them."""

    value = T.Unicode(help="name of the image")

    def __init__(self, images: Images, report: Callable[[str, Any], None]) -> None:
        self._images, self._report = images, report
        self.list = W.Dropdown(options=list(images.names), layout=W.Layout(width="110px"))
        self.upload = W.FileUpload(
            accept="image/*", multiple=False, tooltip="Upload an image", layout=W.Layout(width="40px")
        )
        classed(self.list, "zf-image-list")
        classed(self.upload, "zf-upload")
        super().__init__([labelled("Image", row(self.list, self.upload))])
        self.value = images.names[0]
        self.list.observe(self._chosen, names="value")
        self.observe(self._fill, names="value")
        self.upload.observe(self._uploaded, names="value")
        images.observe(self._fill, names="names")

    def _chosen(self, change: T.Bunch) -> None:
        if self.by_reader and change["new"] is not None:
            self.value = change["new"]

    def _fill(self, _: T.Bunch) -> None:
        """Let the list be that of the images, and show the chosen one."""
        with self.fills():  # new options put the list back to its first one, which nobody chose
            if tuple(self.list.options) != self._images.names:
                self.list.options = list(self._images.names)
            self.list.value = self.value

    def _uploaded(self, change: T.Bunch) -> None:
        for file in change["new"]:
            self._report("upload", None)
            try:
                self.value = self._images.add(file["name"], bytes(file["content"]))
            except (ValueError, TypeError) as error:
                self._report("upload", f"{file['name']}: {error}")
        self.upload.value = ()  # and the same file again
