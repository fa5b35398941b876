"""picture.js with a stub model: what it paints, where it outlines, and what it tells the kernel."""

import numpy as np
import pytest

from zfwidgets.widgets.picture import Picture, rgba
from zfwidgets.widgets.picture.packing import message

from .pages import canvas_pixels
from .stub_model import receive, render, sent, wait_frames

pytestmark = pytest.mark.browser

FRAME, CANVAS, CAPTION = ".zf-picture-frame", ".zf-picture-canvas", ".zf-picture-caption"

MANY_MOVES = """([x, y]) => {
  for (let i = 0; i < 50; i++) {
    const place = { bubbles: true, clientX: x + i, clientY: y };
    document.elementFromPoint(x, y).dispatchEvent(new PointerEvent("pointermove", place));
  }
}"""

STATE = {
    "pixels": None,
    "width": 8,
    "height": 5,
    "shown_width": 320,
    "smooth": False,
    "caption": "",
    "hint": "",
    "scale": [],
    "description": "",
    "boxes": [],
    "cells": [0, 0],
    "cell": None,
    "hover": None,
    "hoverable": True,
    "draggable": False,
    "dragged": None,
    "clicked": None,
}


@pytest.fixture
def show(blank_page):
    """`show(caption=…, …)`: a page with one picture whose model has these values."""

    def show_(**values):
        render(blank_page, "picture", STATE | values)
        return blank_page

    return show_


def picture_message(array, transport="raw"):
    picture = Picture(transport=transport)
    picture.show(array)
    pixels = message(picture.pixels, picture.height, picture.width, picture.transport)
    return {
        "pixels": pixels | {"data": list(pixels["data"])},
        "width": picture.width,
        "height": picture.height,
    }


def wait_until_painted(page, times):
    page.wait_for_selector(f"{CANVAS}[data-painted='{times}']")


def noise(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def place(page, row, column, rows=5, columns=8):
    """The middle of a cell, in the page's pixels."""
    box = page.locator(CANVAS).bounding_box()
    return box["x"] + (column + 0.5) * box["width"] / columns, box["y"] + (row + 0.5) * box["height"] / rows


@pytest.mark.parametrize("transport", ["raw", "webp"])
def test_pixels_are_painted_exactly(show, transport):
    page = show()
    array = noise(7, 9)
    receive(page, **picture_message(array, transport))
    wait_until_painted(page, 1)
    assert (canvas_pixels(page, CANVAS) == rgba(array)).all()


@pytest.mark.parametrize("transport", ["raw", "webp"])
@pytest.mark.parametrize("colour", [(128, 128, 128, 255), (0, 0, 0, 0)])
def test_a_part_is_painted_at_its_place_and_the_rest_has_one_colour(show, colour, transport):
    page = show()
    receive(page, **picture_message(noise(30, 40), transport))
    wait_until_painted(page, 1)
    for times, (top, left, bottom, right) in enumerate([(5, 9, 12, 30), (0, 0, 6, 4), (29, 39, 30, 40)], 2):
        array = np.full((30, 40, 4), colour, np.uint8)
        array[top:bottom, left:right] = rgba(noise(bottom - top, right - left))
        packed = picture_message(array, transport)
        assert packed["pixels"]["box"] == (top, left, bottom, right)
        receive(page, **packed)
        wait_until_painted(page, times)
        assert (canvas_pixels(page, CANVAS) == array).all()


def test_one_message_paints_once(show):
    page = show()
    receive(page, **picture_message(noise(7, 9)), caption="seven by nine")
    receive(page, **picture_message(noise(3, 4)))
    wait_until_painted(page, 2)
    wait_frames(page)
    assert page.locator(CANVAS).get_attribute("data-painted") == "2"


def test_bytes_that_do_not_fit_the_size_leave_the_old_picture(show):
    page = show()
    old = noise(7, 9)
    receive(page, **picture_message(old))
    wait_until_painted(page, 1)
    receive(page, width=100)
    wait_frames(page)
    assert (canvas_pixels(page, CANVAS) == rgba(old)).all()


def test_a_slow_decoding_never_covers_a_newer_picture(show):
    page = show()
    newest = noise(6, 5, seed=1)
    older, newer = picture_message(noise(300, 300), "webp"), picture_message(newest)
    page.evaluate("([older, newer]) => { receive(older); setTimeout(() => receive(newer)); }", [older, newer])
    page.wait_for_function(f"document.querySelector('{CANVAS}').width === 5")
    page.wait_for_timeout(200)
    assert (canvas_pixels(page, CANVAS) == rgba(newest)).all()


def test_the_place_is_kept_before_the_first_picture_and_nothing_jumps(show):
    page = show(width=8, height=5, shown_width=320)
    before = page.locator(FRAME).bounding_box()
    receive(page, **picture_message(noise(5, 8)))
    wait_until_painted(page, 1)
    assert before["width"] - 2 == 320
    assert before["height"] - 2 == 200
    assert page.locator(FRAME).bounding_box() == before


def test_a_narrow_place_shrinks_the_picture_and_keeps_its_shape(show):
    page = show(width=8, height=5, shown_width=320)
    page.evaluate("document.querySelector('main').style.width = '178px'")
    box = page.locator(CANVAS).bounding_box()
    assert (box["width"], box["height"]) == (168, 105)


def test_pixels_stay_squares_unless_a_photograph_asks_for_smoothness(show):
    page = show()
    rendering = "getComputedStyle(document.querySelector('.zf-picture-canvas')).imageRendering"
    assert page.evaluate(rendering) == "pixelated"
    receive(page, smooth=True)
    page.wait_for_function(f"{rendering} === 'auto'")


def test_words_are_text_and_name_the_picture(show):
    page = show(caption="<b>layer 3</b>")
    assert page.locator(CAPTION).text_content() == "<b>layer 3</b>"
    assert page.get_by_role("img", name="<b>layer 3</b>").count() == 1
    receive(page, description="a cat")
    page.wait_for_selector("[aria-label='a cat']")


def test_a_box_is_outlined_in_the_pictures_pixels_and_stops_at_its_border(show):
    page = show(boxes=[[1, 2, 3, 6], [-4, 6, 2, 99]])
    canvas = page.locator(CANVAS).bounding_box()
    inner, outer = (page.locator(".zf-picture-box").nth(i).bounding_box() for i in range(2))
    assert inner == {"x": canvas["x"] + 80, "y": canvas["y"] + 40, "width": 160, "height": 80}
    assert outer == {"x": canvas["x"] + 240, "y": canvas["y"], "width": 80, "height": 80}


def test_without_cells_the_picture_takes_no_focus_and_reports_pixels(show):
    page = show()
    assert page.locator(FRAME).get_attribute("tabindex") is None
    page.mouse.click(*place(page, 3, 6))
    page.mouse.click(*place(page, 3, 6))
    assert sent(page, "clicked") == [[3, 6, 1], [3, 6, 2]]
    assert sent(page, "cell") == []


def test_a_click_chooses_its_cell_and_outlines_it(show):
    page = show(width=80, height=50, cells=[5, 8])
    page.mouse.click(*place(page, 4, 2))
    assert sent(page, "cell") == [[4, 2]]
    assert sent(page, "clicked") == [[45, 25, 1]]
    canvas, cell = (page.locator(part).bounding_box() for part in (CANVAS, ".zf-picture-cell"))
    assert cell == {"x": canvas["x"] + 80, "y": canvas["y"] + 160, "width": 40, "height": 40}


@pytest.mark.parametrize(
    ("start", "key", "end"),
    [
        ([2, 3], "ArrowUp", [1, 3]),
        ([2, 3], "ArrowDown", [3, 3]),
        ([2, 3], "ArrowLeft", [2, 2]),
        ([2, 3], "ArrowRight", [2, 4]),
        ([2, 3], "Home", [2, 0]),
        ([2, 3], "End", [2, 7]),
        ([0, 0], "ArrowUp", [0, 0]),
        ([4, 7], "ArrowDown", [4, 7]),
        (None, "ArrowDown", [2, 4]),
    ],
)
def test_keys_move_the_cell_and_stop_at_the_border(show, start, key, end):
    page = show(cells=[5, 8], cell=start)
    page.locator(FRAME).press(key)
    assert sent(page, "cell") == [end]


def test_enter_is_a_click_in_the_middle_of_the_chosen_cell(show):
    page = show(width=80, height=50, cells=[5, 8])
    page.locator(FRAME).press("Enter")
    assert sent(page, "clicked") == []
    page = show(width=80, height=50, cells=[5, 8], cell=[4, 2])
    page.locator(FRAME).press("Enter")
    page.locator(FRAME).press("Enter")
    assert sent(page, "clicked") == [[45, 25, 1], [45, 25, 2]]
    assert sent(page, "cell") == []


def test_only_the_keys_of_the_picture_are_kept_from_the_page(show):
    page = show(cells=[5, 8], cell=[2, 3])
    page.evaluate("window.heard = []; document.addEventListener('keydown', event => heard.push(event.key))")
    for key in ("ArrowDown", "Control+ArrowDown", "a"):
        page.locator(FRAME).press(key)
    assert page.evaluate("heard") == ["Control", "ArrowDown", "a"]
    assert len(sent(page, "cell")) == 1


def test_tab_enters_a_grid_and_leaves_it(show):
    page = show(cells=[5, 8])
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.dataset.lmSuppressShortcuts") == "true"
    assert page.locator(FRAME).evaluate("frame => getComputedStyle(frame).outlineStyle") == "solid"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "after"


def test_a_moved_cell_is_spoken_by_the_picture_in_use(show):
    page = show(cells=[5, 8], cell=[2, 3])
    receive(page, cell=[0, 0])
    wait_frames(page)
    assert page.locator(".zf-picture-spoken").text_content() == ""
    page.locator(FRAME).press("ArrowRight")
    page.wait_for_selector(".zf-picture-spoken:text-is('row 0, column 1')", state="attached")


def test_the_pointer_is_followed_once_a_frame_and_once_a_cell(show):
    page = show(width=80, height=50, cells=[5, 8])
    x, y = place(page, 1, 1)
    page.evaluate(MANY_MOVES, [x, y])
    wait_frames(page)
    assert sent(page, "hover") == [[1, 2]]
    page.mouse.move(x, y)
    page.mouse.move(x + 1, y)
    wait_frames(page)
    page.mouse.move(0, 700)
    wait_frames(page)
    assert sent(page, "hover") == [[1, 2], [1, 1], None]


def test_a_picture_that_is_not_hoverable_sends_nothing_for_a_passing_pointer(show):
    page = show(cells=[5, 8], hoverable=False)
    page.mouse.move(*place(page, 1, 1))
    page.wait_for_selector(".zf-picture-hovered", state="attached")
    assert page.evaluate("sent") == []


def test_a_cell_outside_the_grid_is_not_drawn(show):
    page = show(cells=[5, 8], cell=[9, 9])
    assert page.locator(".zf-picture-cell").count() == 0
