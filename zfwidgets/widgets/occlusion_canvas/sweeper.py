"""The sweeping square: its controls, its job, and the maps that it draws (§4.2, Fig. 7)."""

from __future__ import annotations

import time
from typing import Any

import ipywidgets as W
import numpy as np
import traitlets as T

from zfwidgets.experiments.occlusion import Occlusion, occlusion_sweep
from zfwidgets.task import Task
from zfwidgets.widgets.controls import classed, control
from zfwidgets.widgets.occlusion_canvas.sweep_view import SweepView
from zfwidgets.widgets.play import Play

SWEPT = ("image", "layer", "feature", "target", "size", "stride", "fill")  # a sweep starts anew when one changes

INTERVAL = 120  # milliseconds from one place of the square to the next


class Sweeper(W.VBox):
    """Lets the square sweep over the image of an occlusion canvas; once begun, it follows the canvas's choices."""

    mask = T.Any(None, help="the place of the square that was clicked last, (H, W) bool")

    def __init__(self, panel: Any) -> None:
        self._panel = panel
        self._following = False  # whether a sweep starts anew when a choice changes
        self._whole = False  # whether the latest sweep came to its end
        self.job = panel.job("Sweep the square over the image", "places", self._sweep)
        self.maps = SweepView(panel.transport, panel.net.scores.meaning)
        self.play = Play(interval=INTERVAL, what="the square's way over the image")
        controls = [control(panel, "stride"), self.play, self.job]
        super().__init__([classed(W.Box(controls), "zf-controls", "zf-sweep-controls"), self.maps])
        classed(self, "zf-sweep")
        panel.observe(self._begin_anew, names=SWEPT)
        self.maps.observe(self._take_over, names="taken")
        self.play.observe(self._played, names="place")
        self.job.observe(self._ended, names="running")

    def _sweep(self, task: Task) -> str:
        """Let the square sweep, and draw its maps as they become finer."""
        task.check()
        self._following, started, result = True, time.perf_counter(), None
        panel = self._panel
        for result in occlusion_sweep(
            panel.net, panel.features(panel.image), panel.target or None, panel.layer, panel.size, panel.stride,
            panel.fill, feature=panel.feature, task=task,
        ):  # fmt: skip
            if task.stopped:
                break
            self.maps.show(result)
            self.maps.layout.display = ""
            self.play.count = result.label.size
            panel.swept = result
            self._whole = bool(result.computed.all())
            task.progress(int(result.computed.sum()), result.computed.size)
        return summary(result, time.perf_counter() - started)

    def _played(self, change: T.Bunch) -> None:
        """The next place, row by row."""
        if self.maps.result is not None:
            row, column = divmod(change["new"], self.maps.result.label.shape[1])
            self.maps.place = min(row, self.maps.result.label.shape[0] - 1), column

    def _begin_anew(self, _: Any) -> None:
        self._panel.swept = None  # it was of another choice
        if self._following:
            self.job.cancel()
            self.job.start()
        elif self.maps.result is not None:
            self.maps.layout.display = "none"

    def _take_over(self, change: T.Bunch) -> None:
        """The square of a sweep's place becomes a mask."""
        result, (row, column, _) = self.maps.result, change["new"]
        if result is not None:
            mask = np.zeros(result.picture.shape[:2], bool)
            top, left = result.top[row], result.left[column]
            mask[top : top + result.size[0], left : left + result.size[1]] = True
            self.mask = mask

    def _ended(self, change: T.Bunch) -> None:
        """Who has cancelled a sweep does not want the next one by itself."""
        if change["new"]:
            self._whole = False
        elif not self._whole:
            self._following = False


def summary(result: Occlusion | None, seconds: float) -> str:
    """What a sweep has cost, in words; all but the first line is for the tooltip."""
    if result is None:
        return ""
    done, _, full = result.macs
    agreement = "" if np.isnan(result.agreement) else f"\n(b) agrees with the projection: {result.agreement:.2f}"
    places = f"{result.computed.size} places in {seconds:.1f} s"
    return f"{places}\n{done / full:.0%} of the work of asking the network anew at each place{agreement}"
