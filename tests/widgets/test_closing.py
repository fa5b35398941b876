"""A closed panel leaves nothing behind: no widget, no thread, no memory; and what others share lives on."""

import gc
import inspect
import itertools
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import SimpleNamespace

import ipycanvas
import ipywidgets as W
import numpy as np
import pytest
import traitlets as T
from ipycanvas.canvas import _CANVAS_MANAGER
from ipywidgets.widgets.widget import _instances as open_widgets

import zfwidgets as zf
from zfwidgets.widgets.belongings import all_within
from zfwidgets.widgets.canvas import DrawingCanvas
from zfwidgets.widgets.panel import Panel, closing

from .conftest import tiny_network, until

PANELS = [cls for name in zf.__all__ if inspect.isclass(cls := getattr(zf, name)) and issubclass(cls, Panel)]
LONG = 10  # seconds: never reached where all is well


@pytest.fixture(params=PANELS, ids=lambda cls: cls.__name__)
def make(request, network, images):
    """Makes a panel of each kind, with pictures of its own."""
    shown = {name: zf.photograph("flower")[100:220, 200:360] + number for number, name in enumerate("abc")}
    return lambda **settings: request.param(network, shown, **settings)


def rest(panel):
    until(lambda: not any(getattr(part, "busy", False) for part in list(open_widgets.values())))
    return panel


@pytest.fixture(autouse=True)
def earlier_threads():
    """Those of other tests' panels, which end when they have had nothing to do for a while."""
    earlier.clear()
    earlier.update(threading.enumerate())


earlier = set()


def own_threads():
    running = (one for one in threading.enumerate() if one not in earlier)
    return [one for one in running if one.name == "zfwidgets"]


def open_now():
    gc.collect()
    return set(open_widgets)


@pytest.mark.slow
def test_nothing_stays_open_and_no_thread_goes_on(make, in_kernel):
    before = open_now()
    rest(make()).close()
    assert open_now() - before == set()
    until(lambda: not own_threads())


@pytest.mark.slow
def test_what_a_closed_panel_held_is_collected(make, in_kernel):
    panel = rest(make())
    held = [panel, *panel.children, panel.result, panel.status]
    gone = [weakref.ref(one) for one in held if one is not None and not isinstance(one, tuple)]
    selection = panel.selection
    panel.close()
    del panel, held
    until(lambda: not own_threads())
    gc.collect()
    assert [one() for one in gone if one() is not None] == []
    assert selection.features.cache_info().currsize == 0


@pytest.mark.slow
def test_who_still_holds_a_closed_panel_holds_no_pictures(make, in_kernel):
    panel = rest(make())
    parts = [weakref.ref(part) for part in panel.children]
    panel.close()
    until(lambda: not own_threads())
    gc.collect()
    assert [part() for part in parts if part() is not None] == []
    for ask in (lambda: panel.result, panel.figure, panel.table, panel.code, panel.update):
        with pytest.raises(ValueError, match="this panel is closed, and its results are forgotten: run the cell again"):
            ask()
    with pytest.raises(AttributeError, match="this panel is closed"):
        _ = panel.status
    assert "this panel is closed" in panel._repr_mimebundle_()["text/plain"]
    assert panel.net is panel.selection.network
    panel.close()
    before = open_now()
    assert repr(panel)
    assert open_now() == before


@pytest.mark.slow
def test_a_panel_that_is_refused_leaves_nothing(make):
    before = open_now()
    with pytest.raises((TypeError, ValueError, T.TraitError)):
        make(layers="no such layer")
    assert open_now() - before == set()


@dataclass(frozen=True)
class NumberChoice:
    image: str
    number: int


class Counting(Panel):
    """Makes a label for each number: in its thread, and one for each press of a button, in the answer to the reader."""

    Choice = NumberChoice

    image = zf.FeatureExplorer.image
    number = T.Int(1)

    def __init__(self, given=None, **settings):
        self.given, self.gate, self.began = given, threading.Event(), threading.Event()
        self.gate.set()
        super().__init__(None if "selection" in settings else tiny_network(), **settings)

    def build(self):
        self.drawn, self.pressed, self.button = W.VBox(), W.VBox(), W.Button()
        self.button.on_click(lambda _: self.press())
        return W.VBox([self.drawn, self.pressed, self.button, *([self.given] if self.given else [])])

    def controls(self):
        return []

    def press(self):
        self.pressed.children = [*self.pressed.children, W.Label("pressed")]

    def compute(self, choice, task):
        self.began.set()
        assert self.gate.wait(LONG)
        return np.full(100_000, choice.number)

    def draw(self, result, choice):
        self.drawn.children = [W.Label(str(number)) for number in range(choice.number)]


@pytest.mark.slow
def test_what_was_made_later_is_closed_too():
    before = open_now()
    panel = Counting()
    panel.number = 5
    panel.button.click()
    panel.press()
    panel.close()
    assert open_now() - before == set()


@pytest.mark.slow
def test_a_panel_that_is_made_in_another_one_is_closed_with_it():
    class Outer(Counting):
        def build(self):
            self.inner = Counting(selection=self.selection)
            return W.VBox([super().build(), self.inner])

        def press(self):
            self.pressed.children = [Counting(selection=self.selection)]

    before = open_now()
    panel = Outer()
    panel.press()
    inner, later = panel.inner, panel.pressed.children[0]
    panel.close()
    assert inner.closed
    assert later.closed
    assert open_now() - before == set()


@pytest.mark.slow
def test_what_a_user_puts_in_or_makes_in_an_observer_stays_open():
    before, given, heard = open_now(), W.Label(), []
    panel = Counting(given)
    mine = W.VBox([W.Label("mine")])
    panel.children = (*panel.children, mine)
    panel.observe(lambda _: heard.append(W.Label("heard")), names="result")
    panel.selection.observe(lambda _: heard.append(W.Label("chosen")), names="image")
    panel.number = 3
    panel.image = panel.selection.images.names[1]
    Counting(selection=panel.selection).close()
    panel.close()
    stay = [given, mine, *mine.children, *heard]
    assert {one.model_id for one in stay} <= set(open_widgets)
    assert sorted(one.value for one in heard) == ["chosen", "heard", "heard"]
    parts = {part.model_id for part in all_within(*stay)}
    assert open_now() - before == parts


def test_another_panel_on_the_same_selection_works_on():
    first = Counting()
    second = Counting(selection=first.selection)
    features = first.features(first.image)
    first.close()
    assert second.features(second.image) is features
    second.image = second.selection.images.names[1]
    second.selection.images.add("one more", zf.photograph("cat"))
    second.number = 7
    assert (second.result[0], len(second.drawn.children)) == (7, 7)
    assert second.error == ""


@pytest.mark.slow
@pytest.mark.parametrize("make_second", [zf.FeatureExplorer, zf.OcclusionCanvas, zf.InvarianceExplorer])
def test_panels_of_one_selection_are_closed_one_by_one(network, images, make_second):
    selection = zf.Selection(network, images)
    make_second(selection=selection).close()
    second = make_second(selection=selection)
    second.image = "second"
    assert second.error == ""
    assert second.figure()
    second.close()
    selection.images.add("more", images["first"])
    assert not selection.images._trait_notifiers["names"]["change"]


def test_closed_while_it_computes_it_says_nothing_and_its_thread_ends(in_kernel, caplog):
    panel = Counting()
    until(lambda: panel.result is not None and not panel.busy)
    panel.gate.clear()
    panel.began.clear()
    gate = panel.gate
    panel.number = 9
    assert panel.began.wait(LONG)
    panel.close()
    gate.set()
    until(lambda: not own_threads())
    assert caplog.records == []


@pytest.mark.slow
def test_closed_before_its_thread_has_begun_it_says_nothing(in_kernel, caplog):
    for _ in range(5):
        Counting().close()
    until(lambda: not own_threads())
    assert caplog.records == []


def test_a_panel_may_be_closed_by_whoever_hears_of_its_result():
    panel = Counting()
    panel.observe(lambda _: panel.close(), names="result")
    panel.number = 4
    assert panel.closed
    panel.number = 5


def test_somebody_elses_canvas_still_draws(network, images, monkeypatch):
    theirs, sent = ipycanvas.Canvas(width=10, height=10), []
    monkeypatch.setattr(_CANVAS_MANAGER, "send", lambda content, buffers: sent.append(content))
    panel, canvas = zf.OcclusionCanvas(network, images), DrawingCanvas()
    panel.close()
    canvas.close()
    sent.clear()
    canvas.show(images["first"], images["second"])
    canvas.press(5, 5)
    assert sent == []
    theirs.fill_rect(0, 0, 5, 5)
    assert sent
    assert _CANVAS_MANAGER.comm is not None


def test_a_widget_that_a_library_makes_for_everybody_is_not_the_panels(monkeypatch):
    module = sys.modules[W.Label.__module__]

    class First(Counting):
        def build(self):
            monkeypatch.setattr(module, "for_everybody", W.Label(), raising=False)
            return W.VBox([super().build(), module.for_everybody])

    First().close()
    assert module.for_everybody.comm is not None


@pytest.fixture
def execute(monkeypatch):
    """Runs something as a notebook's cell; without a cell, as an answer to the reader."""
    clock = itertools.count()

    def run(make, cell=None, thread=False, **changed):
        header = {
            "msg_type": "execute_request" if cell else "comm_msg",
            "msg_id": str(next(clock)),
            "date": next(clock),
        }
        request = {"header": header | changed, "metadata": {"cellId": cell} if cell else {}}
        kernel = SimpleNamespace(get_parent=lambda: request)
        monkeypatch.setattr("IPython.get_ipython", lambda: SimpleNamespace(kernel=kernel))
        monkeypatch.setattr("zfwidgets.widgets.panel.where.in_kernel", lambda: False)
        if not thread:
            return make()
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(make).result(LONG)

    yield run
    closing._latest.clear()


def test_a_cell_that_runs_again_closes_the_panels_that_it_made_before(execute):
    first, second = execute(lambda: (Counting(), Counting()), "a")
    other = execute(Counting, "b")
    assert (first.closed, second.closed) == (False, False)
    third = execute(Counting, "a")
    assert (first.closed, second.closed, other.closed, third.closed) == (True, True, False, False)
    execute(lambda: (Counting(), Counting()), "a")
    assert (other.closed, third.closed) == (False, True)


def test_what_panels_held_is_searched_for_once_however_many_are_closed(execute, monkeypatch):
    searches = []
    monkeypatch.setattr(closing, "give_back", lambda: searches.append(1))
    outer, second, _ = execute(lambda: (Counting(), Counting(), Counting()), "a")
    outer.pressed.children = [Counting()]
    execute(Counting, "a")
    assert (outer.closed, second.closed, searches) == (True, True, [1])
    second.close()
    assert searches == [1]


def test_a_cell_that_makes_none_this_time_closes_none(execute):
    panel = execute(Counting, "a")
    execute(lambda: panel.update(), "a")
    execute(lambda: panel.update(), "b")
    assert not panel.closed


def test_nothing_is_closed_where_nobody_knows_the_cell(execute):
    panel = execute(Counting, "a")
    nowhere = execute(Counting), execute(Counting, "a", thread=True), execute(Counting, "a", msg_type="comm_msg")
    assert not any(one.closed for one in (panel, *nowhere))


def test_a_run_that_goes_on_in_the_background_closes_no_later_panels(execute):
    execute(Counting, "a")
    panel = execute(Counting, "a")
    late = execute(Counting, "a", msg_id="0", date=0)
    assert (panel.closed, late.closed) == (False, False)
    execute(Counting, "a")
    assert (panel.closed, late.closed) == (True, False)


def test_a_panel_inside_another_one_is_not_closed_by_the_cell_that_opened_it(execute):
    outer = execute(Counting, "a")

    def open_inside():
        outer.pressed.children = [Counting()]
        return outer.pressed.children[0]

    inner = execute(open_inside, "b")
    again = execute(Counting, "b")
    assert (inner.closed, again.closed) == (False, False)
    execute(Counting, "a")
    assert inner.closed


def test_a_closed_panels_selection_serves_the_panel_that_follows(execute):
    first = execute(lambda: Counting(number=3), "a")
    second = execute(lambda: Counting(selection=first.selection), "a")
    second.image = second.selection.images.names[1]
    assert (first.closed, second.error, first.selection.image) == (True, "", second.image)


def test_cells_hold_no_panel(execute):
    gone = weakref.ref(execute(Counting, "a"))
    gone().close()
    gc.collect()
    assert gone() is None
