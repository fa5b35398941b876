"""What all widgets are made of: choices → worker → result → drawing, with one line that says how it stands."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from html import escape
from types import SimpleNamespace
from typing import Any, ClassVar

import ipywidgets as W
import traitlets as T

from zfwidgets.widgets.panel.page_ready import Doorbell, all_within
from zfwidgets.widgets.panel.still import still
from zfwidgets.widgets.traits import reject_unknown
from zfwidgets.widgets.worker import Latest

PATIENCE = 0.3  # seconds before the status line says that something is being computed

Stale = Callable[[], bool]
Progress = Callable[[float, str], None]


def shows_stills() -> bool:
    """Whether panels are to be shown as plain HTML, for a page without a kernel (set by `zfwidgets demo`)."""
    return bool(os.environ.get("ZFWIDGETS_STILL"))


def in_kernel() -> bool:
    """Whether there is a Jupyter kernel, whose main thread must be kept free."""
    from IPython import get_ipython

    return getattr(get_ipython(), "kernel", None) is not None


def at_once() -> bool:
    """Whether things are computed in the caller's thread: for stills, and outside a kernel."""
    return shows_stills() or not in_kernel()


class Panel(W.VBox):
    """A card with choices, pictures and a status line.

    A subclass names its `inputs` (traits), and says how to `compute` a result from them and how to `draw` it. Whenever
    an input changes, the result is computed in a worker thread; only the latest choice counts. An error is shown in
    the card, and the last good pictures stay. Outside a kernel everything happens at once.

    What takes long can be shown as it grows: then `compute` is a generator, and each result that it yields is drawn.
    """

    title: ClassVar[str] = ""
    lead: ClassVar[str] = ""  # one plain sentence: what is seen
    inputs: ClassVar[tuple[str, ...]] = ()

    busy = T.Bool(False, help="something is being computed")
    error = T.Unicode(help="what went wrong with the latest choice; empty when all is well")
    result = T.Any(None, help="the latest result")

    def __init__(
        self, controls: Sequence[W.Widget], pictures: W.Widget, below: Sequence[W.Widget] = (), **settings: Any
    ) -> None:
        reject_unknown(type(self), settings)
        self._status = W.HTML()
        self._cancel = W.Button(description="Cancel", layout=W.Layout(display="none", width="auto"))
        self._cancel.on_click(lambda _: self.cancel())
        head = W.HTML(f"<h3>{escape(self.title)}</h3><p>{escape(self.lead)}</p>")
        row = W.Box(list(controls))
        doorbell = Doorbell()
        doorbell.on_msg(lambda *_: self._tell_again())
        foot = W.HBox([self._status, self._cancel, doorbell])
        for part, name in ((head, "zf-head"), (row, "zf-controls"), (foot, "zf-foot"), (self._status, "zf-status")):
            part.add_class(name)
        super().__init__([head, row, pictures, foot, *below])
        self.add_class("zf-panel")
        self._drawing = threading.RLock()  # outside a kernel, whoever observes `result` may make the next choice
        self._asked: SimpleNamespace | None = None  # the choice that was asked for last
        self._shown: SimpleNamespace | None = None  # the choice that is on show to its end
        self._worker = Latest(self._work, direct=at_once())
        for name, value in settings.items():
            setattr(self, name, value)
        self.observe(self._say, names=["busy", "error"])
        self.observe(self.update, names=[name for name in self.inputs if self.has_trait(name)])
        self.update()

    def compute(self, choice: SimpleNamespace, stale: Stale, progress: Progress) -> Any:
        """The result for the inputs in `choice`. Ask `stale()` now and then, and give up when it says yes.

        As a generator it yields results, of which the last one is complete; it is left off when it has become stale.
        Where an input has to be made to fit, change it in `choice`, and set the trait in `draw`.
        """
        raise NotImplementedError

    def draw(self, result: Any, choice: SimpleNamespace) -> None:
        """Show a result. Runs in the worker: sets pictures and captions, never a control."""
        raise NotImplementedError

    def update(self, change: Any = None) -> None:
        """Compute and draw anew for the present choice."""
        choice = SimpleNamespace(**{name: getattr(self, name) for name in self.inputs})
        if change is not None and self.busy and choice == self._asked:
            return  # set by `draw` itself, or by several traits that changed together
        self._asked = choice
        if change is not None and choice == self._shown:  # back to what is on show
            self._worker.cancel()
            self.busy, self.error = False, ""
            self._status.value = "Ready"
        else:
            self.busy = True  # from now on: the worker may first have to give up something else
            self._worker.ask(choice)

    def cancel(self) -> None:
        """Give up the computation under way; the last pictures stay."""
        self._worker.cancel()
        self.busy = False
        self._status.value = "Cancelled."

    def _work(self, choice: SimpleNamespace, stale: Stale) -> None:
        started = time.perf_counter()
        patience = threading.Timer(PATIENCE, lambda: self._show_busy(lambda: stale() or patience.finished.is_set()))
        patience.daemon = True
        patience.start()
        try:
            self.busy = True
            for result in _results(self.compute(choice, stale, self._progress(stale))):
                with self._drawing:
                    self._show(result, choice, stale)
                if stale():
                    break
            with self._drawing:
                patience.cancel()
                self._finish(choice, stale, started)
        except Exception as error:  # an observer's exceptions are lost; this one is shown
            with self._drawing:
                patience.cancel()
                self.error = self.error if stale() else described(error)
        finally:
            if not stale():
                self.busy = False

    def _show(self, result: Any, choice: SimpleNamespace, stale: Stale) -> None:
        if stale():
            return
        self._shown = None
        self.draw(result, choice)
        self.error = ""
        self.result = result

    def _finish(self, choice: SimpleNamespace, stale: Stale, started: float) -> None:
        if stale():
            return
        self._shown = choice
        self._status.value = f"Ready · {1000 * (time.perf_counter() - started):.0f} ms"

    def _show_busy(self, over: Callable[[], bool]) -> None:
        """Once patience is at an end, unless the computation has come to its own end meanwhile."""
        with self._drawing:
            if not over():
                self._status.value = "Computing …"
                self._cancel.layout.display = ""

    def _progress(self, stale: Stale) -> Progress:
        def say(fraction: float, what: str) -> None:
            if not stale():
                self._status.value = f"{escape(what)} · {fraction:.0%}"

        return say

    def _tell_again(self) -> None:
        """To a page that has just opened: it has missed what was drawn while it was loading."""
        with self._drawing:
            for part in all_within(self):
                part.send_state()

    def _say(self, _: Any) -> None:
        if not self.busy and self._cancel.layout.display != "none":
            self._cancel.layout.display = "none"
        if self.error:
            self._status.value = f"<span class='zf-error' role='alert'>{escape(self.error)}</span>"
        elif not self.busy and "zf-error" in self._status.value:  # a mistake that has been put right
            self._status.value = "Ready"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        return {"text/html": still(self)} if shows_stills() else super()._repr_mimebundle_(**kwargs)


def _results(computed: Any) -> Iterable[Any]:
    """What `compute` found: one result, or one after another."""
    return computed if isinstance(computed, Iterator) else (computed,)


def described(error: Exception) -> str:
    """An error in one line: messages that we wrote as they are, others with their kind."""
    if isinstance(error, ValueError | TypeError | ConnectionError):
        return str(error)
    return f"{type(error).__name__}: {error}"
