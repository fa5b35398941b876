"""The feature explorer in JupyterLab, on one page: what each control changes, and that the kernel stays free."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

import zfwidgets as zf

from .pages import (
    canvas_pixels,
    choose_image,
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

LAYER, FEATURE = ".zf-layer [role=slider]", ".zf-feature .noUi-handle"
PICTURES = ("photograph", "whole", "map", "patch", "projection")

# Beside the explorer, a line with what the kernel holds and, in the second cell, what it answers when it is asked.
EXPLORER = """
import time, ipywidgets, zfwidgets as zf
from telling import kernel, told

class Explorer(zf.FeatureExplorer):
    def compute(self, choice, task):
        if self.order == "index":
            time.sleep(0.1)  # as long as a large network takes
        return super().compute(choice, task)

explorer = Explorer(zf.load("squeezenet1_1"))
traits = ("image", "layer", "feature", "unit", "order", "place", "error", "busy")
@told
def tell(_):
    now = {name: getattr(explorer, name) for name in traits}
    now["shown"] = explorer.result and (explorer.result.layer, explorer.result.feature, explorer.result.unit)
    return now
explorer.observe(tell, names=[*traits, "result"])
tell()
ipywidgets.VBox([explorer, kernel])
"""
ASK = "explorer.feature"

# Real key events come from one place and wait for each other; these keep coming while the reader does something else.
KEYS = """([selector, key]) => {
  const handle = document.querySelector(selector);
  window.keys = 0;
  window.enough = false;
  const timer = setInterval(() => {
    if (window.enough) return clearInterval(timer);
    handle.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
    window.keys += 1;
  }, 25);
}"""


@pytest.fixture(scope="module")
def page(browser, server):
    with opened(browser, server, [EXPLORER, ASK], 1100) as page:
        yield page


def caption(page, picture):
    return page.locator(f".zf-{picture} .zf-picture-caption").inner_text()


def painted(page, picture):
    return int(page.locator(f".zf-{picture} canvas").get_attribute("data-painted"))


def wait_until_painted_again(page, picture, times):
    canvas = f".zf-{picture} canvas"
    page.wait_for_function(f"document.querySelector('{canvas}').dataset.painted > {times}")


def differences(page):
    """Where traits, controls, captions and the kernel's result do not say the same."""
    state = kernel(page)
    row, column = state["shown"][2]
    title = page.locator(".zf-layer .zf-strip-words b").inner_text()
    shown = f"unit {row}, {column} of {title} · sees "
    facts = {
        "busy": not state["busy"],
        "error": state["error"] == "" and page.locator(".zf-error").count() == 0,
        "result": state["shown"][:2] == [state["layer"], state["feature"]],
        "layer": page.locator(".zf-layer .zf-chosen").get_attribute("data-name") == state["layer"],
        "feature": page.locator(".zf-feature-number input").input_value() == str(state["feature"]),
        "photograph": caption(page, "photograph").startswith(shown),
        "map": caption(page, "map").startswith(f"feature {state['feature']} ·"),
        "image": page.locator(".zf-thumbnail[aria-checked=true]").get_attribute("data-name") == state["image"],
        "places": page.locator(".zf-feature-place").inner_text() == place_of(page),
    }
    return [name for name, agrees in facts.items() if not agrees]


def assert_shown_is_what_the_kernel_holds(page):
    """Soon, and from then on."""
    eventually(page, lambda: not differences(page))
    page.wait_for_timeout(100)
    found = differences(page)
    assert not found, f"{found} differ from {kernel(page)}"
    return kernel(page)


def place_of(page):
    """Where the slider stands, as the words beside it say."""
    slider = page.locator(FEATURE)
    now, last = (int(float(slider.get_attribute(name))) for name in ("aria-valuenow", "aria-valuemax"))
    return f"{now + 1} of {last + 1}"


def box_on(page, picture, mark):
    """The middle of an outline, as a share of the picture's width and height."""
    canvas, box = page.locator(f".zf-{picture} canvas").bounding_box(), page.locator(mark).bounding_box()
    middle = box["x"] + box["width"] / 2 - canvas["x"], box["y"] + box["height"] / 2 - canvas["y"]
    return middle[0] / canvas["width"], middle[1] / canvas["height"]


def click_at(page, picture, x, y):
    box = page.locator(f".zf-{picture} canvas").bounding_box()
    page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])


def png(pixels):
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "PNG")
    return data.getvalue()


def upload(page, name, content):
    with page.expect_file_chooser() as chooser:
        page.locator("button.zf-add-photo").click()
    chooser.value.set_files({"name": name, "mimeType": "image/png", "buffer": content})


def test_the_arrow_keys_on_the_layer_slider_change_the_pictures(page):
    before, times = assert_shown_is_what_the_kernel_holds(page), painted(page, "projection")
    page.locator(LAYER).focus()
    page.keyboard.press("ArrowRight")
    wait_until(page, lambda now: now["layer"] != before["layer"] and now["shown"][0] == now["layer"])
    after = assert_shown_is_what_the_kernel_holds(page)
    wait_until_painted_again(page, "projection", times)
    assert after["layer"] == "features.6.cat"
    assert caption(page, "photograph") == "unit 8, 10 of fire 4 · sees 47×47 pixels"
    screenshot(page, "explorer_layer", ".zf-panel")


def test_dragging_the_feature_slider_changes_the_pictures(page):
    before, times = assert_shown_is_what_the_kernel_holds(page), painted(page, "map")
    handle = page.locator(FEATURE).bounding_box()
    x, y = handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y, steps=6)
    page.mouse.up()
    wait_until(page, lambda now: now["feature"] != before["feature"])
    assert_shown_is_what_the_kernel_holds(page)
    wait_until_painted_again(page, "map", times)
    screenshot(page, "explorer_feature", ".zf-panel")


def test_a_click_on_the_map_chooses_that_unit_and_moves_the_box_on_the_photograph(page):
    click_at(page, "map", 0.2, 0.8)
    wait_until(page, lambda now: now["unit"] != "max" and now["shown"][2] == now["unit"])
    first = assert_shown_is_what_the_kernel_holds(page)
    assert box_on(page, "map", ".zf-map .zf-picture-cell") == pytest.approx((0.2, 0.8), abs=0.04)
    assert box_on(page, "photograph", ".zf-photograph .zf-picture-box") == pytest.approx((0.2, 0.8), abs=0.06)
    page.keyboard.press("ArrowUp")
    row, column = first["unit"]
    wait_until(page, lambda now: now["unit"] == now["shown"][2] == [row - 1, column])
    assert_shown_is_what_the_kernel_holds(page)
    screenshot(page, "explorer_unit", ".zf-panel")


def test_a_click_on_the_photograph_chooses_the_unit_that_sees_that_place(page):
    click_at(page, "photograph", 0.7, 0.4)
    wait_until(page, lambda now: now["shown"][2] == now["unit"] and now["unit"][0] < now["unit"][1])
    assert_shown_is_what_the_kernel_holds(page)
    assert box_on(page, "photograph", ".zf-photograph .zf-picture-box") == pytest.approx((0.7, 0.4), abs=0.04)
    assert box_on(page, "map", ".zf-map .zf-picture-cell") == pytest.approx((0.7, 0.4), abs=0.06)
    open_more(page)
    page.locator(".zf-places button", has_text="strongest unit").click()
    wait_until(page, lambda now: now["unit"] == "max")


def strongest(page):
    """Of the row of maps that respond most strongly: their numbers."""
    return [int(number) for number in page.locator(".zf-response-name").all_inner_texts()]


def expected_at(image, layer, box=None):
    return zf.responses(zf.load("squeezenet1_1"), zf.photograph(image), layer, box)


def test_a_click_on_the_eye_brings_the_maps_that_respond_there_and_the_next_click_one_of_them(page):
    before = assert_shown_is_what_the_kernel_holds(page)
    click_at(page, "photograph", 0.33, 0.4)
    state = wait_until(page, lambda now: now["place"] != before["place"] and not now["busy"])
    assert state["order"] == "here"
    there = expected_at(before["image"], before["layer"], state["place"])
    assert eventually(page, lambda: strongest(page) == there.top(8))
    assert page.locator(".zf-responding .zf-quarter-title").inner_text() == "Strongest here"
    page.locator(".zf-response").nth(2).click()
    wait_until(page, lambda now: now["feature"] == there.top(8)[2] == now["shown"][1])
    after = assert_shown_is_what_the_kernel_holds(page)
    assert after["shown"][2] == there.unit[after["feature"]].tolist()
    assert page.locator(".zf-feature-place").inner_text().startswith("3 of ")
    screenshot(page, "explorer_here", ".zf-panel")


def test_a_rectangle_asks_about_all_in_it(page):
    state = assert_shown_is_what_the_kernel_holds(page)
    box = page.locator(".zf-photograph canvas").bounding_box()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.6 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 0.8 * box["height"], steps=4)
    page.mouse.up()
    after = wait_until(page, lambda now: now["place"] != state["place"] and not now["busy"])
    assert np.array(after["place"]) / 227 == pytest.approx([0.6, 0.5, 0.8, 0.7], abs=0.01)
    there = expected_at(after["image"], after["layer"], after["place"])
    assert eventually(page, lambda: strongest(page) == there.top(8))
    assert page.locator(".zf-photograph .zf-picture-box").count() == 2


def test_the_keyboard_alone_finds_the_map_for_a_place(page):
    state = assert_shown_is_what_the_kernel_holds(page)
    page.locator(".zf-photograph .zf-picture-frame").focus()
    for key in ("Home", "ArrowUp", "ArrowUp", "ArrowRight", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    after = wait_until(page, lambda now: now["place"] != state["place"] and not now["busy"])
    there = expected_at(after["image"], after["layer"], after["place"])
    assert eventually(page, lambda: strongest(page) == there.top(8))
    page.locator(".zf-response[tabindex='0']").focus()
    page.keyboard.press("ArrowRight")
    chosen = page.evaluate("Number(document.activeElement.dataset.number)")
    wait_until(page, lambda now: now["feature"] == chosen == now["shown"][1])
    open_more(page)
    page.locator(".zf-order select").select_option("strongest first")
    page.locator(".zf-places button", has_text="strongest unit").click()
    wait_until(page, lambda now: now["unit"] == "max" and now["order"] == "strength")


def test_the_map_lies_over_the_photograph_on_demand(page):
    open_more(page)
    before = canvas_pixels(page, ".zf-photograph canvas")
    page.locator(".zf-over").click()
    assert eventually(page, lambda: (canvas_pixels(page, ".zf-photograph canvas") != before).mean() > 0.5)
    page.locator(".zf-over").click()
    assert eventually(page, lambda: (canvas_pixels(page, ".zf-photograph canvas") == before).all())


@pytest.mark.parametrize(("width", "height", "most"), [(1440, 900, 640), (1280, 720, 520)])
def test_what_changes_together_is_seen_together(page, width, height, most):
    assert_shown_is_what_the_kernel_holds(page)
    if page.locator(".zf-more button").get_attribute("aria-expanded") == "true":
        page.locator(".zf-more button").click()
    page.set_viewport_size({"width": width, "height": height})
    assert eventually(page, lambda: page.locator(".zf-panel").bounding_box()["height"] <= most)
    screenshot(page, f"explorer_{width}", ".zf-panel")
    page.set_viewport_size({"width": 1280, "height": 1100})


OUTSIDE = """(panel) => {
  const { left, right } = panel.getBoundingClientRect();
  const shown = [...panel.querySelectorAll("canvas, button, select, input, .noUi-handle, .zf-picture-caption")];
  return shown.filter((part) => part.offsetParent && !part.closest(".zf-thumbnails"))
    .map((part) => [part.className || part.tagName, part.getBoundingClientRect()])
    .filter(([, box]) => box.width && (box.left < left - 1 || box.right > right + 1)).map(([name]) => name);
}"""


@pytest.mark.parametrize("width", [640, 848, 992, 1200])
def test_at_each_width_frames_stand_side_by_side_and_nothing_sticks_out(page, width):
    panel = page.locator(".zf-panel").first
    panel.evaluate("(panel, width) => (panel.style.width = `${width}px`)", width)
    page.set_viewport_size({"width": 1600, "height": 1100})
    frames = [page.locator(f".zf-{name} canvas") for name in ("photograph", "whole")]
    first, second = (frame.bounding_box() for frame in frames)
    assert first["y"] == second["y"]
    assert first["width"] == pytest.approx(second["width"], abs=0.5)
    assert first["width"] >= 250
    assert panel.evaluate(OUTSIDE) == []
    screenshot(page, f"explorer_wide_{width}", ".zf-panel")
    panel.evaluate("panel => (panel.style.width = '')")
    page.set_viewport_size({"width": 1280, "height": 1100})


def test_an_uploaded_image_is_shown_and_a_broken_one_is_explained_beside_the_last_picture(page):
    pixels = np.zeros((90, 150, 3), np.uint8)
    pixels[:, 75:] = (250, 200, 40)
    upload(page, "halves <i>.png", png(pixels))
    wait_until(page, lambda now: now["image"] == "halves <i>.png" and not now["busy"])
    assert_shown_is_what_the_kernel_holds(page)
    shown = canvas_pixels(page, ".zf-photograph canvas")
    assert shown[5, 5].tolist() == [0, 0, 0, 255]
    assert shown[-5, -5].tolist() == [250, 200, 40, 255]
    for _ in range(2):  # the same mistake twice is said twice
        upload(page, "broken.png", png(pixels)[:60])
        page.wait_for_selector(".zf-error:has-text('broken.png: the image is damaged')")
        assert (canvas_pixels(page, ".zf-photograph canvas") == shown).all()
        assert kernel(page)["image"] == "halves <i>.png"
        screenshot(page, "explorer_broken", ".zf-panel")
        page.locator(FEATURE).focus()
        page.keyboard.press("ArrowRight")
        page.wait_for_selector(".zf-error", state="detached")
    choose_image(page, "coffee")
    wait_until(page, lambda now: now["image"] == "coffee" and not now["busy"])
    assert_shown_is_what_the_kernel_holds(page)


def test_a_burst_of_keys_leaves_the_kernel_free_and_ends_on_the_last(page):
    page.locator(".zf-order select").select_option("by number")
    page.locator(".zf-feature-number input").fill("0")
    page.keyboard.press("Enter")
    wait_until(page, lambda now: now["feature"] == 0 and now["order"] == "index")
    assert_shown_is_what_the_kernel_holds(page)
    prompt = page.locator(".jp-CodeCell").nth(1).locator(".jp-InputPrompt")
    number, times = prompt.inner_text(), painted(page, "projection")
    page.locator(".jp-CodeCell").nth(1).locator(".cm-content").click()
    page.evaluate(KEYS, [FEATURE, "ArrowRight"])
    page.wait_for_function("window.keys >= 20")
    page.keyboard.press("Control+Enter")
    page.wait_for_function(
        "number => { const now = document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')[1].textContent;"
        " return /[0-9]/.test(now) && now !== number; }",
        arg=number,
    )
    page.wait_for_function("window.keys >= 60")  # the cell was answered while they came
    page.evaluate("window.enough = true")
    last = min(page.evaluate("window.keys"), int(page.locator(".zf-feature-number input").get_attribute("max")))
    wait_until(page, lambda now: now["feature"] == last and now["shown"][1] == last)
    assert_shown_is_what_the_kernel_holds(page)
    assert painted(page, "projection") - times < last / 2, "what had been passed by was painted, too"
    fail_on_errors(page)


def test_a_reload_with_a_living_kernel_shows_the_same_pictures(page, server):
    before = [canvas_pixels(page, f".zf-{picture} canvas") for picture in PICTURES]
    state = kernel(page)
    reload(page, server)
    for picture, pixels in zip(PICTURES, before, strict=True):
        page.wait_for_selector(f".zf-{picture} canvas[data-painted]")
        assert (canvas_pixels(page, f".zf-{picture} canvas") == pixels).all()
    assert kernel(page) == state
    page.locator(FEATURE).focus()
    page.keyboard.press("ArrowLeft")
    wait_until(page, lambda now: now["shown"][1] == state["feature"] - 1)
    assert_shown_is_what_the_kernel_holds(page)
    screenshot(page, "explorer_reloaded", ".zf-panel")
