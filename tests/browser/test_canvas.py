"""The canvas in real notebooks: drags, the square, a finger, the keyboard and the way out, reloading, two themes."""

import itertools

import numpy as np
import pytest
from playwright.sync_api import expect

from zfwidgets.widgets.canvas import slices
from zfwidgets.widgets.canvas.strokes import stroke

from .pages import canvas_pixels, eventually, opened, reload, screenshot

pytestmark = pytest.mark.browser

SHAPE = (60, 100)
CANVAS = ".zf-canvas canvas"

# Three CSS pixels to a pixel of the picture.
PICTURES = """
import ipywidgets, numpy as np
from zfwidgets.widgets.canvas import DrawingCanvas
noise = np.random.default_rng(7).integers(0, 256, (2, 60, 100, 3), np.uint8)
canvas = DrawingCanvas(shown_width=300, size=(11, 17), step=5)
canvas.show(*noise)
"""

# What the kernel knows, and something to tab to before and after it.
WITH_FACTS = """
known = ipywidgets.HTML()
def tell(_):
    mask = np.packbits(canvas.mask).tobytes().hex()
    known.value = f"<p class='zf-known' data-mask='{mask}'>{canvas.mask.sum()} hidden, square {canvas.square}</p>"
canvas.observe(tell, names=["mask", "square"])
tell(None)
before, after = ipywidgets.Button(description="before"), ipywidgets.Button(description="after")
box = ipywidgets.VBox([before, canvas, after, known])
box
"""

# A field whose words make another canvas.
ANEW = f"""
import ipywidgets
settings, place = ipywidgets.Text(continuous_update=False).add_class("zf-settings"), ipywidgets.VBox()
def make_anew(words):
    exec({PICTURES!r} + words + {WITH_FACTS!r}, globals())
    place.children = [box, settings]
settings.observe(lambda change: make_anew(change.new), names="value")
make_anew("")
place
"""

# Which events the page's own listeners would find prevented.
WATCH = """(canvas) => {
  window.prevented = {};
  const note = (event) => setTimeout(() => (prevented[event.key ?? event.type] = event.defaultPrevented));
  for (const type of ["wheel", "keydown"]) document.addEventListener(type, note, true);
  canvas.focus();
}"""

# When moves of the mouse reach listeners that, as ipycanvas's own, come after ours.
TIMES = """(canvas) => {
  window.times = [];
  canvas.addEventListener("mousemove", () => times.push(performance.now()));
}"""


NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def lab(browser, server):
    with opened(browser, server, [ANEW], 800, f"{CANVAS}[data-zf-mended]") as page:
        yield page


@pytest.fixture
def open_canvas(open_notebook):
    """A canvas on a page of its own."""

    def open_(settings="", **options):
        page = open_notebook([PICTURES + settings, WITH_FACTS], **options)
        wait_until_drawn(page)
        return page

    return open_


@pytest.fixture
def new_canvas(lab):
    """A new canvas on the page that tests share."""

    def make(settings=""):
        lab.mouse.move(5, 5)
        name = f"canvas-{next(NUMBERS)}"
        lab.locator(".zf-settings input").fill(f"canvas.add_class('{name}'); {settings}")
        lab.keyboard.press("Enter")
        lab.wait_for_selector(f".{name}")
        wait_until_drawn(lab)
        return lab

    return make


def wait_until_drawn(page):
    page.wait_for_selector(f"{CANVAS}[data-zf-mended]")
    wait_until_shown(page, known_mask(page))


def wait_until_shown(page, hidden):
    """Wait until the canvas shows exactly this, and no outline."""
    picture, filling = np.random.default_rng(7).integers(0, 256, (2, *SHAPE, 3), np.uint8)
    wanted = np.where(hidden[..., np.newaxis], filling, picture)
    assert shows(page, np.dstack([wanted, np.full(SHAPE, 255)])), f"never showed {hidden.sum()} hidden pixels"


def shows(page, wanted):
    return eventually(page, lambda: np.array_equal(canvas_pixels(page, CANVAS)[..., : wanted.shape[2]], wanted))


def wait_for_known(page, words):
    page.wait_for_selector(f".zf-known:has-text('{words}')")


def known_mask(page):
    packed = bytes.fromhex(page.locator(".zf-known").get_attribute("data-mask"))
    return np.unpackbits(np.frombuffer(packed, np.uint8)).astype(bool).reshape(SHAPE)


def box_mask(*box):
    mask = np.zeros(SHAPE, bool)
    mask[slices(box)] = True
    return mask


def at(page, row, column):
    """A place of the picture on the page."""
    box = page.locator(CANVAS).bounding_box()
    return box["x"] + column * box["width"] / SHAPE[1], box["y"] + row * box["height"] / SHAPE[0]


def drag(page, *places):
    """With the mouse, from place to place, and then away."""
    page.mouse.move(*at(page, *places[0]))
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*at(page, *place), steps=3)
    page.mouse.up()
    page.mouse.move(*at(page, SHAPE[0] + 10, -10))
    wait_for_known(page, "square None")


def focused(page):
    return page.evaluate("document.activeElement.textContent || document.activeElement.tagName")


@pytest.mark.parametrize("tool", ["brush", "eraser"])
def test_a_brush_hides_and_an_eraser_shows_again(new_canvas, tool):
    start = f"canvas.put(np.full((60, 100), {tool == 'eraser'}))"
    page = new_canvas(f"canvas.tool, canvas.brush = '{tool}', 13; {start}")
    unoccluded = known_mask(page)
    drag(page, (20, 20), (30, 70), (50, 75))
    page.wait_for_selector(f".zf-known:not([data-mask='{np.packbits(unoccluded).tobytes().hex()}'])")
    changed = known_mask(page) ^ unoccluded
    # The mouse points at whole CSS pixels: at most a third of a pixel beside.
    thin, thick = (stroke(SHAPE, (20, 20), (30, 70), b) | stroke(SHAPE, (30, 70), (50, 75), b) for b in (12, 14))
    assert (thin <= changed).all()
    assert (changed <= thick).all()
    wait_until_shown(page, unoccluded ^ changed)
    page.keyboard.press("Control+z")
    wait_until_shown(page, unoccluded)


def test_a_rectangle_is_dragged_in_all_four_directions(new_canvas):
    page = new_canvas("canvas.tool = 'rectangle'")
    rows, columns = (12, 41), (17, 80)
    for down in (1, -1):
        for right in (1, -1):
            drag(page, (rows[::down][0], columns[::right][0]), (rows[::down][1], columns[::right][1]))
            wait_until_shown(page, box_mask(12, 17, 41, 80))
            page.keyboard.press("Backspace")
            wait_until_shown(page, box_mask(0, 0, 0, 0))


def test_a_rectangle_is_seen_while_it_is_dragged(new_canvas):
    page = new_canvas("canvas.tool = 'rectangle'")
    page.mouse.move(*at(page, 10, 10))
    page.mouse.down()
    page.mouse.move(*at(page, 40, 60), steps=3)
    filling, inside = np.random.default_rng(7).integers(0, 256, (2, *SHAPE, 3), np.uint8)[1], np.s_[11:39, 11:59]
    assert eventually(page, lambda: (canvas_pixels(page, CANVAS)[..., :3] == filling)[inside].all())
    shown = canvas_pixels(page, CANVAS)[..., :3]
    assert (shown[9, 9:61] == 0).all(), "the dark line lies outside"
    assert (shown[10, 10:60] == 255).all(), "the light line lies inside"
    screenshot(page, "canvas_rectangle")
    wait_for_known(page, "0 hidden")


def test_a_drag_goes_on_outside_and_ends_there(new_canvas):
    page = new_canvas("canvas.tool = 'rectangle'")
    drag(page, (30, 50), (-20, 130))
    wait_until_shown(page, box_mask(0, 50, 30, 100))
    drag(page, (45, 10), (70, 40), (50, 20))
    wait_until_shown(page, box_mask(0, 50, 30, 100) | box_mask(45, 10, 50, 20))


def test_the_square_follows_the_pointer_and_a_click_leaves_it_there(new_canvas):
    page = new_canvas()
    page.mouse.move(*at(page, 30.5, 50.5), steps=20)
    wait_for_known(page, "0 hidden, square (25, 42)")
    page.mouse.click(*at(page, 30.5, 50.5))
    wait_for_known(page, "187 hidden, square (25, 42)")
    page.mouse.move(*at(page, 1, 99))
    wait_for_known(page, "187 hidden, square (0, 83)")
    page.mouse.move(*at(page, -10, 50))
    wait_until_shown(page, box_mask(25, 42, 36, 59))
    page.mouse.click(*at(page, 5, 5), button="right")
    page.keyboard.press("Escape")  # the browser's menu
    page.mouse.move(*at(page, -10, 50))
    wait_until_shown(page, box_mask(25, 42, 36, 59))


def test_the_keyboard_alone_moves_hides_undoes_and_leaves(new_canvas):
    page = new_canvas()
    page.locator("button:has-text('before')").focus()
    page.keyboard.press("Tab")
    wait_for_known(page, "square (24, 42)")
    for key in ("ArrowRight", "ArrowRight", "ArrowUp", "Shift+ArrowLeft"):
        page.keyboard.press(key)
    wait_for_known(page, "square (19, 51)")
    screenshot(page, "canvas_keyboard")
    page.keyboard.press("Enter")
    wait_for_known(page, "187 hidden")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    wait_for_known(page, "272 hidden, square (24, 51)")
    page.keyboard.press("Delete")
    wait_for_known(page, "187 hidden")
    page.keyboard.press("Tab")
    assert focused(page) == "after"
    wait_until_shown(page, box_mask(19, 51, 30, 68))
    page.keyboard.press("Shift+Tab")
    wait_for_known(page, "square (24, 51)")
    page.keyboard.press("Shift+Tab")
    assert focused(page) == "before"
    page.keyboard.press("Tab")
    wait_for_known(page, "square (24, 51)")
    page.keyboard.press("Escape")
    wait_for_known(page, "square None")
    assert focused(page) != "CANVAS"


def test_it_says_what_it_is_and_where_the_square_is(new_canvas):
    page = new_canvas("canvas.description = 'A cat to hide parts of'")
    canvas = page.locator(CANVAS)
    expect(canvas).to_have_attribute("role", "application")
    expect(canvas).to_have_attribute("tabindex", "0")
    label = canvas.get_attribute("aria-label")
    assert label.startswith("A cat to hide parts of. Arrow keys move a square")
    canvas.focus()
    page.keyboard.press("ArrowLeft")
    page.wait_for_selector(".zf-canvas-spoken:text('square at row')", state="attached")


def test_wheel_and_other_keys_are_left_to_the_page(new_canvas):
    page = new_canvas()
    page.locator(CANVAS).evaluate(WATCH)
    page.mouse.move(*at(page, 30, 50))
    page.mouse.wheel(0, 10)
    for key in ("F2", "a", "ArrowLeft"):
        page.keyboard.press(key)
    page.wait_for_function("Object.keys(prevented).length === 4")
    assert page.evaluate("prevented") == {"wheel": False, "F2": False, "a": False, "ArrowLeft": True}


def test_moves_come_thirty_times_a_second_and_the_last_one_always(new_canvas):
    page = new_canvas()
    page.locator(CANVAS).evaluate(TIMES)
    page.mouse.move(*at(page, 30.5, 20.5))
    page.mouse.move(*at(page, 30.5, 79.5), steps=60)
    wait_for_known(page, "square (25, 71)")
    gaps = np.diff(page.evaluate("times"))
    assert gaps.mean() > 25  # a single one is shorter where the one before came late


def test_arrow_keys_in_notebook_7_move_the_square_and_not_the_notebook(open_canvas):
    page = open_canvas(app="notebook")
    page.mouse.click(*at(page, 30.5, 50.5))
    wait_for_known(page, "square (25, 42)")
    cells = page.locator(".jp-CodeCell").evaluate_all("cells => cells.map((cell) => cell.className)")
    for key in ("ArrowDown", "d", "d", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    wait_for_known(page, "square (35, 42)")
    assert page.locator(".jp-CodeCell").evaluate_all("cells => cells.map((cell) => cell.className)") == cells
    assert focused(page) == "CANVAS"


def test_a_reload_shows_the_same_and_goes_on(open_canvas, server):
    page = open_canvas("canvas.tool = 'rectangle'")
    drag(page, (10, 20), (40, 30))
    wait_until_shown(page, box_mask(10, 20, 40, 30))
    reload(page, server)
    page.wait_for_selector(f"{CANVAS}[data-zf-mended]")
    wait_until_shown(page, box_mask(10, 20, 40, 30))
    drag(page, (50, 50), (20, 90))
    wait_until_shown(page, box_mask(10, 20, 40, 30) | box_mask(20, 50, 50, 90))


def test_a_finger_taps_the_square_into_place_and_drags_it_about(new_canvas):
    page = new_canvas()
    touch = page.context.new_cdp_session(page)

    def fingers(kind, *places):
        points = [dict(zip("xy", at(page, *place), strict=True)) for place in places]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    fingers("touchStart", (30.5, 50.5))
    fingers("touchMove", (20.5, 30.5))
    wait_for_known(page, "square (15, 22)")
    fingers("touchEnd")
    page.wait_for_timeout(200)
    wait_for_known(page, "0 hidden, square (15, 22)")
    fingers("touchStart", (40.5, 60.5))
    fingers("touchEnd")
    wait_for_known(page, "187 hidden, square (35, 52)")


def test_two_views_of_one_canvas_show_the_same(open_notebook):
    page = open_notebook([PICTURES + "canvas.tool = 'rectangle'", "canvas", "canvas"])
    page.wait_for_function(f"document.querySelectorAll('{CANVAS}[data-zf-mended]').length === 2")
    first, second = (page.locator(CANVAS).nth(i) for i in (0, 1))
    blank = second.evaluate("canvas => canvas.toDataURL()")
    box = first.bounding_box()
    page.mouse.move(box["x"] + 60, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + 240, box["y"] + 120, steps=3)
    page.mouse.up()
    page.mouse.move(box["x"] + 400, box["y"] - 30)
    drawn = "([one, other, blank]) => one.toDataURL() === other.toDataURL() && one.toDataURL() !== blank"
    page.wait_for_function(drawn, arg=[first.element_handle(), second.element_handle(), blank])


def test_voila_shows_it_and_lets_draw(open_canvas):
    page = open_canvas("canvas.tool = 'rectangle'", app="voila")
    drag(page, (10, 20), (40, 30))
    wait_until_shown(page, box_mask(10, 20, 40, 30))


def test_a_larger_picture_takes_the_place_of_a_smaller_one(open_notebook):
    cells = [PICTURES, "canvas", "canvas.show(*np.full((2, 90, 70, 3), [[[[9, 8, 7]]], [[[1, 2, 3]]]], np.uint8))"]
    page = open_notebook([*cells, "canvas.put(np.arange(90)[:, None] + np.arange(70) < 40)"])
    page.wait_for_selector(f"{CANVAS}[data-zf-mended]")
    hidden = np.arange(90)[:, None] + np.arange(70) < 40
    assert shows(page, np.where(hidden[..., None], [1, 2, 3], [9, 8, 7]))


def test_the_dark_theme_reaches_the_place_kept_for_a_picture(open_notebook):
    page = open_notebook([PICTURES.replace("canvas.show", "# canvas.show"), "canvas"], theme="dark")
    page.wait_for_selector(f"{CANVAS}[data-zf-mended]")
    background = page.locator(CANVAS).evaluate("canvas => getComputedStyle(canvas).backgroundColor")
    red, green, blue = (int(part) for part in background[4:-1].split(","))
    assert max(red, green, blue) < 96
    screenshot(page, "canvas_dark")
