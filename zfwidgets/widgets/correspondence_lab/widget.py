"""Mark the same parts in several images, and see whether hiding them changes features alike (§4.4, Fig. 8, Table 1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from types import SimpleNamespace
from typing import Any

import ipywidgets as W
import numpy as np
import traitlets as T

from zfwidgets.data import face_parts, faces
from zfwidgets.data import images as collected
from zfwidgets.experiments.correspondence import Correspondence, correspondence, part_masks
from zfwidgets.experiments.occlusion import filling, shown
from zfwidgets.experiments.projection import ImageFeatures
from zfwidgets.models import Network
from zfwidgets.widgets.canvas import DrawingCanvas
from zfwidgets.widgets.controls import FILLS, HIDING, LayerChoice, chooser, labelled, row
from zfwidgets.widgets.correspondence_lab.part_marks import PartMarks
from zfwidgets.widgets.correspondence_lab.view import CorrespondenceView, link_to
from zfwidgets.widgets.geometry import PART_PICTURE
from zfwidgets.widgets.panel import Panel, Progress, Stale

TOOLS = ("rectangle", "square", "brush", "eraser")
MOST_LAYERS = 3
MOST_IMAGES = 12
LARGEST_FILE = 4_000_000  # bytes
ONE_PART = "part 1"  # what the first one of own images is called


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
    inputs = ("layers", "fill", "draws", "_marked")

    part = T.Unicode(help="the part that is being marked")
    layers = T.Tuple(help="names of one to three layers; by default one half-way up, and the last one with maps")
    fill = T.Enum(FILLS, "grey", help="what stands in hidden places")
    draws = T.Enum((19, 99, 499), 19, help="how often each mask is put to random places; p is at least 1 / (draws + 1)")
    _marked = T.Int(0, help="grows with every change of what is marked")

    def __init__(
        self, net: Network, images: Any = None, parts: Mapping[str, Sequence[Any]] | None = None, **settings: Any
    ) -> None:
        self.net = net
        collection = collected(faces() if images is None else images)
        if not 2 <= len(collection) <= MOST_IMAGES:
            raise ValueError(f"parts are compared between 2 to {MOST_IMAGES} images; {len(collection)} were given")
        pictures = [np.asarray(collection[place]) for place in range(len(collection))]
        self._pictures = dict(zip(collection.names, pictures, strict=True))
        self._features = [ImageFeatures(net, picture) for picture in pictures]
        height, width = self._features[0].picture.shape[:2]
        self._marks = PartMarks(collection.names, (height, width))
        self._take_parts(face_parts(height, width) if images is None and parts is None else parts or {})
        self._known: dict[Any, Correspondence] = {}  # one part each
        self._canvases = {name: self._canvas(name) for name in collection.names}
        self._captions = {name: W.HTML() for name in collection.names}
        self._gestures: list[list[DrawingCanvas]] = []  # which canvases each one changed, the latest last
        self._filling = True  # whether the canvases are being filled: what they then say is no mark of the reader's
        self._show_pictures()
        self._filling = False
        layers = [layer.name for layer in net.main_layers]
        half_way = net.feature_layers[len(net.feature_layers) // 2]
        start = {"layers": (half_way.name, net.watched_layer.name), "part": self._marks.parts[0], **settings}
        self._layer_choice = LayerChoice(
            net.layer_names([*layers, *start["layers"]], ()), [layer.name for layer in net.layers], MOST_LAYERS
        )
        self._layer_choice.value = tuple(start["layers"])
        self._view = CorrespondenceView(MOST_LAYERS)
        self._link()
        super().__init__(self._controls(), self._rows(), [self._view], **start)
        self.add_class("zf-correspondence")

    @property
    def parts(self) -> dict[str, np.ndarray]:
        """The parts that are marked in every image, (images, H, W) bool each: what `zfwidgets.correspondence` takes."""
        return self._marks.complete()

    def add(self, name: str) -> None:
        """Begin a part of that name. Raises ValueError where the name is empty, too long, or taken."""
        self._offer(self._marks.add(name))
        self._changed()

    def rename(self, name: str) -> None:
        """Give the part that is being marked another name."""
        self._offer(self._marks.rename(self.part, name))
        self._changed()

    def remove(self) -> None:
        """Forget the part that is being marked. Raises ValueError where it is the only one."""
        parts = self._marks.parts
        if len(parts) == 1:
            raise ValueError("this is the only part: rename it, or mark it anew")
        place = parts.index(self.part)
        self._marks.remove(self.part)
        self._offer(self._marks.parts[max(place - 1, 0)])
        self._changed()

    def mark(self, image: str, mark: Any) -> None:
        """Mark the part on an image: a rectangle, a polygon or a bool array, as in `zfwidgets.correspondence`.

        Raises ValueError for a mark that does not fit, or an image that is not here.
        """
        if image not in self._canvases:
            raise ValueError(f"there is no image {image!r}; there are {', '.join(self._canvases)}")
        masks = part_masks({self.part: [mark]}, 1, self._marks.shape)
        self._canvases[image].put(masks[self.part][0])

    def save(self) -> str:
        """All marks, as JSON."""
        return self._marks.to_json()

    def load(self, text: str | bytes) -> None:
        """Take over marks that were saved. Raises ValueError, in words, where they don't fit; nothing is lost then."""
        if len(text) > LARGEST_FILE:
            raise ValueError(f"parts take at most {LARGEST_FILE // 1_000_000} MB; this file has {len(text):,} bytes")
        read = self._marks.from_json(text)
        if not read.parts:
            raise ValueError("this file holds no part")
        self._marks = read
        self._offer(read.parts[0])
        self._changed()

    def compute(self, choice: SimpleNamespace, stale: Stale, progress: Progress) -> Iterator[Correspondence | None]:
        """Compare each part with chance; one after another, those known come at once."""
        wanted = {(part, masks.tobytes(), choice.layers, choice.fill, choice.draws): (part, masks)
                  for part, masks in self._marks.complete().items()}  # fmt: skip
        known = {key: self._known[key] for key in wanted if key in self._known}
        if known or not wanted:
            yield Correspondence.joined([*known.values()]) if known else None
        for count, (key, (part, masks)) in enumerate(wanted.items()):
            if key in known:
                continue

            def told(done: int, of_all: int, part: str = part, count: int = count) -> None:
                progress((count + done / of_all) / len(wanted), f"{part}: {done} of {of_all} masked images")

            known[key] = correspondence(
                self.net, self._pictures, {part: list(masks)}, choice.layers, fill=choice.fill, draws=choice.draws,
                progress=told, stale=stale,
            )  # fmt: skip
            self._known[key] = known[key]
            yield Correspondence.joined([known[one] for one in wanted if one in known])
        self._known = {key: known[key] for key in wanted}

    def draw(self, result: Correspondence | None, choice: SimpleNamespace) -> None:
        """Show words, bars and table, and what still has to be marked."""
        without = {part: self._marks.missing(part) for part in self._marks.parts}
        missing = [f"<i>{escape(part)}</i> is not marked in {escape(', '.join(images))}"
                   for part, images in without.items() if images]  # fmt: skip
        self._view.show(result, f"{'; '.join(missing)}." if missing else "")

    def _take_parts(self, parts: Mapping[str, Sequence[Any]]) -> None:
        masks = part_masks(parts, len(self._features), self._marks.shape) if parts else {}
        for part in masks or (ONE_PART,):
            name = self._marks.add(part)
            for image, mask in zip(self._marks.images, masks.get(part, ()), strict=False):
                self._marks.mark(name, image, mask)

    def _canvas(self, name: str) -> DrawingCanvas:
        canvas = DrawingCanvas(tool="rectangle", shown_width=PART_PICTURE, description=f"{name}: mark the part")
        side = max(8, round(min(self._marks.shape) / 5))
        canvas.size, canvas.brush, canvas.step = (side, side), side, max(1, side // 4)
        canvas.observe(lambda _: self._drawn(name), names="mask")
        return canvas

    def _rows(self) -> W.Widget:
        columns = [W.VBox([canvas, self._captions[name]]) for name, canvas in self._canvases.items()]
        for column in columns:
            column.add_class("zf-part-picture")
        box = W.Box(columns)
        box.add_class("zf-part-pictures")
        return box

    def _controls(self) -> list[W.Widget]:
        self._name = W.Text(placeholder="name of a part", layout=W.Layout(width="130px"))
        buttons = {name: W.Button(description=name, layout=W.Layout(width="auto"))
                   for name in ("Add", "Rename", "Remove", "Undo", "Clear")}  # fmt: skip
        tools = chooser({name: name for name in TOOLS}, True)
        upload = W.FileUpload(accept=".json,application/json", multiple=False, tooltip="Load JSON",
                              layout=W.Layout(width="40px"))  # fmt: skip
        for control, name in (
            (self._parts, "part"), (self._name, "part-name"), (tools, "tool"), (upload, "upload"),
            (self._save, "saved"), *((button, name.lower()) for name, button in buttons.items()),
        ):  # fmt: skip
            control.add_class(f"zf-{name}")
        for canvas in self._canvases.values():
            T.link((tools, "value"), (canvas, "tool"))
        for name, act in (
            ("Add", lambda: self.add(self._name.value)), ("Rename", lambda: self.rename(self._name.value)),
            ("Remove", self.remove), ("Undo", self._undo), ("Clear", self._clear),
        ):  # fmt: skip
            buttons[name].on_click(lambda _, act=act: self._try(act))
        upload.observe(self._uploaded, names="value")
        draws = chooser({f"{count} random places": count for count in (19, 99, 499)})
        fills = chooser({name: name for name in FILLS})
        T.link((draws, "value"), (self, "draws"))
        T.link((fills, "value"), (self, "fill"))
        fills.layout.width, draws.layout.width = "90px", "160px"
        return [
            labelled("Part", self._parts, "Which part is being marked: drag a rectangle over it in each picture"),
            labelled("Name of a part", row(self._name, buttons["Add"], buttons["Rename"], buttons["Remove"])),
            labelled("Mark with", tools, "Drag a rectangle, click a square, or paint; on the keyboard: Tab to a "
                     "picture, arrow keys, Enter"),
            labelled("Marks", row(buttons["Undo"], buttons["Clear"], upload, self._save)),
            self._layer_choice,
            labelled("Compared with", draws, "The same masks at random places; the paper draws once"),
            labelled("Fill", fills, HIDING),
        ]  # fmt: skip

    def _link(self) -> None:
        self._save = W.HTML()
        self._parts = W.ToggleButtons(
            options=self._marks.parts, style=W.ToggleButtonsStyle(button_width="auto"), tooltip="Part"
        )
        self._parts.observe(self._chosen, names="value")
        self.observe(lambda _: self._show_pictures(), names="fill")
        self.observe(lambda _: self._show_part(), names="part")
        T.link((self._layer_choice, "value"), (self, "layers"))
        T.dlink((self._layer_choice, "complaint"), (self, "error"))

    def _chosen(self, change: T.Bunch) -> None:
        if change["new"] is not None and not self._filling:
            self.part = change["new"]

    def _offer(self, part: str) -> None:
        """Let the buttons be those of the parts that there are, and this one be chosen."""
        self._filling = True
        try:
            self._parts.options = self._marks.parts
        finally:
            self._filling = False
        self.part = part
        self._show_part()

    def _show_pictures(self) -> None:
        """Put the pictures on the canvases, and what stands in their hidden places."""
        for features, canvas in zip(self._features, self._canvases.values(), strict=True):
            canvas.show(features.picture, shown(features, filling(self.net, features.input, self.fill)))

    def _show_part(self) -> None:
        """Hide the part that is being marked on every picture."""
        self._gestures.clear()
        self._filling = True
        try:
            self._parts.value = self.part
            for name, canvas in self._canvases.items():
                canvas.begin(self._marks.mask(self.part, name))
        finally:
            self._filling = False
        self._say_what_is_marked()

    def _drawn(self, image: str) -> None:
        if not self._filling:
            self._gestures.append([self._canvases[image]])
            self._marks.mark(self.part, image, self._canvases[image].mask)
            self._changed()

    def _changed(self) -> None:
        self._say_what_is_marked()
        self._marked += 1

    def _say_what_is_marked(self) -> None:
        missing = self._marks.missing(self.part)
        for name, caption in self._captions.items():
            caption.value = f"{escape(name)} · {'<b>not marked</b>' if name in missing else 'marked'}"
        self._save.value = link_to(self.save())

    def _undo(self) -> None:
        """Take the latest gesture back, on whichever pictures it was; Backspace may have done so on some already."""
        while self._gestures:
            gesture = [canvas for canvas in self._gestures.pop() if canvas.can_undo]
            if gesture:
                before = len(self._gestures)
                for canvas in gesture:
                    canvas.undo()
                del self._gestures[before:]
                return

    def _clear(self) -> None:
        """Mark nothing any more; one gesture for `_undo`."""
        before = len(self._gestures)
        for canvas in self._canvases.values():
            canvas.clear()
        self._gestures[before:] = [[canvas for (canvas,) in self._gestures[before:]]]

    def _uploaded(self, change: T.Bunch) -> None:
        if change["new"]:
            self._try(lambda: self.load(bytes(change["new"][0]["content"])))
            change["owner"].value = ()  # so that the same file can be loaded again

    def _try(self, act: Any) -> None:
        """Do what a button says; where it can't be done, say why."""
        try:
            self.error = ""
            act()
        except ValueError as error:
            self.error = str(error)

    @T.validate("part")
    def _known_part(self, proposal: T.Bunch) -> str:
        if proposal["value"] not in self._marks.parts:
            raise ValueError(f"there is no part {proposal['value']!r}; there are {', '.join(self._marks.parts)}")
        return proposal["value"]

    @T.validate("layers")
    def _known_layers(self, proposal: T.Bunch) -> tuple[str, ...]:
        names = self.net.layer_names(list(proposal["value"]), ())
        if not 1 <= len(names) <= MOST_LAYERS:
            raise ValueError(f"choose one to {MOST_LAYERS} layers; {len(names)} were given")
        return tuple(names)
