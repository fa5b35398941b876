"""Images read in worker processes: the same numbers as in this one, whoever dies on the way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from types import ModuleType

import numpy as np
import pytest
import torch
from PIL import Image, ImageFile
from torch import nn

import zfwidgets as zf
from zfwidgets.data import decode
from zfwidgets.experiments import workers as worker_processes
from zfwidgets.experiments.loading import Batch, load_batches

pytestmark = pytest.mark.slow  # a process that reads images imports torch first

BATCHES = [[0, 1, 2], [3, 4, 5], [6, 7]]


def small(preprocess=None) -> zf.Network:
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
    return zf.Network(module, size=(20, 24), preprocess=preprocess, device="cpu")


class Noise:
    """Eight pictures; `happen` is called with the number of each before it is given."""

    def __init__(self, happen=lambda number: None) -> None:
        self.happen = happen

    def __len__(self) -> int:
        return 8

    def __getitem__(self, number: int) -> tuple[np.ndarray, int]:
        self.happen(number)
        return np.random.default_rng(number).integers(0, 256, (30, 40, 3), np.uint8), 1


def load(data, workers: int, net: zf.Network | None = None) -> Batch:
    return Batch.of(list(load_batches(net or small(), zf.images(data), BATCHES, workers)))


def same(one: Batch, other: Batch) -> bool:
    tensors = ("numbers", "inputs", "read")
    return one.broken == other.broken and all(torch.equal(getattr(one, n), getattr(other, n)) for n in tensors)


@pytest.mark.parametrize("workers", [1, 2])
def test_batches_come_in_order_and_are_those_of_this_process(workers):
    loaded = load(Noise(), workers)
    assert loaded.numbers.tolist() == list(range(8))
    assert same(loaded, load(Noise(), 0))


def test_what_a_program_has_set_for_reading_holds_in_workers(tmp_path, monkeypatch):
    path = tmp_path / "cut.jpg"
    Image.fromarray(zf.photograph("cat")).save(path)
    path.write_bytes(path.read_bytes()[:-4000])
    files = [path] * 8
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)

    def scaled(picture: Image.Image) -> torch.Tensor:
        return torch.tensor(np.asarray(picture.resize((24, 20))) / 255).permute(2, 0, 1) * torch.tensor(1 / 3)

    torch.set_default_dtype(torch.float64)
    try:
        net = small(scaled)
        here, there = load(files, 0, net), load(files, 1, net)
    finally:
        torch.set_default_dtype(torch.float32)
    assert here.read.all()
    assert same(here, there)


@pytest.mark.parametrize("workers", [0, 2])
def test_no_number_is_drawn_from_torch(workers):
    net, before = small(), torch.get_rng_state()
    load(Noise(), workers, net)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    "error", [RuntimeError("torn"), KeyError("torn"), MemoryError("torn"), AssertionError("torn")], ids=repr
)
@pytest.mark.parametrize("workers", [0, 1])
def test_an_item_that_raises_is_left_out(error, workers):
    def happen(number):
        if number == 4:
            raise error

    loaded = load(Noise(happen), workers)
    assert loaded.read.tolist() == [number != 4 for number in range(8)]
    ((number, why),) = loaded.broken
    assert number == 4
    assert "torn" in why


@pytest.mark.parametrize(
    "end", [lambda: os.kill(os.getpid(), signal.SIGKILL), lambda: os._exit(3)], ids=["killed", "exit"]
)
def test_an_image_that_ends_its_reader_is_left_out_and_listed(end):
    def happen(number):
        if number == 4:
            end()

    with pytest.warns(
        UserWarning, match=r"a process that reads images has died \(.*\); what it was reading is read again"
    ):
        loaded = load(Noise(happen), 2)
    assert loaded.read.tolist() == [number != 4 for number in range(8)]
    assert [number for number, _ in loaded.broken] == [4]
    assert "every process that reads it dies" in loaded.broken[0][1]


def test_a_reader_that_dies_once_costs_nothing(tmp_path):
    happened = tmp_path / "happened"

    def happen(number):
        if number == 4 and not happened.exists():
            happened.touch()
            os.kill(os.getpid(), signal.SIGKILL)

    with pytest.warns(UserWarning, match="SIGKILL"):
        loaded = load(Noise(happen), 2)
    assert same(loaded, load(Noise(), 0))


def test_where_every_reader_dies_it_is_said():
    def happen(number):
        os.kill(os.getpid(), signal.SIGTERM)

    with (
        pytest.raises(RuntimeError, match=r"SIGTERM.*give fewer workers, or workers=0"),
        pytest.warns(UserWarning, match="SIGTERM"),
    ):
        load(Noise(happen), 1)


class Locked(Noise):
    """A lock cannot be sent to another process."""

    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()


def test_what_cannot_be_sent_is_read_here(tmp_path, monkeypatch):
    with pytest.warns(UserWarning, match=r"read in this process.*cannot be sent there \(TypeError"):
        locked = load(Locked(), 2)
    with open(tmp_path / "file", "wb") as file, pytest.warns(UserWarning, match="cannot be sent there"):
        opened = load(Noise(lambda number: file.name), 2)
    monkeypatch.setattr(worker_processes, "LARGEST", 100_000)
    with pytest.warns(UserWarning, match="a copy of them, which is larger than 0 MB"):
        large = load([np.full((200, 300, 3), number, np.uint8) for number in range(8)], 2)
    assert same(locked, load(Noise(), 0))
    assert same(opened, locked)
    assert large.read.all()


def test_a_class_that_only_this_process_knows_is_read_here(monkeypatch):
    module = ModuleType("only_here")
    exec("class Known:\n    def __init__(self, data): self.data = data\n    def __len__(self): return 8\n"
         "    def __getitem__(self, number): return self.data[number]", module.__dict__)  # fmt: skip
    monkeypatch.setitem(sys.modules, "only_here", module)
    with pytest.warns(UserWarning, match=r"exit code 1.*read in this process"):
        loaded = load(module.Known(Noise()), 1)
    assert same(loaded, load(Noise(), 0))


SCRIPT = """
import sys
import numpy as np
import zfwidgets as zf

class Own:
    def __len__(self):
        return 24
    def __getitem__(self, number):
        return np.full((30, 40, 3), number, np.uint8), 0

print("begun")
net = zf.load("squeezenet1_1", device="cpu")
tops = zf.top_activations(net, Own(), net.main_layers[0].name, workers=2, batch_size=8, progress=False)
print(tops.count)
"""


def test_a_script_needs_no_guard_and_is_not_run_again(tmp_path):
    script = tmp_path / "own.py"
    script.write_text(SCRIPT)
    run = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["begun", "24"]
    assert run.stderr == ""


def test_twenty_starts_end_beside_threads_that_decode(tmp_path):
    photograph = tmp_path / "cat.png"
    Image.fromarray(zf.photograph("cat")).save(photograph)
    over = threading.Event()

    def decode_on() -> None:
        while not over.is_set():
            decode(photograph)

    threads = [threading.Thread(target=decode_on, daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(20):
            assert load([photograph] * 8, 2).read.all()
    finally:
        over.set()
        for thread in threads:
            thread.join()


WAITING = """
import signal, sys, time
import numpy as np
import zfwidgets as zf

signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell ignores for what runs in its background

class Slow:
    def __len__(self):
        return 600
    def __getitem__(self, number):
        open(sys.argv[1], "w").close()
        time.sleep(600)
        return np.zeros((30, 40, 3), np.uint8)

net = zf.load("squeezenet1_1", device="cpu")
zf.top_activations(net, Slow(), workers=2, progress=False)
"""


def runs(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_ctrl_c_leaves_nothing_running(tmp_path):
    reading = tmp_path / "reading"
    run = subprocess.Popen([sys.executable, "-c", WAITING, reading], start_new_session=True, stderr=subprocess.PIPE)
    while not reading.exists() and run.poll() is None:
        time.sleep(0.05)
    os.killpg(run.pid, signal.SIGINT)  # as a terminal does
    _, said = run.communicate(timeout=60)
    assert b"KeyboardInterrupt" in said
    while runs(run.pid):  # the server that forks workers ends when it notices
        time.sleep(0.05)
