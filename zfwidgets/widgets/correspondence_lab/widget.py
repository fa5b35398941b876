"""Mark the same parts in several images, and see whether hiding them changes features alike (§4.4, Fig. 8, Table 1)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import ipywidgets as W
import numpy as np
import traitlets as T

from zfwidgets.data import face_parts, faces
from zfwidgets.data import images as as_collection
from zfwidgets.experiments.correspondence import Correspondence, correspondence
from zfwidgets.experiments.occlusion import baseline_picture, make_baseline, part_masks, rectangles
from zfwidgets.experiments.projection import ImageFeatures
from zfwidgets.models import Network
from zfwidgets.task import Task
from zfwidgets.widgets.controls import bind, classed, control
from zfwidgets.widgets.correspondence_lab.part_controls import MarksFile, PartButtons, PartName
from zfwidgets.widgets.correspondence_lab.part_marks import PartMarks
from zfwidgets.widgets.correspondence_lab.pictures import MarkedPictures
from zfwidgets.widgets.correspondence_lab.view import CorrespondenceView
from zfwidgets.widgets.panel import Panel, call
from zfwidgets.widgets.selection import Images, Selection
from zfwidgets.widgets.traits import FILLS, HIDING, LayerNames, Option

TOOLS = ("rectangle", "square", "brush", "eraser")
DRAWS = {f"{count} random places": count for count in (19, 99, 499)}
MOST_LAYERS = 3
MOST_IMAGES = 12
LARGEST_FILE = 4_000_000  # bytes
ONE_PART = "part 1"  # what the first one of own images is called


@dataclass(frozen=True)
class PartsChoice:
    """What the comparison depends on."""

    layers: tuple[str, ...]
    fill: str
    draws: int
    changes: int


class PartOfMarks(T.TraitType[str, Any]):
    """The name of one of the parts that there are."""

    default_value = ""

    def validate(self, obj: Any, value: Any) -> str:
        if value not in obj.marks.parts:
            raise ValueError(f"there is no part {value!r}; there are {', '.join(obj.marks.parts)}")
        return str(value)


class CorrespondenceLab(Panel):
    """Mark a part in each picture, by mouse or keyboard; see whether the network treats it alike in all of them.

    `CorrespondenceLab(net)` opens with five faces and the cat, eyes, nose and mouth marked (`zfwidgets.faces`). With
    `images` of one's own, two to twelve, `parts` may say what is marked, as in `zfwidgets.correspondence`. As soon as a
    part is marked in every picture, it is compared with the same masks at random places. `.parts` is what is marked,
    `.result` the latest `zfwidgets.Correspondence`; `.save()` and `.load(…)` keep the marks as JSON.

    Raises ValueError for images, parts or layers that don't fit; TypeError for a misspelt setting.
    """

    title = "Correspondence lab"
    lead = (
        "Does the network treat the same part alike in different images? Hide it in each, and see whether the features "
        "change in the same way."
    )
    Choice = PartsChoice
    marks: PartMarks

    part = PartOfMarks(help="the part that is being marked")
    layers = LayerNames(MOST_LAYERS, help="names of one to three layers; by default one half-way up, and the last with "
                        "maps")  # fmt: skip
    tool = Option(TOOLS, "rectangle", "Mark with", "what the pointer does", "Drag a rectangle, click a square, or "
                  "paint; on the keyboard: Tab to a picture, arrow keys, Enter", buttons=True)  # fmt: skip
    fill = Option(FILLS, "grey", "Fill", "what stands in hidden places", HIDING, width=90)
    draws = Option(DRAWS, 19, "Compared with", "how often each mask is put to random places; p is at least "
                   "1 / (draws + 1)", "The same masks at random places; the paper draws once", width=160)  # fmt: skip
    changes = T.Int(0, help="grows with every change of what is marked")

    def __init__(
        self, net: Network | None = None, images: Any = None, parts: Mapping[str, Sequence[Any]] | None = None,
        *, selection: Selection | None = None, **settings: Any,
    ) -> None:  # fmt: skip
        self._faces = images is None and selection is None
        if selection is None:
            images = Images(as_collection(faces() if images is None else images))
        self._given = parts
        self._known: dict[Any, Correspondence] = {}  # one part each
        super().__init__(net, images, selection=selection, **settings)
        self.add_class("zf-correspondence")

    @property
    def parts(self) -> dict[str, np.ndarray]:
        """The parts that are marked in every image, (images, H, W) bool each: what `zfwidgets.correspondence` takes."""
        return self.marks.complete()

    def add(self, name: str) -> None:
        """Begin a part of that name. Raises ValueError where the name is empty, too long, or taken."""
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
        if len(text) > LARGEST_FILE:
            raise ValueError(f"parts take at most {LARGEST_FILE // 1_000_000} MB; this file has {len(text):,} bytes")
        read = self.marks.from_json(text)
        if not read.parts:
            raise ValueError("this file holds no part")
        self.marks = read
        self._offer(read.parts[0])
        self._changed()

    def first_choice(self) -> dict[str, Any]:
        half_way = self.net.feature_layers[len(self.net.feature_layers) // 2]
        self._read_images()
        return {"layers": (half_way.name, self.net.last_spatial_layer.name), "part": self.marks.parts[0]}

    def build(self) -> W.Widget:
        self.pictures = MarkedPictures(self.marks.images, self.marks.shape, self._drawn)
        for canvas in self.pictures.canvases.values():
            bind(canvas, self, "tool", "tool")
        self.view = CorrespondenceView(MOST_LAYERS)
        self.part_buttons = PartButtons(self.marks.parts)
        self.part_name = PartName(
            {"Add": self._try(self.add), "Rename": self._try(self.rename), "Remove": self._try(lambda _: self.remove())}
        )
        self.marks_file = MarksFile(self.pictures.undo, self.pictures.clear, self._try(self.load))
        bind(classed(self.part_buttons, "zf-part"), self, "part")
        self.observe(self._show_pictures, names="fill")
        self.observe(self._show_part, names="part")
        self._show_pictures()
        self._show_part()
        return self.pictures

    def controls(self) -> list[W.Widget]:
        tool, layers, draws, fill = (control(self, name) for name in ("tool", "layers", "draws", "fill"))
        return [self.part_buttons, self.part_name, tool, self.marks_file, layers, draws, fill]

    def below(self) -> list[W.Widget]:
        return [self.view]

    def compute(self, choice: PartsChoice, task: Task) -> Iterator[Correspondence | None]:
        """Compare each part with chance; one after another, those known come at once."""
        wanted = {(part, masks.tobytes(), choice.layers, choice.fill, choice.draws): (part, masks)
                  for part, masks in self.marks.complete().items()}  # fmt: skip
        known = {key: self._known[key] for key in wanted if key in self._known}
        if known or not wanted:
            yield Correspondence.joined([*known.values()]) if known else None
        for count, (key, (part, masks)) in enumerate(wanted.items()):
            if key in known:
                continue
            known[key] = self._known[key] = correspondence(
                self.net, self._originals, {part: list(masks)}, choice.layers, fill=choice.fill, draws=choice.draws,
                task=_part_of(task, part, count, len(wanted)),
            )  # fmt: skip
            yield Correspondence.joined([known[one] for one in wanted if one in known])
        self._known = {key: known[key] for key in wanted}

    def draw(self, result: Correspondence | None, choice: PartsChoice) -> None:
        """Show words, bars and table, and what still has to be marked."""
        without = {part: self.marks.missing(part) for part in self.marks.parts}
        missing = [f"<i>{escape(part)}</i> is not marked in {escape(', '.join(images))}"
                   for part, images in without.items() if images]  # fmt: skip
        self.view.show(result, f"{'; '.join(missing)}." if missing else "")

    def code_lines(self) -> Sequence[str]:
        marked = {part: [rectangles(mask) for mask in masks] for part, masks in self.parts.items()}
        images = "images = zf.faces()" if self._faces else "images = ...  # your images"
        settings = {"layers": list(self.layers), "fill": self.fill, "draws": self.draws}
        return [images, f"parts = {marked!r}", call("zf.correspondence", "net", "images", "parts", **settings)]

    def _read_images(self) -> None:
        images = self.selection.images
        if not 2 <= len(images) <= MOST_IMAGES:
            raise ValueError(f"parts are compared between 2 to {MOST_IMAGES} images; {len(images)} were given")
        self._originals = {name: np.asarray(images[name]) for name in images}
        self._features = {name: ImageFeatures(self.net, picture) for name, picture in self._originals.items()}
        height, width = next(iter(self._features.values())).picture.shape[:2]
        self.marks = PartMarks(tuple(self._originals), (height, width))
        parts = face_parts(height, width) if self._faces and self._given is None else self._given or {}
        masks = part_masks(parts, len(self._features), self.marks.shape) if parts else {}
        for part in masks or (ONE_PART,):
            name = self.marks.add(part)
            for image, mask in zip(self.marks.images, masks.get(part, ()), strict=False):
                self.marks.mark(name, image, mask)

    def _offer(self, part: str) -> None:
        """Let the buttons be those of the parts that there are, and this one be chosen."""
        self.part = part
        self.part_buttons.offer(self.marks.parts, part)
        self._show_part()

    def _show_pictures(self, _: Any = None) -> None:
        """Put the pictures on the canvases, and what stands in their hidden places."""
        self.pictures.show(
            {
                name: (one.picture, baseline_picture(one, make_baseline(self.net, one.input, self.fill)))
                for name, one in self._features.items()
            }
        )

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
        self.pictures.caption(self.marks.missing(self.part))
        self.marks_file.show(self.save())

    def _try(self, act: Callable[[Any], None]) -> Callable[[Any], None]:
        """What a button does; where it can't be done, it is said why."""

        def tried(argument: Any) -> None:
            self.report("parts", None)
            try:
                act(argument)
            except ValueError as error:
                self.report("parts", error)

        return tried


def _part_of(task: Task, part: str, number: int, count: int) -> Task:
    """The task of comparing one part of several."""

    def report(done: float, of_all: float, what: str) -> None:
        task.progress(number + done / of_all, count, f"{part}: {done:.0f} of {of_all:.0f} {what}")

    return Task(task.cancelled, report, task.behind)
