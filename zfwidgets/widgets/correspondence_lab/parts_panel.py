"""A panel in which parts are marked on several pictures, named, saved and loaded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets as W
import numpy as np
import traitlets as T

from zfwidgets.experiments.occlusion import baseline_picture, make_baseline, part_masks
from zfwidgets.experiments.projection import ImageFeatures
from zfwidgets.widgets.controls import NameButtons, bind, classed
from zfwidgets.widgets.correspondence_lab.part_controls import MarksFile, PartName, PhotographUpload
from zfwidgets.widgets.correspondence_lab.part_marks import PartMarks
from zfwidgets.widgets.correspondence_lab.pictures import MarkedPictures
from zfwidgets.widgets.panel import Panel
from zfwidgets.widgets.traits import FILLS, HIDING, Option

MOST_IMAGES = 12
TOOLS = ("rectangle", "square", "brush", "eraser")


class PartOfMarks(T.TraitType[str, Any]):
    """The name of one of the parts that there are."""

    default_value = ""

    def validate(self, obj: Any, value: Any) -> str:
        if value not in obj.marks.parts:
            raise ValueError(f"there is no part {value!r}; there are {', '.join(obj.marks.parts)}")
        return str(value)


class LeftOut(T.TraitType[tuple[str, ...], Any]):
    """The names of some of the pictures, in their order."""

    default_value = ()

    def validate(self, obj: Any, value: Any) -> tuple[str, ...]:
        if unknown := [name for name in value if name not in obj.marks.images]:
            raise ValueError(f"there is no image {unknown[0]!r}; there are {', '.join(obj.marks.images)}")
        return tuple(name for name in obj.marks.images if name in value)


class PartsPanel(Panel):
    """Marks on pictures: one part at a time is shown on all of them, and drawn."""

    marks: PartMarks
    _features: dict[str, ImageFeatures]

    part = PartOfMarks(help="the part that is being marked")
    tool = Option(TOOLS, "rectangle", "Mark with", "what the pointer does", "Drag a rectangle, click a square, or "
                  "paint; on the keyboard: Tab to a picture, arrow keys, Enter", buttons=True)  # fmt: skip
    fill = Option(FILLS, "grey", "Fill", "what stands in hidden places", HIDING, width=90)
    left_out = LeftOut(help="names of the pictures that are not compared; their marks stay")
    changes = T.Int(0, help="grows with every change of what is marked")

    def build(self) -> W.Widget:
        self.pictures = MarkedPictures(self.marks.images, self.marks.shape, self._drawn)
        for name in ("tool", "left_out"):
            bind(self.pictures, self, name, name)
        self.part_buttons = NameButtons(self.marks.parts, "Part")
        self.part_name = PartName(
            {"Add": self._try(self.add), "Rename": self._try(self.rename), "Remove": self._try(lambda _: self.remove())}
        )
        self.marks_file = MarksFile(self._try(self.load))
        self.photographs = PhotographUpload(self._upload)
        bind(classed(self.part_buttons, "zf-part"), self, "part")
        self.selection.images.observe(lambda _: self._take_images(), names="names")
        self.observe(self._show_pictures, names="fill")
        self.observe(self._show_part, names="part")
        self._show_pictures()
        self._show_part()
        return self.pictures

    def choices(self) -> dict[str, Any]:
        return super().choices() | {"left_out": self.left_out}

    @property
    def taking_part(self) -> tuple[str, ...]:
        """The names of the pictures that are not left out."""
        return tuple(name for name in self.marks.images if name not in self.left_out)

    @property
    def parts(self) -> dict[str, list[np.ndarray | None]]:
        """The parts that are marked in two pictures or more, each with its mask (H, W) bool for each picture that takes
        part, or None where it is not marked: what `zfwidgets.correspondence` takes."""
        found = self.marks.comparable(self.taking_part)
        return {part: [masks.get(name) for name in self.taking_part] for part, masks in found.items()}

    def add_image(self, name: str, image: Any) -> None:
        """One more picture to mark parts in. Raises ValueError when it is not an image, or one too many."""
        if len(self.selection.images) >= MOST_IMAGES:
            raise ValueError(f"parts are compared between up to {MOST_IMAGES} images; {name!r} would be one more")
        super().add_image(name, image)

    def add(self, name: str) -> None:
        """Begin a part of that name. Raises ValueError where the name is empty, too long, or taken; or after 50."""
        self._offer(self.marks.add(name))
        self._changed()

    def rename(self, name: str) -> None:
        """Give the part that is being marked another name."""
        self._offer(self.marks.rename(self.part, name))
        self._changed()

    def remove(self) -> None:
        """Forget the part that is being marked. Raises ValueError where it is the only one."""
        parts = self.marks.parts
        if len(parts) == 1:
            raise ValueError("this is the only part: rename it, or mark it anew")
        place = parts.index(self.part)
        self.marks.remove(self.part)
        self._offer(self.marks.parts[max(place - 1, 0)])
        self._changed()

    def mark(self, image: str, mark: Any) -> None:
        """Mark the part on an image: a rectangle, a polygon or a bool array, as in `zfwidgets.correspondence`.

        Raises ValueError for a mark that does not fit, or an image that is not here.
        """
        if image not in self.pictures.canvases:
            raise ValueError(f"there is no image {image!r}; there are {', '.join(self.pictures.canvases)}")
        masks = part_masks({self.part: [mark]}, 1, self.marks.shape)
        self.pictures.canvases[image].put(masks[self.part][0])

    def save(self) -> str:
        """All marks, as JSON."""
        return self.marks.to_json()

    def load(self, text: str | bytes) -> None:
        """Take over marks that were saved. Raises ValueError, in words, where they don't fit; nothing is lost then."""
        read = self.marks.from_json(text)
        if not read.parts:
            raise ValueError("this file holds no part")
        self.marks = read
        self._offer(read.parts[0])
        self._changed()

    def _offer(self, part: str) -> None:
        """Let the buttons be those of the parts that there are, and this one be chosen."""
        self.part = part
        self.part_buttons.offer(self.marks.parts)
        self._show_part()

    def _show_pictures(self, _: Any = None) -> None:
        """Put the pictures on the canvases, and what stands in their hidden places."""
        self.pictures.show({name: self._picture(name) for name in self._features})

    def _picture(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """A picture as the network gets it, and what stands in its hidden places."""
        one = self._features[name]
        return one.picture, baseline_picture(one, make_baseline(self.net, one.input, self.fill))

    def _upload(self, name: str, content: bytes) -> None:
        """A photograph of the reader's own."""
        self._try(lambda image: self.add_image(name, image))(content)

    def _take_images(self) -> None:
        """An image that has come to the list is one more to mark parts in."""
        for name in self.selection.images.names[:MOST_IMAGES]:
            if name not in self.marks.images:
                self._features[name] = ImageFeatures(self.net, np.asarray(self.selection.images[name]))
                self.marks.add_image(name)
                self.pictures.add(name)
                self.pictures.show({name: self._picture(name)})
                self._changed()

    def _show_part(self, _: Any = None) -> None:
        """Hide the part that is being marked on every picture."""
        self.pictures.show_part(self.marks, self.part)
        self._say_what_is_marked()

    def _drawn(self, image: str, mask: np.ndarray) -> None:
        self.marks.mark(self.part, image, mask)
        self._changed()

    def _changed(self) -> None:
        self._say_what_is_marked()
        self.changes += 1

    def _say_what_is_marked(self) -> None:
        self.pictures.caption(self.marks.marked(self.part, self.marks.images))
        self.marks_file.show(self.save())

    def _try(self, act: Callable[[Any], None]) -> Callable[[Any], None]:
        """What a button does; where it can't be done, it is said why."""

        def tried(argument: Any) -> None:
            self.report("parts", None)
            try:
                act(argument)
            except (ValueError, TypeError) as error:
                self.report("parts", error)

        return tried
