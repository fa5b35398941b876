"""Do the features carry over to what the network never learnt, and from which layer? (Tables 4–7, Fig. 9)"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import ipywidgets as W
import traitlets as T

from zfwidgets.experiments.transfer import Taught, Transfer, checked_counts, spread_layers, teach
from zfwidgets.models import Network, Prediction, require_network
from zfwidgets.task import Task
from zfwidgets.widgets.controls import NameButtons, NameList, bind, classed, control, labelled, rare
from zfwidgets.widgets.panel import Card, call, network_line
from zfwidgets.widgets.traits import Option, reject_unknown
from zfwidgets.widgets.transfer_lab.known import Known
from zfwidgets.widgets.transfer_lab.lesson import LessonView
from zfwidgets.widgets.transfer_lab.sources import Sources
from zfwidgets.widgets.transfer_lab.view import LayersView

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure

PER_CLASS = (1, 3, 5, 10, 20)
FOLDS = 5


@dataclass(frozen=True)
class TransferChoice:
    """What is on show depends on this."""

    view: str
    data: str
    classifier: str
    beside: str
    layer: str
    count: str
    version: int


@dataclass(frozen=True, eq=False)
class Shown:
    """What is known of the network, and of the one that it is held against."""

    found: Transfer
    beside: Transfer | None
    taught: Taught | None = None  # what the chosen layer has learnt, where there is a picture in question
    answer: Prediction | None = None  # to that picture


@dataclass(frozen=True, eq=False)
class Lesson:
    """What was learnt from the reader's own pictures, and what is said of the one in question; as far as there are."""

    taught: Taught | None
    answer: Prediction | None


class TransferLab(Card):
    """Put a new classifier on the frozen features of each layer, and see what they tell apart.

    `TransferLab(net)` takes a network to handwritten digits, faces and drawn shapes; what `zf.prepared_transfer` has of
    that is there at once. `.result.found` is the `zf.Transfer`, `.result.beside` that of the network it is held
    against. In the view "teach" the reader teaches it two things, by pictures from files or the camera, and asks about
    another.

    Args:
        net: the network.
        data: labelled images, as for `zf.transfer`, or several by name; by default those that come with the package.
        layers: names or titles of layers; by default as `zf.transfer` chooses them.
        per_class: how many images of each class are learnt from.
        folds: how often the images are divided at random.
        type_size: "hall" for letters, lines and handles that are seen from the last row of a lecture hall.
        transport: "raw", or "webp" to pack pictures for slow links.
        settings: values of its traits: view, data (by its name), classifier, beside, layer, count.

    Raises ValueError for a name that there is not, TypeError for a misspelt setting or what is no network.
    """

    title = "Transfer"
    lead = "Do a network’s features tell apart what it never learnt, and from which layer on?"
    help = (
        ("Learning", "The network stays as it is; a linear classifier learns from a few images of each class (§4.3)."),
        ("Testing", "On others, at most 50 of each class; so five times, with other images drawn at random."),
        ("Interval", "Where the mean lies (95%), corrected for splits that share images."),
        ("New weights", "The same network with weights drawn at random, as before its training."),
        ("What is this?", "A picture of your own, by a softmax on the chosen layer, from so many of these images."),
        ("Teach it", "Give pictures of two things, by files or camera, and ask about another (on its chosen layer)."),
        ("Taken for another", "What the chosen layer’s classifier confuses most, over all splits."),
    )  # fmt: skip
    Choice = TransferChoice

    view = Option({"Layers": "layers", "Teach it": "teach"}, "layers", "Show",
                  "layers: what each layer's features tell apart; teach: two things of one's own",
                  "What each layer tells apart; or teach it two things of your own", buttons=True)  # fmt: skip
    data = T.Unicode(help="the name of the data set")
    classifier = Option(("softmax", "svm"), "softmax", "Classifier", "softmax, or svm: a linear one",
                        "A softmax, or a linear support vector machine: Table 7 has both", buttons=True)  # fmt: skip
    beside = Option({"nothing": "nothing", "new weights": "new"}, "nothing", "Held against",
                    "nothing; or new: the same network with new weights",
                    "The same network before any training", buttons=True)  # fmt: skip
    layer = T.Unicode(help="the layer whose confusions are shown, by its name or title")
    count = T.Unicode(help="images of each class that were learnt from, of those there are")
    version = T.Int(0, help="another with every picture that the reader gives")

    def __init__(
        self, net: Network, data: Any = None, *, layers: str | Sequence[str] | None = None,
        per_class: int | Sequence[int] = PER_CLASS, folds: int = FOLDS, **settings: Any,
    ) -> None:  # fmt: skip
        reject_unknown(type(self), [name for name in settings if name != "transport"])
        require_network(net)
        self.net = net
        chosen = data if isinstance(data, str) and data in Sources().names else None
        self.sources = Sources(None if chosen else data)
        self.layers = self.net.layer_names(layers, spread_layers(self.net))
        self.per_class, self.folds = checked_counts(per_class), folds
        self.known = Known(net, self.sources, tuple(self.layers), self.per_class, folds)
        self._changes = itertools.count(1)
        first = {"data": chosen or self.sources.names[0], "layer": self.layers[-1], "count": str(self.per_class[-1])}
        super().__init__(**(first | settings))
        self.add_class("zf-transfer")

    def build(self) -> W.Widget:
        self.names = NameButtons(self.sources.names, "Which images are told apart")
        titles = [self.net.layer(name).title for name in self.layers]
        self.titles = NameList(titles, 150)
        self.counts = NameButtons([str(count) for count in self.per_class], "How many images of each class")
        for name, part in (("data", self.names), ("count", self.counts)):
            self.control_of[name] = classed(part, f"zf-{name}")
            bind(part, self, name)
        self.control_of["layer"] = classed(self.titles, "zf-layer")
        self.titles.observe(lambda change: setattr(self, "layer", change["new"]), names="value")
        self.observe(self._show_layer, names="layer")
        self._show_layer()
        self.look, self.lesson = LayersView(self.transport, self.report), LessonView(self.report)
        self.look.curves.observe(self._line_clicked, names="clicked")
        for part in (self.lesson, self.look.question.asked):
            part.observe(lambda _: setattr(self, "version", next(self._changes)), names="version")
        return classed(W.Box([self.look, self.lesson]), "zf-transfer-views")

    def controls(self) -> list[W.Widget]:
        self._measuring = [
            labelled("Images", self.names, "Which images are told apart"),
            labelled("Of each class", self.counts, "How many images of each class were learnt from (Fig. 9)"),
            control(self, "beside"),
        ]
        layer = labelled("Layer", self.titles, "Whose confusions are shown, whose line is bold, and who is taught")
        return [control(self, "view"), *self._measuring, layer, *rare(control(self, "classifier"))]

    def tries(self) -> dict[str, dict[str, Any]]:
        first, last = self.layers[0], self.layers[-1]
        found = {
            "The first layer alone": {"view": "layers", "layer": first},
            "One image of each class": {"view": "layers", "layer": last, "count": str(self.per_class[0])},
            "Before any training": {"view": "layers", "beside": "new"},
            "Teach it two things": {"view": "teach", "layer": last},
        }
        if {"forms", "textures"} <= set(self.sources.names):
            found["Texture or form?"] = {"view": "layers", "data": "textures"}
        return found

    def choices(self) -> dict[str, Any]:
        return super().choices() | {name: getattr(self, name) for name in ("data", "layer", "count")}

    def compute(self, choice: TransferChoice, task: Task) -> Iterator[Shown | Lesson]:
        """The network, and then what it is held against, each as far as it is known; or what the reader teaches."""
        if choice.view == "teach":
            yield self._lesson(choice, task)
            return
        for shown in self._measured(choice, task):
            yield shown
        if self.look.question.asked.images:
            taught = self.known.taught(choice.data, choice.layer, int(choice.count), shown.found.broken, task)
            yield replace(shown, taught=taught, answer=taught.predict(self.look.question.asked.images))

    def _measured(self, choice: TransferChoice, task: Task) -> Iterator[Shown]:
        of = choice.data, choice.classifier
        other = self.known.whole(*of, "new") if choice.beside == "new" else None
        for found in self.known.found(*of, "nothing", task):
            yield Shown(found, other)
        if choice.beside == "new" and other is None:
            for other in self.known.found(*of, "new", task):
                yield Shown(found, other)

    def draw(self, result: Shown | Lesson, choice: TransferChoice) -> None:
        """Paint one view, and hide the other."""
        teaching = isinstance(result, Lesson)
        for hidden, parts in ((teaching, [self.look, *self._measuring]), (not teaching, [self.lesson])):
            for part in parts:
                part.layout.display = "none" if hidden else ""
        if isinstance(result, Lesson):
            self.lesson.show(result.taught, result.answer)
            return
        data = self.sources[choice.data]
        self.look.show(result.found, result.beside, choice.layer, int(choice.count), data, choice.data)
        self.look.question.show(result.answer, result.taught)

    def cancel(self) -> None:
        """Give up what is being computed; what is chosen is again what is on show."""
        super().cancel()
        if (shown := self._shown) is None:
            return  # something of the choice is on show
        with self.hold_trait_notifications():
            for name in (field.name for field in fields(shown) if field.name != "version"):
                setattr(self, name, getattr(shown, name))
        self.status.ready("Cancelled.")

    def _lesson(self, choice: TransferChoice, task: Task) -> Lesson:
        pictures = self.lesson.pictures
        if not all(pictures.values()):
            return Lesson(None, None)
        taught = teach(self.net, pictures, choice.layer, task=task)
        asked = self.lesson.question.asked.images
        return Lesson(taught, taught.predict(asked) if asked else None)

    @property
    def answer(self) -> Transfer:
        """What `zf.transfer` gives. Raises ValueError while something is taught: that is no result to save."""
        shown = super().answer
        if isinstance(shown, Lesson):
            raise ValueError("what you taught it is in .result.taught; Layers has a result to save")
        found: Transfer = shown.found
        return found

    def figure(self, **options: Any) -> Figure:
        return self.answer.plot(self.result.beside, **options)

    def table(self) -> pandas.DataFrame:
        """A row for each layer and number of images; of the network it is held against, too."""
        import pandas

        known = [found for found in (self.answer, self.result.beside) if found is not None]
        return pandas.concat([found.to_pandas().assign(network=found.network) for found in known], ignore_index=True)

    def code_lines(self) -> Sequence[str]:
        if self.view == "teach":
            examples = ", ".join(f"{name!r}: [...]" for name in self.lesson.pictures)
            return [
                network_line(self.net), f"examples = {{{examples}}}  # your pictures",
                call("zf.teach", "net", "examples", layer=self.layer),
            ]  # fmt: skip
        settings: dict[str, Any] = {"per_class": self.per_class, "folds": self.folds, "classifier": self.classifier}
        return [
            network_line(self.net), self.sources.line(self.data),
            call("zf.transfer", "net", "data", layers=list(self.layers), **settings),
        ]  # fmt: skip

    @T.validate("layer")
    def _known_layer(self, proposal: T.Bunch) -> str:
        name = self.net.layer(proposal["value"]).name
        if name not in self.layers:
            titles = ", ".join(repr(self.net.layer(each).title) for each in self.layers)
            raise ValueError(f"the layers here are {titles}; {proposal['value']!r} was given")
        return name

    @T.validate("data", "count")
    def _known_name(self, proposal: T.Bunch) -> str:
        is_data = proposal["trait"].name == "data"
        names = self.sources.names if is_data else [str(count) for count in self.per_class]
        if str(proposal["value"]) not in names:
            what = "data sets" if is_data else "numbers of images of each class"
            raise ValueError(f"the {what} here are {', '.join(names)}; {proposal['value']!r} was given")
        return str(proposal["value"])

    def _show_layer(self, _: Any = None) -> None:
        if self.layer:
            self.titles.value = self.net.layer(self.layer).title

    def _line_clicked(self, change: T.Bunch) -> None:
        line, _ = change["new"]
        if line < len(self.look.drawn):
            self.layer = self.look.drawn[line]
