"""How pictures and charts stand at the widths that panels are made for: in even rows, and nothing sticks out."""

import pytest

from .pages import eventually, opened, screenshot

pytestmark = pytest.mark.browser

WIDTHS = (640, 848, 992, 1200)
HEIGHTS = {992: 520, 1200: 640}  # what changes together is on one screen of 1280×720, and of 1440×900
CELL = """
import ipywidgets, zfwidgets as zf
net = zf.load("squeezenet1_1")
three = ("features.1", "features.6.cat", "features.12.cat")
panels = [zf.InvarianceExplorer(net), zf.CorrespondenceLab(net, layers=three)]
ipywidgets.VBox(panels).add_class("zf-room")
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
  .filter((one) => !one.closest(".zf-parts-row, .zf-canvas-spoken, .svg-figure"))
  .filter((one) => {
    const panel = one.closest(".zf-panel").getBoundingClientRect();
    const { left, right } = one.getBoundingClientRect();
    const { overflowX } = getComputedStyle(one);
    const scrolls = ["auto", "scroll"].includes(overflowX) && one.scrollWidth > one.clientWidth + 1;
    return right > panel.right + 1 || left < panel.left - 1 || scrolls;
  })
  .map((one) => `${one.tagName} ${one.className} in ${one.parentElement.className}: ${one.scrollWidth}`)"""


@pytest.fixture(scope="module")
def page(browser, server):
    with opened(browser, server, [CELL], 900) as page:
        page.wait_for_function(f'document.querySelectorAll("{READY}").length === 2')
        page.wait_for_function("document.querySelectorAll('[data-zf-mended]').length === 6")
        page.set_viewport_size({"width": 1900, "height": 900})
        yield page


def resized(page, width):
    page.set_viewport_size({"width": 1900, "height": 720 if width <= 992 else 900})
    page.locator(".zf-room").evaluate(
        "(room, width) => { room.style.width = room.style.maxWidth = `${width}px`; }", width
    )
    page.wait_for_function(
        "(width) => [...document.querySelectorAll('.zf-panel')].every((one) => Math.abs(one.offsetWidth - width) < 9)",
        arg=width,
    )


@pytest.mark.parametrize("width", WIDTHS)
def test_rows_are_even_and_nothing_sticks_out(page, width):
    resized(page, width)
    for selector in (".zf-invariance-charts > .zf-curves", ".zf-part-picture"):
        rows = page.evaluate(ROWS, selector)
        assert len(set(rows)) == 1, f"{selector} at {width}: {rows}"
    assert eventually(page, lambda: not page.evaluate(OVER), 10), page.evaluate(OVER)
    for panel in (".zf-invariance.zf-panel", ".zf-correspondence.zf-panel"):
        assert page.locator(panel).evaluate("panel => panel.offsetHeight") <= HEIGHTS.get(width, 1000), panel
    for place, name in enumerate(("invariance", "correspondence")):
        page.locator(".zf-panel").nth(place).evaluate("panel => panel.scrollIntoView()")
        page.wait_for_timeout(700)  # charts follow their width after a while
        screenshot(page, f"{name}_{width}", f".zf-{name}.zf-panel")
