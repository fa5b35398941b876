"""Where other images are looked through: a folder, a button, and how far it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets as W
import traitlets as T

from zfwidgets.experiments.top_activations import TopActivations
from zfwidgets.task import Task
from zfwidgets.widgets.controls import Job, classed, labelled, row

SEARCH, UNIT = "Search these images", "images"
EXPLANATION = "One pass over the images (mining), which keeps the strongest activations of every feature map."


class MiningRow(W.VBox):
    """A folder to name, and the job that looks for the strongest activations in it, or else in the present images."""

    def __init__(
        self, make_job: Callable[..., Job], mine: Callable[[str, Task], str], report: Callable[[str, None], None]
    ) -> None:
        self._report = report
        self.folder = W.Text(layout=W.Layout(width="240px"))
        self.folder.on_msg(self._entered)
        self.folder.observe(self._put_right, names="value")
        self.job = make_job(SEARCH, UNIT, lambda task: mine(self.folder.value.strip(), task))
        super().__init__(
            [classed(labelled("Look in other images", row(self.folder, self.job), EXPLANATION), "zf-mining")]
        )

    def notice(self) -> list[W.Widget]:
        """What stands in place of a wall while nothing is known of the images: words, and the same button."""
        self.words, far = W.HTML(), W.HTML()
        mine = W.Button(description=SEARCH, button_style="primary", layout=W.Layout(width="auto"))
        mine.on_click(lambda _: self.job.start())
        T.dlink((self.job.note, "value"), (far, "value"))
        T.dlink((self.job, "running"), (mine, "disabled"))
        return [self.words, mine, far]

    def tell(self, names: tuple[str, ...], tops: TopActivations | None) -> None:
        """Say which images there are, and what is known of them."""
        count = f"{len(names):,}"
        self.folder.placeholder = f"a folder; empty: these {count} images"
        self._summary = summary(names, tops)
        self.job.tell(self._summary)
        self.words.value = (
            f"Nothing is known yet of these {count} images. A search runs them through the network once, and keeps the "
            "nine strongest activations of every feature map."
        )

    def _entered(self, _: W.Widget, message: Any, buffers: Any) -> None:
        """Enter does what the button does."""
        if message.get("event") == "submit":
            self.job.start()

    def _put_right(self, _: T.Bunch) -> None:
        """Another folder is named: what was wrong with the one before is history."""
        if not self.job.running:
            self._report(UNIT, None)
            self.job.tell(self._summary)


def summary(names: tuple[str, ...], tops: TopActivations | None) -> str:
    """How many images were looked at, and which ones could not be."""
    if tops is None:
        return ""
    broken = [names[number] for number, _ in tops.broken]
    listed = ", ".join(broken[:3]) + (", …" if len(broken) > 3 else "")
    left_out = f" · {len(broken)} left out that cannot be read: {listed}" if broken else ""
    return f"{tops.count:,} images were looked at{left_out}"
