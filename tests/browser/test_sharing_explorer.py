"""The sharing explorer in JupyterLab: from map to map by mouse and by keys, the crosshair, and maps taken out."""

from __future__ import annotations

import numpy as np
import pytest
from playwright.sync_api import expect

from .pages import canvas_pixels, eventually, kernel, opened, reload, screenshot, wait_until

pytestmark = pytest.mark.browser

CELL = """
import ipywidgets, zfwidgets as zf
from telling import kernel, told

panel = zf.SharingExplorer(zf.load("squeezenet1_1"), layer="fire 5", feature=232)
names = ("layer", "feature", "view", "by", "part", "out", "error", "busy")
@told
def tell(_):
    return {name: getattr(panel, name) for name in names}
panel.observe(tell, names=names)
tell()
ipywidgets.VBox([panel, kernel])
"""
FIRST, AFTER = ".zf-links-group:last-child .zf-link-map", ".zf-sharing-pictures > :nth-child(2) canvas"
FOCUSED = "document.activeElement.getAttribute('aria-label')"


@pytest.fixture(scope="module")
def page(browser, server):
    with opened(browser, server, [CELL], 900) as page:
        yield page


@pytest.fixture(autouse=True)
def at_the_start(page):
    """At fire 5, feature 232, as it opened."""
    page.locator(".zf-sharing .zf-menu-button").first.click()
    page.locator(".zf-sharing .zf-menu-item", has_text="Reset").click()
    at_rest(page, layer="features.7.cat", feature=232, view="focus", by="share", out=[])
    expect(page.locator(".zf-link-large .zf-link-name")).to_have_text("fire 5 · 232")


def at_rest(page, **wanted):
    return wait_until(page, lambda now: not now["busy"] and all(now[name] == value for name, value in wanted.items()))


def test_there_is_a_line_to_each_map(page):
    expect(page.locator(".zf-links-lines path")).to_have_count(16)
    widths = page.evaluate(
        "[...document.querySelectorAll('.zf-links-lines path')].map(p => +p.getAttribute('stroke-width'))"
    )
    assert widths[:8] == sorted(widths[:8], reverse=True)
    for group, box in (("Used by", "first"), ("Made of", "last")):
        expect(page.locator(f".zf-links-group:{box}-child .zf-links-head")).to_contain_text(f"{group}")
        expect(page.locator(f".zf-links-group:{box}-child .zf-links-head")).to_contain_text("the rest")
    ends = page.evaluate("""() => {
      const box = document.querySelector(".zf-link-large .zf-link-map").getBoundingClientRect();
      const line = [...document.querySelectorAll(".zf-links-lines path")].at(-1);
      const start = line.getPointAtLength(0).matrixTransform(line.getScreenCTM());
      return [Math.abs(start.x - (box.left + box.right) / 2), Math.abs(start.y - box.bottom)];
    }""")
    assert max(ends) < 2


def test_a_click_goes_to_a_map_and_the_arrows_go_back(page):
    page.locator(FIRST).nth(1).click()
    now = wait_until(page, lambda now: now["layer"] == "features.6.cat" and not now["busy"])
    expect(page.locator(".zf-link-large .zf-link-name")).to_have_text(f"fire 4 · {now['feature']}")
    page.locator(".zf-history button").first.click()
    at_rest(page, layer="features.7.cat", feature=232)
    page.locator(".zf-history button").last.click()
    at_rest(page, layer="features.6.cat", feature=now["feature"])


def test_one_walks_by_keys_alone(page):
    page.locator(".zf-link-large .zf-link-map").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Home")  # means nothing here
    page.keyboard.press("ArrowLeft")
    words = page.evaluate(FOCUSED)
    assert words.startswith("fire 4, feature")
    page.keyboard.press("Enter")
    now = wait_until(page, lambda now: now["layer"] == "features.6.cat" and not now["busy"])
    assert f"feature {now['feature']}:" in words
    expect(page.locator(".zf-link-large .zf-link-name")).to_have_text(f"fire 4 · {now['feature']}")
    assert eventually(page, lambda: "fire 3, feature" in page.evaluate(FOCUSED))  # the focus stays in its row
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    assert page.evaluate(FOCUSED).startswith("fire 5, feature")
    page.keyboard.press("Enter")
    wait_until(page, lambda now: now["layer"] == "features.7.cat" and not now["busy"])


def test_a_map_is_taken_out_by_a_click_and_by_a_key(page):
    expect(page.locator(AFTER)).to_be_hidden()
    page.locator(".zf-link-out").first.click()
    now = wait_until(page, lambda now: len(now["out"]) == 1 and not now["busy"])
    expect(page.locator(AFTER)).to_be_visible()
    expect(page.locator(".zf-sharing-side")).to_contain_text("it falls by")
    expect(page.locator(".zf-sharing-answers tr")).to_have_count(3)
    expect(page.locator(".zf-link-gone.zf-link-node")).to_have_count(1)
    expect(page.locator(".zf-link-out").first).to_have_attribute("aria-pressed", "true")
    one = canvas_pixels(page, AFTER)
    page.locator(FIRST).nth(1).focus()
    page.keyboard.press("x")
    two = wait_until(page, lambda now: len(now["out"]) == 2 and not now["busy"])
    assert set(now["out"]) < set(two["out"])
    assert eventually(page, lambda: not np.array_equal(canvas_pixels(page, AFTER), one))
    screenshot(page, "sharing_out", ".zf-panel")
    page.locator(".zf-link-out").first.click()
    page.locator(".zf-link-out").nth(1).click()
    at_rest(page, out=[])
    expect(page.locator(AFTER)).to_be_hidden()


def test_lift_orders_the_maps_otherwise(page):
    before = page.locator(FIRST).all_inner_texts()
    page.locator(".zf-by button", has_text="lift").click()
    at_rest(page, by="lift")
    expect(page.locator(FIRST).first).to_contain_text("×")
    assert page.locator(FIRST).all_inner_texts() != before


def test_the_crosshair_goes_by_mouse_and_by_keys(page):
    page.locator(".zf-view button", has_text="matrix").click()
    at_rest(page, view="matrix")
    matrix = page.locator(".zf-matrix-whole canvas")
    expect(page.locator(".zf-matrix-whole .zf-picture-box")).to_have_count(2)
    box = matrix.bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 200)
    expect(page.locator(".zf-matrix-side")).to_contain_text("Pointer: fire 5 ·")
    page.mouse.click(box["x"] + 100, box["y"] + 200)
    there = wait_until(page, lambda now: now["feature"] != 232 and not now["busy"])
    expect(page.locator(".zf-matrix-side b")).to_contain_text(
        f"fire 5 · {there['feature']} is made of fire 4 · {there['part']}"
    )
    page.locator(".zf-matrix-whole .zf-picture-frame").focus()
    page.keyboard.press("ArrowRight")
    beside = wait_until(page, lambda now: now["part"] != there["part"] and not now["busy"])
    assert beside["feature"] == there["feature"]
    page.locator(".zf-matrix-search input").fill("77")
    page.keyboard.press("Enter")
    at_rest(page, part=77)
    near = page.locator(".zf-matrix-near canvas").bounding_box()
    page.mouse.click(near["x"] + 4, near["y"] + 4)
    wait_until(page, lambda now: now["part"] != 77 and not now["busy"])
    screenshot(page, "sharing_matrix", ".zf-panel")


def test_the_tree_ends_at_the_first_layer(page):
    page.locator(".zf-view button", has_text="tree").click()
    at_rest(page, view="tree")
    expect(page.locator(".zf-links-right .zf-links-title")).to_have_text(
        ["fire 5", "fire 4", "fire 3", "fire 2", "conv 1"]
    )
    expect(page.locator(".zf-links-lines path")).to_have_count(4 + 8 + 8 + 8)
    page.locator(".zf-links-group").nth(1).locator(".zf-link-map").first.focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate(FOCUSED).startswith("fire 3, feature")
    page.keyboard.press("Enter")
    at_rest(page, layer="features.4.cat", view="tree")
    screenshot(page, "sharing_tree", ".zf-panel")


@pytest.mark.parametrize("view", ["focus", "matrix", "tree"])
def test_it_is_on_one_screen(page, view):
    page.locator(".zf-view button", has_text=view).click()
    at_rest(page, view=view)
    panel = page.locator(".zf-sharing.zf-panel").first
    for height, most, width in ((900, 640, 1200), (720, 520, 992)):
        page.set_viewport_size({"width": 1900, "height": height})
        panel.evaluate("(panel, width) => (panel.style.width = `${width}px`)", width)
        assert eventually(page, lambda: panel.evaluate("panel => panel.offsetHeight") <= most, 10), (  # noqa: B023
            panel.evaluate("panel => panel.offsetHeight")
        )
    panel.evaluate("panel => (panel.style.width = '')")
    page.set_viewport_size({"width": 1280, "height": 900})


@pytest.mark.parametrize("view", ["focus", "matrix", "tree"])
def test_nothing_sticks_out_at_700_pixels(page, view):
    page.locator(".zf-view button", has_text=view).click()
    at_rest(page, view=view)
    panel = page.locator(".zf-sharing.zf-panel").first
    panel.evaluate("panel => (panel.style.width = '700px')")
    over = """() => [...document.querySelectorAll(".zf-sharing :is(.zf-picture-frame, .zf-sharing-side, button)")]
      .filter((one) => one.getBoundingClientRect().width)
      .filter((one) => one.getBoundingClientRect().right > one.closest(".zf-panel").getBoundingClientRect().right)
      .map((one) => one.className)"""
    assert eventually(page, lambda: not page.evaluate(over), 10), page.evaluate(over)
    screenshot(page, f"sharing_700_{view}", ".zf-panel")
    panel.evaluate("panel => (panel.style.width = '')")


def test_a_page_that_is_loaded_again_shows_the_same(page, server):
    page.locator(FIRST).first.click()
    now = wait_until(page, lambda now: now["layer"] == "features.6.cat" and not now["busy"])
    reload(page, server)
    expect(page.locator(".zf-link-large .zf-link-name")).to_have_text(f"fire 4 · {now['feature']}")
    expect(page.locator(".zf-links-lines path")).to_have_count(16)
    assert kernel(page)["feature"] == now["feature"]
