"""The transfer lab in JupyterLab: lines and rows fill in, a layer is chosen, and it is taught two things."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from .pages import canvas_pixels, eventually, opened, screenshot, wait_until
from .test_layout import OVER

pytestmark = pytest.mark.browser

ROWS = ".zf-transfer-table tbody tr"
START = """
import ipywidgets, torch, zfwidgets as zf
torch.set_num_threads(1)
net = zf.load("zfnet_shapes")
data = {{"forms": zf.Shapes(60, 32, forms=("disc", "star", "bar")), "textures": zf.data_set("textures", 12)}}
"""
LAB = """
from telling import kernel, told
lab = zf.TransferLab(net, data, per_class=(1, 5), folds=3)
names = ("view", "data", "layer", "count", "beside", "classifier", "version", "error", "busy")
@told
def tell(change):
    now = {name: getattr(lab, name) for name in names}
    now["complete"] = getattr(getattr(lab.result, "found", None), "complete", None)
    now["taught"] = repr(getattr(lab.result, "taught", None))
    now["counts"] = [len(one.images) for one in (*lab.lesson.examples, lab.lesson.question.asked)]
    return now
lab.observe(tell, names=list(names) + ["result"])
tell()
ipywidgets.VBox([lab, kernel])
"""


@pytest.fixture(scope="module")
def page(browser, server):
    with opened(browser, server, [START.replace("{{", "{").replace("}}", "}"), LAB], 900) as page:
        yield page


def at_rest(now):
    return not now["busy"]


def show(page, view):
    page.locator(f".zf-view button:has-text('{view}')").click()
    wanted = {"Layers": "layers", "Teach it": "teach"}[view]
    return wait_until(page, lambda now: now["view"] == wanted and at_rest(now))


def test_every_layer_has_a_row_a_line_and_the_chosen_one_is_marked(page):
    show(page, "Layers")
    wait_until(page, lambda now: now["complete"])
    expect(page.locator(ROWS)).to_have_count(7)
    expect(page.locator(f"{ROWS}[aria-current]")).to_contain_text("fc 7")
    assert page.locator(".zf-transfer-curves path.line").count() >= 7


def test_a_layer_and_a_number_of_images_are_chosen(page):
    show(page, "Layers")
    page.locator(".zf-layer select").select_option("conv 2")
    expect(page.locator(f"{ROWS}[aria-current]")).to_contain_text("conv 2")
    page.locator(".zf-count button:text-is('1')").click()
    wait_until(page, lambda now: now["count"] == "1" and at_rest(now))
    expect(page.locator(".zf-transfer-confused")).to_contain_text("conv 2, 1 image a class")
    first = ".zf-transfer-pairs canvas >> nth=0"
    assert eventually(page, lambda: len(np.unique(canvas_pixels(page, first).reshape(-1, 4), axis=0)) > 20)
    screenshot(page, "transfer", ".zf-panel")


def test_other_images_and_new_weights(page):
    show(page, "Layers")
    page.locator(".zf-data button:has-text('textures')").click()
    wait_until(page, lambda now: now["data"] == "textures" and now["complete"] and at_rest(now))
    page.locator(".zf-beside button:has-text('new weights')").click()
    wait_until(page, lambda now: now["beside"] == "new" and at_rest(now))
    expect(page.locator(".zf-transfer-table thead")).to_contain_text("new weights")
    expect(page.locator(ROWS).first).not_to_contain_text("…")


def test_a_picture_of_ones_own_is_asked_about(page, tmp_path):
    show(page, "Layers")
    Image.fromarray(np.full((40, 40, 3), 200, np.uint8)).save(tmp_path / "mine.png")
    page.locator(".zf-transfer-below input[type=file]").set_input_files(tmp_path / "mine.png")
    expect(page.locator(".zf-transfer-below .zf-bar-name")).to_have_count(3)
    page.locator(".zf-transfer-below .zf-example").click()
    expect(page.locator(".zf-transfer-below .zf-bar-name")).to_have_count(0)


def test_it_is_taught_by_files_and_asked(page, tmp_path):
    show(page, "Teach it")
    rng = np.random.default_rng(0)
    for place, colour in enumerate([(200, 40, 40), (40, 40, 200)]):
        files = []
        for number in range(3):
            noise = rng.integers(0, 40, (60, 80, 3)) + np.array(colour)
            files.append(tmp_path / f"{place}-{number}.png")
            Image.fromarray(noise.astype(np.uint8)).save(files[-1])
        page.locator(f".zf-lesson-thing >> nth={place} >> input[type=file]").set_input_files(files)
        wait_until(page, lambda now, place=place: now["counts"][place] == 3)
    name = page.locator(".zf-lesson-thing input[type=text]").first
    name.fill("red <b>")
    name.press("Enter")
    wait_until(page, lambda now: "3 of red <b>" in now["taught"])
    page.locator(".zf-lesson .zf-lesson-question input[type=file]").set_input_files(tmp_path / "0-1.png")
    expect(page.locator(".zf-lesson .zf-lesson-answer .zf-bar-name").first).to_have_text("red <b>")
    expect(page.locator(".zf-lesson .zf-example")).to_have_count(7)
    screenshot(page, "transfer-taught", ".zf-panel")
    page.locator(".zf-lesson .zf-example").first.click()
    wait_until(page, lambda now: now["counts"] == [2, 3, 1] and "2 of red" in now["taught"])


def test_what_is_no_picture_is_told(page, tmp_path):
    show(page, "Teach it")
    (tmp_path / "letter.png").write_bytes(b"no picture")
    page.locator(".zf-lesson-thing >> nth=0 >> input[type=file]").set_input_files(tmp_path / "letter.png")
    wait_until(page, lambda now: "letter.png" in now["error"])
    expect(page.locator(".zf-status")).to_contain_text("letter.png")


def test_the_camera_takes_pictures_and_is_let_go_of(page):
    show_teaching = page.locator(".zf-view button:has-text('Teach it')")
    show_teaching.click()
    before = wait_until(page, lambda now: now["view"] == "teach" and not now["busy"])["counts"]
    examples = page.locator(".zf-lesson .zf-examples").nth(1)
    examples.locator("button[aria-label^='Take pictures']").click()
    take = examples.locator(".zf-camera-take")
    expect(take).to_be_visible()
    assert eventually(page, lambda: examples.locator("video").evaluate("(video) => video.videoWidth > 0"))
    take.click()
    wait_until(page, lambda now: now["counts"][1] == before[1] + 1)
    tracks = "(video) => video.srcObject.getTracks().map((track) => track.readyState)"
    stream = examples.locator("video").evaluate_handle("(video) => video.srcObject")
    assert examples.locator("video").evaluate(tracks) == ["live"]
    examples.locator("button[aria-label^='Take pictures']").click()
    expect(take).to_be_hidden()
    assert stream.evaluate("(stream) => stream.getTracks().map((track) => track.readyState)") == ["ended"]


@pytest.mark.parametrize("width", [640, 848, 992, 1200])
@pytest.mark.parametrize("view", ["Layers", "Teach it"])
def test_nothing_sticks_out(page, view, width):
    page.locator(f".zf-view button:has-text('{view}')").click()
    wait_until(page, lambda now: now["view"] == {"Layers": "layers", "Teach it": "teach"}[view] and not now["busy"])
    panel = page.locator(".zf-panel").first
    panel.evaluate("(panel, width) => (panel.style.width = `${width}px`)", width)
    assert eventually(page, lambda: panel.evaluate(OVER) == []), panel.evaluate(OVER)


@pytest.mark.parametrize(("window", "most"), [((1440, 900), 640), ((1280, 720), 520)])
def test_it_is_seen_on_one_screen(page, window, most):
    show(page, "Layers")
    panel = page.locator(".zf-panel").first
    panel.evaluate("(panel) => (panel.style.width = '')")
    page.set_viewport_size({"width": window[0], "height": window[1]})
    assert eventually(page, lambda: panel.bounding_box()["height"] <= most), panel.bounding_box()
