"""What is put off is done in its time, in one thread for all, unless it is called off."""

import gc
import threading
import weakref

import pytest

from zfwidgets.widgets import clock
from zfwidgets.widgets.clock import Alarm

from .conftest import until

LONG = 1000  # seconds: never waited for


@pytest.fixture
def rung():
    return []


@pytest.fixture
def alarm(rung):
    """`alarm(name, seconds)`: an alarm that is set, and that notes its name and thread when it rings."""

    def set_(name, seconds):
        made = Alarm(lambda: rung.append((name, threading.current_thread())))
        made.set(seconds)
        return made

    return set_


def names(rung):
    return [name for name, _ in rung]


def test_what_is_due_earlier_comes_first_whenever_it_was_set(alarm, rung):
    never = alarm("never", LONG)
    alarm("second", 0.1), alarm("first", 0.05)
    until(lambda: len(rung) == 2)
    never.call_off()
    assert names(rung) == ["first", "second"]


def test_one_thread_rings_for_all_and_it_is_not_the_callers(alarm, rung):
    for name in "abc":
        alarm(name, 0)
    until(lambda: len(rung) == 3)
    assert len({thread for _, thread in rung}) == 1
    assert rung[0][1] is not threading.current_thread()


def test_what_is_called_off_is_not_done_and_can_be_set_again(alarm, rung):
    off = alarm("off", 0.02)
    off.call_off()
    alarm("after", 0.04)
    until(lambda: rung)
    assert names(rung) == ["after"]
    off.set(0)
    until(lambda: len(rung) == 2)
    assert names(rung) == ["after", "off"]


def test_what_fails_is_reported_and_the_next_one_still_rings(alarm, rung, caplog):
    Alarm(lambda: 1 / 0).set(0)
    alarm("next", 0.01)
    until(lambda: rung)
    assert "ZeroDivisionError" in caplog.text


def test_it_holds_nothing_of_what_has_rung_or_was_called_off(alarm, rung):
    done, off = alarm("done", 0), alarm("off", LONG)
    until(lambda: rung)
    off.call_off()
    gone = [weakref.ref(done), weakref.ref(off)]
    del done, off
    until(lambda: gc.collect() >= 0 and not any(one() for one in gone))


def test_the_thread_ends_when_nothing_waits_and_the_next_alarm_starts_another(alarm, rung, monkeypatch):
    monkeypatch.setattr(clock, "IDLE", 0.02)
    alarm("a", 0)
    until(lambda: rung)
    rung[0][1].join(20)
    assert not rung[0][1].is_alive()
    alarm("b", 0)
    until(lambda: len(rung) == 2)
    assert rung[1][1] is not rung[0][1]
