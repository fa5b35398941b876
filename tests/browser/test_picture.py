"""A picture in real notebooks: exact pixels, choosing cells, reloading, and the three applications."""

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from .pages import canvas_pixels, reload, screenshot

pytestmark = pytest.mark.browser

RANDOM = """
import ipywidgets, numpy as np
from zfwidgets.widgets.picture import Picture
pixels = np.random.default_rng(7).integers(0, 256, (13, 21, 4), np.uint8)
pixels[..., 3] = 255
"""

TRANSPORTS = """
raw, packed = Picture().add_class("zf-raw"), Picture(transport="webp").add_class("zf-webp")
raw.show(pixels), packed.show(pixels)
ipywidgets.HBox([raw, packed])
"""

SHOW_WITH_WORDS = """
picture = Picture(description=words, caption=words)
picture.show(pixels)
picture
"""

# A grid to choose from, and a label that shows what the kernel knows.
GRID = """
import ipywidgets, numpy as np
from zfwidgets.widgets.picture import Picture
picture = Picture(cells=(5, 8), shown_width=320, description="feature map", caption="layer 3")
picture.show(np.arange(40, dtype=np.uint8).reshape(5, 8) * 6)
label = ipywidgets.Label("none").add_class("zf-known")
picture.observe(lambda change: setattr(label, "value", str(change.new)), names="cell")
ipywidgets.VBox([picture, label])
"""

PAINTED = ".zf-picture-canvas[data-painted]"
FRAME = ".zf-picture-frame"


def expected_pixels():
    pixels = np.random.default_rng(7).integers(0, 256, (13, 21, 4), np.uint8)
    pixels[..., 3] = 255
    return pixels


def wait_for_known(page, text):
    page.wait_for_selector(f".zf-known:has-text('{text}')")


def click_cell(page, row, column):
    box = page.locator(".zf-picture-canvas").bounding_box()
    x, y = (column + 0.5) * box["width"] / 8, (row + 0.5) * box["height"] / 5
    page.mouse.click(box["x"] + x, box["y"] + y)


def assert_every_pixel(page):
    for transport in ("raw", "webp"):
        canvas = f".zf-{transport} {PAINTED}"
        page.wait_for_selector(canvas)
        assert (canvas_pixels(page, canvas) == expected_pixels()).all()


def test_every_pixel_arrives_unchanged_and_outlives_a_reload(open_notebook, server):
    page = open_notebook([RANDOM, TRANSPORTS])
    assert_every_pixel(page)
    reload(page, server)
    assert_every_pixel(page)


def test_a_click_and_the_arrow_keys_choose_a_cell_that_the_kernel_knows(open_notebook):
    page = open_notebook([GRID])
    page.wait_for_selector(PAINTED)
    click_cell(page, 3, 6)
    wait_for_known(page, "(3, 6)")
    for key in ("ArrowUp", "ArrowRight", "ArrowRight", "ArrowRight"):
        page.keyboard.press(key)
    wait_for_known(page, "(2, 7)")
    page.keyboard.press("Home")
    wait_for_known(page, "(2, 0)")
    screenshot(page, "grid_lab")


def test_arrow_keys_in_notebook_7_move_the_cell_and_not_the_notebook(open_notebook):
    page = open_notebook(["1 + 1", GRID, "2 + 2"], app="notebook")
    page.wait_for_selector(PAINTED)
    click_cell(page, 2, 2)
    wait_for_known(page, "(2, 2)")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    wait_for_known(page, "(4, 2)")
    expect(page.locator(".jp-CodeCell").nth(1)).to_have_class(re.compile(r"\bjp-mod-active\b"))
    assert page.evaluate("document.activeElement.className").startswith("zf-picture-frame")
    screenshot(page, "grid_notebook")


def test_voila_shows_the_picture_and_lets_choose(open_notebook):
    page = open_notebook([GRID], app="voila")
    page.wait_for_selector(PAINTED)
    click_cell(page, 1, 4)
    wait_for_known(page, "(1, 4)")
    screenshot(page, "grid_voila")


def test_words_from_a_file_are_text_and_never_markup(open_notebook):
    words = "<script>window.harmed = 1</script><img src=x onerror='window.harmed = 1'>"
    page = open_notebook([RANDOM, f"words = {words!r}", SHOW_WITH_WORDS])
    page.wait_for_selector(PAINTED)
    expect(page.locator(".zf-picture-caption")).to_have_text(words, use_inner_text=True)
    expect(page.locator(FRAME)).to_have_attribute("aria-label", words)
    assert page.evaluate("window.harmed") is None


def test_the_dark_theme_reaches_the_place_kept_for_a_picture(open_notebook):
    page = open_notebook([RANDOM, "Picture(caption='not yet computed')"], theme="dark")
    page.wait_for_selector(FRAME)
    background = page.locator(FRAME).evaluate("frame => getComputedStyle(frame).backgroundColor")
    red, green, blue = (int(part) for part in background[4:-1].split(","))
    assert max(red, green, blue) < 96
    screenshot(page, "dark_lab")
