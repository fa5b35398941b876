"""A task: cancelled between steps, told in parts, and behind what is more urgent."""

import threading

import pytest

from zfwidgets.task import UNWATCHED, Cancelled, Foreground, Task

LONG = 10  # seconds: never reached where all is well


def test_a_check_goes_on_until_it_has_been_cancelled():
    answers = iter([False, False, True])
    task = Task(lambda: next(answers))
    task.check()
    task.check()
    with pytest.raises(Cancelled):
        task.check()


def test_nobody_cancels_the_unwatched_task():
    UNWATCHED.check()
    UNWATCHED.progress(1, 2)
    assert not UNWATCHED.stopped


def test_a_cancelled_task_tells_no_progress():
    told = []
    Task(lambda: True, lambda *said: told.append(said)).progress(1, 2, "things")
    assert told == []


def test_parts_of_a_task_fill_the_whole_in_order():
    told = []
    task = Task(report=lambda done, count, what: told.append((done / count, what)))
    for number in range(4):
        task.part(number, 4, "parts").progress(1, 2)
    assert told == [(0.125, "parts"), (0.375, "parts"), (0.625, "parts"), (0.875, "parts")]


def test_what_is_behind_waits_until_the_foreground_is_free():
    foreground, order, waiting = Foreground(), [], threading.Event()

    def behind():
        waiting.set()
        Task(behind=foreground).check()
        order.append("behind")

    thread = threading.Thread(target=behind, daemon=True)
    with foreground.occupied():
        thread.start()
        assert waiting.wait(LONG)
        order.append("first")
    thread.join(LONG)
    assert order == ["first", "behind"]


def test_who_waits_can_be_cancelled():
    foreground, cancelled = Foreground(), threading.Event()
    found = []
    thread = threading.Thread(
        target=lambda: found.append(Task(cancelled.is_set, behind=foreground).stopped), daemon=True
    )
    with foreground.occupied():
        thread.start()
        cancelled.set()
        thread.join(LONG)
        assert found == [True]


def test_nobody_waits_for_himself():
    foreground = Foreground()
    with foreground.occupied():
        Task(behind=foreground).check()
