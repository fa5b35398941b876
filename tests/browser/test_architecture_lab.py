"""The architecture lab in JupyterLab: two networks side by side, a network built, trained, given up, and its place."""

from __future__ import annotations

import numpy as np
import pytest
from playwright.sync_api import expect

from .pages import READY, canvas_pixels, eventually, opened, screenshot, wait_until
from .test_layout import OVER

pytestmark = pytest.mark.browser

FILTERS = ".zf-architecture-side >> nth={} >> .zf-picture canvas >> nth=0"
BUILDER, WORDS = ".zf-architecture-builder", ".zf-architecture-words"
DOTS = ".zf-error-chart .dot"  # of each network two, and a ring
START = """
import ipywidgets, torch, zfwidgets as zf
torch.set_num_threads(1)
"""
LAB = """
from telling import kernel, told
lab = zf.ArchitectureLab({given})
names = ("view", "left", "right", "filters", "variant", "kernel_size", "stride", "maps", "without", "units", "version",
         "data", "error", "busy")
@told
def tell(change):
    now = {{name: getattr(lab, name) for name in names}}
    now |= {{"running": lab.training.running, "epoch": lab.training.bar.value, "note": lab.training.note.value}}
    return now
lab.observe(tell, names=list(names))
lab.training.observe(tell, names="running")
lab.training.bar.observe(tell, names="value")
lab.training.note.observe(tell, names="value")
tell()
ipywidgets.VBox([lab, kernel])
"""
SHORT = """
import zfwidgets.experiments.ablation.trial as trial
trial.study_budget = lambda: zf.recipe("small", epochs=1, batch_size=32)
"""


@pytest.fixture(scope="module")
def page(browser, server):
    with opened(browser, server, [START, SHORT, LAB.format(given="")], 900) as page:
        yield page


def show(page, view):
    page.locator(f".zf-view button:has-text('{view}')").click()
    return wait_until(page, lambda now: now["view"] == view.lower() and not now["busy"])


def test_a_filter_is_chosen_by_a_click_and_by_keys(page):
    show(page, "Look")
    wall = page.locator(FILTERS.format(0))
    box = wall.bounding_box()
    wall.click(position={"x": 2.5 * box["width"] / 6, "y": 1.5 * box["height"] / 6})
    wait_until(page, lambda now: now["filters"] == [8, 0])
    expect(page.locator(".zf-architecture-filter").first).to_contain_text("filter 8")
    page.keyboard.press("ArrowRight")
    wait_until(page, lambda now: now["filters"] == [9, 0])
    screenshot(page, "architecture", ".zf-panel")


def test_both_walls_are_painted_and_the_charts_have_their_lines(page):
    show(page, "Look")
    for side in (0, 1):
        assert len(np.unique(canvas_pixels(page, FILTERS.format(side)).reshape(-1, 4), axis=0)) > 50
    assert page.locator(".zf-architecture-charts path.line").count() >= 4
    expect(page.locator(".zf-architecture-table tbody tr")).to_have_count(5)


def test_the_builder_counts_at_once(page):
    show(page, "Errors")
    table = page.locator(".zf-architecture-layers")
    expect(table).to_contain_text("7×7 pixels")
    page.locator(f"{BUILDER} .zf-kernel_size button:has-text('11')").click()
    expect(table).to_contain_text("11×11 pixels")
    page.locator(f"{BUILDER} .zf-without select").select_option("no 3, 4")
    wait_until(page, lambda now: now["without"] == [3, 4])
    expect(table.locator("tbody tr")).to_have_count(6)
    page.locator(f"{BUILDER} .zf-maps .noUi-handle").focus()
    before = table.locator("tfoot").inner_text()
    page.keyboard.press("ArrowLeft")
    wait_until(page, lambda now: now["maps"] == 15)
    assert eventually(page, lambda: table.locator("tfoot").inner_text() != before)


def test_a_point_of_the_chart_is_chosen_by_a_click_and_from_the_list(page):
    show(page, "Errors")
    page.locator(".zf-variant select").select_option("without 6, 7")
    wait_until(page, lambda now: now["variant"] == "without 6, 7" and not now["busy"])
    expect(page.locator(WORDS)).to_contain_text("against all layers")
    expect(page.locator(DOTS)).to_have_count(2 * 10 + 1)
    page.locator(".zf-data button:has-text('Table 3')").click()
    wait_until(page, lambda now: now["data"] == "paper" and not now["busy"])
    page.locator(".zf-variant select").select_option("ZFNet, both")
    expect(page.locator(WORDS)).to_contain_text("237,560,936 parameters")
    page.locator(".zf-data button:has-text('ours')").click()
    wait_until(page, lambda now: now["data"] == "ours" and not now["busy"])


def test_a_training_is_given_up_and_the_panel_goes_on(browser, server):
    with opened(browser, server, [START, LAB.format(given="view='errors', maps=4, without=(3, 4)")], 900) as page:
        page.locator(f"{BUILDER} .zf-job button:has-text('Train')").click()
        wait_until(page, lambda now: now["running"] and now["epoch"] > 0)
        expect(page.locator(f"{BUILDER} .zf-job")).to_contain_text("epochs")
        page.locator(f"{BUILDER} .zf-job button:has-text('Cancel')").click()
        wait_until(page, lambda now: not now["running"] and "Cancelled" in now["note"])
        page.locator(f"{BUILDER} button:has-text('5')").first.click()  # it goes on answering
        state = wait_until(page, lambda now: now["kernel_size"] == 5 and not now["busy"])
        assert state["error"] == ""


def test_a_trained_network_has_its_place_and_is_looked_at(page):
    show(page, "Errors")
    page.locator(f"{BUILDER} .zf-job button:has-text('Train')").click()
    state = wait_until(page, lambda now: now["version"] == 5 and "% wrong" in now["note"] and not now["busy"])
    assert state["variant"].startswith("yours: ")
    expect(page.locator(WORDS)).to_contain_text("on the same folds")
    expect(page.locator(DOTS)).to_have_count(2 * 11 + 1)
    wall = canvas_pixels(page, f"{BUILDER} .zf-picture canvas")
    assert len(np.unique(wall.reshape(-1, 4), axis=0)) > 50
    screenshot(page, "architecture_errors", ".zf-panel")
    show(page, "Look")
    page.locator(".zf-right button:has-text('yours')").click()
    wait_until(page, lambda now: now["right"] == "yours" and not now["busy"])
    expect(page.locator(".zf-architecture-side").nth(1)).to_contain_text("11×11")


@pytest.mark.parametrize(("window", "most"), [((1440, 900), 640), ((1280, 720), 520)])
@pytest.mark.parametrize("view", ["Look", "Errors"])
def test_it_fits_on_one_screen(page, window, most, view):
    show(page, view)
    page.set_viewport_size(dict(zip(("width", "height"), window, strict=True)))
    panel = page.locator(".zf-panel").first
    assert eventually(page, lambda: panel.bounding_box()["height"] <= most), panel.bounding_box()
    page.set_viewport_size({"width": 1280, "height": 900})


@pytest.mark.parametrize("width", [640, 848, 992, 1200])
@pytest.mark.parametrize("view", ["Look", "Errors"])
def test_nothing_sticks_out(page, width, view):
    show(page, view)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.locator(".zf-panel").first.evaluate("(panel, width) => (panel.style.width = `${width}px`)", width)
    assert eventually(page, lambda: page.evaluate(OVER) == [], 10), page.evaluate(OVER)


def test_two_networks_of_ones_own(browser, server):
    nets = "[zf.load('squeezenet1_1'), zf.load('zfnet_shapes')], {'cat': zf.photograph('cat')}"
    with opened(browser, server, [START, LAB.format(given=nets)], 900) as page:
        page.wait_for_selector(READY)
        wait_until(page, lambda now: not now["busy"] and now["error"] == "")
        expect(page.locator(".zf-architecture-table thead")).to_contain_text("squeezenet1_1")
        expect(page.locator(".zf-architecture-table thead")).to_contain_text("zfnet_shapes")
