"""Choose an architecture by looking (Fig. 6), and by errors that are compared fairly (Table 3)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import ipywidgets as W
import numpy as np
import traitlets as T

from zfwidgets.experiments.ablation import Ablation, Plan, draw_papers, papers_ablation, prepared_ablation
from zfwidgets.experiments.diagnosis import Diagnosis
from zfwidgets.task import Task
from zfwidgets.widgets.architecture_lab.builder import BuilderView
from zfwidgets.widgets.architecture_lab.compared import NEW, SHIFTS, SHOWN, Compared
from zfwidgets.widgets.architecture_lab.errors import Errors, errors_of, errors_of_paper
from zfwidgets.widgets.architecture_lab.errors_view import ErrorsView
from zfwidgets.widgets.architecture_lab.look_view import ORDERS, LookView
from zfwidgets.widgets.architecture_lab.own import OwnNetworks
from zfwidgets.widgets.controls import NameButtons, NameList, bind, classed, control, labelled
from zfwidgets.widgets.panel import Card, call
from zfwidgets.widgets.traits import Number, Option, reject_unknown

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure

DEPTHS = {"all": (), "no 3, 4": (3, 4), "no 7": (7,), "no 6, 7": (6, 7), "no 3, 4, 6, 7": (3, 4, 6, 7)}
TAB = {"Look": "look", "Errors": "errors"}


@dataclass(frozen=True)
class LabChoice:
    """What is on show depends on this."""

    view: str
    left: str
    right: str
    order: str
    filters: tuple[int, int]
    data: str
    across: str
    variant: str
    kernel_size: int
    stride: int
    maps: int
    without: tuple[int, ...]
    units: int
    version: int


@dataclass(frozen=True, eq=False)
class Looks:
    """Two networks, looked at; the second one when it is known."""

    names: tuple[str, str]
    found: tuple[Diagnosis, Diagnosis | None]


class ArchitectureLab(Card):
    """Compare networks by what their first layers look like, and by their errors; build a small one and train it.

    `ArchitectureLab()` looks at the embedded `zfnet_shapes`, beside itself with new weights.

    Args:
        nets: a `zf.Network`, several, or several by name; on the right there is also "new weights", the left one before
            any training.
        images: what they see: whatever `zf.images` takes; by default the embedded photographs.
        ablation: a `zf.Ablation` to draw; None: the one that comes with the package, beside which a network can be
            built.
        type_size: "hall" for letters, lines and handles that are seen from the last row of a lecture hall.
        transport: "raw", or "webp" to pack pictures for slow links.
        settings: values of its traits: view, left, right, order, kernel_size, stride, …

    Raises ValueError for a name that there is not, TypeError for a misspelt setting or what is no network.
    """

    title = "Choosing an architecture"
    lead = "What is wrong with a network’s first layer, and which layers does it need?"
    help = (
        ("Filters", "Strong ones drown the others, dead ones are lost, and near-duplicates are wasted (Fig. 6)."),
        ("Frequencies", "To the right of the dashed line lies what the left network’s stride can’t keep."),
        ("Aliasing", "The layer is run at stride 1: this part of its maps’ power comes back as something else."),
        ("Errors", "An interval says where the mean lies (95 %), corrected for folds that share images."),
        ("Build one", "It is trained on the study’s five folds, in about a minute; then Look has it too."),
    )  # fmt: skip
    Choice = LabChoice

    view = Option(TAB, "look", "Show", "look: two networks side by side; errors: the ablation, and a network to build",
                  "Two networks side by side; or errors against parameters, and a network to build",
                  buttons=True)  # fmt: skip
    left = T.Unicode(help="the name of the network on the left")
    right = T.Unicode(help='the name of the network on the right; "new weights" for the left one before any training')
    order = Option(tuple(ORDERS), "number", "Filters by", "in which order filters stand", width=170)
    filters = T.Tuple(T.Int(min=0), T.Int(min=0), default_value=(0, 0), help="the chosen filters, left and right")
    data = Option({"ours, on shapes": "ours", "Table 3, on ImageNet": "paper"}, "ours", "Errors", "whose errors",
                  "The small study that comes with the package; or what the paper gives, with sizes counted",
                  buttons=True)  # fmt: skip
    across = Option({"parameters": "parameters", "multiply–adds": "macs"}, "parameters", "Against",
                    "parameters, or macs: multiply–adds for an image", buttons=True)  # fmt: skip
    variant = T.Unicode(help="the chosen network of the chart; one that is not in it: the first")
    kernel_size = Option((3, 5, 7, 11), 7, "Kernel", "side of the first layer's filters, pixels",
                    "Of the first layer; the paper went from 11 to 7", buttons=True)  # fmt: skip
    stride = Option((1, 2, 4), 2, "Stride", "of the first layer", "Of the first layer; the paper went from 4 to 2",
                    buttons=True)  # fmt: skip
    maps = Number(16, 4, 32, "Maps", "of the first layer; the others have 2, 3, 3 and 2 times as many",
                  "Of the first layer; the others have 2, 3, 3 and 2 times as many", width=126)  # fmt: skip
    without = Option(DEPTHS, (), "Layers", "those that are left out", "Which are left out (Table 3)", width=90)
    units = Option((16, 32, 64, 128), 32, "Units", "of the hidden layers", "Of each hidden layer, 6 and 7", width=60)
    version = T.Int(0, help="grows with every fold of a training")

    def __init__(
        self, nets: Any = None, images: Any = None, *, ablation: Ablation | None = None, **settings: Any
    ) -> None:
        reject_unknown(type(self), [name for name in settings if name != "transport"])
        self._embedded = nets is None
        self.compared = Compared(nets, images)
        self.ablation = ablation or prepared_ablation()
        self._builds = ablation is None
        self.own = OwnNetworks()
        names = self.compared.left
        first = {"left": names[0], "right": names[1] if len(names) > 1 else NEW}
        first["variant"] = self.ablation.variants[0]
        super().__init__(**(first | settings))
        self.add_class("zf-architecture")

    def build(self) -> W.Widget:
        transport = self.transport
        self.look = LookView(transport)
        self.names = NameButtons(self.compared.left, "Left"), NameButtons(self.compared.right, "Right")
        for name, buttons in zip(("left", "right"), self.names, strict=True):
            self.control_of[name] = classed(buttons, f"zf-{name}")
            bind(buttons, self, name)
        self.training = self.job("Train it on shapes", "epochs", self._train)
        parts = [control(self, name) for name in ("kernel_size", "stride", "maps", "without", "units")]
        self.builder = BuilderView(parts, self.training, transport)
        self.errors = ErrorsView(self.builder if self._builds else None)
        self.variants = NameList(self.ablation.variants, 210)
        self.control_of["variant"] = classed(self.variants, "zf-variant")
        bind(self.variants, self, "variant")
        self.errors.chart.observe(self._point_clicked, names="clicked")
        self.look.observe(self._filter_chosen, names="chosen")
        return classed(W.Box([self.look, self.errors]), "zf-architecture-views")

    def controls(self) -> list[W.Widget]:
        sides = [
            labelled(word, buttons, tooltip)
            for word, buttons, tooltip in zip(
                ("Left", "Right"), self.names, ("The network on the left", "new weights: the left one before training"),
                strict=True,
            )
        ]  # fmt: skip
        self._looking = [*sides, control(self, "order")]
        network = labelled("Network", self.variants, "The one in the ring; or click its point")
        self._comparing = [*(control(self, name) for name in ("data", "across")), network]
        return [control(self, "view"), *self._looking, *self._comparing]

    def tries(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {
            "What did it learn?": {"view": "look", "left": self.left, "right": NEW},
            "The most aliased maps": {"view": "look", "order": "most aliased first"},
            "The paper’s Table 3, with sizes": {"view": "errors", "data": "paper"},
        }
        if self._builds:
            found["AlexNet’s first layer"] = {"view": "errors", "data": "ours", "kernel_size": 11, "stride": 4}
        return found

    def choices(self) -> dict[str, Any]:
        names = ("left", "right", "filters", "variant")
        return super().choices() | {name: getattr(self, name) for name in names}

    def resolve(self, choice: LabChoice, task: Task) -> LabChoice:
        """With a network that is in the chart."""
        if choice.view == "look":
            return choice
        if choice.data == "paper":
            names = [row.variant for row in papers_ablation()]
        else:
            names = [*self.ablation.variants, *(trained.name for trained in self.own.trained)]
        return choice if choice.variant in names else replace(choice, variant=names[0])

    def compute(self, choice: LabChoice, task: Task) -> Iterator[Looks | Errors]:
        """Look at both networks, one after the other; or gather what the chart shows."""
        if choice.view == "errors":
            yield self._errors(choice)
            return
        names = choice.left, choice.right
        left = self.compared.diagnosis(choice.left, choice.left, task)
        if self.compared.known(choice.right, choice.left) is None:
            yield Looks(names, (left, None))
        yield Looks(names, (left, self.compared.diagnosis(choice.right, choice.left, task)))

    def draw(self, result: Looks | Errors, choice: LabChoice) -> None:
        """Paint one view, and hide the other."""
        looks = isinstance(result, Looks)
        for shown, parts in ((looks, [self.look, *self._looking]), (not looks, [self.errors, *self._comparing])):
            for part in parts:
                part.layout.display = "" if shown else "none"
        if isinstance(result, Looks):
            self.look.show(result.names, result.found, choice.order, choice.filters)
            return
        self.errors.chart.show(result.points, choice.across, result.chosen)
        self.errors.words.value = result.words
        if result.built is not None:
            self.builder.show(result.built)

    def settle(self, choice: LabChoice) -> None:
        """Offer the networks that there are."""
        self.names[0].offer(self.compared.left)
        self.names[1].offer(self.compared.right)
        if isinstance(self.result, Errors):
            self.variants.offer([point.name for point in self.result.points])

    def _errors(self, choice: LabChoice) -> Errors:
        built = self.own.counted(_plan(choice)) if self._builds else None
        if choice.data == "paper":
            return errors_of_paper(choice.variant, built)
        return errors_of(self.ablation, self.own.trained, choice.variant, built)

    def _train(self, task: Task) -> str:
        """Train what the builder is set to; its filters and its place are shown on the way."""
        for trained in self.own.train(_plan(self), self._show_filters, task):
            self.compared.put(trained.trial.network)
            if self.data == "ours":
                self.variant = trained.name
            self.version += 1
        more = trained.trial.difference()[0]
        wrong = trained.trial.error()[0]
        return f"{wrong:.1%} wrong, {100 * more:+.1f} points against {self.ablation.variants[0]}"

    def _show_filters(self, weights: np.ndarray, words: str) -> None:
        with self._drawing:
            self.builder.show_filters(weights, words)

    @property
    def answer(self) -> Diagnosis | Ablation:
        """What `zf.diagnose` says of the left network; or the ablation."""
        shown = super().answer
        if isinstance(shown, Looks):
            return shown.found[0]
        if self.data == "paper":
            raise ValueError("the paper’s table is in zf.papers_ablation(); it is no result to save")
        return self.ablation

    def figure(self, **options: Any) -> Figure:
        if isinstance(super().answer, Errors) and self.data == "paper":
            return draw_papers(papers_ablation())
        return self.answer.plot(**options)

    def table(self) -> pandas.DataFrame:
        """Of both networks a row a filter; or of the chart a row a network."""
        import pandas

        shown = super().answer
        if isinstance(shown, Looks):
            known = [(name, found) for name, found in zip(shown.names, shown.found, strict=True) if found is not None]
            return pandas.concat([found.to_pandas().assign(network=name) for name, found in known], ignore_index=True)
        if self.data == "paper":
            return pandas.DataFrame(map(asdict, papers_ablation()))
        return pandas.concat([self.ablation.to_pandas(), pandas.DataFrame(self.own.rows())], ignore_index=True)

    def code_lines(self) -> Sequence[str]:
        if isinstance(super().answer, Errors):
            table = "papers_ablation" if self.data == "paper" else "prepared_ablation" if self._builds else ""
            return [f"found = zf.{table}()" if table else "found = ...  # your zf.Ablation", "found"]
        net = self.compared.networks[self.left]
        images = f"zf.Shapes({SHOWN}, seed=1)" if self._embedded else "images"
        given = [] if self._embedded else ["images = ...  # yours; None: the embedded photographs"]
        return [
            f"net = {net.source or '...  # your zf.Network'}",
            *given,
            call("zf.diagnose", "net", images, shifts=SHIFTS),
        ]

    @T.validate("left", "right")
    def _known_network(self, proposal: T.Bunch) -> str:
        side = proposal["trait"].name
        names = getattr(self.compared, side)
        if proposal["value"] not in names:
            raise ValueError(
                f"the networks on the {side} are {', '.join(map(repr, names))}; {proposal['value']!r} was given"
            )
        return str(proposal["value"])

    def _point_clicked(self, change: T.Bunch) -> None:
        place, _ = change["new"]
        if isinstance(self.result, Errors) and place < len(self.result.points):
            self.variant = self.result.points[place].name

    def _filter_chosen(self, change: T.Bunch) -> None:
        side, number, _ = change["new"]
        self.filters = (number, self.filters[1]) if side == 0 else (self.filters[0], number)


def _plan(chosen: Any) -> Plan:
    """What the builder is set to, in a choice or in the panel."""
    return Plan(chosen.kernel_size, chosen.stride, chosen.maps, chosen.without, chosen.units)
