"""How panels stand at the widths that they are made for: on one screen, in even rows, and nothing sticks out."""

import pytest
from playwright.sync_api import expect

from .pages import eventually, opened, screenshot

pytestmark = pytest.mark.browser

VIEWS = {640: 900, 848: 900, 992: 720, 1200: 900}  # a panel's width: the height of the window
# What changes together is on one screen of 1280×720, and of 1440×900; where a panel is narrow, on little more.
HEIGHTS = {
    "invariance": {640: 1000, 848: 760, 992: 520, 1200: 640},
    "correspondence": {640: 1000, 848: 640, 992: 520, 1200: 640},
    "top-nine": {640: 1000, 848: 640, 992: 520, 1200: 640},
    "occlusion": {640: 1000, 848: 640, 992: 520, 1200: 640},
}
CELL = """
import ipywidgets, zfwidgets as zf
net = zf.load("squeezenet1_1")
panels = [zf.InvarianceExplorer(net), zf.CorrespondenceLab(net), zf.TopNine(net), zf.OcclusionCanvas(net)]
ipywidgets.VBox(panels).add_class("zf-room")
"""
THREE = """
three = ("features.1", "features.6.cat", "features.12.cat")
for panel in panels[:2]:
    panel.layers = three
"""
READY = ".zf-status[data-state='ready']"
ROWS = """(selector) => {
  const tops = {};
  const boxes = [...document.querySelectorAll(selector)].map((one) => one.getBoundingClientRect());
  for (const { top } of boxes.filter((box) => box.width)) tops[Math.round(top)] = (tops[Math.round(top)] ?? 0) + 1;
  return Object.values(tops);
}"""
# Whatever is wider than its place, or scrolls; but not a row that is made to, or what only a reader of the page hears.
OVER = """() => [...document.querySelectorAll(".zf-panel, .zf-panel *")]
  .filter((one) => one instanceof HTMLElement && one.getBoundingClientRect().width > 2 && !one.closest("select"))
  .filter((one) => !one.closest(".zf-parts-row, .zf-thumbnails, .zf-canvas-spoken, .svg-figure"))
  .filter((one) => {
    const panel = one.closest(".zf-panel").getBoundingClientRect();
    const { left, right } = one.getBoundingClientRect();
    const { overflowX } = getComputedStyle(one);
    const scrolls = ["auto", "scroll"].includes(overflowX) && one.scrollWidth > one.clientWidth + 1;
    return right > panel.right + 1 || left < panel.left - 1 || scrolls;
  })
  .map((one) => `${one.tagName} ${one.className} in ${one.parentElement.className}: ${one.scrollWidth}`)"""
# What a panel's first thing to try leaves to be seen.
TRIED = {
    "invariance": ("Two pixels down", ".zf-value .zf-label b:text-is('2')"),
    "correspondence": ("People only", ".zf-left-out"),
    "top-nine": ("Edges, in the first layer", ".zf-picture-caption:has-text('features.1 · ')"),
    "occlusion": ("Cover the motorcycle", ".zf-thumbnail[data-name='motorcycle'][aria-checked='true']"),
}


@pytest.fixture(scope="module")
def page(browser, server):
    with opened(browser, server, [CELL, THREE], 900) as page:
        page.wait_for_function("document.querySelectorAll('[data-zf-mended]').length === 7")
        yield page


@pytest.fixture
def usual(page):
    """The panels as they open."""
    for panel in HEIGHTS:
        choose(page, panel, "Reset")
    expect(page.locator(".zf-columns-3 > .zf-curves")).to_have_count(4)  # one of them is out of sight
    wait_until_ready(page)
    return page


def choose(page, panel, item):
    page.locator(f".zf-{panel}.zf-panel .zf-menu-button").first.click()
    page.locator(f".zf-{panel}.zf-panel .zf-menu-item", has_text=item).click()


def wait_until_ready(page):
    expect(page.locator(READY)).to_have_count(len(HEIGHTS))


def resized(page, width):
    page.set_viewport_size({"width": 1900, "height": VIEWS[width]})
    page.locator(".zf-room").evaluate(
        "(room, width) => { room.style.width = room.style.maxWidth = `${width}px`; }", width
    )
    page.wait_for_function(
        "(width) => [...document.querySelectorAll('.zf-panel')].every((one) => Math.abs(one.offsetWidth - width) < 9)",
        arg=width,
    )


def height(page, panel):
    return page.locator(f".zf-{panel}.zf-panel").evaluate("panel => panel.offsetHeight")


@pytest.mark.parametrize("width", VIEWS)
def test_with_three_layers_rows_are_even_and_nothing_sticks_out(page, width):
    wait_until_ready(page)
    expect(page.locator(".zf-columns-4 > .zf-curves")).to_have_count(4)
    resized(page, width)
    for selector in (".zf-invariance-charts > .zf-curves", ".zf-part-picture"):
        rows = page.evaluate(ROWS, selector)
        assert len(set(rows)) == 1, f"{selector} at {width}: {rows}"
    assert eventually(page, lambda: not page.evaluate(OVER), 10), page.evaluate(OVER)
    if width > 848:
        for panel in ("invariance", "correspondence"):
            assert height(page, panel) <= HEIGHTS[panel][width], panel


@pytest.mark.parametrize("width", VIEWS)
def test_each_panel_is_on_one_screen(usual, width):
    resized(usual, width)
    assert eventually(usual, lambda: not usual.evaluate(OVER), 10), usual.evaluate(OVER)
    heights = {panel: height(usual, panel) for panel in HEIGHTS}
    assert {panel: high for panel, high in heights.items() if high > HEIGHTS[panel][width]} == {}
    for panel in HEIGHTS:
        usual.locator(f".zf-{panel}.zf-panel").evaluate("panel => panel.scrollIntoView()")
        screenshot(usual, f"{panel}_{width}", f".zf-{panel}.zf-panel")


@pytest.mark.parametrize("panel", TRIED)
def test_something_to_try_is_a_click_away_and_in_a_low_window_in_the_menu(usual, panel):
    words, seen = TRIED[panel]
    chip = usual.locator(f".zf-{panel}.zf-panel .zf-tries button", has_text=words)
    seen = usual.locator(f".zf-{panel}.zf-panel").locator(seen)
    resized(usual, 1200)
    expect(seen).to_have_count(0)
    chip.click()
    expect(seen).to_have_count(1)
    choose(usual, panel, "Reset")
    expect(seen).to_have_count(0)
    resized(usual, 992)
    expect(chip).to_be_hidden()
    choose(usual, panel, f"Try: {words}")
    expect(seen).to_have_count(1)
