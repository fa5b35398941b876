"""How far the features have moved at the slider's value: asked in a thread of its own, before any curves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from zfwidgets.experiments.invariance import FeatureShift, feature_shift
from zfwidgets.task import Foreground, Task
from zfwidgets.widgets.invariance_explorer.remembered_curves import RememberedCurves
from zfwidgets.widgets.worker import LatestOnlyWorker


@dataclass(frozen=True)
class Moment:
    """Where the slider stands, and what is on show."""

    image: str
    transform: str
    value: float
    border: str
    layers: tuple[str, ...]


class LiveShift:
    """Asks all networks for the latest moment; `show(moment, shifts)` is told what they say, one shift a network."""

    def __init__(
        self, curves: RememberedCurves, urgent: Foreground, show: Callable[[Moment, tuple[FeatureShift, ...]], None],
        report: Callable[[str, Any], None], direct: bool,
    ) -> None:  # fmt: skip
        self._curves, self._urgent, self._show, self._report = curves, urgent, show, report
        self._worker = LatestOnlyWorker(self._answer, direct)

    def ask(self, moment: Moment) -> None:
        """Ask, instead of whatever was asked before."""
        self._worker.ask(moment)

    def _answer(self, moment: Moment, cancelled: Callable[[], bool]) -> None:
        try:
            with self._urgent.occupied():
                places = range(len(self._curves.networks))
                shifts = tuple(self._shift(place, moment, Task(cancelled)) for place in places)
            if not cancelled():
                self._show(moment, shifts)
                self._report("slider", None)
        except Exception as error:
            if not cancelled():
                self._report("slider", error)

    def _shift(self, place: int, moment: Moment, task: Task) -> FeatureShift:
        transformation = self._curves.transformations[moment.transform]
        layers = self._curves.layers_of(place, moment.layers)
        features = self._curves.features(place, moment.image)
        return feature_shift(features, transformation, moment.value, moment.border, layers, task)
