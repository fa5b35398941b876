"""Mark the same parts in several images, and see whether hiding them changes features alike (§4.4, Fig. 8, Table 1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ipywidgets as W
import numpy as np

from zfwidgets.data import face_parts, faces
from zfwidgets.data import images as as_collection
from zfwidgets.experiments.correspondence import Correspondence, correspondence
from zfwidgets.experiments.occlusion import part_masks, rectangles
from zfwidgets.experiments.projection import ImageFeatures
from zfwidgets.models import Network
from zfwidgets.task import Task
from zfwidgets.widgets.controls import classed, control, labelled, rare
from zfwidgets.widgets.correspondence_lab.part_controls import gestures
from zfwidgets.widgets.correspondence_lab.part_marks import PartMarks
from zfwidgets.widgets.correspondence_lab.parts_panel import MOST_IMAGES, PartsPanel
from zfwidgets.widgets.correspondence_lab.view import CorrespondenceView, coverage_html
from zfwidgets.widgets.panel import call
from zfwidgets.widgets.selection import Images, Selection
from zfwidgets.widgets.traits import LayerNames, Option

DRAWS = {f"{count} random places": count for count in (19, 99, 499)}
MOST_LAYERS = 3
ONE_PART = "part 1"  # what the first one of own images is called


@dataclass(frozen=True)
class PartsChoice:
    """What the comparison depends on."""

    layers: tuple[str, ...]
    fill: str
    draws: int
    left_out: tuple[str, ...]
    changes: int


class CorrespondenceLab(PartsPanel):
    """Mark a part in each picture, by mouse or keyboard; see whether the network treats it alike in all of them.

    `CorrespondenceLab(net)` opens with five faces and the cat, eyes, nose and mouth marked (`zfwidgets.faces`). With
    `images` of one's own, two to twelve, `parts` may say what is marked, as in `zfwidgets.correspondence`. As soon as a
    part is marked in two pictures, it is compared between them, and with the same masks at random places. Pictures can
    be added, and left out (`left_out`). `.parts` is what is marked, `.result` the latest `zfwidgets.Correspondence`;
    `.save()` and `.load(…)` keep the marks as JSON.

    Raises ValueError for images, parts or layers that don't fit; TypeError for a misspelt setting.
    """

    title = "Correspondence lab"
    lead = "Does the network treat the same part alike in different images? Hide it in each, and see."
    Choice = PartsChoice

    layers = LayerNames(MOST_LAYERS, help="names of one to three layers; by default one half-way up, and the last with "
                        "maps")  # fmt: skip
    draws = Option(DRAWS, 19, "Compared with", "how often each mask is put to random places; p is at least "
                   "1 / (draws + 1)", "The same masks at random places; the paper draws once", width=160)  # fmt: skip

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

    def first_choice(self) -> dict[str, Any]:
        half_way = self.net.feature_layers[len(self.net.feature_layers) // 2]
        self._read_images()
        return {"layers": (half_way.name, self.net.last_spatial_layer.name), "part": self.marks.parts[0]}

    def tries(self) -> dict[str, dict[str, Any]]:
        names = [layer.name for layer in self.net.feature_layers]
        on_the_way = tuple(dict.fromkeys((names[0], names[len(names) // 2], self.net.last_spatial_layer.name)))
        people: dict[str, dict[str, Any]] = {"People only": {"left_out": ("cat",)}} if self._faces else {}
        return people | {
            "From an early layer to a late one": {"layers": on_the_way},
            "Hide with the mean colour": {"fill": "mean"},
        }

    def controls(self) -> list[W.Widget]:
        tool, layers, draws, fill = (control(self, name) for name in ("tool", "layers", "draws", "fill"))
        explanation = "Which part is being marked: drag a rectangle over it in each picture. New ones are under More"
        parts = classed(labelled("Part", self.part_buttons, explanation), "zf-parts-row")
        drawn = gestures(self.pictures.undo, self.pictures.clear)
        rarely = rare(self.part_name, self.photographs, self.marks_file, draws, fill, layers)
        return [parts, tool, drawn, *rarely]

    def below(self) -> list[W.Widget]:
        self.view = CorrespondenceView()
        return [self.view]

    def compute(self, choice: PartsChoice, task: Task) -> Iterator[Correspondence | None]:
        """Compare each part with chance; one after another, those known come at once."""
        wanted = {
            (part, *((name, mask.tobytes()) for name, mask in masks.items()), choice.layers, choice.fill, choice.draws):
            (part, masks) for part, masks in self.marks.comparable(self._taking_part(choice)).items()
        }  # fmt: skip
        known = {key: self._known[key] for key in wanted if key in self._known}
        if known or not wanted:
            yield Correspondence.joined([*known.values()]) if known else None
        for count, (key, (part, masks)) in enumerate(wanted.items()):
            if key in known:
                continue
            known[key] = self._known[key] = correspondence(
                self.net, {name: np.asarray(self.selection.images[name]) for name in masks},
                {part: list(masks.values())}, choice.layers, fill=choice.fill, draws=choice.draws,
                task=_part_of(task, part, count, len(wanted)),
            )  # fmt: skip
            yield Correspondence.joined([known[one] for one in wanted if one in known])
        self._known = {key: known[key] for key in wanted}

    def draw(self, result: Correspondence | None, choice: PartsChoice) -> None:
        """Show words and table, and what still has to be marked."""
        images = self._taking_part(choice)
        notes = (coverage_html(part, self.marks.marked(part, images), images) for part in self.marks.parts)
        self.view.show(result, " ".join(filter(None, notes)), len(images))

    def code_lines(self) -> Sequence[str]:
        marked = {part: [None if mask is None else rectangles(mask) for mask in masks]
                  for part, masks in self.parts.items()}  # fmt: skip
        own = not self._faces or len(self.marks.images) > len(faces())
        images = "images = ...  # your images" if own else "images = zf.faces()"
        if self.left_out and not own:
            images = f"images = {{name: face for name, face in zf.faces().items() if name not in {self.left_out!r}}}"
        settings = {"layers": list(self.layers), "fill": self.fill, "draws": self.draws}
        return [images, f"parts = {marked!r}", call("zf.correspondence", "net", "images", "parts", **settings)]

    def _taking_part(self, choice: PartsChoice) -> tuple[str, ...]:
        return tuple(name for name in self.marks.images if name not in choice.left_out)

    def _read_images(self) -> None:
        images = self.selection.images
        if not 2 <= len(images) <= MOST_IMAGES:
            raise ValueError(f"parts are compared between 2 to {MOST_IMAGES} images; {len(images)} were given")
        self._features = {name: ImageFeatures(self.net, np.asarray(images[name])) for name in images}
        height, width = next(iter(self._features.values())).picture.shape[:2]
        self.marks = PartMarks(tuple(self._features), (height, width))
        parts = face_parts(height, width) if self._faces and self._given is None else self._given or {}
        masks = part_masks(parts, len(self._features), self.marks.shape) if parts else {}
        for part in masks or (ONE_PART,):
            name = self.marks.add(part)
            for image, mask in zip(self.marks.images, masks.get(part, ()), strict=False):
                self.marks.mark(name, image, mask)


def _part_of(task: Task, part: str, number: int, count: int) -> Task:
    """The task of comparing one part of several."""

    def report(done: float, of_all: float, what: str) -> None:
        task.progress(number + done / of_all, count, f"{part}: {done:.0f} of {of_all:.0f} {what}")

    return Task(task.cancelled, report, task.behind)
