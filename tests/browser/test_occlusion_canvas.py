"""The occlusion canvas in real notebooks: what a hand hides, what the network then says, and the square that sweeps."""

from __future__ import annotations

import itertools
import re
from contextlib import ExitStack
from functools import cache

import numpy as np
import pytest
from playwright.sync_api import expect

import zfwidgets as zf
from zfwidgets.drawing import format_number, heat, label_picture, signed_picture
from zfwidgets.experiments.occlusion import hide, make_baseline, occlusion_sweep, strongest_map
from zfwidgets.experiments.occlusion.occluder import with_hidden
from zfwidgets.widgets.canvas import slices
from zfwidgets.widgets.canvas.strokes import stroke
from zfwidgets.widgets.occlusion_canvas.sweep_view import over_photograph
from zfwidgets.widgets.occlusion_canvas.view import summary_html

from .pages import (
    READY,
    canvas_pixels,
    contrast,
    eventually,
    fail_on_errors,
    kernel,
    opened,
    reload,
    screenshot,
    wait_until,
)

pytestmark = pytest.mark.browser

CANVAS, NOTE = ".zf-canvas canvas", ".zf-job-note"
MAPS = ("activity", "probability", "label")
SHAPE, LARGE_SHAPE = (36, 54), (227, 227)
SIDE, STRIDE = 8, 4

# Run by the kernel and by the tests: what is shown is compared with what is computed here.
NETWORK = f"""
import torch, zfwidgets as zf
from torch import nn
torch.manual_seed(10)
parts = [nn.Conv2d(3, 16, 5, stride=2), nn.ReLU(), nn.Conv2d(16, 6, 3, stride=2, padding=1), nn.ReLU()]
net = nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 4)).eval()
settings = {{"size": {SHAPE}, "labels": ["ant", "bee", "cat", "dog"], "device": "cpu", "name": "small"}}
images = {{"flower": zf.photograph("flower")[100:200, 200:350]}}
pixels = zf.Network(net, **settings).prepare(images["flower"])[1]
with torch.no_grad():  # a network that is quick to change its mind
    net[-1].weight *= 300
    net[-1].bias += torch.tensor([0, 0, 0.5, 0]) - net(pixels[None])[0]
network = zf.Network(net, **settings)
"""
SMALL = f"panel = zf.OcclusionCanvas(network, images, size={SIDE}, stride={STRIDE}, layer='3')\n"
LARGE = """
import time, ipywidgets, zfwidgets as zf
from zfwidgets.widgets.occlusion_canvas import sweeper

whole, hold = sweeper.occlusion_sweep, ipywidgets.ToggleButton(description="hold sweeps").add_class("zf-hold")
def held(*args, task, **settings):
    while hold.value and not task.stopped:
        time.sleep(0.01)
    yield from whole(*args, task=task, **settings)
sweeper.occlusion_sweep = held
display(hold)
panel = zf.OcclusionCanvas(zf.load("squeezenet1_1"), image="cat", stride=12)
"""

# Beside the panel, a line with what the kernel holds.
WITH_KERNEL = """
import ipywidgets, numpy as np
from telling import kernel, told
@told
def tell(_):
    mask, swept = panel.canvas.mask, panel.swept
    now = {name: getattr(panel, name) for name in ("size", "stride", "target", "feature", "busy", "error")}
    now |= {"hidden": int(mask.sum()), "square": panel.canvas.square, "sweeping": panel.sweeper.job.running}
    now |= {"places": swept and swept.computed.size, "computed": swept and int(swept.computed.sum())}
    return now
panel.observe(tell, names=["size", "stride", "target", "feature", "busy", "error", "swept"])
panel.canvas.observe(tell, names=["mask", "square"])
panel.sweeper.job.observe(tell, names="running")
tell()
ipywidgets.VBox([panel, kernel])
"""

# From the top: the names, and how long the bars are, as a share of what there is for them.
BARS = """(rows) => {
  const all = [...rows.querySelectorAll(".zf-class-row")];
  const long = (row, kind) => {
    const [bar, track] = [row.querySelector(`.zf-class-${kind}`), row.querySelector(".zf-class-track")];
    return bar.getBoundingClientRect().width / track.getBoundingClientRect().width;
  };
  const names = all.map((row) => row.querySelector(".zf-class-name").textContent.replace("★", "").trim());
  return [names, all.map((row) => long(row, "now")), all.map((row) => long(row, "whole"))];
}"""
WATCH_WORDS = """(words) => {
  window.said = [];
  const note = () => said.at(-1) !== words.innerText && said.push(words.innerText);
  new MutationObserver(note).observe(words, { subtree: true, childList: true, characterData: true });
}"""
WATCH_MAP = """(canvas) => {
  window.painted = [];
  const keep = () => {
    const copy = document.createElement("canvas");
    [copy.width, copy.height] = [canvas.width, canvas.height];
    copy.getContext("2d").drawImage(canvas, 0, 0);
    copy.className = `copy-${painted.push(copy) - 1}`;
    copy.hidden = true;
    document.body.append(copy);
  };
  new MutationObserver(keep).observe(canvas, { attributeFilter: ["data-painted"] });
}"""


@pytest.fixture(scope="module")
def open_panel(browser, server):
    with ExitStack() as pages:

        def open_(cells):
            page = pages.enter_context(opened(browser, server, cells, 1500))
            page.wait_for_selector(f"{CANVAS}[data-zf-mended]")
            return page

        yield open_


@pytest.fixture(scope="module")
def small_page(open_panel):
    return open_panel([NETWORK + SMALL + WITH_KERNEL])


@pytest.fixture
def page(small_page):
    """The small network's panel with nothing hidden."""
    use(small_page, "square")
    show_tab(small_page, "By hand")
    small_page.locator(".zf-clear").click()
    leave(small_page)
    wait_until(small_page, lambda now: now["hidden"] == 0 and now["square"] is None and not now["busy"])
    return small_page


@pytest.fixture(scope="module")
def large_page(open_panel):
    return open_panel([LARGE + WITH_KERNEL])


@cache
def features():
    facts = {}
    exec(NETWORK, facts)
    return zf.ImageFeatures(facts["network"], facts["images"]["flower"])


@cache
def swept(stride=STRIDE):
    return zf.occlusion(features().net, features(), size=SIDE, stride=stride, layer="3")


def use(page, tool):
    page.locator(".zf-tool button", has_text=tool).click()


def at(page, row, column, shape=SHAPE):
    """A place of the photograph on the page."""
    box = page.locator(CANVAS).bounding_box()
    return box["x"] + column * box["width"] / shape[1], box["y"] + row * box["height"] / shape[0]


def leave(page):
    page.mouse.move(5, 300)


def drag(page, *places):
    """With the mouse, from place to place, and then away."""
    page.mouse.move(*at(page, *places[0]))
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*at(page, *place), steps=3)
    page.mouse.up()
    leave(page)


def box_mask(*box):
    mask = np.zeros(SHAPE, bool)
    mask[slices(box)] = True
    return mask


def hidden(page):
    """Which pixels of the canvas are the filling's colour, once no outline is drawn over them any more."""
    baseline = make_baseline(features().net, features().input)
    whole, covered = (with_hidden(features(), np.full(SHAPE, all_), baseline).picture for all_ in (False, True))

    def mask():
        pixels = canvas_pixels(page, CANVAS)[..., :3]
        mask = (pixels == covered).all(2)
        return [mask] if (pixels == np.where(mask[..., None], covered, whole)).all() else None

    (shown,) = eventually(page, mask)
    return shown


def answer(mask):
    return with_hidden(features(), mask, make_baseline(features().net, features().input)) if mask.any() else features()


def close(pixels, expected):
    return pixels.shape[:2] == expected.shape[:2] and np.abs(pixels[..., :3].astype(int) - expected).max() <= 2


def differences(page, mask):
    """What on the page does not belong to what this hides."""
    net, after, number = features().net, answer(mask), strongest_map(features(), "3")
    words = summary_html(hide(net, features(), mask, layer="3", feature=number))
    names, now, then = page.locator(".zf-class-rows").evaluate(BARS)
    known = [net.labels.index(name) for name in names]
    maps = [one.maps("3")[number] for one in (features(), after)]
    low, high = min(float(maps[0].min()), 0.0), max(float(values.max()) for values in maps)
    projections = [one.project("3", number, "all").pixels for one in (features(), after)]
    end = max(np.percentile(np.abs(pixels), 99) for pixels in projections)
    selectors = (f".zf-occlusion-{part} canvas >> nth=1" for part in ("maps", "projections"))
    after_map, projection = (canvas_pixels(page, selector) for selector in selectors)
    facts = {
        "words": shown_words(page) == re.sub("<[^>]+>", "", words.replace("<br>", "\n")),
        "order": sorted(known) == [0, 1, 2, 3] and then == sorted(then, reverse=True),
        "bars now": len(now) == 4 and np.allclose(now, after.prediction.probability[0, known], atol=0.002),
        "bars before": len(then) == 4 and np.allclose(then, features().prediction.probability[0, known], atol=0.002),
        "map": close(after_map, heat(maps[1], low, high)),
        "sum": f"sum {format_number(float(maps[1].sum()))}" in page.locator(".zf-occlusion-maps").inner_text(),
        "projection": close(projection, signed_picture(projections[1], end)),
    }
    return [name for name, agrees in facts.items() if not agrees]


def shown_words(page):
    return page.locator(".zf-occlusion-words .widget-html-content").inner_text()


def assert_the_answer_belongs_to(page, mask):
    """Soon, and from then on."""
    show_tab(page, "By hand")
    eventually(page, lambda: not differences(page, mask))
    page.wait_for_timeout(100)
    found = differences(page, mask)
    assert not found, f"{found} differ: {shown_words(page)}, {page.locator('.zf-class-rows').evaluate(BARS)}"


def assert_shown(page, mask):
    """On the canvas, and in the answer."""
    eventually(page, lambda: (hidden(page) == mask).all())
    np.testing.assert_array_equal(hidden(page), mask)
    assert_the_answer_belongs_to(page, mask)


def show_tab(page, name):
    tab = page.locator(".zf-occlusion-tabs [role=tab]", has_text=name)
    if tab.get_attribute("aria-selected") != "true":
        tab.click()


def sweep(page):
    """Let the square sweep to the end."""
    show_tab(page, "Sweep")
    page.locator(".zf-job button", has_text="Sweep").click()
    page.wait_for_selector(f"{NOTE}:has-text(' places in ')")


def cancel(page):
    page.locator(".zf-job-running button").click()
    page.wait_for_selector(f"{NOTE}:has-text('Cancelled.')")


def painted_maps(page):
    return [canvas_pixels(page, f".zf-sweep-{name} canvas") for name in MAPS]


def colours_of(found):
    return heat(found.activity), heat(found.probability, 0, 1), label_picture(found.label)[0]


def assert_maps_are(page, found):
    expected = [over_photograph(found, colours) for colours in colours_of(found)]
    assert eventually(page, lambda: all(map(close, painted_maps(page), expected)))


def cell(page, name, row, column):
    """The middle of a place on a map of the sweep, scrolled into view."""
    show_tab(page, "Sweep")
    canvas = page.locator(f".zf-sweep-{name} canvas")
    canvas.scroll_into_view_if_needed()
    box, (rows, columns) = canvas.bounding_box(), swept().label.shape
    return box["x"] + (column + 0.5) * box["width"] / columns, box["y"] + (row + 0.5) * box["height"] / rows


def swept_box(row, column):
    return box_mask(STRIDE * row, STRIDE * column, STRIDE * row + SIDE, STRIDE * column + SIDE)


def click_and_wait_for_the_answer(page, row, column):
    """Click, and wait until other words stand there."""
    before = shown_words(page)
    page.mouse.click(*at(page, row, column, LARGE_SHAPE))
    page.wait_for_function(
        "before => document.querySelector('.zf-occlusion-words .widget-html-content').innerText !== before", arg=before
    )


def tab_to(page, selector):
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"Tab does not lead to {selector}")


def test_a_brush_hides_an_eraser_shows_undo_and_clear_take_back(page):
    assert_shown(page, box_mask(0, 0, 0, 0))
    use(page, "brush")
    drag(page, (10, 8), (20, 30))
    wait_until(page, lambda now: now["hidden"] > 0)
    brushed = hidden(page)
    # The mouse points at whole CSS pixels: a ninth of a pixel beside.
    thin, thick = (stroke(SHAPE, (10, 8), (20, 30), brush) for brush in (23.5, 24.5))
    assert (thin <= brushed).all()
    assert (brushed <= thick).all()
    assert_shown(page, brushed)
    screenshot(page, "occlusion_brush", ".zf-panel")
    use(page, "eraser")
    drag(page, (5, 2), (6, 20))
    wait_until(page, lambda now: now["hidden"] < brushed.sum())
    erased = hidden(page)
    assert (erased <= brushed).all()
    assert_shown(page, erased)
    page.locator(".zf-undo").click()
    assert_shown(page, brushed)
    page.locator(".zf-clear").click()
    assert_shown(page, box_mask(0, 0, 0, 0))
    page.locator(".zf-undo").click()
    assert_shown(page, brushed)


def test_a_rectangle_hides_what_it_is_dragged_over(page):
    use(page, "rectangle")
    drag(page, (30.25, 45.25), (6.25, 20.25))
    wait_until(page, lambda now: now["hidden"] > 0)
    assert_shown(page, box_mask(6, 20, 30, 45))


def test_the_answer_follows_the_square_under_the_pointer_and_a_click_leaves_it(page):
    for row, column in ((15.25, 20.25), (20.25, 31.25)):
        page.mouse.move(*at(page, row, column), steps=5)
        top, left = int(row) - SIDE // 2, int(column) - SIDE // 2
        wait_until(page, lambda now, place=[top, left]: now["square"] == place)
        assert_the_answer_belongs_to(page, box_mask(top, left, top + SIDE, left + SIDE))
        assert (canvas_pixels(page, CANVAS)[top + 1 : top + SIDE - 1, left + 1 : left + SIDE - 1, :3] == 128).all()
    assert kernel(page)["hidden"] == 0
    page.mouse.down()
    page.mouse.up()
    leave(page)
    wait_until(page, lambda now: now["square"] is None)
    assert_shown(page, box_mask(16, 27, 24, 35))


def test_the_answer_is_to_be_seen_while_the_square_moves_without_rest(large_page):
    large_page.locator(".zf-occlusion-words").evaluate(WATCH_WORDS)
    x, y = at(large_page, 100, 50, LARGE_SHAPE)
    for moves in itertools.count(1):  # until it is seen; a panel that waits for rest would never answer
        large_page.mouse.move(x + moves % 200, y)
        if large_page.evaluate("said.length") >= 3:
            break
    large_page.mouse.move(*at(large_page, 112.4, 60.4, LARGE_SHAPE))
    wait_until(large_page, lambda now: now["square"] == [96, 44] and not now["busy"])
    cat = zf.ImageFeatures(zf.load("squeezenet1_1"), zf.photograph("cat"))
    mask = np.zeros(LARGE_SHAPE, bool)
    mask[96:128, 44:76] = True
    label, probability = with_hidden(cat, mask, make_baseline(cat.net, cat.input)).prediction.top(1)[0]
    large_page.wait_for_selector(f".zf-occlusion-words:has-text('{label} ({probability:.2f})')")
    leave(large_page)
    large_page.wait_for_selector(".zf-occlusion-words:has-text('Nothing is hidden')")


def test_a_sweep_says_how_far_it_is_and_its_maps_become_finer(large_page):
    net = zf.load("squeezenet1_1")
    expect(large_page.locator(NOTE)).to_have_text("", use_inner_text=True)
    show_tab(large_page, "Sweep")
    large_page.locator(".zf-sweep-probability canvas").evaluate(WATCH_MAP)
    large_page.locator(".zf-job button", has_text="Sweep").click()
    large_page.wait_for_selector(f"{NOTE}:has-text(' of 324 places · ')")
    assert large_page.locator(".zf-job-running").is_visible()
    screenshot(large_page, "occlusion_sweeping", ".zf-panel")
    large_page.wait_for_selector(f"{NOTE}:has-text('324 places in ')")
    count = large_page.evaluate("painted.length")
    assert count >= 3
    settings = {"layer": net.last_spatial_layer.name, "size": 32, "stride": 12}
    first, *_, last = occlusion_sweep(net, zf.photograph("cat"), **settings)
    for number, found in ((0, first), (count - 1, last)):
        expected = over_photograph(found, heat(found.probability, 0, 1))
        assert close(canvas_pixels(large_page, f".copy-{number}"), expected)
    assert_maps_are(large_page, last)
    screenshot(large_page, "occlusion_swept", ".zf-panel")


def test_who_cancels_before_the_first_map_is_left_in_peace(large_page):
    state = wait_until(large_page, lambda now: now["computed"] == now["places"] == 324)
    show_tab(large_page, "Sweep")
    sweep_button = large_page.locator(".zf-job button", has_text="Sweep")
    large_page.locator("button.zf-hold").click()
    sweep_button.click()
    wait_until(large_page, lambda now: now["sweeping"])
    cancel(large_page)
    large_page.locator(".zf-stride .noUi-handle").focus()
    large_page.keyboard.press("ArrowRight")
    none = {"places": None, "computed": None}  # the last one was of another stride, and no other has begun
    assert (
        wait_until(large_page, lambda now: now["stride"] == 13 and not now["places"]) == state | {"stride": 13} | none
    )
    expect(sweep_button).to_be_visible()
    large_page.locator("button.zf-hold").click()


def test_in_mid_sweep_a_gesture_is_answered_and_cancel_keeps_what_is_there(large_page):
    large_page.locator(".zf-stride .noUi-handle").focus()
    for _ in range(kernel(large_page)["stride"] - 4):
        large_page.keyboard.press("ArrowLeft")
    wait_until(large_page, lambda now: now["stride"] == 4)
    large_page.locator(".zf-job button", has_text="Sweep").click()
    large_page.wait_for_selector(f"{NOTE}:has-text(' of 2,500 places')")
    wait_until(large_page, lambda now: now["places"] == 2500)
    click_and_wait_for_the_answer(large_page, 60, 60)
    assert kernel(large_page)["sweeping"], "the sweep was over before the gesture was answered"
    cancel(large_page)
    state, maps = kernel(large_page), painted_maps(large_page)
    assert 0 < state["computed"] < state["places"] == 2500
    click_and_wait_for_the_answer(large_page, 150, 150)
    wait_until(large_page, lambda now: now["hidden"] == 2 * 32 * 32 and not now["busy"])
    assert all(map(np.array_equal, painted_maps(large_page), maps))
    fail_on_errors(large_page)


def test_the_swept_maps_are_those_of_zf_occlusion(page):
    sweep(page)
    assert_maps_are(page, swept())
    legend = page.locator(".zf-sweep-label-legend").inner_text()
    assert all(features().net.labels[number] in legend for number in np.unique(swept().label))
    expect(page.locator(NOTE)).to_contain_text(f"{swept().label.size} places in ", use_inner_text=True)


def test_pointing_at_a_map_shows_what_was_hidden_there_and_a_click_takes_it_over(page):
    sweep(page)
    for name, place in (("probability", (2, 3)), ("label", (4, 9))):
        page.mouse.move(*cell(page, name, *place))
        label, confidence = swept().labels[swept().label[place]], swept().confidence[place]
        page.wait_for_selector(f".zf-sweep-hidden-legend:has-text('{label} {confidence:.2f}')")
        expected = swept().hidden(*place)
        assert eventually(page, lambda: close(canvas_pixels(page, ".zf-sweep-hidden canvas"), expected))  # noqa: B023
    assert kernel(page)["hidden"] == 0
    page.mouse.click(*cell(page, "activity", 5, 2))
    wait_until(page, lambda now: now["hidden"] == SIDE**2)
    assert_shown(page, swept_box(5, 2))
    after = answer(swept_box(5, 2)).prediction.probability[0, swept().targets[0]]
    assert after == pytest.approx(swept().probability[5, 2], abs=1e-4)


def test_another_stride_after_a_sweep_sweeps_anew(page):
    sweep(page)
    page.locator(".zf-stride .noUi-handle").focus()
    for key, stride in (("ArrowRight", STRIDE + 1), ("ArrowLeft", STRIDE)):
        page.keyboard.press(key)
        count = swept(stride).label.size
        page.wait_for_selector(f"{NOTE}:has-text('{count} places in ')")
        assert_maps_are(page, swept(stride))


def test_the_keyboard_alone_moves_the_square_hides_and_leaves(page):
    page.locator(".zf-clear").focus()
    tab_to(page, ".zf-canvas canvas")
    top, left = wait_until(page, lambda now: now["square"] is not None)["square"]
    for key in ("ArrowRight", "ArrowRight", "ArrowUp", "Shift+ArrowDown"):
        page.keyboard.press(key)
    top, left = top - 3, left + 8
    wait_until(page, lambda now: now["square"] == [top, left])
    square = box_mask(top, left, top + SIDE, left + SIDE)
    assert_the_answer_belongs_to(page, square)
    page.keyboard.press("Enter")
    wait_until(page, lambda now: now["hidden"] == SIDE**2)
    page.keyboard.press("Escape")
    wait_until(page, lambda now: now["square"] is None)
    assert_shown(page, square)
    page.locator(CANVAS).focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") != "CANVAS"
    wait_until(page, lambda now: now["square"] is None)


def test_by_keyboard_a_place_is_chosen_on_a_map_and_taken_over(page):
    sweep(page)
    page.locator(".zf-stride .noUi-handle").focus()
    tab_to(page, ".zf-sweep-activity .zf-picture-frame")
    for key in ("ArrowUp", "Home", "ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
    row = swept().label.shape[0] // 2 + 1
    page.wait_for_selector(".zf-sweep-activity .zf-picture-cell")
    label, confidence = swept().labels[swept().label[row, 1]], swept().confidence[row, 1]
    page.wait_for_selector(f".zf-sweep-hidden-legend:has-text('{label} {confidence:.2f}')")
    page.keyboard.press("Enter")
    wait_until(page, lambda now: now["hidden"] == SIDE**2)
    assert_shown(page, swept_box(row, 1))


def test_an_unknown_target_class_is_explained_and_nothing_is_lost(page):
    page.mouse.click(*at(page, 15.25, 20.25))
    leave(page)
    sweep(page)
    mask = box_mask(11, 16, 19, 24)
    assert_shown(page, mask)
    target = page.locator(".zf-target input")
    target.fill("bea")
    target.press("Enter")
    page.wait_for_selector(".zf-error:has-text('near it: bee')")
    assert_shown(page, mask)
    assert_maps_are(page, swept())
    screenshot(page, "occlusion_error", ".zf-panel")
    target.fill("bee")
    target.press("Enter")
    page.wait_for_selector(".zf-error", state="detached")
    starred = page.locator(".zf-class-row:has-text('★')")
    expect(starred).to_contain_text("bee")
    now = answer(mask).prediction.probability[0, 1]
    assert shown_words(page).count(f"★ bee: {features().prediction.probability[0, 1]:.2f} → {now:.2f}.") == 1
    page.wait_for_selector(".zf-sweep-probability-legend:has-text('★ bee')", state="attached")
    target.fill("")
    target.press("Enter")
    wait_until(page, lambda now: now["target"] == "" and not now["busy"] and not now["sweeping"])
    assert_shown(page, mask)


def test_a_reload_with_a_living_kernel_shows_the_same_and_goes_on(page, server):
    use(page, "rectangle")
    drag(page, (6.25, 20.25), (30.25, 45.25))
    wait_until(page, lambda now: now["hidden"] > 0)
    mask = box_mask(6, 20, 30, 45)
    sweep(page)
    assert_shown(page, mask)
    reload(page, server)
    page.wait_for_selector(f"{CANVAS}[data-zf-mended]")
    page.wait_for_selector(".zf-sweep-label canvas[data-painted]", state="attached")
    assert_shown(page, mask)
    assert_maps_are(page, swept())
    expect(page.locator(NOTE)).to_contain_text("places in", use_inner_text=True)
    drag(page, (2.25, 2.25), (10.25, 10.25))
    wait_until(page, lambda now: now["hidden"] > mask.sum())
    assert_shown(page, mask | box_mask(2, 2, 10, 10))
    fail_on_errors(page)


def test_in_the_dark_and_on_a_narrow_page_words_are_readable(open_notebook):
    page = open_notebook([NETWORK + SMALL + "panel.canvas.tool = 'rectangle'\npanel"], theme="dark")
    page.wait_for_selector(READY)
    page.set_viewport_size({"width": 1280, "height": 1500})
    drag(page, (6.25, 20.25), (30.25, 45.25))
    page.wait_for_selector(".zf-occlusion-words:has-text('is hidden')")
    sweep(page)
    shown = {
        "words": ".zf-occlusion-words .widget-html-content",
        "answer": ".zf-occlusion-words b",
        "key": ".zf-class-keys .widget-html-content",
        "tool": ".zf-tool button",
        "target": ".zf-target input",
        "title": ".zf-sweep .zf-quarter-title .widget-html-content",
        "tab": ".zf-occlusion-tabs [role=tab][aria-selected=false]",
        "legend": ".zf-sweep-label-legend .widget-html-content",
        "note": f"{NOTE} .widget-html-content",
    }
    contrasts = {name: contrast(page, selector) for name, selector in shown.items()}
    assert min(contrasts.values()) >= 4.5, contrasts
    screenshot(page, "occlusion_dark", ".zf-panel")
    page.set_viewport_size({"width": 700, "height": 2600})
    card = page.locator(".zf-occlusion")
    fits = "card => card.scrollWidth <= card.clientWidth"
    assert eventually(page, lambda: card.evaluate(fits)), "something is cut off"
    screenshot(page, "occlusion_dark_narrow", ".zf-panel")


# Whose right edge lies beyond the card's, or what stands in them beyond their own.
TOO_WIDE = """(card) => {
  const edge = card.getBoundingClientRect().right;
  const beyond = (part) => part.checkVisibility() && part.getBoundingClientRect().right > edge + 0.5;
  const cut = (part) => getComputedStyle(part).overflowX !== "visible" && part.scrollWidth > part.clientWidth + 1;
  const names = [".zf-class-name", ".zf-job-note *", ".zf-picture-spoken", ".zf-canvas-spoken"].join(",");
  const parts = [...card.querySelectorAll("*")].filter((part) => !part.matches(names));
  return [card, ...parts].filter((part) => beyond(part) || cut(part)).map((part) => part.outerHTML.slice(0, 120));
}"""
BOXES = """(card, selector) => [...card.querySelectorAll(selector)].map((part) => {
  const { x, y, width, height } = part.getBoundingClientRect();
  return [x, y, width, height].map(Math.round);
})"""


@pytest.fixture
def wide_page(open_notebook):
    cell = NETWORK + SMALL + "import ipywidgets\nipywidgets.VBox([panel]).add_class('zf-around')"
    page = open_notebook([cell])
    page.set_viewport_size({"width": 1500, "height": 1200})
    page.wait_for_selector(READY)
    sweep(page)
    return page


@pytest.mark.parametrize(("width", "height"), [(1200, 640), (992, 520), (848, None), (640, None)])
def test_at_every_width_nothing_is_cut_off_and_rows_are_even(wide_page, width, height):
    page = wide_page
    page.locator(".zf-around").evaluate("(box, width) => { box.style.width = `${width}px` }", width)
    card = page.locator(".zf-panel")
    assert eventually(page, lambda: card.bounding_box()["width"] == width)
    for tab, pictures in (("Sweep", ".zf-sweep-maps"), ("By hand", ".zf-occlusion-inside")):
        show_tab(page, tab)
        page.wait_for_selector(pictures)
        assert eventually(page, lambda: not card.evaluate(TOO_WIDE), 5), card.evaluate(TOO_WIDE)
        boxes = card.evaluate(BOXES, f"{pictures} .zf-picture-frame")
        assert len({size for _, _, size, _ in boxes}) == 1
        rows = [[box for box in boxes if box[1] == top] for top in sorted({box[1] for box in boxes})]
        assert len({len(row) for row in rows}) == 1, boxes
        screenshot(page, f"occlusion_{width}_{tab.split()[0].lower()}", ".zf-panel")
        assert height is None or card.bounding_box()["height"] <= height


def test_tabs_are_chosen_by_keyboard(page):
    show_tab(page, "By hand")
    page.locator(".zf-clear").focus()
    tab_to(page, ".zf-occlusion-tabs [role=tab][aria-selected=true]")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_selector(".zf-sweep-controls")
    expect(page.locator(".zf-occlusion-tabs [role=tab]", has_text="Sweep")).to_have_attribute("aria-selected", "true")
    expect(page.locator(".zf-occlusion-words")).to_be_hidden()


@pytest.mark.parametrize("app", ["voila", "notebook"])
def test_in_other_applications_it_is_drawn_on_and_swept(open_notebook, app):
    page = open_notebook([NETWORK + SMALL + "panel"], app=app)
    page.set_viewport_size({"width": 1280, "height": 1500})
    page.wait_for_selector(READY)
    page.wait_for_selector(f"{CANVAS}[data-zf-mended]")
    use(page, "rectangle")
    drag(page, (6.25, 20.25), (30.25, 45.25))
    page.wait_for_selector(".zf-occlusion-words:has-text('is hidden')")
    assert_shown(page, box_mask(6, 20, 30, 45))
    sweep(page)
    assert_maps_are(page, swept())
