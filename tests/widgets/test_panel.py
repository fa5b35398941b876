"""What every panel does: compute on a change, show or explain, keep the last good result."""

import threading
import time
from dataclasses import dataclass, replace

import ipywidgets as W
import pytest
import traitlets as T

from zfwidgets.widgets.clock import Alarm
from zfwidgets.widgets.panel import Panel
from zfwidgets.widgets.panel import status as statuses
from zfwidgets.widgets.panel.still import still

from .conftest import tiny_network

LONG = 10  # seconds: never reached where all is well


@dataclass(frozen=True)
class ShareChoice:
    number: int
    unit: str


class Share(Panel):
    """A hundred, divided."""

    title = "Shares & <b>more</b>"
    lead = "What is a <i>share</i>?"
    Choice = ShareChoice

    number = T.Int(4)
    unit = T.Unicode("g")

    def __init__(self, **settings):
        self.label, self.computed, self.drawn = W.Label(), [], []
        self.gate = threading.Event()
        self.gate.set()
        self.began = threading.Event()
        super().__init__(tiny_network(), **settings)

    def build(self):
        return self.label

    def controls(self):
        return []

    def compute(self, choice, task):
        self.computed.append(choice.number)
        task.progress(1, 4, "dividing <100>")
        self.said = self.status.words
        self.began.set()
        assert self.gate.wait(LONG)
        if choice.number < 0:
            raise ValueError(f"<b>{choice.number}</b> people")
        return 100 / choice.number

    def draw(self, result, choice):
        self.drawn.append(result)
        self.label.value = f"{result:g} {choice.unit}"


def wait_until(question):
    last = time.monotonic() + LONG
    while not question():
        assert time.monotonic() < last
        time.sleep(0.002)


def test_outside_a_kernel_it_is_computed_at_once():
    panel = Share(number=8)
    assert (panel.result, panel.label.value, panel.busy, panel.error) == (12.5, "12.5 g", False, "")
    assert (panel.status.state, panel.status.words) == ("ready", "Ready")
    panel.number = 5
    assert (panel.result, panel.label.value) == (20, "20 g")


def test_settings_are_computed_for_once():
    assert Share(number=5, unit="kg").computed == [5]


def test_an_error_is_shown_as_text_and_the_last_good_result_stays():
    panel = Share()
    panel.number = -3
    assert panel.error == "<b>-3</b> people"
    assert (panel.status.state, panel.status.words) == ("error", "<b>-3</b> people")  # the page sets it as text
    assert "role='alert'>&lt;b&gt;-3&lt;/b&gt; people<" in still(panel)
    assert (panel.result, panel.label.value, panel.busy) == (25, "25 g", False)
    panel.number = 10
    assert panel.error == ""
    assert (panel.status.state, panel.status.words) == ("ready", "Ready")


def test_going_back_to_what_is_shown_takes_the_error_away_without_computing():
    panel = Share()
    panel.number = -3
    panel.number = 4
    assert panel.computed == [4, -3]
    assert panel.error == ""
    assert (panel.status.state, panel.status.words) == ("ready", "Ready")


def test_an_error_that_nobody_wrote_for_readers_is_shown_with_its_kind():
    panel = Share()
    panel.number = 0
    assert panel.error == "ZeroDivisionError: division by zero"


def test_a_misspelt_setting_names_the_nearest():
    with pytest.raises(TypeError, match=r"Share has no setting 'nummber'; did you mean 'number'\?"):
        Share(nummber=3)


def test_title_and_lead_are_text():
    head = Share().children[0].children[0].value
    assert "Shares &amp; &lt;b&gt;more" in head
    assert "<i>" not in head


def test_progress_is_said():
    assert Share().said == "dividing <100> · 25%"


def test_whoever_observes_the_result_may_make_the_next_choice():
    panel = Share()
    panel.observe(lambda change: setattr(panel, "number", 50), names="result")
    thread = threading.Thread(target=lambda: setattr(panel, "number", 20), daemon=True)
    thread.start()
    thread.join(LONG)
    assert not thread.is_alive(), "it waits for itself"
    assert (panel.number, panel.result, panel.label.value, panel.busy) == (50, 2, "2 g", False)


def test_in_a_kernel_the_callers_thread_goes_on_and_only_the_last_choice_is_drawn(in_kernel):
    panel = Share()
    wait_until(lambda: panel.result == 25)
    panel.gate.clear()
    panel.began.clear()
    panel.number = 1
    assert panel.began.wait(LONG)
    for number in range(2, 51):
        panel.number = number
    assert panel.busy
    panel.gate.set()
    wait_until(lambda: panel.result == 2)
    wait_until(lambda: not panel.busy)
    assert panel.computed == [4, 1, 50]
    assert panel.drawn == [25, 2]


def test_cancel_keeps_the_last_result_and_says_so(in_kernel, monkeypatch):
    monkeypatch.setattr(statuses, "STATUS_DELAY", 0.01)
    panel = Share()
    wait_until(lambda: panel.result == 25 and not panel.busy)
    panel.gate.clear()
    panel.number = 20
    wait_until(lambda: panel.status.cancellable)
    assert (panel.status.state, panel.status.words) == ("busy", "dividing <100> · 25%"), "what it is, once it is said"
    panel.status._handle_custom_msg("cancel", [])
    assert (panel.busy, panel.status.words, panel.status.cancellable) == (False, "Cancelled.", False)
    panel.gate.set()
    panel.number = 10
    wait_until(lambda: panel.result == 10 and not panel.busy)
    assert panel.drawn == [25, 10]
    assert not panel.status.cancellable


def test_what_takes_no_time_shows_no_cancel(in_kernel):
    panel = Share()
    seen = []
    panel.status.observe(lambda change: seen.append(change.new), names="cancellable")
    for number in (5, 10, 20):
        panel.number = number
    wait_until(lambda: panel.result == 5 and not panel.busy)
    assert seen == []


def test_an_error_of_a_choice_that_was_passed_by_is_not_shown(in_kernel):
    panel = Share()
    wait_until(lambda: panel.result == 25 and not panel.busy)
    panel.gate.clear()
    panel.began.clear()
    panel.number = -1
    assert panel.began.wait(LONG)
    panel.number = 20
    panel.gate.set()
    wait_until(lambda: panel.result == 5 and not panel.busy)
    assert panel.error == ""


def test_for_a_page_without_a_kernel_it_is_plain_html(monkeypatch):
    monkeypatch.setenv("ZFWIDGETS_STILL", "1")
    panel = Share()
    bundle = panel._repr_mimebundle_()
    assert list(bundle) == ["text/html"]
    assert "25 g" in bundle["text/html"]
    monkeypatch.delenv("ZFWIDGETS_STILL")
    assert "application/vnd.jupyter.widget-view+json" in panel._repr_mimebundle_()


class LateAlarm(Alarm):
    """Rings at the very moment when it is called off."""

    def set(self, seconds):
        pass

    def call_off(self):
        super().call_off()
        self.work()


def test_a_busy_line_that_comes_too_late_says_nothing(monkeypatch):
    monkeypatch.setattr(statuses, "Alarm", LateAlarm)
    panel = Share()
    assert (panel.status.state, panel.status.words) == ("ready", "Ready")
    assert not panel.status.cancellable


@dataclass(frozen=True)
class NumberChoice:
    number: int


class Halves(Panel):
    """A number, halved again and again."""

    Choice = NumberChoice

    number = T.Int(8)

    def __init__(self, **settings):
        self.drawn, self.steps, self.busy_at = [], [], []
        self.gate = threading.Semaphore(1000)
        super().__init__(tiny_network(), **settings)

    def build(self):
        return W.Label()

    def controls(self):
        return []

    def compute(self, choice, task):
        value = choice.number
        for step in range(4):
            assert self.gate.acquire(timeout=LONG)
            if value < 0 and step == 2:
                raise ValueError("no further")
            self.steps.append((choice.number, step))
            yield value
            value /= 2

    def draw(self, result, choice):
        self.drawn.append(result)
        self.busy_at.append(self.busy)


def test_each_step_is_drawn_as_it_comes_and_the_last_one_stays():
    seen = []
    panel = Halves()
    panel.observe(lambda change: seen.append(change.new), names="result")
    panel.number = 16
    assert panel.drawn == [8, 4, 2, 1, 16, 8, 4, 2]
    assert seen == [16, 8, 4, 2]
    assert all(panel.busy_at)
    assert (panel.result, panel.busy, panel.error) == (2, False, "")
    assert (panel.status.state, panel.status.words) == ("ready", "Ready")


def test_a_step_is_drawn_before_the_next_one_is_computed(in_kernel):
    panel = Halves()
    wait_until(lambda: panel.drawn == [8, 4, 2, 1] and not panel.busy)
    panel.gate = threading.Semaphore(2)
    panel.number = 80
    wait_until(lambda: panel.drawn[4:] == [80, 40])
    assert (panel.result, panel.busy) == (40, True)
    panel.gate.release(2)
    wait_until(lambda: not panel.busy)
    assert panel.drawn[4:] == [80, 40, 20, 10]


def test_steps_that_are_no_longer_wanted_are_not_computed(in_kernel):
    panel = Halves()
    wait_until(lambda: not panel.busy)
    panel.gate = threading.Semaphore(1)
    panel.number = 80
    wait_until(lambda: panel.drawn[4:] == [80])
    panel.number = 16
    panel.gate.release(100)
    wait_until(lambda: panel.result == 2 and not panel.busy)
    assert panel.drawn[4:] == [80, 16, 8, 4, 2]
    assert [step for number, step in panel.steps if number == 80] in ([0], [0, 1])  # it may have been under way


def test_an_observer_that_chooses_anew_ends_the_steps():
    panel = Halves()
    panel.observe(lambda change: setattr(panel, "number", 32), names="result")
    panel.number = 80
    assert panel.drawn[4:] == [80, 32, 16, 8, 4]
    assert (panel.result, panel.busy) == (4, False)


def test_an_error_among_the_steps_keeps_what_was_drawn_and_going_back_computes_anew():
    panel = Halves()
    panel.number = -8
    assert panel.drawn[4:] == [-8, -4]
    assert (panel.result, panel.error, panel.busy) == (-4, "no further", False)
    panel.number = 8
    assert panel.drawn[6:] == [8, 4, 2, 1]
    assert panel.error == ""


def test_going_back_to_what_was_left_half_drawn_draws_it_to_its_end(in_kernel):
    panel = Halves()
    wait_until(lambda: not panel.busy)
    panel.gate = threading.Semaphore(1)
    panel.number = 80
    wait_until(lambda: panel.drawn[4:] == [80])
    panel.cancel()
    assert (panel.busy, panel.status.words) == (False, "Cancelled.")
    panel.gate.release(100)
    panel.number = 8
    panel.number = 80
    wait_until(lambda: panel.result == 10 and not panel.busy)


def test_what_was_resolved_is_written_back_and_neither_stops_the_steps_nor_begins_them_again():
    class Rounded(Halves):
        def resolve(self, choice, task):
            return replace(choice, number=choice.number // 10 * 10)

    panel = Rounded()
    panel.number = 85
    assert panel.number == 80
    assert panel.drawn[4:] == [80, 40, 20, 10]
