"""Move, scale, turn or light a photograph, and watch how far each layer's features move with it (§4.1, Fig. 5)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from typing import Any

import ipywidgets as W
import numpy as np
import traitlets as T

from zfwidgets.data import images as as_collection
from zfwidgets.data import photograph
from zfwidgets.experiments.invariance import (
    BORDERS,
    FIVE,
    MEASURES,
    TRANSFORMATIONS,
    FeatureShift,
    Invariance,
    Transformation,
    Transforms,
    chosen,
)
from zfwidgets.models import Network, require_network
from zfwidgets.task import Task
from zfwidgets.widgets.charts import LINES
from zfwidgets.widgets.controls import NameButtons, bind, classed, control, rare
from zfwidgets.widgets.invariance_explorer.board import Board
from zfwidgets.widgets.invariance_explorer.controls import TransformedPicture, ValueSlider
from zfwidgets.widgets.invariance_explorer.live import LiveShift, Moment
from zfwidgets.widgets.invariance_explorer.remembered_curves import CurvesChoice, RememberedCurves
from zfwidgets.widgets.invariance_explorer.traits import ParameterValue
from zfwidgets.widgets.invariance_explorer.view import CHARTS
from zfwidgets.widgets.invariance_explorer.words import BUTTONS, describe_transform
from zfwidgets.widgets.panel import Panel, at_once, call, image_source
from zfwidgets.widgets.selection import Images, Selection
from zfwidgets.widgets.traits import ImageName, LayerNames, OneOf, Option

MOST = len(LINES)  # images, a colour each


class InvarianceExplorer(Panel):
    """Transform photographs by a slider; see which layers mind, and whether the answer changes.

    `InvarianceExplorer(net)` shows the five photographs of `zfwidgets.invariance`; `images` is anything that
    `zfwidgets.images` takes, up to eight of them, and `labels` their true classes: by default those that come with the
    images, else what the network says of each as it is. `transforms` are names, pairs of a name and values, or
    `zfwidgets.transformation(…)`; by default all seven. `compare` is a second network, shown below the first with its
    layers of the same names, or else at the same depth. `.result` holds one `zfwidgets.Invariance` a network.

    Raises ValueError for an unknown layer, image, class or transformation, for a value outside the parameter's range,
    and for a network that does not end in one score a class; TypeError for a misspelt setting.
    """

    title = "Invariance explorer"
    lead = "Does the network see the same when an image is moved, turned or darkened? Drag the slider."
    Choice = CurvesChoice
    live: LiveShift | None = None

    image = ImageName(help="name of the image that is shown")
    transform = OneOf("transformations", lambda panel: tuple(panel.transformations), "Transformation",
                      "name of the transformation", words=BUTTONS)  # fmt: skip
    value = ParameterValue(0.0, help="of the transformation's parameter, in its own unit")
    border = Option(BORDERS, "edge", "Fill edge with", "what comes in from beyond the image",
                    "What comes in from beyond the image. A grey border is itself an edge that features respond to",
                    buttons=True)  # fmt: skip
    measure = Option(tuple(MEASURES), "distance", "Distance", "how the curves measure it, as in `Invariance.curve`",
                     "distance: Euclidean, between the feature vectors of the transformed image and of the image as it "
                     "is (§4.1); relative: divided by the latter's length; share: of the largest on the curve; "
                     "cosine: 1 − the cosine of the angle between the two", buttons=True)  # fmt: skip
    layers = LayerNames(
        CHARTS, help="names of one to three layers; by default the first and the last before the classes"
    )
    names = T.Tuple(help="names of the images, one curve each")
    now = T.Any((), help="the numbers at the slider's value for the chosen image: one `FeatureShift` a network")

    def __init__(
        self, net: Network | None = None, images: Any = None, *, selection: Selection | None = None,
        compare: Network | None = None, labels: Sequence[int | str] | None = None,
        transforms: Transforms = tuple(TRANSFORMATIONS), **settings: Any,
    ) -> None:  # fmt: skip
        if selection is None:
            images = Images(as_collection({name: photograph(name) for name in FIVE} if images is None else images))
            check_count(images.names)
        if compare is not None:
            require_network(compare)
        self.transformations = drawable(chosen(transforms))
        self._second, self._labels = compare, labels
        self._given_value = settings.get("value")
        super().__init__(net, images, selection=selection, **settings)
        self.add_class("zf-invariance")
        self.observe(self._follow, names=["image", "transform", "value", "border", "layers"])
        self._follow()

    def add_image(self, name: str, image: Any) -> None:
        """Put one more image on the list and show it. Raises ValueError when it is not an image, or one too many."""
        check_count((*self.selection.images.names, name))
        super().add_image(name, image)

    def offered_layers(self, layers: str | Sequence[str] | None, wanted: str | None) -> tuple[str, ...]:
        """The layers whose features are not the classes."""
        return tuple(layer.name for layer in self.net.feature_layers)

    def first_choice(self) -> dict[str, Any]:
        for network in (self.net, self._second):
            if network is not None:
                network.check_classes()
        transform = next(iter(self.transformations))
        ends = self.net.layer_names(None, (self.net.feature_layers[0], self.net.feature_layers[-1]))
        names = self.selection.images.names[:MOST]
        return {"transform": transform, "layers": ends, "names": names}

    def build(self) -> W.Widget:
        networks = (self.net,) if self._second is None else (self.net, self._second)
        images = self.selection.images
        self.curves = RememberedCurves(networks, images, self._labels, self.transformations)
        self.live = LiveShift(self.curves, self.urgent, self._show_now, self.report, at_once())
        self.board = Board(self.curves, self._drawing)
        for name in ("image", "measure"):
            T.dlink((self, name), (self.board, name))
        self.picture, self.slider = TransformedPicture(self.transport), ValueSlider()
        self.legend = classed(NameButtons(self.names, "Image"), "zf-legend")
        self._offer_values()
        bind(self.slider, self, "value")
        bind(classed(self.legend, "zf-image"), self, "image")
        self.observe(self._offer_values, names="transform")
        images.observe(lambda _: self._list_images(), names="names")
        self.board.observe(self._line_clicked, names="clicked")
        left = classed(W.Box([self.slider, self.picture]), "zf-invariance-left")
        return classed(W.Box([left, self.legend, self.board]), "zf-invariance-pictures")

    def choices(self) -> dict[str, Any]:
        return super().choices() | {"value": self.value}

    def tries(self) -> dict[str, dict[str, Any]]:
        known = {"translation": ("Two pixels down", 2), "rotation": ("A quarter turn", 90), "scale": ("Larger", 1.5)}
        return {
            words: {"transform": name, "value": self._nearest(name, value)}
            for name, (words, value) in known.items()
            if name in self.transformations
        }

    def _nearest(self, transform: str, value: float) -> float:
        """The value of a transformation's own that is nearest."""
        values = self.transformations[transform].values
        return float(values[np.abs(values - value).argmin()])

    def controls(self) -> list[W.Widget]:
        rarely = rare(*(control(self, name) for name in ("border", "measure", "layers")))
        return [*(control(self, name) for name in ("transform", "image")), *rarely]

    def compute(self, choice: CurvesChoice, task: Task) -> Iterator[tuple[Invariance, ...]]:
        """The curves of each network, coarsely first. The slider's numbers go first."""
        places = range(len(self.curves.networks))
        if not all(self.curves.remembered(place, choice) for place in places):
            with self._drawing:
                if not task.cancelled():
                    self._shown = None
                    self.board.clear(choice)
        latest: tuple[Invariance, ...] = ()
        for found in zip_longest(*(self.curves.curves(place, choice, task) for place in places)):
            latest = tuple(new or old for new, old in zip_longest(found, latest))
            yield latest
            done = min(len(one.values[choice.transform]) for one in latest)
            count = len(self.transformations[choice.transform].values)
            task.progress(done, count, f"Curves: {BUTTONS.get(choice.transform, choice.transform)}")

    def draw(self, result: tuple[Invariance, ...], choice: CurvesChoice) -> None:
        """Show the curves, and say anew what they say at the slider's value."""
        self.board.show(result, choice)

    @property
    def answer(self) -> Invariance:
        """The curves of the first network."""
        return super().answer[0]

    def code_lines(self) -> Sequence[str]:
        images = self.selection.images
        known = {name: image_source(images, name) for name in self.names}
        given = ", ".join(f"{name!r}: {source}" for name, source in known.items())
        lines = f"images = {{{given}}}" if all(known.values()) else "images = ...  # your images, up to eight"
        settings = {"layers": list(self.layers), "transforms": [self.transform], "border": self.border}
        return [lines, call("zf.invariance", "net", "images", **settings)]

    def _follow(self, _: Any = None) -> None:
        """Picture and upright lines follow the slider at once; the network is asked in a thread."""
        transformation = self.transformations[self.transform]
        try:
            picture = transformation.picture(self.curves.features(0, self.image), self.value, self.border)
        except Exception as error:  # one's own transformation may fail
            self.report("slider", error)
            return
        remark = "" if self.image in self.names else f" (no curve: there is room for {MOST})"
        self.picture.tell(
            picture, self.image + remark, f"{self.image}: {describe_transform(transformation, self.value)}"
        )
        self.board.mark(self.value)
        assert self.live is not None
        self.live.ask(Moment(self.image, self.transform, self.value, self.border, self.layers))

    def _show_now(self, moment: Moment, shifts: tuple[FeatureShift, ...]) -> None:
        self.now = shifts
        self.board.show_now(moment, shifts)

    def _offer_values(self, _: Any = None) -> None:
        self.slider.offer(self.transformations[self.transform], self._given_value)
        self._given_value, self.value = None, self.slider.value

    def _list_images(self) -> None:
        """An upload is a curve more, while there is room for it."""
        names = self.selection.images.names[:MOST]
        self.legend.offer(names)
        self.names = names

    def _line_clicked(self, change: T.Bunch) -> None:
        if self.board.drawn is not None:
            self.image = self.board.drawn.names[change["new"][0]]


def drawable(transformations: Iterable[Transformation]) -> dict[str, Transformation]:
    """Transformations by their names. Raises ValueError for one that has no curve."""
    for one in transformations:
        if len(one.values) < 2:
            raise ValueError(f"a curve needs two values or more; {one.name!r} has {len(one.values)}")
    return {one.name: one for one in transformations}


def check_count(names: Sequence[str]) -> None:
    """Raise ValueError for more images than there are colours."""
    if len(names) > MOST:
        raise ValueError(f"there is a curve for each of up to {MOST} images; {len(names)} were given")
