"""Long runs: real photographs, worker processes, runs that are killed, a cluster that loses a worker."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import zfwidgets as zf
from zfwidgets.backend.run.forward import forward
from zfwidgets.experiments import one_pass
from zfwidgets.experiments.one_pass import MIN_BATCH

from .test_top_activations import same

pytestmark = pytest.mark.slow

PHOTOGRAPHS = ("cat", "coffee", "motorcycle", "rocket", "astronaut", "china", "flower", "camera")


def crops(count: int, seed: int) -> list[np.ndarray]:
    """Squares of embedded photographs, of 60 to 290 pixels, anywhere."""
    random = np.random.default_rng(seed)
    photographs = [zf.photograph(name) for name in PHOTOGRAPHS]
    cut = []
    for number in range(count):
        photograph = photographs[number % len(photographs)]
        side = int(random.integers(60, 290))
        row, column = (int(random.integers(0, size - side + 1)) for size in photograph.shape[:2])
        cut.append(photograph[row : row + side, column : column + side].copy())
    return cut


@pytest.fixture(scope="module")
def net() -> zf.Network:
    return zf.load("squeezenet1_1", device="cpu")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("photographs")
    for number, picture in enumerate(crops(60, seed=2)):
        Image.fromarray(picture).save(folder / f"{number:03d}.png")
    return folder


@pytest.mark.filterwarnings("ignore:This DataLoader will create 4 worker processes")
def test_all_layers_of_the_embedded_network_on_300_photographs_are_what_numpy_finds(net, monkeypatch):
    pictures = crops(300, seed=1)
    strongest: dict[str, list[np.ndarray]] = {layer.name: [] for layer in net.layers}
    places: dict[str, list[np.ndarray]] = {layer.name: [] for layer in net.layers}

    def store(step, maps):
        flat = maps.numpy().reshape(MIN_BATCH, maps.shape[1], -1)
        strongest[step.name].append(flat.max(axis=2))
        places[step.name].append(flat.argmax(axis=2))

    x = net.batch(pictures)
    x = np.concatenate([x.numpy(), np.zeros((304 - 300, *x.shape[1:]), np.float32)])
    for start in range(0, 304, MIN_BATCH):
        forward(
            net.program, torch.from_numpy(x[start : start + MIN_BATCH]), [net.step(n) for n in strongest], visit=store
        )

    monkeypatch.setattr(one_pass, "SMALLEST", 96)
    runs = [
        zf.top_activations(net, pictures, "all", workers=workers, batch_size=batch_size, progress=False)
        for workers, batch_size in ((1, 48), (4, 13))
    ]
    assert same(*runs)
    for layer in net.layers:
        values, where = (np.concatenate(parts[layer.name])[:300].T for parts in (strongest, places))
        order = np.argsort(-values, axis=1, kind="stable")[:, :9]  # stable: of equals, the earlier image
        rows, columns = np.divmod(np.take_along_axis(where, order, 1), layer.width)
        assert np.array_equal(runs[0].values[layer.name], np.take_along_axis(values, order, 1)), layer.name
        assert np.array_equal(runs[0].images[layer.name], order), layer.name
        assert np.array_equal(runs[0].units[layer.name], np.stack([rows, columns], 2)), layer.name


RUN = """
import os, signal, sys, threading
import zfwidgets as zf
from zfwidgets.experiments import one_pass
one_pass.SMALLEST = 8
images, saved, out, moment = sys.argv[1:]
net = zf.load("squeezenet1_1", device="cpu")
if moment != "never":
    threading.Timer(float(moment), os.killpg, (os.getpid(), signal.SIGKILL)).start()
tops = zf.top_activations(net, images, checkpoint=saved, workers=2, batch_size=4, progress=False)
tops.save(out)
os._exit(0)  # and no timer after it
"""
KILLS = int(os.environ.get("ZFWIDGETS_KILLS", "4"))  # 20 were tried


def mine_until(moment: float | str, folder: Path, saved: Path, out: Path) -> int:
    """In a process group of its own, which is killed so many seconds after the network is loaded."""
    command = [sys.executable, "-c", RUN, folder, saved, out, str(moment)]
    return subprocess.run(command, start_new_session=True).returncode


def test_a_run_killed_at_any_moment_goes_on_and_finds_the_same(folder, tmp_path):
    undisturbed, out, saved = tmp_path / "undisturbed", tmp_path / "out", tmp_path / "saved"
    assert mine_until("never", folder, tmp_path / "another", undisturbed) == 0
    moments = np.random.default_rng(KILLS)
    for turn in range(KILLS):
        while (code := mine_until(moments.uniform(0, 1.5), folder, saved, out)) == 0:  # it was done before
            assert out.read_bytes() == undisturbed.read_bytes()
            shutil.rmtree(saved)
        assert code == -signal.SIGKILL
        if turn % 2:  # two runs in succession are killed
            assert mine_until("never", folder, saved, out) == 0
            assert out.read_bytes() == undisturbed.read_bytes()
            assert not list(saved.glob(".*.draft"))
            shutil.rmtree(saved)


def test_what_was_finished_is_not_done_again(net, folder, tmp_path, monkeypatch):
    monkeypatch.setattr(one_pass, "SMALLEST", 8)
    saved = tmp_path / "saved"
    zf.top_activations(net, folder, checkpoint=saved, progress=False)
    ages = {path: path.stat().st_mtime_ns for path in saved.glob("images-*")}
    zf.top_activations(net, folder, checkpoint=saved, progress=False)
    assert len(ages) == 8
    assert all(path.stat().st_mtime_ns == age for path, age in ages.items())


@pytest.fixture
def client():
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=3, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        yield client


def test_a_cluster_that_loses_a_worker_finds_the_same(net, folder, client, tmp_path, monkeypatch):
    monkeypatch.setattr(one_pass, "SMALLEST", 8)
    pids = client.run(os.getpid)
    said = []

    def kill_one(done: float, count: float, what: str) -> None:
        said.append(done)
        if len(said) == 2:
            os.kill(next(iter(pids.values())), signal.SIGKILL)

    spread = zf.top_activations(
        net, folder, checkpoint=tmp_path / "saved", client=client, task=zf.Task(report=kill_one)
    )
    assert said[-1] == 60
    assert len(list((tmp_path / "saved").glob("images-*"))) == 8
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as each worker of the cluster has: more can round the last bit otherwise
    try:
        assert same(spread, zf.top_activations(net, folder, workers=0, progress=False))
    finally:
        torch.set_num_threads(threads)
