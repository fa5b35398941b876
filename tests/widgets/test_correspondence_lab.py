"""Parts that are marked, named, kept as JSON and compared; what is wrong is said in words, and nothing is lost."""

import base64
import json
import re
from datetime import UTC, datetime
from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import zfwidgets as zf
from zfwidgets.experiments.correspondence import RANDOM
from zfwidgets.widgets.canvas import DrawingCanvas
from zfwidgets.widgets.correspondence_lab.part_marks import PartMarks
from zfwidgets.widgets.correspondence_lab.table import round_numbers, table
from zfwidgets.widgets.correspondence_lab.view import summary_html

SHAPE = (24, 31)
NAMES = ("a", "b", "c")
BOXES = [(2, 3, 11, 14), (4, 5, 12, 20), (0, 0, 9, 9)]


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(2)
    module = nn.Sequential(
        nn.Conv2d(3, 6, 5), nn.ReLU(), nn.Conv2d(6, 8, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(8, 3),
    )  # fmt: skip
    return zf.Network(module.eval(), size=SHAPE, labels=["x", "y", "z"], name="small")


@pytest.fixture(scope="module")
def pictures():
    random = np.random.default_rng(0)
    return {name: random.integers(0, 256, (*SHAPE, 3), dtype=np.uint8) for name in NAMES}


@pytest.fixture
def lab(net, pictures):
    return zf.CorrespondenceLab(net, pictures)


def marked(*parts):
    marks = PartMarks(NAMES, SHAPE)
    for part in parts:
        marks.add(part)
    return marks


def blob(*pixels):
    mask = np.zeros(SHAPE, bool)
    for row, column in pixels:
        mask[row, column] = True
    return mask


def test_the_result_is_that_of_the_function(net, pictures, lab):
    for name, box in zip(NAMES, BOXES, strict=True):
        lab.mark(name, box)
    expected = zf.correspondence(net, pictures, {"part 1": BOXES}, lab.layers, draws=19)
    for key in expected.chance:
        np.testing.assert_array_equal(lab.result.differences[key], expected.differences[key])
        np.testing.assert_array_equal(lab.result.chance[key], expected.chance[key])
    assert (np.array(lab.parts["part 1"]) == expected.masks["part 1"]).all()


def test_two_pictures_are_enough_for_a_result_and_each_more_joins_it(net, pictures, lab):
    lab.mark("a", BOXES[0])
    assert lab.result is None
    assert "is not marked in b, c. It takes two pictures" in lab.view.words.value
    lab.mark("c", BOXES[2])
    two = zf.correspondence(net, {name: pictures[name] for name in "ac"}, {"part 1": BOXES[::2]}, lab.layers, draws=19)
    for key in two.chance:
        np.testing.assert_array_equal(lab.result.differences[key], two.differences[key])
        np.testing.assert_array_equal(lab.result.chance[key], two.chance[key])
    assert "<i>part 1</i> rests on 2 of 3 pictures: it is not marked in b." in lab.view.words.value
    assert ">2 of 3</div>" in lab.view.table.value
    lab.mark("b", BOXES[1])
    assert lab.result.images_with("part 1") == NAMES
    assert ">3 of 3</div>" in lab.view.table.value


def test_a_picture_that_is_left_out_keeps_its_marks(net, pictures):
    lab = zf.CorrespondenceLab(net, pictures, {"nose": BOXES, "ear": [(12, 12, 20, 20)] * 3})
    whole, kept = lab.result, lab.save()
    lab.pictures.switches["b"].value = True
    assert lab.left_out == ("b",)
    two = zf.correspondence(net, {name: pictures[name] for name in "ac"}, {"nose": BOXES[::2]}, lab.layers, draws=19)
    np.testing.assert_array_equal(lab.result.chance["nose/3"], two.chance["nose/3"])
    assert lab.result.names == ("a", "c")
    assert "zf-left-out" in lab.pictures._columns["b"]._dom_classes
    assert lab.save() == kept
    lab.left_out = ()
    assert lab.pictures.switches["b"].value is False
    np.testing.assert_array_equal(lab.result.chance["nose/3"], whole.chance["nose/3"])
    with pytest.raises(ValueError, match="there is no image 'z'; there are a, b, c"):
        lab.left_out = ["z"]


def test_chips_choose_layers_and_fill(net, pictures):
    lab = zf.CorrespondenceLab(net, pictures, {"nose": BOXES})
    for words, settings in lab.tries().items():
        lab.try_out(words)
        assert {name: getattr(lab, name) for name in settings} == settings
        assert lab.error == ""
    assert lab.result.layers == lab.layers == ("1", "3")
    lab.left_out = ("b",)
    lab.reset()
    assert (lab.left_out, lab.fill, lab.layers) == ((), "grey", ("3",))


def test_a_photograph_of_ones_own_is_one_more_picture(net, pictures):
    lab = zf.CorrespondenceLab(net, pictures, {"nose": BOXES})
    before = lab.result
    content = BytesIO()
    Image.fromarray(pictures["a"]).save(content, "PNG")
    file = {
        "name": "mine.png",
        "type": "",
        "size": 1,
        "content": content.getvalue(),
        "last_modified": datetime.now(UTC),
    }
    for name in ("mine.png", "mine.png (again)"):
        lab.photographs.upload.value = [file]
        assert lab.marks.images[-1] == name
        assert not lab.photographs.upload.value
    np.testing.assert_array_equal(lab.result.chance["nose/3"], before.chance["nose/3"])
    words = "<i>nose</i> rests on 3 of 5 pictures: it is not marked in mine.png, mine.png (again)."
    assert words in lab.view.words.value
    lab.tool = "brush"
    assert lab.pictures.canvases["mine.png"].tool == "brush"
    lab.mark("mine.png", BOXES[1])
    assert lab.result.images_with("nose") == (*NAMES, "mine.png")
    lab.photographs.upload.value = [file | {"name": "text.txt", "content": b"no image"}]
    assert lab.error
    assert "text.txt" not in lab.marks.images
    for number in range(7):
        lab.add_image(str(number), pictures["a"])
    with pytest.raises(ValueError, match="between up to 12 images"):
        lab.add_image("thirteenth", pictures["a"])


def test_the_code_says_what_is_not_marked(net, pictures):
    lab = zf.CorrespondenceLab(net, pictures, {"nose": [BOXES[0], None, BOXES[2]]})
    assert f"parts = {{'nose': [[{BOXES[0]}], None, [{BOXES[2]}]]}}" in lab.code()


def test_layers_may_be_asked_for_by_their_titles(net, pictures):
    lab = zf.CorrespondenceLab(net, pictures, layers=("conv 1", "average pool"))
    assert lab.layers == ("1", "4")
    lab.layers = ["conv 2"]
    assert lab.layers == ("3",)


def test_parts_given_are_marked_and_only_what_changed_is_computed_anew(net, pictures, monkeypatch):
    from zfwidgets.widgets.correspondence_lab import widget as module

    asked = []
    whole = module.correspondence
    monkeypatch.setattr(module, "correspondence", lambda *a, **k: asked.append([*a[2]]) or whole(*a, **k))
    parts = {"nose": BOXES, "ear": [(12, 12, 20, 20)] * 3}
    lab = zf.CorrespondenceLab(net, pictures, parts)
    assert asked == [["nose"], ["ear"]]
    assert lab.result.parts == ("nose", "ear")
    both = zf.correspondence(net, pictures, parts, lab.layers, draws=19)
    np.testing.assert_array_equal(both.chance["ear/3"], lab.result.chance["ear/3"])
    lab.part = "ear"
    lab.mark("b", (0, 0, 5, 5))
    assert asked[2:] == [["ear"]]
    lab.rename("tail")
    assert lab.result.parts == ("nose", "tail")
    lab.remove()
    assert lab.result.parts == ("nose",)
    assert lab.part == "nose"


def test_every_canvas_shows_the_part_that_is_chosen_with_nothing_to_undo(net, pictures):
    lab = zf.CorrespondenceLab(net, pictures, {"nose": BOXES, "ear": [(12, 12, 20, 20)] * 3})
    for part in ("ear", "nose"):
        lab.part = part
        for index, canvas in enumerate(lab.pictures.canvases.values()):
            np.testing.assert_array_equal(canvas.mask, lab.parts[part][index])
            assert not canvas.can_undo
    lab.fill = "black"
    assert lab.result.baseline.max() == 0
    np.testing.assert_array_equal(lab.pictures.canvases["a"].mask, lab.parts["nose"][0])


def test_what_is_missing_is_said(lab):
    assert "<i>part 1</i> is not marked in a, b, c." in lab.view.words.value
    lab.mark("b", BOXES[0])
    assert "<i>part 1</i> is not marked in a, c." in lab.view.words.value
    assert "<b>not marked</b>" in lab.pictures.captions["a"].value
    assert "<b>" not in lab.pictures.captions["b"].value


@pytest.mark.parametrize("name", ["", "   ", "part 1", " part  1 ", RANDOM, "x" * 31])
def test_a_bad_name_is_refused(lab, name):
    with pytest.raises(ValueError, match=r"a name of 1 to 30|already|compared with"):
        lab.add(name)
    assert lab.marks.parts == ("part 1",)


def test_what_a_new_part_misses_is_said_at_once(lab):
    lab.add("ear")
    assert "<i>ear</i> is not marked in a, b, c" in lab.view.words.value


def test_undo_takes_gestures_back_one_by_one_and_clear_is_one_of_them(lab):
    for name, box in zip(NAMES, BOXES, strict=True):
        lab.mark(name, box)
    lab.mark("a", BOXES[1])
    states = [lab.save()]
    lab.pictures.clear()
    assert json.loads(lab.save())["parts"] == {"part 1": {}}
    lab.pictures.undo()
    assert lab.save() == states[0]
    for expected in ([2, 3, 11, 14], [2, 3, 11, 14], [2, 3, 11, 14], None):
        lab.pictures.undo()
        assert json.loads(lab.save())["parts"]["part 1"].get("a") == expected
    lab.pictures.undo()
    assert json.loads(lab.save())["parts"] == {"part 1": {}}


def test_another_part_does_not_send_the_pictures_again(lab, monkeypatch):
    monkeypatch.setattr(DrawingCanvas, "show", lambda *_: pytest.fail("sent again"))
    lab.add("ear")
    lab.part = "part 1"


def test_an_unknown_image_is_refused(lab):
    with pytest.raises(ValueError, match="there is no image 'z'; there are a, b, c"):
        lab.mark("z", BOXES[0])


def test_the_same_file_can_be_loaded_twice(net, pictures):
    lab = zf.CorrespondenceLab(net, pictures)
    upload = lab.marks_file.upload
    text = json.dumps({"format": "zfwidgets parts", "size": SHAPE, "parts": {"other": {}}}).encode()
    for _ in range(2):
        lab.add("more")
        upload.value = [{"name": "x", "type": "", "size": 1, "content": text, "last_modified": datetime.now(UTC)}]
        assert lab.marks.parts == ("other",)


def test_the_only_part_stays(lab):
    with pytest.raises(ValueError, match="only part"):
        lab.remove()


def test_json_keeps_rectangles_runs_and_order(lab):
    lab.mark("a", BOXES[0])
    lab.add("odd")
    lab.mark("c", blob((1, 1), (1, 2), (1, 5), (3, 0)))
    kept = lab.save()
    assert json.loads(kept)["parts"] == {
        "part 1": {"a": [2, 3, 11, 14]},
        "odd": {"c": {"runs": [[1, 1, 3], [1, 5, 6], [3, 0, 1]]}},
    }
    lab.load(json.dumps({"format": "zfwidgets parts", "size": SHAPE, "parts": {"other": {}}}))
    assert lab.marks.parts == ("other",)
    lab.load(kept.encode())
    assert lab.save() == kept
    link = re.search(r"base64,([^']+)'", lab.marks_file.link.value)[1]
    assert base64.b64decode(link).decode() == kept


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text[:-1], "not JSON: line 1"),
        (lambda text: b"\xff\xfe{", "not JSON"),
        (lambda text: "[" * 100_000, "nested too deep"),
        (lambda text: "[]", "no parts that were saved here"),
        (lambda text: text.replace("zfwidgets parts", "other"), "no parts that were saved here"),
        (lambda text: text.replace("[24, 31]", "[20, 31]"), "20×31 pixels; these have 24×31"),
        (lambda text: text.replace('"a"', '"stranger"'), "on an image 'stranger', which is not here"),
        (lambda text: text.replace("[2, 3, 11, 14]", "[2, 3, 11, 99]"), "does not lie in a picture"),
        (lambda text: text.replace("[2, 3, 11, 14]", "[2, 3, 11, 1e999]"), "does not lie in a picture"),
        (lambda text: text.replace("[2, 3, 11, 14]", "[2, [3], 11]"), "neither a rectangle"),
        (lambda text: text.replace("[2, 3, 11, 14]", "true"), "neither a rectangle"),
        (lambda text: text.replace("[2, 3, 11, 14]", '{"runs": [[1, 5, 3]]}'), "does not lie in a picture"),
        (lambda text: text.replace("[2, 3, 11, 14]", '{"runs": [[1, 5.5, 7]]}'), "has runs that are not"),
        (lambda text: text.replace('{"a": [2, 3, 11, 14]}', "3"), "no marks by the names of images"),
        (lambda text: text.replace('"part 1": {"a": [2, 3, 11, 14]}', ""), "holds no part"),
        (lambda text: " " * 4_000_001, "it has 4,000,001 bytes, and at most 4,000,000 are read"),
    ],
)
def test_a_file_that_does_not_fit_is_explained_and_nothing_is_lost(lab, change, words):
    lab.mark("a", BOXES[0])
    kept = lab.save()
    with pytest.raises(ValueError, match=re.escape(words)):
        lab.load(change(kept))
    assert lab.save() == kept


def test_polygons_in_a_file_are_understood():
    text = json.dumps(
        {"format": "zfwidgets parts", "size": SHAPE, "parts": {"p": {"a": [[2, 2], [2, 10], [10, 10], [10, 2]]}}}
    )
    read = marked().from_json(text)
    assert read.mask("p", "a").sum() == 64


@pytest.mark.parametrize("images", [1, 13])
def test_too_few_or_too_many_images_are_refused(net, pictures, images):
    with pytest.raises(ValueError, match="between 2 to 12 images"):
        zf.CorrespondenceLab(net, [pictures["a"]] * images)


def test_settings_that_do_not_fit_are_refused(net, pictures):
    with pytest.raises(ValueError, match="one mark for each of the 3 images"):
        zf.CorrespondenceLab(net, pictures, {"nose": BOXES[:2]})
    with pytest.raises(ValueError, match="no layer"):
        zf.CorrespondenceLab(net, pictures, layers=("nowhere",))
    with pytest.raises(TypeError, match="layer"):
        zf.CorrespondenceLab(net, pictures, layer="3")
    with pytest.raises(ValueError, match="there is no part 'ear'"):
        zf.CorrespondenceLab(net, pictures, part="ear")


def test_the_table_has_the_papers_numbers_beside_ours(net, pictures):
    found = zf.correspondence(net, pictures, {"nose": BOXES, "<b>": BOXES}, ["3"], draws=9)
    html = table(found, 3)
    assert f"{found.delta('nose', '3'):.3f} ± {found.spread('nose', '3'):.3f}" in html
    assert "0.079 ± 0.017" in html
    assert "&lt;b&gt;" in html
    assert "<b>" not in html
    assert "paper" not in table(zf.correspondence(net, pictures, {"ear": BOXES}, ["3"], draws=9), 3)


def test_the_words_follow_the_p_values(net, pictures):
    found = zf.correspondence(net, pictures, {"nose": BOXES}, ["3"], draws=19)
    for chance, words in (
        (2.0, "hiding <i>nose</i> changes the features of its images more"),
        (-1.0, "no part changes"),
    ):
        found.chance["nose/3"][:] = chance
        assert words in summary_html(found)[0]


@pytest.mark.parametrize(
    ("top", "ticks"), [(0.5, [0, 0.1, 0.2, 0.3, 0.4, 0.5]), (0.33, [0, 0.1, 0.2, 0.3, 0.4]), (0.0, [0, 1])]
)
def test_an_axis_ends_at_a_round_number(top, ticks):
    np.testing.assert_allclose(round_numbers(top), ticks)


def drawn(html):
    """Of each bar of a table, row by row: its kind, where it ends, where chance is, and from where to where it is
    spread; all in parts of the axis."""
    number = r"([\d.]+)%"
    pattern = (
        rf"zf-delta-bar ([a-z-]*)' style='left:0.00%;width:{number}'.*?zf-delta-chance' style='left:{number}'"
        rf".*?zf-delta-spread' style='left:{number};width:{number}'"
    )
    found = re.findall(pattern, html)
    return [(kind, *(float(each) / 100 for each in numbers)) for kind, *numbers in found]


def test_bars_and_what_lies_over_them_are_on_one_axis_for_all_layers(net, pictures):
    found = zf.correspondence(net, pictures, {"nose": BOXES, "ear": BOXES[::-1]}, ["1", "3", "4"], draws=19)
    names = (*found.parts, RANDOM)
    ends = {(name, layer): (found.delta(name, layer), found.spread(name, layer)) for name in names for layer in "134"}
    chances = {(part, layer): found.chance[f"{part}/{layer}"].mean() for part in found.parts for layer in "134"}
    html = table(found, 3)
    (axis,) = {float(each) for each in re.findall(r">([\d.]+)</span></div></th>", html)}
    highest = max(delta + spread for delta, spread in ends.values())
    assert highest <= axis <= 2 * highest
    for (name, layer), (kind, end, chance, low, width) in zip(ends, drawn(html), strict=True):
        delta, spread = ends[name, layer]
        low_p = name != RANDOM and found.p_value(name, layer) <= 0.05
        assert kind == ("zf-delta-random" if name == RANDOM else "zf-delta-low" if low_p else "")
        expected = delta, chances.get((name, layer), ends[RANDOM, layer][0]), max(0, delta - spread), delta + spread
        np.testing.assert_allclose([end, chance, low, low + width], np.array(expected) / axis, atol=2e-4)


def test_what_is_true_of_several_layers_is_said_once(net, pictures):
    found = zf.correspondence(net, pictures, {"nose": BOXES}, ["1", "3", "4"], draws=19)
    for layer, chance in zip("134", (2.0, -1.0, 2.0), strict=True):
        found.chance[f"nose/{layer}"][:] = chance
    first, second = summary_html(found)
    assert first.startswith("<b>1</b> and <b>4</b>: hiding <i>nose</i>")
    assert second.startswith("<b>3</b>: no part")


@pytest.mark.slow
def test_without_images_it_opens_with_faces():
    lab = zf.CorrespondenceLab(zf.load("squeezenet1_1"), layers=("features.1",))
    assert lab.marks.images == (*(f"face {number}" for number in range(1, 6)), "cat")
    assert lab.result.parts == ("eye on the left", "eye on the right", "nose", "mouth")


def test_it_can_be_shown_without_a_kernel(net, pictures):
    from zfwidgets.widgets.panel.still import still

    html = still(zf.CorrespondenceLab(net, pictures, {"nose": BOXES}))
    assert html.count("data:image/png") == 3
    assert "<table>" in html
