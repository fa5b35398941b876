"""A choice → resolve → compute → draw → settle: what a widget does whenever something that it depends on changes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar

import ipywidgets as W
import traitlets as T

from zfwidgets.task import Foreground, Task
from zfwidgets.widgets.belongings import Belongings, made_by_others, recording
from zfwidgets.widgets.errors import describe_error
from zfwidgets.widgets.panel.closing import CLOSED, LatestResult, Making, forget, tidied
from zfwidgets.widgets.panel.status import Status
from zfwidgets.widgets.panel.where import at_once
from zfwidgets.widgets.selection import Selection
from zfwidgets.widgets.traits import Selected, SelectedTrait
from zfwidgets.widgets.worker import LatestOnlyWorker

# What a closed panel still has: the rest may be anything, and as large.
KEPT = ("selection", "layer_names", "transport", "closed", "_model_id", "_belongings", "_drawing", "_worker")


@dataclass(frozen=True)
class NoChoice:
    """What a result depends on: nothing. Panels have their own, whose fields are names of their traits."""


@dataclass(frozen=True)
class Request:
    """A choice, and what was selected when it was made."""

    choice: Any
    selected: Selected | None


class Cycle(W.VBox, metaclass=Making):
    """Computes and draws whenever a trait that is named in `Choice` changes; only the latest choice counts."""

    Choice: ClassVar[type] = NoChoice

    busy = T.Bool(False, help="something is being computed")
    error = T.Unicode(help="what went wrong, until it is put right or another choice is made; empty when all is well")
    result = LatestResult(None, help="the latest result")

    selection: Selection | None = None  # what is looked at, where it may be shared with others
    closed = False  # for good
    _belongings: Belongings | None = None  # none, where its settings were refused
    status: Status

    def __init__(self) -> None:
        self.urgent, self.foreground = Foreground(), Foreground()  # before the panel's result; before its jobs
        self._drawing = threading.RLock()  # outside a kernel, whoever observes `result` may make the next choice
        self._mistakes: dict[str, str] = {}  # by what they come from, the latest last
        self._asked: Any = None  # the choice that was asked for last
        self._shown: Any = None  # the choice that is on show to its end
        self._belongings = recording()
        self._worker = LatestOnlyWorker(self._work, direct=at_once())
        super().__init__()

    def resolve(self, choice: Any, task: Task) -> Any:
        """The choice with all filled in that nobody chose; what this finds is written back to the traits."""
        return choice

    def compute(self, choice: Any, task: Task) -> Any:
        """The result for a choice. Call `task.check()` now and then.

        As a generator it yields results, of which the last one is complete; it is left off when cancelled.
        """
        raise NotImplementedError

    def draw(self, result: Any, choice: Any) -> None:
        """Show a result. Runs in the worker: sets pictures and captions, never a trait or a control."""
        raise NotImplementedError

    def settle(self, choice: Any) -> None:
        """Bring controls into line with a choice that is on show."""

    def report(self, source: str, error: Exception | str | None) -> None:
        """Show a mistake that comes from `source`, until that is put right (None) or another choice is made.

        The same mistake found in two places is put right in both at once.
        """
        former = self._mistakes.pop(source, None)
        if error is None and former is not None:
            self._mistakes = {source: words for source, words in self._mistakes.items() if words != former}
        if error:
            self._mistakes[source] = describe_error(error)
        self.error = next(reversed(self._mistakes.values()), "")

    def update(self, change: Any = None) -> None:
        """Compute and draw anew for the present choice."""
        self.check_open()
        request = self._present()
        if change is not None and self.busy and request.choice == self._asked:
            return  # several traits that changed together
        if change is not None and request.choice != self._asked:
            self._forget_mistakes()
        self._asked = request.choice
        if change is not None and request.choice == self._shown:  # back to what is on show
            self._worker.cancel()
            self.report("result", None)
            self.busy = False
            self._say_at_rest()
        else:
            self.busy = True  # from now on: the worker may first have to give up something else
            self._worker.ask(request)

    def cancel(self) -> None:
        """Give up the computation under way; the last pictures stay."""
        self.check_open()
        self._worker.cancel()
        self.busy = False
        self.status.ready("Cancelled.")

    def close(self) -> None:
        """Close the panel and all that it made, and forget what it has computed.

        What others share lives on: the network, the selection, other panels, and what was put into its `children`.
        """
        if self._belongings is None:
            super().close()
        elif not self.closed:
            self.closed = True
            with tidied():
                self._belongings.end()
                with self._drawing:
                    super().close()
                    self._belongings.close()
                forget(self, KEPT)

    def check_open(self) -> None:
        """Raise ValueError where the panel is closed."""
        if self.closed:
            raise ValueError(CLOSED)

    def notify_change(self, change: T.Bunch) -> None:
        """Tell whoever observes the panel; what they make is theirs."""
        with made_by_others():
            super().notify_change(change)

    if not TYPE_CHECKING:  # it would allow for any name

        def __getattr__(self, name: str) -> Any:
            """What there is not; a closed panel has forgotten it."""
            if self.closed:
                raise AttributeError(CLOSED)
            return super().__getattribute__(name)  # fails again, and in its own words

    def _begin(self) -> None:
        """Listen to the traits and to the selection, and compute for the first time."""
        self.observe(self._stand, names=["busy", "error"])
        self.observe(self.update, names=self._inputs)
        if self.selection is not None:
            if self._selected_names:
                self.selection.observe(self._selected, names=self._selected_names)
            self.selection.join()
        self.update()

    @property
    def _inputs(self) -> list[str]:
        return [field.name for field in fields(self.Choice)]

    @property
    def _selected_names(self) -> list[str]:
        return [name for name, trait in self.traits().items() if isinstance(trait, SelectedTrait)]

    def _selected(self, change: T.Bunch) -> None:
        self.notify_change(T.Bunch(change, owner=self))

    def _present(self) -> Request:
        state, traits = self.selection.state if self.selection else None, self.traits()
        values = {
            name: trait.for_choice(state)
            if state is not None and isinstance(trait := traits.get(name), SelectedTrait)
            else getattr(self, name)
            for name in self._inputs
        }
        return Request(self.Choice(**values), state)

    def _work(self, request: Request, cancelled: Callable[[], bool]) -> None:
        started = time.perf_counter()
        call_off = self.status.working_after_delay(cancelled)
        task = Task(cancelled, self._say_progress, self.urgent)
        try:
            self.busy = True
            with self.foreground.occupied():
                choice = self.resolve(request.choice, task)
                for result in _results(self.compute(choice, task)):
                    with self._drawing:
                        self._show(result, choice, cancelled)
                    if cancelled():
                        break
            with self._drawing:
                call_off()
                if not cancelled():
                    self._finish(request, choice, started)
            if not cancelled():  # others hear of it: with no lock held
                self._write_back(request, choice)
        except Exception as error:  # an observer's exceptions are lost; this one is shown
            with self._drawing:
                call_off()
                if not cancelled():
                    self.report("result", error)
        finally:
            if not cancelled():
                self.busy = False

    def _show(self, result: Any, choice: Any, cancelled: Callable[[], bool]) -> None:
        if not cancelled():
            self._shown = None
            self.draw(result, choice)
            self.report("result", None)
            self.result = result

    def _finish(self, request: Request, choice: Any, started: float) -> None:
        self._shown = choice
        if self._asked == request.choice:
            self._asked = choice
        self.settle(choice)
        if not self.error:
            self.status.ready(hint=f"It took {1000 * (time.perf_counter() - started):.0f} ms.")

    def _write_back(self, request: Request, choice: Any) -> None:
        """What was resolved becomes the traits' value, unless another choice has been made meanwhile."""
        found = {name: getattr(choice, name) for name in self._inputs
                 if getattr(choice, name) != getattr(request.choice, name)}  # fmt: skip
        selected = {name: found.pop(name) for name in self._selected_names if name in found}
        if self.selection is not None and request.selected is not None and selected:
            self.selection.settle(request.selected, **selected)
        for name, value in found.items():
            if getattr(self, name) == getattr(request.choice, name):
                setattr(self, name, value)

    def _forget_mistakes(self) -> None:
        for source in [source for source in self._mistakes if source != "result"]:
            self.report(source, None)

    def _say_progress(self, done: float, count: float, what: str) -> None:
        self.status.working(f"{what} · {done / count:.0%}")

    def _say_at_rest(self) -> None:
        if self.error:
            self.status.failed(self.error)
        else:
            self.status.ready()

    def _stand(self, _: Any) -> None:
        self.status.update(self.busy, self.error)


def _results(computed: Any) -> Iterable[Any]:
    """What `compute` found: one result, or one after another."""
    return computed if isinstance(computed, Iterator) else (computed,)
