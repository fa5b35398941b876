"""`zfwidgets demo`: JupyterLab on the tour, or a page. `zfwidgets mine`: the strongest activations in a folder."""

from __future__ import annotations

import importlib.util
import json
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

import zfwidgets
from zfwidgets import cli, demo

slow = pytest.mark.slow  # starts a kernel, or imports much of Jupyter

SQUARE = """
import os
from IPython.display import Image, display
from PIL import Image as Picture
print("still:", os.environ["ZFWIDGETS_STILL"])
display(Picture.new("RGB", (3, 2), "teal"))
"""


@pytest.fixture
def tour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """`tour(*cells)` puts a notebook in the place of the tour."""

    def write(*cells: str) -> Path:
        path = tmp_path / "shipped" / "notebooks" / "00_tour.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(notebook(cells)))
        monkeypatch.setattr(demo, "tour", lambda: path)
        return path

    return write


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The options that JupyterLab would have been started with."""
    from jupyterlab.labapp import LabApp

    options: list[str] = []
    monkeypatch.setattr(LabApp, "launch_instance", options.extend)
    return options


def notebook(cells: Sequence[str]) -> dict[str, Any]:
    code = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": []}
    written = [code | {"id": f"cell-{number}", "source": source} for number, source in enumerate(cells)]
    return {"cells": written, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def call(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, list(arguments))


def call_headless(output: Path) -> Result:
    return call("demo", "--headless", "--output", str(output))


@slow
def test_headless_writes_a_page_with_pictures_that_fetches_nothing(tour, tmp_path):
    tour(SQUARE)
    done = call_headless(tmp_path / "new" / "page.html")
    assert done.exit_code == 0, done.output
    page = (tmp_path / "new" / "page.html").read_text(encoding="utf-8")
    assert "<img" in page
    assert "data:image/png;base64," in page
    assert "still: 1" in page
    assert "<script" not in page


@slow
def test_headless_ends_with_the_traceback_of_a_cell_that_fails(tour, tmp_path):
    tour("fine = 1", "def broken():\n    return fine / 0\n\nbroken()")
    done = call_headless(tmp_path / "page.html")
    assert done.exit_code == 1
    assert "return fine / 0" in done.output
    assert "ZeroDivisionError" in done.output
    assert not (tmp_path / "page.html").exists()


@slow
def test_headless_runs_on_this_python_whatever_kernel_is_registered(tour, tmp_path, monkeypatch):
    kernel = tmp_path / "data/kernels/python3/kernel.json"
    kernel.parent.mkdir(parents=True)
    kernel.write_text(json.dumps({"argv": ["another-python"], "display_name": "another", "language": "python"}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "data"))
    tour("import sys\nprint(sys.executable)")
    done = call_headless(tmp_path / "page.html")
    assert done.exit_code == 0, done.output
    assert sys.executable in (tmp_path / "page.html").read_text(encoding="utf-8")


@slow
def test_lab_opens_the_tour_of_a_checkout_in_its_place(tour, lab, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tour("1")
    assert call("demo").exit_code == 0
    assert f"--ServerApp.root_dir={path.parent}" in lab
    assert "--LabApp.default_url=/lab/tree/00_tour.ipynb" in lab
    assert not (tmp_path / "00_tour.ipynb").exists()


@slow
def test_lab_opens_a_copy_of_an_installed_tour(tour, lab, tmp_path, monkeypatch):
    tour("1")
    (tmp_path / "00_tour.ipynb").write_text("mine")
    monkeypatch.setattr(demo, "PACKAGE", tmp_path / "shipped")
    monkeypatch.chdir(tmp_path)
    done = call("demo")
    assert done.exit_code == 0
    assert f"--ServerApp.root_dir={tmp_path}" in lab
    assert "is kept" in done.output


@slow
@pytest.mark.parametrize(("user", "allowed"), [(0, True), (1000, False)])
def test_lab_runs_as_root(tour, lab, monkeypatch, user, allowed):
    monkeypatch.setattr(demo.os, "geteuid", lambda: user, raising=False)
    tour("1")
    call("demo")
    assert ("--allow-root" in lab) == allowed


@slow
def test_lab_opens_no_browser_where_nobody_could_see_it(tour, lab, monkeypatch):
    monkeypatch.setattr(demo, "has_browser", lambda: False)
    tour("1")
    call("demo")
    assert "--no-browser" in lab


def test_a_server_without_a_display_has_no_browser(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    assert not demo.has_browser()


def test_a_browser_that_the_user_names_is_used_without_a_display(monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.setenv("BROWSER", sys.executable)
    assert demo.has_browser()


def test_an_installed_notebook_is_copied_once_and_the_users_own_copy_kept(tour, tmp_path, monkeypatch):
    shipped = tour("1")
    monkeypatch.setattr(demo, "PACKAGE", tmp_path / "shipped")
    copy = tmp_path / shipped.name
    assert demo.own_copy(shipped, tmp_path) == (copy, False)
    assert copy.read_bytes() == shipped.read_bytes()
    assert demo.own_copy(shipped, tmp_path) == (copy, False)
    copy.write_text("mine")
    assert demo.own_copy(shipped, tmp_path) == (copy, True)
    assert copy.read_text() == "mine"


def test_a_missing_extra_is_named(monkeypatch):
    there = importlib.util.find_spec
    monkeypatch.setattr(cli, "find_spec", lambda name: None if name == "jupyterlab" else there(name))
    done = call("demo")
    assert done.exit_code == 1
    assert "jupyterlab: pip install 'zfwidgets[demo]'" in done.output


def test_the_tour_is_found():
    assert demo.tour().parent in (Path(zfwidgets.__file__).parents[1] / "notebooks", demo.PACKAGE / "notebooks")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    from PIL import Image

    folder = tmp_path / "photographs"
    folder.mkdir()
    for number, name in enumerate(("cat", "coffee", "rocket")):
        Image.fromarray(zfwidgets.photograph(name)).save(folder / f"{number}.jpg")
    (folder / "broken.png").write_bytes(b"no picture")
    return folder


def test_a_folder_is_mined_and_broken_images_are_told(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "tops.safetensors"
    result = call("mine", str(folder), "--out", str(out), "--layers", "features.3.cat, features.5", "--k", "2")
    assert result.exit_code == 0, result.output
    tops = zfwidgets.TopActivations.load(out)
    assert (tops.layers, tops.k, tops.count) == (("features.3.cat", "features.5"), 2, 3)
    assert "left out: image 3: image 'broken.png'" in result.output
    expected = zfwidgets.top_activations(zfwidgets.load("squeezenet1_1"), folder, ["features.5"], 2, progress=False)
    assert (tops.values["features.5"] == expected.values["features.5"]).all()


def test_a_network_of_ones_own_is_mined(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mynet.py").write_text(
        "import torch, zfwidgets as zf\ndef build(): return zf.Network(torch.nn.Conv2d(3, 4, 5), size=32)\nfour = 4\n"
    )
    monkeypatch.chdir(tmp_path)
    result = call("mine", str(folder), "--out", "tops.safetensors", "--model", "mynet:build", "--checkpoint", "kept")
    assert result.exit_code == 0, result.output
    assert len(list((tmp_path / "kept").glob("images-*"))) == 1
    wrong = call("mine", str(folder), "--out", "tops.safetensors", "--model", "mynet:four")
    assert wrong.exit_code == 1
    assert "'mynet:four' is not a zf.Network, nor a function that returns one, but int" in wrong.output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--layers", "features.33"], "has no layer 'features.33'; near it: features."),
        (["--model", "squeezenet1_2"], "there is no model 'squeezenet1_2'; near it: squeezenet1_1"),
        (["--model", "nowhere:net"], "there is no 'nowhere:net' to import"),
    ],
)
def test_what_cannot_be_mined_is_said_in_one_line(
    folder: Path, tmp_path: Path, options: list[str], message: str
) -> None:
    result = call("mine", str(folder), "--out", str(tmp_path / "tops"), *options)
    assert result.exit_code == 1
    assert message in result.output
    assert "Traceback" not in result.output


@pytest.fixture
def no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    def work(*arguments: Any, **options: Any) -> None:
        raise AssertionError("the output is looked at before the work")

    monkeypatch.setattr(zfwidgets, "top_activations", work, raising=False)
    monkeypatch.setattr(demo, "write_page", work)


@pytest.mark.parametrize("command", [["mine", ".", "--out"], ["demo", "--headless", "--output"]], ids=["mine", "demo"])
@pytest.mark.parametrize("out", ["file/out", "file/new/out", "n" * 300, "/proc/out"])
def test_an_output_that_cannot_be_written_is_found_out_before_the_work(no_work, tmp_path, monkeypatch, command, out):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    result = call(*command, out)
    assert result.exit_code == 1
    assert result.output.startswith(f"cannot write {out!r}: ")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_looking_at_the_output_leaves_what_was_there(folder, tmp_path):
    out = tmp_path / "tops"
    out.write_bytes(b"before")
    assert call("mine", str(folder), "--out", str(out), "--layers", "none").exit_code == 1
    assert out.read_bytes() == b"before"


def raising(error: BaseException) -> Callable[..., None]:
    def work(*arguments: Any, **options: Any) -> None:
        raise error

    return work


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (KeyError("nowhere"), "KeyError: 'nowhere' (--verbose shows where)"),
        (RuntimeError("out of something"), "RuntimeError: out of something (--verbose shows where)"),
        (MemoryError(), "MemoryError:  (--verbose shows where)"),
        (ValueError("this is wrong with it"), "this is wrong with it"),
    ],
)
def test_any_error_is_one_sentence(monkeypatch, tmp_path, error, sentence):
    monkeypatch.setattr(zfwidgets, "top_activations", raising(error), raising=False)
    result = call("mine", ".", "--out", str(tmp_path / "tops"))
    assert (result.exit_code, result.output.strip()) == (1, sentence)
    verbose = call("mine", ".", "--out", str(tmp_path / "tops"), "--verbose")
    assert verbose.exit_code == 1
    assert verbose.exception is error


def test_ctrl_c_is_no_error_to_explain(monkeypatch, tmp_path):
    monkeypatch.setattr(zfwidgets, "top_activations", raising(KeyboardInterrupt()), raising=False)
    result = call("mine", ".", "--out", str(tmp_path / "tops"))
    assert (result.exit_code, result.output.strip()) == (130, "Stopped.")


def test_a_warning_is_a_sentence(monkeypatch, tmp_path):
    def work(*arguments: Any, **options: Any) -> None:
        warnings.warn("something was left out", stacklevel=2)
        raise ValueError("and then it failed")

    monkeypatch.setattr(zfwidgets, "top_activations", work, raising=False)
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        result = call("mine", ".", "--out", str(tmp_path / "tops"))
    assert result.output.splitlines() == ["something was left out", "and then it failed"]


@pytest.mark.parametrize("device", ["banana", "cuda:99", "meta"])
def test_a_device_that_is_not_here_is_named(folder, tmp_path, device):
    result = call("mine", str(folder), "--out", str(tmp_path / "tops"), "--device", device)
    assert result.exit_code == 1
    assert result.output.startswith(f"there is no device '{device}' here that computes; there is 'auto', ")


# ── train ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def fill_imagenet(root: Path) -> None:
    """A few pictures in ImageNet's layout, as torchvision has unpacked it."""
    import torch
    from PIL import Image

    names = {"n01440764": ("tench", "Tinca tinca"), "n01443537": ("goldfish", "Carassius auratus")}
    for split, count in (("train", 6), ("val", 2)):
        for number, wnid in enumerate(names):
            (root / split / wnid).mkdir(parents=True)
            for place in range(count):
                pixels = zfwidgets.Shapes(20, 40, seed=number)[place][0]
                Image.fromarray(pixels).save(root / split / wnid / f"{wnid}_{place}.JPEG")
    torch.save((names, ["n01440764"] * 4), root / "meta.bin")


@slow
@pytest.mark.filterwarnings("ignore")  # Lightning's, of other packages
@pytest.mark.parametrize("data", ["folder", "imagenet"])
def test_training_writes_weights_that_load_again(data, tmp_path):
    from safetensors import safe_open

    root, out = tmp_path / "data", tmp_path / "weights.safetensors"
    fill_imagenet(root)
    where = ["--data", "imagenet", "--root", str(root)] if data == "imagenet" else ["--data", str(root)]
    done = call(
        "train", *where, "--arch", "zfnet_shapes", "--size", "32", "--epochs", "1", "--out", str(out),
        "--record", str(tmp_path / "evolution"), "--checkpoint", str(tmp_path / "run"), "--accelerator", "cpu",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    net = zfwidgets.load(out, model=zfwidgets.zfnet_shapes(2, size=32))
    training = zfwidgets.Training.load(tmp_path / "weights.training.safetensors")
    assert (net.labels, net.preprocess) == (training.classes, training.preprocess)
    assert net.predict(zfwidgets.Shapes(3, 32)).probability.shape == (3, 2)
    with safe_open(out, framework="numpy") as file:
        classes = file.metadata()["classes"].split("\n")
    assert classes == (["tench Tinca tinca", "goldfish Carassius auratus"] if data == "imagenet" else [
        "n01440764", "n01443537"
    ])  # fmt: skip
    assert zfwidgets.Evolution.load(tmp_path / "evolution").epochs == (1,)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--data", "nowhere"], "there is no folder 'nowhere'"),
        (["--data", "imagenet", "--root", "nowhere"], "ILSVRC2012_devkit_t12.tar.gz"),
        (["--recipe", "large"], "'paper', 'small'"),
        (["--arch", "zfnett"], "there is no model 'zfnett'"),
    ],
)
def test_what_training_cannot_do_is_one_sentence(options, words, tmp_path):
    done = call("train", "--out", str(tmp_path / "weights.safetensors"), *options)
    assert done.exit_code == 1
    assert words in done.output
    assert "Traceback" not in done.output
