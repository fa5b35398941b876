"""The nine strongest of every map, without a browser: what is shown is what was found, in the order that was asked."""

import threading
import time

import numpy as np
import pytest
import torch
import traitlets as T
from torch import nn

import zfwidgets as zf
from zfwidgets.drawing import signed_picture
from zfwidgets.experiments.gallery import build
from zfwidgets.widgets.belongings import all_within
from zfwidgets.widgets.controls.job import Job, pace
from zfwidgets.widgets.controls.more import More
from zfwidgets.widgets.panel.still import still
from zfwidgets.widgets.top_nine import TopNine, tiles
from zfwidgets.widgets.top_nine import widget as top_nine
from zfwidgets.widgets.top_nine.remembered import Remembered
from zfwidgets.widgets.top_nine.squares import BLOCK, COLUMNS, EDGE, GAP, LARGE, STRIP
from zfwidgets.widgets.top_nine.view import FAINT, ordinal

pytestmark = pytest.mark.slow

DEAD = [3, 17]
HARM = "<script>alert(1)</script>"
LONG = 10  # seconds: never reached where all is well


class Wide(nn.Module):
    """A layer of forty maps, two of them dead, and one of five."""

    def __init__(self):
        super().__init__()
        self.conv1, self.relu1 = nn.Conv2d(3, 40, 5, stride=2), nn.ReLU()
        self.conv2, self.relu2 = nn.Conv2d(40, 5, 3, stride=2, padding=1), nn.ReLU()
        self.pool, self.fc = nn.AdaptiveAvgPool2d(1), nn.Linear(5, 4)

    def forward(self, x):
        return self.fc(self.pool(self.relu2(self.conv2(self.relu1(self.conv1(x))))).flatten(1))


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(1)
    module = Wide().eval()
    with torch.no_grad():
        module.conv1.weight[DEAD] = 0
        module.conv1.bias[DEAD] = -1
    return zf.Network(module, size=(35, 51), labels=["ant", "bee", "cat", "dog"], device="cpu", name="wide")


@pytest.fixture(scope="module")
def pictures():
    random = np.random.default_rng(0)
    return {f"picture {n}": random.integers(0, 25 * (n + 1), (35, 51, 3)).astype(np.uint8) for n in range(10)}


@pytest.fixture(scope="module")
def tops(net, pictures):
    return zf.top_activations(net, pictures, progress=False)


@pytest.fixture
def panel(net, pictures, tops):
    return TopNine(net, pictures, tops, layer="relu1", show="projections")


@pytest.fixture
def folder(tmp_path, pictures):
    from PIL import Image

    for name, pixels in pictures.items():
        Image.fromarray(255 - pixels).save(tmp_path / f"{name}.png")
    return tmp_path


def pixels(picture):
    return np.frombuffer(picture.pixels, np.uint8).reshape(picture.height, picture.width, 4)


def block(panel, place):
    """The square of a map on the wall."""
    top, left = place // COLUMNS * (STRIP + BLOCK + EDGE) + STRIP, place % COLUMNS * (BLOCK + 2 * EDGE) + EDGE
    return pixels(panel.view.wall)[top : top + BLOCK, left : left + BLOCK]


def large(picture, place, side=64):
    """A tile of the large pictures, without what frames it."""
    top, left = (GAP + part * (side + GAP) for part in divmod(place, 3))
    return pixels(picture)[top : top + side, left : left + side]


def framed(tile, side=64):
    """A tile in the middle of its see-through place, at a whole multiple of its own pixels."""
    times = side // max(tile.shape[:2])
    place = np.zeros((side, side, 4), np.uint8)
    tall, wide = tile.shape[0] * times, tile.shape[1] * times
    inside = place[(side - tall) // 2 :, (side - wide) // 2 :][:tall, :wide]
    inside[..., :3], inside[..., 3] = tile.repeat(times, 0).repeat(times, 1), 255
    return place


def by_strength(tops, layer="relu1"):
    strongest = np.where(tops.dead(layer), -np.inf, tops.values[layer][:, 0])
    return np.argsort(-strongest, kind="stable").tolist()


def test_it_opens_on_the_page_of_the_strongest_map(net, pictures, tops, panel):
    assert (panel.busy, panel.error, panel.page) == (False, "", 0)
    assert panel.feature == tops.values["relu1"][:, 0].argmax()
    assert list(panel.result.features) == by_strength(tops)[:8]
    assert set(panel.result.projections) == set(panel.result.patches) == set(panel.result.features)
    assert "relu1 · 1 to 8 of 40 feature maps, strongest first" in panel.view.wall.caption


@pytest.mark.parametrize("rule", ["deconvnet", "gradient", "guided"])
def test_the_large_tiles_are_those_of_the_gallery(net, pictures, tops, panel, rule):
    panel.rule = rule
    panel.feature = feature = by_strength(tops)[6]
    gallery = zf.gallery(net, pictures, tops, "relu1", [feature], rule=rule)
    for place in (0, 4, 8):
        assert (large(panel.view.patches, place) == framed(gallery.patches[0, place])).all()
        assert (large(panel.view.projections, place) == framed(gallery.pictures()[0, place])).all()


def test_chips_choose_a_layer_and_its_strongest_map_or_what_is_shown(panel):
    for words, settings in panel.tries().items():
        panel.try_out(words)
        assert panel.show == settings["show"]
        if "layer" in settings:
            assert (panel.layer, panel.feature) == (settings["layer"], int(panel._ranks[0]))
    assert panel.error == ""


def test_a_bar_says_which_colours_are_for_and_against(panel):
    assert panel.view.projections.scale == ["signed", "against", "for"]
    assert panel.view.patches.scale == []


def test_tiles_reach_grey_beyond_the_edge_of_the_image(net, pictures, tops):
    panel = TopNine(net, pictures, tops, layer="relu2")
    gallery = zf.gallery(net, pictures, tops, "relu2", panel.result.features)
    for feature, patches in zip(gallery.features, gallery.patches, strict=True):
        if not tops.dead("relu2")[feature]:
            assert (panel.result.patches[feature] == patches).all()
    beyond = np.argwhere(gallery.units[..., 0] == 0)[0]
    assert (gallery.patches[tuple(beyond)][0] == 128).all(), "no unit at the edge: this says nothing"


def test_the_order_goes_by_strength_rarity_or_number_and_the_dead_come_last(net, pictures, tops, panel):
    values = tops.values["relu1"]
    live = np.array([each for each in range(40) if each not in DEAD])
    steepness = values[live].mean(1) / values[live, 0]
    expected = {
        "strength": [*live[np.argsort(-values[live, 0], kind="stable")], *DEAD],
        "sparsity": [*live[np.argsort(steepness, kind="stable")], *DEAD],
        "index": range(40),
    }
    for order, ranks in expected.items():
        panel.order = order
        shown = []
        for page in range(5):
            panel.page = page
            shown += panel.result.features
        assert shown == list(ranks), order


def test_another_order_keeps_the_feature_and_turns_to_its_page(tops, panel):
    panel.feature = 1
    panel.order = "index"
    assert (panel.feature, panel.page, panel.feature_slider.position) == (1, 0, 1)
    assert panel.result.features == tuple(range(8))
    assert "by number" in panel.view.wall.caption


def test_a_dead_map_is_crossed_out_and_says_so(panel):
    panel.feature = DEAD[1]
    assert (panel.page, panel.result.features[-2:]) == (4, tuple(DEAD))
    crossed = block(panel, panel.result.features.index(17))
    assert crossed[98, 98, 3] == crossed[0, 0, 3] == crossed[0, -1, 3] == 255
    assert (crossed[98, 10] == [128, 128, 128, 80]).all()
    assert "dead: no image made it positive" in panel.view.chosen.value
    assert panel.view.numbers.value.count("dead") == 2
    assert panel.error == ""


def test_a_place_on_the_wall_chooses_its_feature(panel):
    panel.view.wall.cell = (1, 1)
    assert panel.feature == panel.result.feature == panel.result.features[5]
    assert panel.page == 0
    assert f"<b>Feature {panel.feature}</b>" in panel.view.chosen.value


def test_an_empty_place_on_the_last_page_chooses_nothing(panel):
    panel.layer = "relu2"  # of five maps
    feature, cell = panel.feature, panel.view.wall.cell
    panel.view.wall.cell = (1, 3)
    assert (panel.feature, panel.view.wall.cell) == (feature, cell)


def test_what_changes_most_goes_out_first(panel):
    drawn = []
    for name in ("wall", "projections"):
        getattr(panel.view, name).observe(lambda _, name=name: drawn.append(name), names="pixels")
    panel.page = 1
    assert drawn[0] == "wall"
    drawn.clear()
    panel.feature = next(each for each in panel.result.features if each != panel.feature)
    assert drawn[0] == "projections"


def test_the_slider_moves_through_the_order_and_turns_the_page(tops, panel):
    for position in (7, 8, 39):
        panel.feature_slider.slider.value = position
        assert panel.feature == panel.result.feature == by_strength(tops)[position]
        assert panel.page == position // 8
        assert panel.view.wall.cell == divmod(position % 8, 4)
        assert panel.pager.words.value == f"page {position // 8 + 1} of 5"


def test_a_page_is_turned_to_by_number_and_by_its_buttons(tops, panel):
    panel.feature = by_strength(tops)[5]
    panel.pager.next.click()
    assert (panel.page, panel.feature) == (1, by_strength(tops)[13])
    for _ in range(3):
        panel.pager.next.click()
    assert (panel.page, panel.feature) == (4, by_strength(tops)[37])
    assert panel.pager.next.disabled
    assert not panel.pager.back.disabled
    panel.page = 0
    assert (panel.feature, panel.pager.back.disabled) == (by_strength(tops)[5], True)
    assert panel.result.features == tuple(by_strength(tops)[:8])


def test_another_layer_keeps_the_sliders_place(tops, panel):
    panel.feature_slider.slider.value = 2
    panel.layer = "relu2"
    assert (panel.feature, panel.page, panel.result.layer) == (by_strength(tops, "relu2")[2], 0, "relu2")
    assert len(panel.result.features) == 5
    panel.layer = "relu1"
    assert panel.feature == by_strength(tops)[2]


def test_a_layer_with_fewer_maps_takes_the_last_place(tops, panel):
    panel.feature_slider.slider.value = 39
    panel.layer = "relu2"
    assert (panel.feature, panel.page) == (by_strength(tops, "relu2")[4], 0)
    assert panel.error == ""


def test_another_layer_is_computed_once(panel):
    told = []
    panel.observe(lambda change: told.append(change.new.layer), names="result")
    panel.layer = "relu2"
    assert set(told) == {"relu2"}
    assert told[-1] == "relu2"
    assert panel.status.words == "Ready"


def test_side_by_side_shows_four_maps_with_both(tops, panel):
    panel.feature = by_strength(tops)[5]
    panel.show = "both"
    assert (panel.page, panel.pages) == (1, 10)
    assert list(panel.result.features) == by_strength(tops)[4:8]
    assert (panel.view.wall.cells, panel.view.wall.cell) == ((2, 2), (0, 1))
    assert "Left" in panel.view.wall.caption
    panel.view.wall.cell = (1, 0)
    assert panel.feature == by_strength(tops)[6]


def test_patches_alone_ask_the_network_for_the_chosen_map_only(net, pictures, tops, monkeypatch):
    asked = []
    real = top_nine.Tiles.gallery
    monkeypatch.setattr(top_nine.Tiles, "gallery", lambda self, *a: asked.extend(a[1]) or real(self, *a))
    panel = TopNine(net, pictures, tops, layer="relu1")
    assert panel.show == "patches", "what it opens on"
    assert asked == [panel.feature]
    assert len(panel.result.patches) == 8
    panel.show = "projections"
    assert sorted(asked) == sorted(panel.result.features)
    panel.page = 1
    panel.page = 0
    assert len(asked) == len(set(asked)) == 16, "what was seen before is remembered"


@pytest.fixture
def projected(monkeypatch):
    """How many units were projected, call by call."""
    counts, real = [], build.project_units
    monkeypatch.setattr(build, "project_units", lambda *a, **k: counts.append(len(a[3])) or real(*a, **k))
    return counts


@pytest.mark.parametrize("show", ["projections", "both"])
def test_a_page_that_was_seen_before_projects_nothing_and_looks_the_same(net, pictures, tops, projected, show):
    panel = TopNine(net, pictures, tops, layer="relu1", show=show)
    size = len(panel.result.features)
    places = [(layer, some) for layer in ("relu1", "relu2") for some in by_strength(tops, layer)[::size]]

    def seen():
        return [pixels(each) for each in (panel.view.wall, panel.view.projections, panel.view.patches)]

    before = {}
    for panel.layer, panel.feature in places:
        before[panel.layer, panel.feature] = seen()
    live = sum((~tops.dead(layer)).sum() * tops.k for layer in ("relu1", "relu2"))
    assert sum(projected) == live, "every activation once"
    projected.clear()
    for panel.layer, panel.feature in reversed(places):
        assert all(map(np.array_equal, seen(), before[panel.layer, panel.feature]))
    assert projected == []


def test_what_is_remembered_is_bounded_and_what_was_forgotten_is_computed_again(
    net, pictures, tops, projected, monkeypatch
):
    square = tops.k * 5 * 5 * 3  # bytes: the tiles of a map of relu1, whose units see 5 × 5 pixels
    monkeypatch.setattr(tiles, "ROOM", 20 * square)  # a page and a bit: patches and projections of 8 maps
    panel = TopNine(net, pictures, tops, layer="relu1", show="projections")
    before = pixels(panel.view.wall)
    for panel.page in (1, 2):
        assert panel.tiles._kept.bytes <= 20 * square
    projected.clear()
    panel.page = 0
    assert sum(projected) > 0
    assert (pixels(panel.view.wall) == before).all()
    assert panel.error == ""


def test_the_array_that_nobody_asked_for_longest_is_forgotten_first():
    some = [np.full(10, number, np.uint8) for number in range(4)]
    remembered = Remembered(room=30)
    for number in range(3):
        remembered.keep(number, some[number])
    assert remembered.recall(0) is some[0]
    remembered.keep(3, some[3])
    assert remembered.recall(1) is None
    assert [remembered.recall(number) is some[number] for number in (0, 2, 3)] == [True] * 3
    remembered.keep(2, np.zeros(5, np.uint8))
    assert remembered.bytes == 25
    remembered.keep(5, np.zeros(99, np.uint8))
    assert (remembered.bytes, remembered.recall(0)) == (99, None), "the latest one stays, however large"


def as_in(panel, kind, feature):
    """A map's square as the wall of a kind shows it."""
    other = TopNine(panel.net, panel.images, panel.tops, layer=panel.layer, show=kind, feature=feature)
    return block(other, other.result.features.index(feature))


def test_a_map_that_is_pointed_at_shows_its_projections_in_place_of_its_patches(net, pictures, tops, projected):
    panel = TopNine(net, pictures, tops, layer="relu1")
    projected.clear()
    feature = panel.result.features[5]
    before = block(panel, 5)
    panel.view.wall.hover = (1, 1)
    assert panel.pointed == feature != panel.feature
    assert sum(projected) == 9, "of no other map"
    assert (block(panel, 5) == as_in(panel, "projections", feature)).all()
    assert (before == as_in(panel, "patches", feature)).all()
    assert not (block(panel, 5) == before).all()
    panel.view.wall.hover = None
    assert panel.pointed is None
    assert (block(panel, 5) == before).all()
    projected.clear()
    panel.view.wall.hover = (1, 1)
    assert projected == []


def test_a_map_that_is_chosen_by_the_keyboard_shows_its_projections_in_place(net, pictures, tops):
    panel = TopNine(net, pictures, tops, layer="relu1")
    before = block(panel, 0)
    panel.view.wall.cell = (0, 1)
    assert panel.feature == panel.pointed == panel.result.features[1]
    assert (block(panel, 1) == as_in(panel, "projections", panel.feature)).all()
    assert (block(panel, 0) == before).all()


def test_pointing_at_an_empty_place_or_a_dead_map_changes_nothing(net, pictures, tops):
    panel = TopNine(net, pictures, tops, layer="relu1", feature=DEAD[0])
    before = pixels(panel.view.wall)
    for hover in (divmod(panel.result.features.index(DEAD[1]), 4), (1, 3)):
        panel.view.wall.hover = hover
        assert (pixels(panel.view.wall) == before).all()
        assert panel.error == ""


def held_by(tops, number, layer="relu1"):
    """The maps among whose nine an image is, by strength."""
    return [each for each in by_strength(tops, layer) if number in tops.images[layer][each]]


def test_a_filter_leaves_the_maps_whose_nine_hold_an_image(net, pictures, tops):
    counts = [len(held_by(tops, number)) for number in range(10)]
    number = int(np.argmin(counts))
    panel = TopNine(net, pictures, tops, layer="relu1", held=f"picture {number}")
    expected = held_by(tops, number)
    assert 0 < len(expected) < 40, "this says nothing"
    shown = []
    for page in range(panel.pages):
        panel.page = page
        shown += panel.result.features
    assert shown == expected
    assert f"of {len(expected)} feature maps whose strongest hold picture {number}, strongest first" in (
        panel.view.wall.caption
    )


def test_the_filter_offers_the_images_of_the_chosen_map_and_a_way_out(net, pictures, tops):
    panel = TopNine(net, pictures, tops, layer="relu1")
    names = [f"picture {number}" for number in tops.images["relu1"][panel.feature]]
    assert [value for _, value in panel.filter.list.options] == ["", *dict.fromkeys(names)]
    feature = panel.feature
    panel.filter.list.value = names[3]
    assert (panel.held, panel.feature) == (names[3], feature), "it holds the image: it stays"
    assert names[3] in [value for _, value in panel.filter.list.options]
    panel.filter.list.value = ""
    assert (panel.held, list(panel.result.features)) == ("", by_strength(tops)[:8])


def test_a_filter_goes_with_its_layer_and_with_a_map_that_it_leaves_out(net, pictures, tops):
    panel = TopNine(net, pictures, tops, layer="relu1")
    number = int(np.argmin([len(held_by(tops, number)) for number in range(10)]))
    left_out = next(each for each in by_strength(tops) if each not in held_by(tops, number))
    for name, value in (("feature", left_out), ("layer", "relu2")):
        panel.held = f"picture {number}"
        assert panel.feature in held_by(tops, number)
        setattr(panel, name, value)
        assert (panel.held, panel.filter.value, panel.error) == ("", "", "")
        assert getattr(panel, name) == value
        panel.layer = "relu1"


def test_an_image_that_no_map_holds_is_refused(net, pictures):
    tops = zf.top_activations(net, pictures, k=1, progress=False)  # of five maps: at most five of the ten images
    missing = next(f"picture {number}" for number in range(10) if not held_by(tops, number, "relu2"))
    panel = TopNine(net, pictures, tops, layer="relu2")
    for name, words in (("nobody", "there is no image 'nobody'"), (missing, "no map of 'relu2' has 'picture")):
        with pytest.raises(ValueError, match=words):
            panel.held = name
        with pytest.raises(ValueError, match=words):
            TopNine(net, pictures, tops, layer="relu2", held=name)
    assert panel.held == ""


def test_what_is_seldom_needed_is_behind_a_button(panel):
    rare = [part for part in all_within(panel) if "zf-rare" in getattr(part, "_dom_classes", ())]
    within = [inner for part in rare for inner in all_within(part)]
    assert panel.mining in within
    assert panel.control_of["rule"] in within
    assert any(isinstance(part, More) for part in all_within(panel))


def test_the_patches_come_first_then_the_chosen_map_then_the_others(panel, monkeypatch):
    monkeypatch.setattr(top_nine, "REDRAW_INTERVAL", -1)
    seen = []
    panel.observe(lambda change: seen.append(change.new), names="result")
    faint = []
    panel.observe(lambda change: faint.append(int(block(panel, 7)[5, 5, 3])), names="result")
    panel.page = 1
    patches, projections = [[len(getattr(page, kind)) for page in seen] for kind in ("patches", "projections")]
    assert patches == [1, 5, 8, 8, 8, 8]
    assert projections == [0, 0, 0, 1, 5, 8]
    assert all(panel.feature in page.patches for page in seen)
    assert faint == [0, 0, FAINT, FAINT, FAINT, 255]


def test_a_tile_opens_its_image_in_an_explorer_below(net, pictures, tops, panel):
    assert panel.explorer is None
    panel.view.patches.clicked = (100, 150, 1)  # the middle row, the right column: the sixth
    explorer, feature = panel.explorer, panel.feature
    image = f"picture {tops.images['relu1'][feature, 5]}"
    assert (explorer.image, explorer.layer, explorer.feature) == (image, "relu1", feature)
    assert explorer.unit == tuple(tops.units["relu1"][feature, 5])
    assert explorer.result.activation == pytest.approx(tops.values["relu1"][feature, 5], abs=1e-4)
    assert explorer in panel.children[-1].children


def test_the_same_explorer_goes_on_to_the_next_tile(tops, panel):
    panel.explore(0)
    first = panel.explorer
    panel.layer, panel.rule = "relu2", "guided"
    for place in (1, 3, 1):
        panel.explore(place)
        images, units = tops.images["relu2"][panel.feature], tops.units["relu2"][panel.feature]
        assert panel.explorer is first
        assert (first.image, first.rule) == (f"picture {images[place]}", "guided")
        assert (first.result.layer, first.result.unit) == ("relu2", tuple(units[place]))
        assert first.result.activation == pytest.approx(tops.values["relu2"][panel.feature, place], abs=1e-4)
    assert len(first.selection.images.names) == len(set(first.selection.images.names)) == 3


def test_the_tile_pointed_at_is_spoken_of_and_else_the_chosen_one(tops, panel):
    view, feature = panel.view, panel.feature
    assert view.tile_words.value.startswith("1st of 9 · activation")
    view.projections.cell = (0, 1)
    assert view.patches.cell == (0, 1)
    assert f"2nd of 9 · activation {tops.values['relu1'][feature, 1]:.3g}" in view.tile_words.value
    view.patches.hover = (2, 2)
    assert f"picture {tops.images['relu1'][feature, 8]}" in view.tile_words.value
    view.patches.hover = None
    assert "2nd of 9" in view.tile_words.value


def test_fewer_images_than_nine_leave_places_empty(net, pictures):
    few = {name: pictures[name] for name in list(pictures)[:4]}
    panel = TopNine(net, few, zf.top_activations(net, few, progress=False), layer="relu1")
    assert large(panel.view.patches, 3)[32, 32, 3] == 255
    assert not large(panel.view.patches, 4).any()
    panel.view.patches.cell = (2, 2)
    assert panel.view.tile_words.value == "This map has only 4 activations in these images."
    panel.explore(8)
    assert panel.explorer is None
    assert panel.error == ""


@pytest.mark.parametrize("k", [1, 4, 7])
def test_any_number_of_activations_makes_a_square(net, pictures, k):
    panel = TopNine(net, pictures, zf.top_activations(net, pictures, k=k, progress=False), layer="relu1")
    inner = {1: 1, 4: 2, 7: 3}[k]
    assert panel.error == ""
    assert panel.view.patches.cells == (inner, inner)
    panel.view.patches.clicked = (LARGE - 1, LARGE - 1, 1)
    assert (panel.explorer is None) == (k == 7)


def test_without_top_activations_it_says_so_and_mines_at_a_click(net, pictures, tops):
    panel = TopNine(net, pictures, layer="relu1")
    notice = panel.view.notice
    assert (panel.tops, panel.result, panel.error) == (None, None, "")
    assert notice.layout.display == ""
    assert "Nothing is known yet of these 10 images" in notice.children[0].value
    notice.children[1].click()
    assert notice.layout.display == "none"
    assert (panel.tops.values["relu1"] == tops.values["relu1"]).all()
    assert panel.feature == panel.result.feature == by_strength(tops)[0]
    assert ">10 images were looked at<" in panel.mining.job.note.value


def test_mining_a_folder_shows_it_and_says_what_could_not_be_read(net, panel, folder):
    (folder / "<b>broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    panel.mining.folder.value = str(folder)
    panel.mining.job.button.click()
    expected = zf.top_activations(net, folder, progress=False)
    assert (panel.tops.values["relu1"] == expected.values["relu1"]).all()
    assert list(panel.result.features) in ([by_strength(expected)[n : n + 8] for n in range(0, 40, 8)])
    assert (
        "10 images were looked at · 1 left out that cannot be read: &lt;b&gt;broken.png" in panel.mining.job.note.value
    )
    assert panel.images.names[1] in panel.view.tile_words.value or ".png" in panel.view.tile_words.value
    panel.explore(0)
    assert panel.explorer.image.endswith(".png")
    assert panel.explorer.result.activation == pytest.approx(panel.tops.values["relu1"][panel.feature, 0], abs=1e-4)


@pytest.mark.parametrize("name", ["nowhere", "empty"])
def test_a_wrong_folder_is_explained_and_the_old_ones_stay(panel, tops, tmp_path, name):
    (tmp_path / "empty").mkdir()
    before = panel.result
    panel.mining.folder.value = str(tmp_path / name)
    panel.mining.job.button.click()
    assert panel.error.startswith("there is no")
    assert name in panel.error
    assert panel.status.state == "error"
    assert panel.tops is tops
    assert panel.result is before
    assert "It failed." in panel.mining.job.note.value
    panel.page = 1
    assert panel.error == ""


def enter(panel):
    """What the page sends when a reader presses Enter in the field."""
    panel.mining.folder._handle_custom_msg({"event": "submit"}, [])


def test_enter_in_the_folder_box_searches_once(panel, folder, monkeypatch):
    begun = []
    monkeypatch.setattr(panel.mining.job, "_work", lambda task: begun.append(panel.mining.folder.value) or "Done.")
    panel.mining.folder.value = str(folder)
    assert begun == []
    enter(panel)
    assert begun == [str(folder)]
    panel.mining.folder._handle_custom_msg({"event": "something else"}, [])
    assert begun == [str(folder)]


def test_while_it_searches_enter_does_nothing(in_kernel, panel, monkeypatch):
    begun, gate = [], threading.Event()
    monkeypatch.setattr(panel.mining.job, "_work", lambda task: begun.append(1) or (gate.wait(LONG) and "Done."))
    monkeypatch.setattr(panel.mining.job._worker, "_direct", False)
    enter(panel)
    wait_until(lambda: begun)
    enter(panel)
    gate.set()
    wait_until(lambda: not panel.mining.job.running)
    assert begun == [1]


def test_an_error_goes_when_another_folder_is_named(panel):
    panel.mining.folder.value = "nowhere"
    enter(panel)
    assert panel.error
    assert "It failed." in panel.mining.job.note.value
    panel.mining.folder.value = "elsewhere"
    assert (panel.error, panel.status.state, panel.status.words) == ("", "ready", "Ready")
    assert "It failed." not in panel.mining.job.note.value


def test_an_image_that_cannot_be_opened_is_an_error_until_another_tile_is_chosen(panel, monkeypatch):
    def broken(*_):
        raise OSError("the image is gone")

    monkeypatch.setattr(panel.opened, "show", broken)
    panel.explore(0)
    assert "the image is gone" in panel.error
    panel.view.projections.cell = (1, 1)
    assert (panel.error, panel.status.words) == ("", "Ready")


def test_the_status_says_what_is_computed_until_the_last_tile_is_there(panel, monkeypatch):
    monkeypatch.setattr(top_nine, "REDRAW_INTERVAL", -1)
    seen = []
    panel.observe(lambda change: seen.append((change.new, panel.status.state, panel.status.words)), names="result")
    panel.page = 1
    assert len(seen) > 2
    for page, state, words in seen:
        assert state == "busy"
        assert words.startswith("Projecting" if page.projections else "Cutting out patches")
    assert (panel.status.state, panel.status.words) == ("ready", "Ready")
    seen.clear()
    panel.page = 0
    assert [state for _, state, _ in seen] == ["ready"], "nothing had to be computed"


@pytest.mark.parametrize(
    ("number", "words"),
    [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (9, "9th"), (11, "11th"), (12, "12th"), (13, "13th"),
     (21, "21st"), (112, "112th"), (122, "122nd")],
)  # fmt: skip
def test_a_place_is_spoken_as_people_speak(number, words):
    assert ordinal(number) == words


def wait_until(question):
    last = time.monotonic() + LONG
    while not question():
        assert time.monotonic() < last
        time.sleep(0.002)


def test_mining_goes_on_beside_the_panel_and_can_be_cancelled(net, pictures, tops, in_kernel, monkeypatch):
    reached, gate = threading.Event(), threading.Event()

    def slowly(net, images, layers, *, task, **_):
        task.progress(5, 10)
        reached.set()
        assert gate.wait(LONG)
        return tops if not task.stopped else None

    monkeypatch.setattr(top_nine, "top_activations", slowly)
    panel = TopNine(net, pictures, tops, layer="relu1")
    panel.mining.job.button.click()
    assert reached.wait(LONG)
    assert panel.mining.job.running
    assert panel.mining.job.bar.value == 0.5
    assert ">5 of 10 images · " in panel.mining.job.note.value
    panel.page = 1
    wait_until(lambda: panel.result and panel.result.features[0] == by_strength(tops)[8] and not panel.busy)
    panel.mining.job.cancel_button.click()
    assert not panel.mining.job.running
    assert ">Cancelled.<" in panel.mining.job.note.value
    gate.set()
    assert panel.tops is tops
    assert panel.error == ""


@pytest.mark.parametrize(
    ("done", "count", "seconds", "words"),
    [
        (0, 400, 0, "0 of 400 images"),
        (100, 400, 10, "100 of 400 images · 10 a second · 30 s left"),
        (20, 50_000, 2, "20 of 50,000 images · 10 a second · 83 min left"),
        (5_000, 1_300_000, 2, "5,000 of 1,300,000 images · 2,500 a second · 9 min left"),
        (1, 10_000, 4, "1 of 10,000 images · 0.25 a second · 11.1 h left"),
    ],
)
def test_a_long_job_says_how_far_and_how_fast_it_is(done, count, seconds, words):
    assert pace(done, count, seconds, "images") == words


def test_a_job_that_runs_is_not_begun_again(in_kernel):
    begun, gate = [], threading.Event()
    job = Job("Begin", "things", lambda task: begun.append(1) or (gate.wait(LONG) and "Done."), print)
    job.start()
    wait_until(lambda: begun)
    job.start()
    gate.set()
    wait_until(lambda: not job.running)
    assert begun == [1]
    assert ">Done.<" in job.note.value
    job.cancel()
    assert ">Done.<" in job.note.value


def test_what_comes_with_the_package_is_shown_at_once(monkeypatch, net, pictures, tops):
    monkeypatch.setattr(top_nine, "prepared_tops", lambda net, images: tops)
    assert TopNine(net, pictures).tops is tops
    assert TopNine(net, pictures, layers=["relu1"]).tops is tops
    assert TopNine(net, pictures, layers=["conv1"]).tops is None, "that layer has still to be mined"


def test_all_settings_hold_from_the_start(net, pictures, tops):
    settings = {"layer": "relu1", "feature": 8, "order": "sparsity", "rule": "guided", "show": "both"}
    panel = TopNine(net, pictures, tops, **settings)
    assert {name: getattr(panel, name) for name in settings} == settings
    assert (panel.result.feature, panel.result.rule) == (8, "guided")
    panel = TopNine(net, pictures, tops, layer="relu1", page=4, order="index")
    assert (panel.page, panel.feature) == (4, 32)
    panel = TopNine(net, pictures, tops, page=4, show="both", order="index", layer="relu1")
    assert (panel.page, panel.result.features) == (4, tuple(range(16, 20)))


def test_choices_can_be_linked(net, pictures, tops, panel):
    other = TopNine(net, pictures, tops, layer="relu1", show="patches")
    T.link((panel, "feature"), (other, "feature"))
    panel.page = 1
    assert other.result.feature == panel.feature
    assert other.page == 1
    other.view.wall.cell = (0, 3)
    assert panel.result.feature == other.feature


def test_a_layer_may_be_asked_for_by_its_title(net, pictures, tops):
    panel = TopNine(net, pictures, tops, layer="conv 2")
    assert panel.layer == panel.result.layer == "relu2"
    panel.layer = "conv 1"
    assert panel.layer == panel.result.layer == "relu1"


def test_another_data_set_or_network_is_refused(net, network, pictures, tops, panel):
    with pytest.raises(ValueError, match="found in other images"):
        TopNine(net, {"other": pictures["picture 0"]}, tops)
    with pytest.raises(ValueError, match="of another network"):
        TopNine(network, pictures, tops)
    part = zf.top_activations(net, pictures, ["relu2"], progress=False)
    with pytest.raises(ValueError, match="'relu1' was not looked at; these were: relu2"):
        TopNine(net, pictures, part, layer="relu1")
    with pytest.raises(ValueError, match="was not looked at; these were: relu2"):
        panel.tops = part
    assert panel.tops is tops


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("layer", "relu3", "no layer 'relu3'; near it: relu"),
        ("layer", "conv1", "'conv1' was not looked at; these were: relu1"),
        ("feature", 40, "'relu1' has the features 0 to 39; 40 was asked for"),
        ("feature", -1, "'relu1' has the features 0 to 39; -1 was asked for"),
        ("page", 5, "'relu1' has the pages 0 to 4, not 5"),
        ("page", -1, "'relu1' has the pages 0 to 4, not -1"),
    ],
)
def test_what_there_is_not_is_refused_and_nothing_changes(net, pictures, tops, panel, name, value, said):
    before, result = getattr(panel, name), panel.result
    with pytest.raises(ValueError, match=said):
        setattr(panel, name, value)
    assert (getattr(panel, name), panel.result) == (before, result)
    with pytest.raises(ValueError, match=said):
        TopNine(net, pictures, tops, **{"layer": "relu1", name: value})


def test_a_misspelt_setting_is_a_type_error(net, pictures, tops):
    with pytest.raises(TypeError, match="no setting 'laier'; did you mean 'layer'"):
        TopNine(net, pictures, tops, laier="relu1")


def test_names_are_text(tops, net, pictures):
    module = nn.Sequential()
    module.add_module("<b>first</b>", nn.Conv2d(3, 5, 3))
    strange = zf.Network(module, size=(21, 33), device="cpu")
    images = {f"{HARM} {name}": pixels for name, pixels in pictures.items()}
    found = zf.top_activations(strange, images, "all", progress=False)
    html = still(TopNine(strange, images, found))
    assert "<script>" not in html
    assert "<b>first" not in html
    assert "&lt;script&gt;" in html
    assert "&lt;b&gt;first&lt;/b&gt;" in html


def test_a_still_holds_the_pictures_and_the_words(panel):
    html = still(panel)
    assert html.count("src='data:image/png;base64,") == 3
    for words in ("relu1", "strongest first", "deconvnet", "Patches", "page 1 of 5"):
        assert words in html
    assert "Nothing is known yet" not in html


def test_a_network_of_many_channels_is_shown(pictures):
    torch.manual_seed(0)
    network = zf.Network(nn.Sequential(nn.Conv2d(5, 4, 3), nn.ReLU()), size=(21, 33), device="cpu", channels=5)
    images = [torch.rand(5, 21, 33) for _ in range(10)]
    panel = TopNine(network, images, zf.top_activations(network, images, progress=False), show="projections")
    assert panel.error == ""
    assert len(panel.result.projections) + panel.tops.dead("1").sum() == 4


def test_shrunk_projections_keep_their_contrast():
    from zfwidgets.widgets.top_nine.squares import _fitted

    strokes = np.zeros((3, 200, 200), np.float32)
    strokes[:, ::8] = np.random.default_rng(0).choice([-1, 1], (1, 25, 1))
    picture = signed_picture(strokes, 1)[np.newaxis]
    assert _fitted(picture, 45, signed=False).std() < 40
    assert _fitted(picture, 45, signed=True).std() > 60
