"""How the features of a network form while it trains: a figure, a film, and what has settled (Fig. 4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import ipywidgets as W
import traitlets as T

from zfwidgets.experiments.evolution import ROWS, Evolution, Snapshot
from zfwidgets.models import load
from zfwidgets.task import Task
from zfwidgets.widgets.controls import LayerStrip, bind, classed, control, labelled, rare
from zfwidgets.widgets.evolution_player.controls import EpochSlider, RecordedLayers
from zfwidgets.widgets.evolution_player.grid import Grid, figure_grid, film_grid
from zfwidgets.widgets.evolution_player.opened import Networks, OpenedEpoch
from zfwidgets.widgets.evolution_player.source import Follower, Source
from zfwidgets.widgets.evolution_player.view import EvolutionView
from zfwidgets.widgets.panel import Card, call
from zfwidgets.widgets.traits import OneOf, Option, reject_unknown

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure

SPEEDS = {"slow": 1200, "normal": 600, "fast": 250}  # milliseconds an epoch


@dataclass(frozen=True)
class TileChoice:
    """What is on show depends on this."""

    layer: str
    shown: str
    view: str
    contrast: str
    change: str
    curve: str
    epoch: int
    place: int
    version: int


@dataclass(frozen=True, eq=False)
class Frame:
    """What is drawn: a recording as it was when it was asked for, and where in it."""

    evolution: Evolution
    grid: Grid


class EvolutionPlayer(Card):
    """Watch feature maps form while a network trains (Fig. 4).

    `EvolutionPlayer()` plays the recording that comes with the package: `zfnet_shapes` learning shapes. Given a
    recorder or its folder, it follows the training, also one in another process: new epochs appear as they are written.

    Args:
        evolution: a `zf.Evolution`; a `zf.EvolutionRecorder` or its folder, which are followed; None: the embedded one.
        networks: a function from an epoch to its network, to open a tile in the feature explorer.
        type_size: "hall" for letters, lines and handles that are seen from the last row of a lecture hall.
        transport: "raw", or "webp" to pack pictures for slow links.
        settings: values of its traits: layer, shown, view, contrast, epoch, …

    Raises ValueError for a layer or epoch that was not recorded, TypeError for a misspelt setting.
    """

    title = "Evolution of features"
    lead = "How do feature maps form while a network trains? Press ▶, or drag the epochs."
    help = (
        (
            "A row",
            "One feature map, epoch by epoch: the projection of its strongest activation over all images (§4).",
        ),
        ("Anchored", "The same image at all epochs: what changes is the feature's own, and nothing jumps."),
        ("A blue edge", "From here on, another image is the strongest: the paper's sudden jumps."),
        (
            "The chart",
            "One minus the correlation of a map's activations with those in the snapshot before: 0 is settled.",
        ),
    )
    Choice = TileChoice

    layer = OneOf("layers", lambda panel: panel.layer_names, "Layer", "name of the layer")
    shown = Option(ROWS, "strongest", "Image", "strongest: of all images; anchored: one that stays the same",
                   "The strongest of all images, as in the paper; or the same image at all epochs",
                   buttons=True)  # fmt: skip
    view = Option(("figure", "film"), "figure", "As", "all epochs side by side, or one at a time",
                  "All epochs side by side, or one at a time", buttons=True)  # fmt: skip
    contrast = Option({"each tile's own": "own", "one a map": "map"}, "own", "Contrast",
                      "own: of each tile; map: the same for all epochs of a feature map",
                      "One for all epochs of a feature map shows how its projection grows",
                      buttons=True)  # fmt: skip
    speed = Option(SPEEDS, SPEEDS["normal"], "Speed", "milliseconds from one epoch to the next", width=90)
    change = Option(("activations", "weights"), "activations", "Change of", "what the chart measures",
                    "Of a map's activations in the same images: 1 − correlation; of weights: ‖ΔW‖ / ‖W‖",
                    buttons=True)  # fmt: skip
    curve = Option(("accuracy", "loss"), "accuracy", "Curve", "which of the training's curves are drawn", buttons=True)
    epoch = T.Int(0, help="the epoch that is on show; by default the last one")
    place = T.Int(0, min=0, help="the chosen feature map, by its place among those recorded")
    version = T.Int(0, help="grows with every new snapshot")

    def __init__(self, evolution: Any = None, *, networks: Networks | None = None, **settings: Any) -> None:
        reject_unknown(type(self), [name for name in settings if name != "transport"])
        self.source = Source(evolution)
        self._networks = networks or (_embedded if evolution is None else None)
        self.evolution: Evolution | None = self.source.read()
        self._drawn: tuple[Any, ...] = ()  # what the grid and the charts on show depend on
        first = self._first_choice()
        if self.evolution is not None and "layer" in settings:
            settings["layer"] = self.evolution.layer(settings["layer"])
        super().__init__(**(first | settings))
        self.add_class("zf-evolution")
        self.follower = Follower(self.source, self._grown, self.report)
        if self.source.live and not self.direct:
            self.follower.start()

    @property
    def layer_names(self) -> tuple[str, ...]:
        """The layers that are recorded; one without a name before the first snapshot."""
        return ("",) if self.evolution is None else self.evolution.layers

    def refresh(self) -> None:
        """Look for new snapshots now; in a notebook it happens by itself."""
        self.follower.look()

    def build(self) -> W.Widget:
        self.view_of = EvolutionView(self.transport, self._networks is not None)
        self.epochs = EpochSlider()
        self.strip_box = classed(W.Box(), "zf-wide", "zf-strip-box")
        self.opened = OpenedEpoch(self._networks, self.transport)
        self._offer()
        bind(self.epochs, self, "epoch")
        self.observe(lambda change: setattr(self.epochs.play, "interval", change["new"]), names="speed")
        self.view_of.observe(self._tile_chosen, names="chosen")
        self.view_of.observe(self._open, names="opened")
        return self.view_of

    def controls(self) -> list[W.Widget]:
        rarely = rare(*(control(self, name) for name in ("contrast", "change", "curve", "speed")))
        return [self.strip_box, *(control(self, name) for name in ("shown", "view")), self.epochs, *rarely]

    def below(self) -> Sequence[W.Widget]:
        return [self.opened]

    def tries(self) -> dict[str, dict[str, Any]]:
        if self.evolution is None:
            return {}
        first, last = self.evolution.layers[0], self.evolution.layers[-1]
        return {
            "The first layer": {"layer": first, "shown": "strongest"},
            "The last, in the same images": {"layer": last, "shown": "anchored"},
            "As a film": {"view": "film", "epoch": self.evolution.epochs[0]},
        }

    def choices(self) -> dict[str, Any]:
        return super().choices() | {"epoch": self.epoch, "place": self.place}

    def compute(self, choice: TileChoice, task: Task) -> Frame | None:
        """Find what stands where."""
        if self.evolution is None:
            return None
        self.evolution.snapshot(choice.epoch)
        grid = (figure_grid if choice.view == "figure" else film_grid)(
            self.evolution, choice.layer, choice.place, choice.epoch
        )
        return Frame(self.evolution, grid)

    def draw(self, result: Frame | None, choice: TileChoice) -> None:
        """Paint what has changed: the tiles, the charts, the chosen tile."""
        if result is None:
            self.view_of.words.value = f"Waiting for the first snapshot in {self.source.where} …"
            return
        evolution, number = result.evolution, ROWS.index(choice.shown)
        drawn = choice.version, choice.layer, number, result.grid, choice.contrast
        if drawn != self._drawn[:5]:
            self.view_of.show(evolution, choice.layer, number, result.grid, choice.contrast == "map")
        charts = choice.version, choice.layer, choice.change, choice.curve
        if charts != self._drawn[5:]:
            self.view_of.show_charts(evolution, choice.layer, choice.change, choice.curve)
        self._drawn = (*drawn, *charts)
        self.view_of.show_chosen(evolution, choice.layer, number, choice.place, choice.epoch)

    @property
    def answer(self) -> Snapshot:
        """The snapshot of the epoch that is on show."""
        return super().answer.evolution.snapshot(self.epoch)

    def figure(self, **options: Any) -> Figure:
        return self._known.plot(self.layer, self.shown, **options)

    def table(self) -> pandas.DataFrame:
        return self._known.to_pandas()

    def code_lines(self) -> Sequence[str]:
        source = self.source.code or "...  # your zf.Evolution"
        return [f"evolution = {source}", call("evolution.plot", repr(self.layer), repr(self.shown))]

    def resolve(self, choice: TileChoice, task: Task) -> TileChoice:
        """Layers may have different numbers of recorded maps: the last one, where there are fewer."""
        if self.evolution is None:
            return choice
        return replace(choice, place=min(choice.place, len(self.evolution.outline.features[choice.layer]) - 1))

    @T.validate("epoch")
    def _recorded(self, proposal: T.Bunch) -> int:
        if self.evolution is not None:
            self.evolution.snapshot(proposal["value"])
        return int(proposal["value"])

    @T.validate("place")
    def _of_the_recorded(self, proposal: T.Bunch) -> int:
        if self.evolution is not None:
            most = max(map(len, self.evolution.outline.features.values())) - 1
            if proposal["value"] > most:
                raise ValueError(f"places go from 0 to {most}; {proposal['value']} was given")
        return int(proposal["value"])

    @property
    def _known(self) -> Evolution:
        if self.evolution is None:
            raise ValueError("nothing has been recorded yet")
        return self.evolution

    def _first_choice(self) -> dict[str, Any]:
        if self.evolution is None:
            return {}
        return {"layer": self.evolution.layers[len(self.evolution.layers) // 2], "epoch": self.evolution.epochs[-1]}

    def _offer(self) -> None:
        """Let strip and slider have what there is by now."""
        if self.evolution is None:
            return
        self.epochs.offer(self.evolution.epochs, self.epoch)
        if not self.strip_box.children:
            strip = classed(LayerStrip(RecordedLayers(self.evolution.outline), self.evolution.layers), "zf-layer")  # type: ignore[arg-type]  # as far as a strip asks
            self.control_of["layer"] = strip
            bind(strip, self, "layer")
            self.strip_box.children = [classed(labelled("Layer", strip, "Early layers come first"), "zf-wide")]

    def _grown(self, evolution: Evolution) -> None:
        """A snapshot more, or another curve: who looked at the last epoch goes on to the new one."""
        before, self.evolution = self.evolution, evolution
        if before is None:
            self.choose(**self._first_choice())
        elif self.epoch == before.epochs[-1] or self.epoch not in evolution.epochs:
            self.epoch = evolution.epochs[-1]
        self._offer()
        self.version += 1
        self.report("damaged", "; ".join(evolution.damaged) or None)

    def _tile_chosen(self, change: T.Bunch) -> None:
        place, epoch, _ = change["new"]
        with self.hold_trait_notifications():
            self.place, self.epoch = place, epoch

    def _open(self, _: T.Bunch) -> None:
        self.report("open", None)
        try:
            self.opened.show(self._known, self.layer, ROWS.index(self.shown), self.place, self.epoch)
        except (ValueError, OSError) as error:
            self.report("open", error)


def _embedded(epoch: int) -> Any:
    return load("zfnet_shapes", epoch=epoch)
