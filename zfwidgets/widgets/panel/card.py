"""A card whose head says how it stands, with controls and pictures: what every widget looks like."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, ClassVar

import ipywidgets as W
import traitlets as T
from IPython.display import publish_display_data

from zfwidgets.task import Task
from zfwidgets.widgets.belongings import all_within
from zfwidgets.widgets.controls import Job, bar, classed, control
from zfwidgets.widgets.panel.chips import chips
from zfwidgets.widgets.panel.closing import CLOSED
from zfwidgets.widgets.panel.code import program
from zfwidgets.widgets.panel.cycle import Cycle
from zfwidgets.widgets.panel.menu import Menu
from zfwidgets.widgets.panel.page_ready import PageReady
from zfwidgets.widgets.panel.saved import SavedStill
from zfwidgets.widgets.panel.status import Status
from zfwidgets.widgets.panel.still import still
from zfwidgets.widgets.panel.where import at_once, saves_outputs, shows_stills
from zfwidgets.widgets.traits import CHOSEN, reject_unknown

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure


class Card(Cycle):
    """A card whose head says how it stands, with controls and pictures.

    A subclass names in `Choice`, a frozen dataclass, the traits that its result depends on. Whenever one of them
    changes, a worker thread takes the present choice: `resolve` fills in what nobody chose, `compute` gives the result,
    `draw` shows it, what was resolved is written back to the traits, and `settle` brings controls into line. Only the
    latest choice counts. An error is shown in the card, and the last good pictures stay. Outside a kernel everything
    happens at once.

    What takes long can be shown as it grows: then `compute` is a generator, and each result that it yields is drawn.

    Args:
        type_size: "hall" for letters, lines and handles that are seen from the last row of a lecture hall.
        transport: "raw", or "webp" to pack pictures for slow links.
        settings: values of the card's traits.

    Raises ValueError for a value that does not fit, TypeError for a misspelt setting.
    """

    title: ClassVar[str] = ""
    lead: ClassVar[str] = ""  # one plain sentence: what is seen
    type_size = T.Enum(("normal", "hall"), "normal", help="hall: letters, lines and handles for a lecture hall")
    help: ClassVar[Sequence[tuple[str, str]]] = ()  # what can be done, and how; the paper's section

    def __init__(self, *, transport: str = "raw", **settings: Any) -> None:
        self.transport = transport
        self.control_of: dict[str, W.Widget] = {}  # by the name of its trait
        super().__init__()
        self._take(settings)
        page = PageReady(still=self.model_id)
        page.on_msg(lambda *_: self._send_again())
        self._saved = SavedStill(self)
        self.status = Status(self.cancel, self._drawing)
        body = self.build()
        title = W.HTML(f"<h3>{escape(self.title)}</h3><p>{escape(self.lead)}</p>")
        menu = Menu(self, (("What is seen", self.lead), *self.help), self.tries(), self.direct)
        head = W.Box([classed(title, "zf-title"), self.status, menu, page])
        above = [classed(head, "zf-head"), *chips(self.tries(), self.try_out), bar(self.controls())]
        self.children = [*above, body, *self.below()]
        self.add_class("zf-panel")
        self.observe(self._set_type, names="type_size")
        self._set_type()
        self._first = self.choices()
        self._begin()

    def build(self) -> W.Widget:
        """The pictures, made once."""
        raise NotImplementedError

    def controls(self) -> Sequence[W.Widget]:
        """The controls above the pictures; by default those that the traits in `Choice` declare."""
        return [control(self, name) for name in self._inputs if not name.startswith("_")]

    def tries(self) -> Mapping[str, Mapping[str, Any]]:
        """What a reader may try: words, and the settings that they stand for."""
        return {}

    def try_out(self, words: str) -> None:
        """Choose what the words of `tries` stand for; what does not fit is reported."""
        self.report("try", None)
        try:
            self.choose(**self.tries()[words])
        except (ValueError, TypeError, T.TraitError) as error:
            self.report("try", error)

    def choices(self) -> dict[str, Any]:
        """All that can be chosen, as it is now: a setting for each, as `choose` takes them."""
        return {name: getattr(self, name) for name, trait in self.traits().items() if isinstance(trait, CHOSEN)}

    def choose(self, **settings: Any) -> None:
        """Make several choices; those that are shared with other panels in one step."""
        reject_unknown(type(self), settings)
        self._take(settings)

    def reset(self) -> None:
        """Choose again all that was chosen at first."""
        self.check_open()
        self.choose(**self._first)

    def below(self) -> Sequence[W.Widget]:
        """What stands below the pictures."""
        return []

    def job(self, name: str, unit: str, work: Callable[[Task], str]) -> Job:
        """A button for something long, which lets the panel's own results go first and reports its mistakes here."""
        job = Job(name, unit, work, self.report, self.foreground, self.direct)
        job.observe(self._saved.renew_soon, names="running")
        return job

    @property
    def direct(self) -> bool:
        """Whether things are computed in the caller's thread: outside a kernel, and for stills."""
        return at_once()

    @property
    def answer(self) -> Any:
        """The experiment's result behind what is shown. Raises ValueError where there is none, yet or any more."""
        if self.result is None:
            raise ValueError("nothing has been computed yet")
        return self.result

    def figure(self, **options: Any) -> Figure:
        """What is shown, as a matplotlib figure in the paper's layout; `options` are those of the result's `plot`."""
        return self.answer.plot(**options)

    def table(self) -> pandas.DataFrame:
        """What is shown, as a table. Needs pandas."""
        return self.answer.to_pandas()

    def code(self) -> str:
        """What is shown, as a program that computes it."""
        self.check_open()
        return program(*self.code_lines())

    def code_lines(self) -> Sequence[str]:
        """The lines of that program; the last one is the call."""
        raise NotImplementedError

    def _take(self, settings: dict[str, Any]) -> None:
        for name, value in settings.items():
            setattr(self, name, value)

    def _set_type(self, _: Any = None) -> None:
        (self.add_class if self.type_size == "hall" else self.remove_class)("zf-hall")

    def _send_again(self) -> None:
        """To a page that has just opened: it has missed what was drawn while it was loading."""
        with self._drawing:
            for part in all_within(self):
                part.send_state()

    def _ipython_display_(self) -> None:
        """In a notebook, beside the panel, what is seen of it when the notebook is opened again."""
        if self.closed or not saves_outputs():
            raise NotImplementedError  # so IPython asks for the bundle
        # Where a page has no use for the widget, as after nbconvert, the still picture says it all.
        publish_display_data({**self._repr_mimebundle_(), "text/html": ""})
        self._saved.display()

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        if self.closed:
            return {"text/plain": CLOSED}
        return {"text/html": still(self)} if shows_stills() else super()._repr_mimebundle_(**kwargs)
