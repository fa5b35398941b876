"""The evolution player in JupyterLab: a film, its slider, its tiles, and a training that it follows."""

from __future__ import annotations

import numpy as np
import pytest
from playwright.sync_api import expect

from .pages import canvas_pixels, eventually, kernel, opened, reload, screenshot, wait_until

pytestmark = pytest.mark.browser

EPOCHS = [1, 2, 5, 10, 20, 30, 40, 64]
SLIDER, GRID, TILE = ".zf-epoch .noUi-handle", ".zf-evolution-grid canvas", ".zf-evolution-projection canvas"
PLAYER = """
import ipywidgets, zfwidgets as zf
from telling import kernel, told

player = zf.EvolutionPlayer({given})
seen = []
@told
def tell(change):
    if change is not None and change["name"] == "epoch":
        seen.append(player.epoch)
    names = ("epoch", "place", "shown", "view", "layer", "error", "busy", "version")
    now = {{name: getattr(player, name) for name in names}}
    return now | {{"playing": player.epochs.play.playing, "seen": seen}}
player.observe(tell, names=["epoch", "place", "shown", "view", "layer", "error", "busy", "version"])
player.epochs.play.observe(tell, names="playing")
tell()
ipywidgets.VBox([player, kernel])
"""
TRAINING = """
import sys
from pathlib import Path
import torch, zfwidgets as zf
torch.set_num_threads(1)
torch.manual_seed(0)
model = zf.zfnet_shapes(3, maps=(4, 6, 8, 8, 6), hidden=(8, 8), size=32)
recorder = zf.EvolutionRecorder(zf.Shapes(40, 32, seed=5), features=3, epochs=(1, 2, 3), path={folder})
zf.train(model, zf.Shapes(96, 32, forms=("disc", "star", "bar")), zf.recipe("small", epochs=3, batch_size=32),
         recorder=recorder, progress=False, accelerator="cpu"{more})
"""
ELSEWHERE = """
import subprocess, sys, tempfile
from pathlib import Path
folder = Path(tempfile.mkdtemp()) / "run"
"""


@pytest.fixture(scope="module")
def page(browser, server):
    with opened(browser, server, [PLAYER.format(given="")], 900) as page:
        yield page


def at(page, epoch):
    """Let the reader stand at an epoch, by the keyboard."""
    page.locator(SLIDER).focus()
    page.keyboard.press("Home")
    wait_until(page, lambda now: now["epoch"] == EPOCHS[0])  # it may have stood at the wanted one
    for _ in range(EPOCHS.index(epoch)):
        page.keyboard.press("ArrowRight")
    return wait_until(page, lambda now: now["epoch"] == epoch and not now["busy"])


def test_the_film_goes_through_the_epochs_and_stops(page):
    at(page, 64)
    page.locator(".zf-epoch .zf-play button").click()
    wait_until(page, lambda now: now["playing"] and now["seen"][-4:] == [1, 2, 5, 10])
    page.locator(".zf-epoch .zf-play button").click()
    stopped = wait_until(page, lambda now: not now["playing"])
    page.wait_for_timeout(1500)
    assert kernel(page)["epoch"] == stopped["epoch"]
    page.locator(".zf-epoch .zf-play button").click()
    wait_until(page, lambda now: now["epoch"] == 64 and not now["playing"])


def test_the_slider_goes_by_keys_and_by_mouse(page):
    at(page, 20)
    expect(page.locator(SLIDER)).to_have_attribute("aria-valuetext", "Epoch 20 of 64")
    before = canvas_pixels(page, TILE)
    page.keyboard.press("ArrowLeft")
    wait_until(page, lambda now: now["epoch"] == 10)
    assert eventually(page, lambda: not np.array_equal(canvas_pixels(page, TILE), before))
    handle, bar = (page.locator(f".zf-epoch .{name}").bounding_box() for name in ("noUi-handle", "noUi-base"))
    page.mouse.move(handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2)
    page.mouse.down()
    page.mouse.move(bar["x"] + bar["width"] - 1, handle["y"] + handle["height"] / 2, steps=6)
    page.mouse.up()
    wait_until(page, lambda now: now["epoch"] == 64)


def test_a_tile_is_chosen_by_a_click_and_by_keys(page):
    box = page.locator(GRID).bounding_box()
    page.mouse.click(box["x"] + 3.5 * box["width"] / 8, box["y"] + 2.5 * box["height"] / 6)
    wait_until(page, lambda now: (now["place"], now["epoch"]) == (2, 10))
    expect(page.locator(".zf-evolution-words")).to_contain_text("feature 26 · epoch 10")
    page.keyboard.press("ArrowDown")
    wait_until(page, lambda now: (now["place"], now["epoch"]) == (3, 10))
    page.keyboard.press("ArrowRight")
    wait_until(page, lambda now: (now["place"], now["epoch"]) == (3, 20))


def test_the_anchored_row_has_no_jumps(page):
    at(page, 20)
    before = canvas_pixels(page, GRID)
    blue = np.array([0x00, 0x72, 0xB2, 255])
    assert (before == blue).all(2).any()
    page.locator(".zf-shown button:has-text('anchored')").click()
    wait_until(page, lambda now: now["shown"] == "anchored" and not now["busy"])
    assert eventually(page, lambda: not (canvas_pixels(page, GRID) == blue).all(2).any())
    page.locator(".zf-shown button:has-text('strongest')").click()
    wait_until(page, lambda now: now["shown"] == "strongest" and not now["busy"])
    assert eventually(page, lambda: np.array_equal(canvas_pixels(page, GRID), before))


def test_a_layer_is_chosen_on_the_strip(page):
    page.locator(".zf-evolution .zf-layer [role=slider]").focus()
    page.keyboard.press("End")
    wait_until(page, lambda now: now["layer"] == "features.relu5")
    expect(page.locator(".zf-evolution-words")).to_contain_text("conv 5")
    screenshot(page, "evolution_conv5", ".zf-panel")


def test_one_epoch_at_a_time_is_as_high(page):
    high = page.locator(".zf-panel").first.evaluate("panel => panel.offsetHeight")
    page.locator(".zf-view button:has-text('film')").click()
    wait_until(page, lambda now: now["view"] == "film" and not now["busy"])
    assert page.locator(".zf-panel").first.evaluate("panel => panel.offsetHeight") == high
    page.locator(".zf-view button:has-text('figure')").click()
    wait_until(page, lambda now: now["view"] == "figure" and not now["busy"])


def test_it_is_on_one_screen(page):
    for height, most in ((900, 640), (720, 520)):
        page.set_viewport_size({"width": 1280, "height": height})
        panel = page.locator(".zf-panel").first
        assert eventually(page, lambda: panel.evaluate("panel => panel.offsetHeight") <= most, 10), height  # noqa: B023
    page.set_viewport_size({"width": 1280, "height": 900})


def test_a_tile_opens_in_the_explorer_with_that_epochs_network(page):
    at(page, 20)
    page.locator("button:has-text('Open in explorer')").click()
    explorer = page.locator(".zf-opened .zf-panel")
    expect(explorer.locator(".zf-status")).to_contain_text("Ready")
    expect(explorer.locator("h3")).to_have_text("Feature explorer")


def test_a_page_that_is_loaded_again_shows_the_same(page, server):
    at(page, 10)
    before = canvas_pixels(page, GRID)
    reload(page, server)
    page.wait_for_selector(GRID)
    assert eventually(page, lambda: np.array_equal(canvas_pixels(page, GRID), before))
    assert kernel(page)["epoch"] == 10


def test_it_follows_a_training_in_another_process(browser, server):
    cells = [ELSEWHERE, PLAYER.format(given="folder")]
    with opened(browser, server, cells, 900) as page:
        expect(page.locator(".zf-evolution-words")).to_contain_text("Waiting for the first snapshot")
        start = TRAINING.format(folder="sys.argv[1]", more="")
        code = f"training = subprocess.Popen([sys.executable, '-c', {start!r}, str(folder)])"
        add_and_run(page, code)
        seen = wait_until(page, lambda now: now["seen"][-1:] == [3])["seen"]
        assert seen == sorted(seen)
        expect(page.locator(".zf-evolution-words")).to_contain_text("epoch 3")
        assert page.locator(".zf-evolution-charts path.line").count() > 3


def test_it_follows_a_training_in_the_same_notebook_while_its_cell_runs(browser, server):
    slow = ", callbacks=[Wait()]"
    wait = """
import time
from lightning.pytorch import Callback
class Wait(Callback):  # until the page has shown each epoch
    def on_train_epoch_end(self, trainer, module):
        while player.epoch != trainer.current_epoch + 1:
            time.sleep(0.05)
"""
    cells = [ELSEWHERE, PLAYER.format(given="folder"), wait + TRAINING.format(folder="folder", more=slow)]
    with opened(browser, server, cells, 900) as page:  # the last cell ends only when the player has shown them all
        wait_until(page, lambda now: now["seen"] == [1, 2, 3])


def add_and_run(page, code):
    """One more cell at the end, run."""
    page.locator(".jp-CodeCell").last.locator(".cm-content").click()
    page.keyboard.press("Escape")
    page.keyboard.press("b")
    page.keyboard.press("Enter")
    page.keyboard.insert_text(code)
    page.keyboard.press("Control+Enter")
