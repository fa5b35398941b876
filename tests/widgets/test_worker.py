"""One thread, the latest request only."""

import threading
import time

import pytest

from zfwidgets.widgets import worker
from zfwidgets.widgets.worker import LatestOnlyWorker

LONG = 10  # seconds: never reached where all is well


class Work:
    """What a worker was asked to do; each request waits until it may go on."""

    def __init__(self):
        self.started, self.finished, self.cancelled, self.threads = [], [], [], []
        self.begun, self.go = threading.Semaphore(0), threading.Semaphore(0)

    def __call__(self, request, cancelled):
        self.threads.append(threading.current_thread())
        self.started.append(request)
        self.begun.release()
        assert self.go.acquire(timeout=LONG)
        self.cancelled.append(cancelled())
        self.finished.append(request)

    def wait(self, finished):
        last = time.monotonic() + LONG
        while len(self.finished) < finished:
            assert time.monotonic() < last
            time.sleep(0.001)


@pytest.fixture
def work():
    return Work()


def test_a_request_runs_in_another_thread(work):
    LatestOnlyWorker(work).ask("a")
    work.go.release()
    work.wait(1)
    assert work.threads[0] is not threading.current_thread()
    assert work.threads[0].daemon
    assert work.cancelled == [False]


def test_of_a_burst_of_sixty_only_the_first_and_the_last_run(work):
    latest = LatestOnlyWorker(work)
    latest.ask(0)
    assert work.begun.acquire(timeout=LONG)
    for request in range(1, 60):
        latest.ask(request)
    work.go.release(60)
    work.wait(2)
    time.sleep(0.02)
    assert work.finished == [0, 59]
    assert work.cancelled == [True, False]


def test_cancelling_makes_what_is_under_way_stale_and_forgets_what_waits(work):
    latest = LatestOnlyWorker(work)
    latest.ask("under way")
    assert work.begun.acquire(timeout=LONG)
    latest.ask("waits")
    latest.cancel()
    work.go.release(3)
    work.wait(1)
    latest.ask("after")
    work.wait(2)
    assert work.finished == ["under way", "after"]
    assert work.cancelled == [True, False]


def test_one_request_at_a_time_in_one_thread(work):
    latest = LatestOnlyWorker(work)
    for request in range(3):
        latest.ask(request)
        assert work.begun.acquire(timeout=LONG)
        assert len(work.started) == len(work.finished) + 1
        work.go.release()
        work.wait(request + 1)
    assert len(set(work.threads)) == 1


def test_what_fails_is_reported_and_the_next_request_still_runs(caplog):
    done = threading.Event()

    def work(request, cancelled):
        if request == "bad":
            raise RuntimeError("no such luck")
        done.set()

    latest = LatestOnlyWorker(work)
    latest.ask("bad")
    while "no such luck" not in caplog.text:
        time.sleep(0.001)
    latest.ask("good")
    assert done.wait(LONG)


def test_a_thread_with_nothing_to_do_ends_and_the_next_request_starts_another(work, monkeypatch):
    monkeypatch.setattr(worker, "IDLE", 0.02)
    work.go.release(2)
    latest = LatestOnlyWorker(work)
    latest.ask("a")
    work.wait(1)
    work.threads[0].join(LONG)
    assert not work.threads[0].is_alive()
    latest.ask("b")
    work.wait(2)
    assert work.threads[1] is not work.threads[0]


def test_requests_from_many_threads_end_with_the_last(work):
    latest = LatestOnlyWorker(work)
    work.go.release(1000)
    threads = [threading.Thread(target=lambda n=n: [latest.ask((n, i)) for i in range(50)]) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    latest.ask("last")
    last = time.monotonic() + LONG
    while work.finished[-1:] != ["last"]:
        assert time.monotonic() < last
        time.sleep(0.001)
    assert len(set(work.threads)) == 1


def test_directly_it_runs_in_the_callers_thread_and_a_request_within_makes_the_outer_one_cancelled():
    told = []

    def work(request, cancelled):
        if request == "outer":
            latest.ask("inner")
        told.append((request, cancelled(), threading.current_thread()))

    latest = LatestOnlyWorker(work, direct=True)
    latest.ask("outer")
    here = threading.current_thread()
    assert told == [("inner", False, here), ("outer", True, here)]


def test_directly_an_exception_is_the_callers():
    def work(request, cancelled):
        raise RuntimeError("no such luck")

    with pytest.raises(RuntimeError, match="no such luck"):
        LatestOnlyWorker(work, direct=True).ask("a")
