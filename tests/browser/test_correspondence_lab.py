"""The correspondence lab in real notebooks: parts marked by mouse and keyboard, kept as JSON, compared with chance."""

import json
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from .pages import (
    READY,
    canvas_pixels,
    contrast,
    eventually,
    fail_on_errors,
    kernel,
    open_more,
    opened,
    reload,
    screenshot,
    wait_until,
)

pytestmark = pytest.mark.browser

SHAPE = (40, 50)
NAMES = ("one", "two", "three")
SMALL = """
import json, ipywidgets, numpy as np, torch, zfwidgets as zf
from telling import kernel, told
torch.manual_seed(0)
module = torch.nn.Sequential(
    torch.nn.Conv2d(3, 6, 5), torch.nn.ReLU(), torch.nn.Conv2d(6, 8, 3, stride=2), torch.nn.ReLU(),
    torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(8, 3),
)
network = zf.Network(module.eval(), size=(40, 50), labels=["a", "b", "c"], name="small")
pixels = np.random.default_rng(0).integers(0, 256, (3, 40, 50, 3), np.uint8)
panel = zf.CorrespondenceLab(network, dict(zip(("one", "two", "three"), pixels)))
@told
def tell(_):
    result = panel.result
    return {
        "part": panel.part, "error": panel.error, "busy": panel.busy, "saved": json.loads(panel.save())["parts"],
        "parts": [] if result is None else list(result.parts),
    }
panel.observe(tell, names=["part", "error", "busy", "result", "_marked"])
tell()
ipywidgets.VBox([panel, kernel])
"""
FACES = "import zfwidgets as zf\nzf.CorrespondenceLab(zf.load('squeezenet1_1'))"


@pytest.fixture(scope="module")
def opened_page(browser, server):
    with opened(browser, server, [SMALL], 1300) as page:
        page.wait_for_function(f"document.querySelectorAll('[data-zf-mended]').length === {len(NAMES)}")
        open_more(page)
        yield page


@pytest.fixture
def page(opened_page):
    """One part, marked nowhere."""
    empty = json.dumps({"format": "zfwidgets parts", "size": SHAPE, "parts": {"part 1": {}}})
    upload(opened_page, empty)
    use(opened_page, "rectangle")
    wait_until(opened_page, lambda now: now["saved"] == {"part 1": {}} and now["error"] == "" and not now["busy"])
    opened_page.wait_for_selector(".zf-status[data-state='ready']")  # an error's lines in the head move the pictures
    return opened_page


def upload(page, text):
    file = {"name": "parts.json", "mimeType": "application/json", "buffer": text.encode()}
    with page.expect_file_chooser() as chooser:
        page.locator("button.zf-load-marks").click()
    chooser.value.set_files(file)


def use(page, tool):
    page.locator(".zf-tool button", has_text=tool).click()


def press(page, name):
    page.locator(f"button.zf-{name}").click()


def canvas(index):
    return f".zf-part-picture:nth-of-type({index + 1}) .zf-canvas canvas"


def drag(page, index, start, end):
    page.locator(canvas(index)).scroll_into_view_if_needed()
    box = page.locator(canvas(index)).bounding_box()

    def at(place):
        return box["x"] + place[1] * box["width"] / SHAPE[1], box["y"] + place[0] * box["height"] / SHAPE[0]

    page.mouse.move(*at(start))
    page.mouse.down()
    page.mouse.move(*at(end), steps=3)
    page.mouse.up()
    page.mouse.move(5, 5)


def mark_everywhere(page):
    for index in range(len(NAMES)):
        drag(page, index, (5.1, 10.1), (15.1, 30.1))
    page.wait_for_selector(".zf-correspondence-table tr:has-text('3 of 3')")
    return wait_until(page, lambda now: now["parts"] == [now["part"]] and not now["busy"])


def test_a_part_is_marked_by_the_mouse_and_compared_from_the_second_picture_on(page):
    expect(page.locator(".zf-correspondence-words")).to_contain_text(
        "not marked in one, two, three", use_inner_text=True
    )
    drag(page, 0, (5.1, 10.1), (15.1, 30.1))
    state = wait_until(page, lambda now: len(now["saved"]["part 1"]) == 1 and not now["busy"])
    assert state["saved"] == {"part 1": {"one": [5, 10, 15, 30]}}
    assert state["parts"] == []
    page.wait_for_selector(".zf-part-picture:has-text('one · marked')")
    page.wait_for_selector(".zf-correspondence-words:has-text('not marked in two, three')")
    drag(page, 1, (5.1, 10.1), (15.1, 30.1))
    wait_until(page, lambda now: now["parts"] == ["part 1"])
    page.wait_for_selector(".zf-correspondence-words:has-text('rests on 2 of 3 pictures')")
    drag(page, 2, (20.1, 10.1), (30.1, 30.1))
    page.wait_for_selector(".zf-correspondence-table tr:has-text('part 1'):has-text('3 of 3')")
    expect(page.locator(".zf-delta-bar")).to_have_count(2)  # the part's and chance's
    grey = canvas_pixels(page, canvas(2))[22:28, 12:28, :3]
    assert (np.abs(grey.astype(int) - 128) <= 1).all(), "what is marked is shown hidden"
    press(page, "undo")
    wait_until(page, lambda now: list(now["saved"]["part 1"]) == ["one", "two"] and not now["busy"])
    page.wait_for_selector(".zf-correspondence-words:has-text('not marked in three')")


def test_a_part_is_marked_by_the_keyboard_alone(page):
    page.locator("button.zf-clear").focus()
    for index in range(len(NAMES)):
        for _ in range(20):
            page.keyboard.press("Tab")
            if page.evaluate("selector => document.activeElement === document.querySelector(selector)", canvas(index)):
                break
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
        wait_until(page, lambda now, count=index + 1: len(now["saved"]["part 1"]) == count)
    state = wait_until(page, lambda now: now["parts"] == ["part 1"] and not now["busy"])
    (box,) = {tuple(box) for box in state["saved"]["part 1"].values()}
    assert (box[2] - box[0], box[3] - box[1]) == (8, 8)
    page.keyboard.press("Escape")


def test_parts_are_added_renamed_and_removed(page):
    mark_everywhere(page)
    name = page.locator(".zf-part-name input")
    name.fill("<b>nose</b>")
    press(page, "add")
    wait_until(page, lambda now: now["part"] == "<b>nose</b>")
    page.wait_for_selector(".zf-part-picture:has-text('one · not marked')")
    name.fill("part 1")
    press(page, "rename")
    page.wait_for_selector(".zf-error:has-text(\"there is a part 'part 1' already\")")
    name.fill("mouth")
    press(page, "rename")
    wait_until(page, lambda now: list(now["saved"]) == ["part 1", "mouth"] and now["error"] == "")
    press(page, "remove")
    wait_until(page, lambda now: list(now["saved"]) == ["part 1"] and now["part"] == "part 1")
    press(page, "remove")
    page.wait_for_selector(".zf-error:has-text('this is the only part')")
    page.wait_for_selector(".zf-part-picture:has-text('one · marked')")


def test_another_part_moves_no_control_and_no_picture(page):
    places = """() => [...document.querySelectorAll(".zf-controls button:not(.zf-part button), .zf-controls select,"
      + ".zf-part-picture")].map((one) => [one.offsetTop, one.offsetLeft, one.getBoundingClientRect().width])"""
    before = page.evaluate(places)
    for number in range(12):
        page.locator(".zf-part-name input").fill(f"a part with a long name {number}")
        press(page, "add")
        wait_until(page, lambda now, count=number + 2: len(now["saved"]) == count)
    expect(page.locator(".zf-part button")).to_have_count(13)
    assert page.evaluate(places) == before


def test_a_picture_is_left_out_and_taken_in_again_by_keyboard(page):
    state = mark_everywhere(page)
    switch = page.locator("button.zf-leave-out").nth(1)
    switch.focus()
    page.keyboard.press("Space")
    page.wait_for_selector(".zf-correspondence-table tr:has-text('2 of 2')")
    expect(page.locator(".zf-left-out")).to_have_count(1)
    assert kernel(page)["saved"] == state["saved"]
    page.keyboard.press("Space")
    page.wait_for_selector(".zf-correspondence-table tr:has-text('3 of 3')")
    expect(page.locator(".zf-left-out")).to_have_count(0)


def test_marks_are_saved_and_loaded_and_a_bad_file_loses_nothing(page):
    state = mark_everywhere(page)
    with page.expect_download() as download:
        page.locator("a.zf-save").click()
    assert download.value.suggested_filename == "parts.json"
    saved = download.value.path().read_text()
    press(page, "clear")
    wait_until(page, lambda now: now["saved"] == {"part 1": {}})
    upload(page, saved)
    again = wait_until(page, lambda now: now["parts"] == ["part 1"] and not now["busy"])
    assert again["saved"] == state["saved"]
    for bad, words in (
        ("{", "not JSON"), ("[1]", "no parts that were saved here"),
        (saved.replace("40", "41", 1), "41×50"), (saved.replace('"one"', '"four"'), "an image 'four'"),
        (saved.replace("[5, 10", "[5, -10"), "does not lie in a picture"),
    ):  # fmt: skip
        upload(page, bad)
        page.wait_for_selector(f'.zf-error:has-text("{words}")')
        assert kernel(page)["saved"] == state["saved"]


def test_a_reload_with_a_living_kernel_shows_the_same(page, server):
    state = mark_everywhere(page)
    before, table = canvas_pixels(page, canvas(1)), page.locator(".zf-correspondence-table").inner_text()
    reload(page, server)
    page.wait_for_function(f"document.querySelectorAll('[data-zf-mended]').length === {len(NAMES)}")
    open_more(page)
    assert eventually(page, lambda: np.array_equal(canvas_pixels(page, canvas(1)), before))
    expect(page.locator(".zf-correspondence-table")).to_have_text(table, use_inner_text=True)
    assert kernel(page) == state
    drag(page, 1, (22.1, 10.1), (30.1, 30.1))
    wait_until(page, lambda now: now["saved"] != state["saved"])
    fail_on_errors(page)


def test_a_photograph_of_ones_own_joins_the_pictures(open_notebook):
    page = open_notebook([SMALL])
    page.wait_for_selector(READY)
    open_more(page)
    pixels = BytesIO()
    Image.fromarray(np.full((60, 60, 3), (200, 30, 30), np.uint8)).save(pixels, "PNG")
    with page.expect_file_chooser() as chooser:
        page.locator("button.zf-add-photos").click()
    chooser.value.set_files({"name": "<b>mine.png", "mimeType": "image/png", "buffer": pixels.getvalue()})
    page.wait_for_selector(".zf-part-picture:has-text('<b>mine.png · not marked')")
    page.wait_for_function("document.querySelectorAll('[data-zf-mended]').length === 4")
    assert eventually(page, lambda: (canvas_pixels(page, canvas(3))[5, 5, :3] == (200, 30, 30)).all())
    page.locator(canvas(3)).scroll_into_view_if_needed()
    drag(page, 3, (5.1, 10.1), (15.1, 30.1))
    wait_until(page, lambda now: now["saved"]["part 1"] == {"<b>mine.png": [5, 10, 15, 30]})


@pytest.mark.parametrize(("app", "theme"), [("lab", "light"), ("voila", "dark")])
def test_it_opens_with_faces_and_what_the_network_makes_of_them(open_notebook, app, theme):
    page = open_notebook([FACES], app=app, theme=theme)
    page.set_viewport_size({"width": 1280, "height": 1400})
    page.wait_for_selector(READY)
    page.wait_for_function("document.querySelectorAll('[data-zf-mended]').length === 6")
    rows = page.locator(".zf-delta-part").all_inner_texts()
    assert rows == ["eye on the left", "eye on the right", "nose", "mouth", "random"]
    expect(page.locator(".zf-correspondence-table")).to_contain_text("0.067 ± 0.007", use_inner_text=True)
    open_more(page)
    for selector in (
        ".zf-correspondence-table td",
        ".zf-delta-count",
        ".zf-part-picture .widget-html-content",
        ".zf-save",
    ):
        assert contrast(page, selector) >= 4.5, selector
    screenshot(page, f"correspondence_{app}_{theme}", ".zf-panel")
