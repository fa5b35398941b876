"""Move, scale, turn or light a photograph, and watch how far each layer's features move with it (§4.1, Fig. 5)."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from types import SimpleNamespace
from typing import Any

import ipywidgets as W
import numpy as np
import traitlets as T

from zfwidgets.data import images as collected
from zfwidgets.data import photograph
from zfwidgets.experiments.invariance import (
    BORDERS,
    FIVE,
    MEASURES,
    TRANSFORMATIONS,
    Invariance,
    Moved,
    Transformation,
    Transforms,
    chosen,
    moved,
)
from zfwidgets.models import Network
from zfwidgets.widgets.charts import LINES
from zfwidgets.widgets.controls import ImagePicker, LayerChoice, chooser, labelled
from zfwidgets.widgets.geometry import PICTURE as SIDE
from zfwidgets.widgets.invariance_explorer.controls import Legend, ValueSlider
from zfwidgets.widgets.invariance_explorer.remembered_curves import Choice, RememberedCurves
from zfwidgets.widgets.invariance_explorer.view import CHARTS, CurvesView
from zfwidgets.widgets.invariance_explorer.words import answered, done, told
from zfwidgets.widgets.panel import Panel, Progress, Stale, at_once, described
from zfwidgets.widgets.picture import Picture, fitted
from zfwidgets.widgets.worker import Latest

MOST = len(LINES)  # images, a colour each
PATIENCE = 0.005  # seconds between two looks whether the slider has had its answer
START = 0.2  # where the slider stands at first: this share of the way from the identity to the last value


class InvarianceExplorer(Panel):
    """Transform photographs by a slider; see which layers mind, and whether the answer changes.

    `InvarianceExplorer(net)` shows the five photographs of `zfwidgets.invariance`; `images` is anything that
    `zfwidgets.data.images` takes, up to eight of them, and `labels` their true classes: by default those that come
    with the images, else what the network says of each as it is. `transforms` are names, pairs of a name and values,
    or `zfwidgets.transformation(…)`; by default all seven. `compare` is a second network, shown below the first with
    its layers of the same names, or else at the same depth. `.result` holds one `zfwidgets.Invariance` a network.

    Raises ValueError for an unknown layer, image, class or transformation, for a value outside the parameter's range,
    and for a network that does not end in one score a class; TypeError for a misspelt setting.
    """

    title = "Invariance explorer"
    lead = "Does the network still see the same when the image is moved, turned or lit otherwise? Drag the slider."
    inputs = ("transform", "border", "layers", "_names")

    image = T.Unicode(help="name of the image that is shown")
    transform = T.Unicode(help="name of the transformation")
    value = T.Float(0.0, help="of the transformation's parameter, in its own unit")
    border = T.Enum(BORDERS, "edge", help="what comes in from beyond the image")
    measure = T.Enum(tuple(MEASURES), "distance", help="how the curves measure distance, as in `Invariance.curve`")
    layers = T.Any(help="names of one to three layers; by default the first and the last before the classes")
    now = T.Any((), help="the numbers at the slider's value for the chosen image: one `Moved` a network")
    _names = T.Tuple(help="names of the images, one curve each")

    def __init__(
        self,
        net: Network,
        images: Any = None,
        *,
        compare: Network | None = None,
        labels: Sequence[int | str] | None = None,
        transforms: Transforms = tuple(TRANSFORMATIONS),
        transport: str = "raw",
        **settings: Any,
    ) -> None:
        networks = (net,) if compare is None else (net, compare)
        for network in networks:
            network.check_classes()
        collection = collected({name: photograph(name) for name in FIVE} if images is None else images)
        _check_count(collection.names)
        self._transformations = _drawable(chosen(transforms))
        self.net, self._picker = net, ImagePicker(collection)
        self._curves = RememberedCurves(networks, self._picker, collection, labels, self._transformations)
        self._on_show: tuple[Invariance, ...] = ()  # the curves that are drawn, one a network, and their choice
        self._drawn: Choice | None = None
        self._left_at: dict[str, float] = {}  # where the slider stood, by transformation
        self._requests, self._answered = 0, 0  # of the slider
        self._mistake = ""  # what went wrong at one of its values
        self._now_of: SimpleNamespace | None = None  # the request that `now` answers
        self._answers = Latest(self._answer, direct=at_once())
        self._picture = Picture(
            width=SIDE, height=SIDE, shown_width=SIDE, smooth=True, transport=transport, hoverable=False
        )
        self._views = [CurvesView(network, compare is not None) for network in networks]
        self._make_controls()
        self._link()
        start = {"transform": next(iter(self._transformations)), "image": collection.names[0]} | settings
        self.transform = start["transform"]  # brings the slider's values
        ends = net.layer_names(None, (net.feature_layers[0], net.feature_layers[-1]))
        start = {"layers": ends, "_names": collection.names, **start, "value": settings.get("value", self.value)}
        super().__init__(self._controls(), self._pictures(), **start)
        self.add_class("zf-invariance")
        self.observe(self._follow, names=["image", "transform", "value", "border", "layers"])
        self.observe(self._redraw, names=["image", "measure"])
        self._follow()

    def add_image(self, name: str, image: Any) -> None:
        """Put one more image on the list and show it. Raises ValueError when it is not an image, or one too many."""
        _check_count((*self._picker.names, name))
        self._picker.add(name, image)

    def compute(self, choice: SimpleNamespace, stale: Stale, progress: Progress) -> Iterator[tuple[Invariance, ...]]:
        """The curves of each network, coarsely first. The slider's numbers go first."""

        def given_up() -> bool:
            while self._answered < self._requests and not stale() and not at_once():
                time.sleep(PATIENCE)
            return stale()

        wanted, places = _choice(choice), range(len(self._views))
        if not all(self._curves.remembered(place, wanted) for place in places):
            self._clear(wanted, stale)
        latest: tuple[Invariance, ...] = ()
        for found in zip_longest(*(self._curves.curves(place, wanted, given_up) for place in places)):
            latest = tuple(new or old for new, old in zip_longest(found, latest))
            yield latest
            done = min(len(one.values[wanted.transform]) for one in latest)
            progress(done / len(self._transformations[wanted.transform].values), f"Curves: {wanted.transform}")

    def draw(self, result: tuple[Invariance, ...], choice: SimpleNamespace) -> None:
        """Show the curves, and say anew what they say at the slider's value."""
        self._on_show, self._drawn = result, _choice(choice)
        self._redraw()

    def _clear(self, choice: Choice, stale: Stale) -> None:
        """Empty charts until the first curves are there."""
        with self._drawing:
            if not stale():
                self._shown, self._on_show, self._drawn = None, (), choice
                for place, view in enumerate(self._views):
                    layers = self._curves.layers_of(place, choice.layers)
                    view.clear(self._transformations[choice.transform], layers, self.measure)

    def _redraw(self, _: Any = None) -> None:
        with self._drawing:
            for place, (view, result) in enumerate(zip(self._views, self._on_show, strict=False)):
                assert self._drawn is not None
                layers = self._curves.layers_of(place, self._drawn.layers)
                transformation = self._transformations[self._drawn.transform]
                view.show(result, transformation, layers, self.image, self.measure)
            self._tell()

    def _follow(self, _: Any = None) -> None:
        """Picture and upright lines follow the slider at once; the network is asked in a thread."""
        transformation = self._transformations[self.transform]
        self._left_at[self.transform] = self.value
        try:
            picture = transformation.picture(self._curves.features(0, self.image), self.value, self.border)
        except Exception as error:  # one's own transformation may fail
            self.error = self._mistake = described(error)
            return
        self._picture.show(
            picture, shown_width=fitted(picture.shape[0], picture.shape[1], SIDE), caption=self._caption(),
            description=f"{self.image}: {done(transformation, self.value)}",
        )  # fmt: skip
        for view in self._views:
            view.mark(self.value)
        self._requests += 1
        self._answers.ask(SimpleNamespace(
            number=self._requests, image=self.image, transform=self.transform, value=self.value, border=self.border,
            layers=self.layers,
        ))  # fmt: skip

    def _caption(self) -> str:
        has_curve = self.image in self._picker.names[:MOST]
        return self.image if has_curve else f"{self.image} (no curve: there is room for {MOST})"

    def _answer(self, request: SimpleNamespace, stale: Stale) -> None:
        """The numbers at the slider's value."""
        try:
            now = tuple(self._ask(place, request, stale) for place in range(len(self._views)))
            with self._drawing:
                if not stale():
                    self._now_of, self.now = request, now
                    self._tell()
                    self.error = "" if self.error == self._mistake else self.error
        except Exception as error:
            if not stale():
                self.error = self._mistake = described(error)
        finally:
            self._answered = request.number

    def _ask(self, place: int, request: SimpleNamespace, stale: Stale) -> Moved:
        transformation = self._transformations[request.transform]
        layers = self._curves.layers_of(place, request.layers)
        features = self._curves.features(place, request.image)
        return moved(features, transformation, request.value, request.border, layers, stale)

    def _tell(self) -> None:
        """Say in words and numbers what is at the slider's value."""
        request = self._now_of
        if request is None:
            return
        what = done(self._transformations[request.transform], request.value)
        for place, (view, now) in enumerate(zip(self._views, self.now, strict=True)):
            truth = self._curves.truth(place, request.image)
            before = self._curves.probability(place, request.image)
            answer = answered(view.net, request.image, now.probability, before, truth)
            largest = self._largest(place, request, now)
            view.tell(now, told(what, now, largest, answer), self.measure, largest, truth)

    def _largest(self, place: int, request: SimpleNamespace, now: Moved) -> dict[str, float]:
        """The largest distance of the image in each layer, as far as there are curves of this choice."""
        if not self._on_show:
            return {}
        result = self._on_show[place]
        if (*result.transforms, result.border) != (
            request.transform,
            request.border,
        ) or request.image not in result.names:
            return {}
        index = result.names.index(request.image)
        curves = {x: result.curve(request.transform, x)[index] for x in now.distances if x in result.layers}
        return {layer: max(float(curve.max()), now.distances[layer]) for layer, curve in curves.items()}

    def _make_controls(self) -> None:
        self._slider = ValueSlider()
        self._transforms, self._borders, self._measures = (
            chooser({name: name for name in names}, True) for names in (self._transformations, BORDERS, MEASURES)
        )
        for control, name in (
            (self._transforms, "Transformation"),
            (self._borders, "Border"),
            (self._measures, "Measure"),
        ):
            control.tooltip = name
        order = [layer.name for layer in self.net.layers]
        self._layers = LayerChoice([layer.name for layer in self.net.feature_layers], order, CHARTS)
        self._legend = Legend(self._picker.names)

    def _controls(self) -> list[W.Widget]:
        return [
            labelled("Transformation", self._transforms),
            labelled("Beyond the border", self._borders, "What comes in from beyond the image. A grey border is itself "
                     "an edge that features respond to"),
            labelled("Distance", self._measures, "distance: Euclidean, between the feature vectors of the transformed "
                     "image and of the image as it is (§4.1); relative: divided by the latter's length; share: of the "
                     "largest on the curve; cosine: 1 − the cosine of the angle between the two"),
            self._picker,
            self._layers,
        ]  # fmt: skip

    def _pictures(self) -> W.Box:
        left, right = W.VBox([self._slider, self._picture, self._legend]), W.VBox(self._views)
        pictures = W.Box([left, right])
        for part, name in ((pictures, "pictures"), (left, "left"), (right, "right"), (self._picture, "picture")):
            part.add_class(f"zf-invariance-{name}")
        return pictures

    def _link(self) -> None:
        """Bind the choices to their controls. Comes before `Panel` listens, so that it hears of them together."""
        self.observe(self._offer_values, names="transform")
        self._picker.observe(self._list_images, names="value")
        for control, name in (
            (self._transforms, "transform"), (self._borders, "border"), (self._measures, "measure"),
            (self._slider, "value"), (self._picker, "image"), (self._legend, "image"),
        ):  # fmt: skip
            control.add_class(f"zf-{name}")
            T.link((control, "value"), (self, name))
        self._layers.add_class("zf-layers")
        T.dlink((self, "layers"), (self._layers, "value"), lambda names: names or ())
        T.dlink((self._picker, "complaint"), (self, "error"))
        T.dlink((self._layers, "complaint"), (self, "error"))
        self._layers.observe(lambda change: setattr(self, "layers", change["new"]), names="value")
        for view in self._views:
            view.observe(self._line_clicked, names="clicked")

    def _offer_values(self, _: T.Bunch) -> None:
        """Let the slider go over the values of the transformation; it stands where it was left."""
        transformation = self._transformations[self.transform]
        self._slider.offer(transformation, self._left_at.get(self.transform, _first_value(transformation)))

    def _list_images(self, _: T.Bunch) -> None:
        """An upload is a curve more, while there is room for it."""
        self._legend.offer(self._picker.names[:MOST])
        self._names = self._picker.names[:MOST]

    def _line_clicked(self, change: T.Bunch) -> None:
        if self._drawn is not None:
            self.image = self._drawn.names[change["new"][0]]

    @T.validate("image")
    def _known_image(self, proposal: T.Bunch) -> str:
        return self._picker.known(proposal["value"])

    @T.validate("transform")
    def _known_transform(self, proposal: T.Bunch) -> str:
        if proposal["value"] not in self._transformations:
            names = ", ".join(map(repr, self._transformations))
            raise ValueError(f"the transformations here are {names}; {proposal['value']!r} was given")
        return str(proposal["value"])

    @T.validate("value")
    def _within_range(self, proposal: T.Bunch) -> float:
        if not self.transform:
            return float(proposal["value"])
        values = self._transformations[self.transform].values
        if not values[0] <= proposal["value"] <= values[-1]:
            what = f"the values of {self.transform!r} go from {values[0]:.4g} to {values[-1]:.4g}"
            raise ValueError(f"{what}; {proposal['value']:.4g} was given")
        return float(proposal["value"])

    @T.validate("layers")
    def _known_layers(self, proposal: T.Bunch) -> tuple[str, ...]:
        names = self.net.layer_names(proposal["value"], ())
        if not 1 <= len(names) <= CHARTS:
            raise ValueError(f"layers are one to {CHARTS} names from net.layers; {len(names)} were given")
        return names


def _choice(inputs: SimpleNamespace) -> Choice:
    return Choice(inputs.transform, inputs.border, inputs.layers, inputs._names)


def _first_value(transformation: Transformation) -> float:
    """Where a slider stands at first: where the image is changed, but not much."""
    values = transformation.values
    begin = float(values[0]) if transformation.identity is None else transformation.identity
    return float(values[np.abs(values - begin - START * (values[-1] - begin)).argmin()])


def _drawable(transformations: Iterable[Transformation]) -> dict[str, Transformation]:
    for one in transformations:
        if len(one.values) < 2:
            raise ValueError(f"a curve needs two values or more; {one.name!r} has {len(one.values)}")
    return {one.name: one for one in transformations}


def _check_count(names: Sequence[str]) -> None:
    if len(names) > MOST:
        raise ValueError(f"there is a curve for each of up to {MOST} images; {len(names)} were given")
