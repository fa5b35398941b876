"""What every panel does on a page: show what was drawn while the page was still loading, and go when its cell runs."""

import re
from contextlib import contextmanager

import numpy as np
import psutil
import pytest
from playwright.sync_api import expect

from .pages import IDLE, READY, canvas_pixels, eventually, run_cell, screenshot, start_all_cells

pytestmark = pytest.mark.browser

SLOW = """
import time
import ipywidgets as W
import zfwidgets as zf
from zfwidgets.widgets.panel import Panel

class Slow(Panel):
    def build(self):
        self.labels = [W.Label("?").add_class("drawn-late") for _ in range(200)]
        return W.Box(self.labels, layout=W.Layout(flex_flow="wrap"))

    def compute(self, choice, task):
        for number in range(len(self.labels)):
            time.sleep(0.02)
            yield number

    def draw(self, number, choice):
        self.labels[number].value = str(number)

Slow(zf.load("squeezenet1_1"))
"""


def test_voila_shows_what_was_drawn_while_it_loaded(open_notebook):
    page = open_notebook([SLOW], app="voila")
    page.wait_for_selector(READY)
    labels, expected = page.locator(".drawn-late"), [str(number) for number in range(200)]
    expect(labels).to_have_text(expected, use_inner_text=True)


NETWORK = """
import os
import ipywidgets as W
import zfwidgets as zf
net = zf.load("squeezenet1_1")
W.HTML(f"<span class='process'>{os.getpid()}</span>")
"""

STATUS, PROJECTION = ".zf-status", ".zf-whole canvas"
BUSY = """
from pathlib import Path
while Path("busy").exists():
    pass
"""
# A call into C that lets no other thread run, as some do: not even the one that hears the page.
HELD = """
import ctypes
from pathlib import Path
while Path("busy").exists():
    ctypes.PyDLL(None).usleep(1_500_000)
"""
NEW = ".zf-panel:not(.former)"


@contextmanager
def run_anew(page, server):
    """Let all cells run once more, of which the last one goes on until this is over."""
    page.wait_for_selector(READY)
    page.locator(".zf-panel").evaluate("(panel) => panel.classList.add('former')")
    flag = server.notebooks / "busy"
    flag.touch()
    try:
        start_all_cells(page)
        yield
    finally:
        flag.unlink()
    page.wait_for_selector(f"{NEW} {READY}")


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_while_other_cells_run_it_answers(open_notebook, server, app):
    page = open_notebook([NETWORK, "zf.FeatureExplorer(net)", BUSY], app=app)
    with run_anew(page, server):
        page.wait_for_selector(f"{NEW} .zf-map canvas[data-painted]")
        number = page.locator(f"{NEW} .zf-feature-number input")
        before, caption = number.input_value(), page.locator(f"{NEW} .zf-map .zf-picture-caption")
        page.locator(f"{NEW} .zf-feature .noUi-handle").press("ArrowRight")
        expect(number).not_to_have_value(before)
        expect(caption).to_have_text(re.compile(f"^feature {number.input_value()} "), use_inner_text=True)
        expect(page.locator(".jp-InputPrompt").nth(2)).to_have_text("[*]:")


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_while_the_kernel_hears_nothing_it_says_that_it_waits(open_notebook, server, app):
    page = open_notebook([NETWORK, "zf.FeatureExplorer(net)", HELD], app=app)
    with run_anew(page, server):
        title = page.locator(f"{NEW} .zf-head h3")
        waits = page.locator(f"{NEW} {STATUS}[data-state='waiting']", has_text="Waiting for other cells")

        def does_something():  # again and again: one question may be heard, between two calls
            title.click()
            return waits.count()

        assert eventually(page, does_something)
    assert page.locator(STATUS).get_attribute("title").startswith("It took ")


@pytest.mark.parametrize("app", ["lab", "notebook", "voila"])
def test_where_the_kernel_has_stopped_a_veil_says_so(open_notebook, app):
    page = open_notebook([NETWORK, "zf.FeatureExplorer(net)"], app=app)
    page.wait_for_selector(READY)
    psutil.Process(int(page.locator(".process").inner_text())).kill()
    page.wait_for_selector(".zf-panel.zf-stopped")
    expect(page.locator(f"{STATUS} [role=alert]")).to_have_text("The kernel has stopped. Run this cell again.")
    screenshot(page, f"stopped_{app}")


LIMIT = 100  # MB


@pytest.mark.slow
@pytest.mark.parametrize(("app", "runs"), [("lab", 50), ("notebook", 10)])
def test_a_cell_that_runs_again_and_again_keeps_one_panel_and_little_memory(open_notebook, app, runs):
    page = open_notebook([NETWORK, "explorer = zf.FeatureExplorer(net)\nexplorer"], app=app)
    said = []
    page.on("console", lambda message: said.append(message.text))
    page.wait_for_selector(READY)
    kernel = psutil.Process(int(page.locator(".process").inner_text()))
    before = kernel.memory_info().rss
    for _ in range(runs):
        run_cell(page, 1)
        page.wait_for_selector(READY)
    grown = (kernel.memory_info().rss - before) / 1e6  # resident: what a 2 GB Binder counts
    assert grown <= LIMIT
    page.keyboard.press("Control+Enter")
    page.keyboard.press("Control+Enter")  # before it has ended
    page.wait_for_selector(IDLE, state="attached")
    page.wait_for_selector(READY)
    expect(page.locator(".zf-panel")).to_have_count(1)
    seen = canvas_pixels(page, PROJECTION)
    page.locator(".zf-feature-number input").fill("7")
    page.keyboard.press("Enter")
    expect(page.locator(".zf-map .zf-picture-caption")).to_contain_text("feature 7")
    assert eventually(page, lambda: not np.array_equal(canvas_pixels(page, PROJECTION), seen))
    assert [text for text in said if "comm" in text.lower()] == []
