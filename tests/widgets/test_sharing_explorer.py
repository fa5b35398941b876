"""The sharing explorer goes from map to map, says how much it leaves out, and takes maps out of the network."""

from __future__ import annotations

import numpy as np
import pytest

import zfwidgets as zf
from zfwidgets.experiments.sharing import SharingLinks
from zfwidgets.widgets.panel.still import still
from zfwidgets.widgets.picture import framed
from zfwidgets.widgets.sharing_explorer.diagram import SMALL, Diagram, Group, Link, Node
from zfwidgets.widgets.sharing_explorer.diagrams import focus, tree, verdict
from zfwidgets.widgets.sharing_explorer.history import History

from .conftest import until


@pytest.fixture(scope="module")
def squeezenet():
    return zf.load("squeezenet1_1", device="cpu")


@pytest.fixture(scope="module")
def prepared(squeezenet):
    return zf.prepared_sharing(squeezenet)


@pytest.fixture
def explorer(squeezenet):
    made = zf.SharingExplorer(squeezenet, layer="fire 5", feature=232)
    yield made
    made.close()


@pytest.fixture
def own(network, images):
    """A panel on a network and images that nothing was prepared for."""
    made = zf.SharingExplorer(network, images)
    yield made
    made.close()


def nodes(panel, group):
    return [node.feature for node in panel.picture.diagram.shown[group].nodes]


def press(panel, name, group, node):
    """As the page tells it."""
    before = getattr(panel.picture.diagram, name)
    setattr(panel.picture.diagram, name, (group, node, (before[2] if before else 0) + 1))


# ── what is on show ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_map_stands_between_its_users_and_its_parts(explorer, prepared):
    assert explorer.error == ""
    assert [group.title for group in explorer.picture.diagram.shown] == ["Used by", "", "Made of"]
    assert nodes(explorer, 1) == [232]
    assert nodes(explorer, 2) == [part.feature for part in prepared.made_of(232, layer="fire 5")]
    assert nodes(explorer, 0) == [part.feature for part in prepared.users(232, layer="fire 5")]
    shares = {(link["group"], link["first"], link["second"]): link["share"] for link in explorer.picture.diagram.links}
    assert shares[1, 0, 3] == prepared.links("fire 5").share[232, nodes(explorer, 2)[3]]
    assert shares[0, 2, 0] == prepared.links("fire 6").share[nodes(explorer, 0)[2], 232]
    assert len(explorer.picture.diagram.tiles) == 17


def test_it_says_how_much_is_not_shown(explorer, prepared):
    made = explorer.picture.diagram.shown[2]
    shown = prepared.links("fire 5").share[232, nodes(explorer, 2)].sum()
    assert made.shown == pytest.approx(shown)
    assert made.note == f"{shown:.0%}; the rest are 248 other maps of fire 4"
    assert "is made of about 49 of 256 maps of fire 4" in explorer.picture.verdict.value


def test_a_click_walks_and_the_way_back_is_kept(explorer):
    part = nodes(explorer, 2)[1]
    press(explorer, "chosen", 2, 1)
    assert (explorer.layer, explorer.feature) == ("features.6.cat", part)
    user = nodes(explorer, 0)[0]
    press(explorer, "chosen", 0, 0)
    assert (explorer.layer, explorer.feature) == ("features.7.cat", user)
    explorer.history.back.click()
    explorer.history.back.click()
    assert (explorer.layer, explorer.feature) == ("features.7.cat", 232)
    assert explorer.history.back.disabled
    explorer.history.forward.click()
    assert (explorer.layer, explorer.feature) == ("features.6.cat", part)
    explorer.feature = 3
    assert explorer.history.forward.disabled


def test_the_last_layer_has_no_users_and_the_first_no_parts(explorer):
    explorer.choose(layer="fire 9")
    assert [group.title for group in explorer.picture.diagram.shown] == ["", "Made of"]
    explorer.choose(layer="conv 1")
    assert [group.title for group in explorer.picture.diagram.shown] == ["Used by", ""]
    assert "use it" in explorer.picture.verdict.value
    explorer.view = "matrix"
    assert explorer.error == ""


def test_lift_orders_otherwise(explorer, prepared):
    by_share = nodes(explorer, 2)
    explorer.by = "lift"
    assert nodes(explorer, 2) == [part.feature for part in prepared.made_of(232, layer="fire 5", by="lift")]
    assert nodes(explorer, 2) != by_share
    explorer.by, explorer.weight = "share", "signal"
    signal = prepared.links("fire 5", "signal").made_of(232)
    assert nodes(explorer, 2) == [part.feature for part in signal]


# ── taking maps out ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_map_is_taken_out_and_put_back(explorer, squeezenet):
    out = nodes(explorer, 2)[0]
    press(explorer, "taken", 2, 0)
    assert explorer.out == (out,)
    found = explorer.result.strongest
    picture = zf.corpus()[found.image]
    alone = zf.knock_out(squeezenet, picture, "fire 4", out, layers=["fire 5"])
    assert found.after.activation == pytest.approx(float(alone.after["features.7.cat"][232]), rel=1e-4)
    assert found.before.activation == pytest.approx(float(alone.before["features.7.cat"][232]), rel=1e-4)
    fall = float(alone.fall("fire 5")[232])
    assert f"it falls by {fall:.0%}" in explorer.picture.unit.words.value
    assert "→" in explorer.picture.unit.answers.value
    assert explorer.picture.diagram.shown[2].nodes[0].out
    assert not np.array_equal(found.before.pixels, found.after.pixels)
    press(explorer, "taken", 2, 0)
    assert explorer.out == ()
    assert explorer.result.strongest.after is None


def test_what_is_taken_out_belongs_to_the_map(explorer):
    press(explorer, "taken", 2, 0)
    press(explorer, "taken", 2, 1)
    assert len(explorer.out) == 2
    explorer.feature = 10
    assert explorer.out == ()
    assert explorer.result.strongest.without is None


def test_a_map_above_cannot_be_taken_out(explorer):
    press(explorer, "taken", 0, 0)
    assert explorer.out == ()


@pytest.mark.slow
def test_shares_are_checked_by_taking_maps_out(squeezenet):
    panel = zf.SharingExplorer(squeezenet, layer="fire 9")
    said = panel._check(zf.Task())
    panel._checked.tell(said)
    panel.weight = "signal"
    assert "rank correlation" not in panel._checked.note.value
    assert panel.answer.weight == "signal"
    assert said.startswith("fire 9, share by contribution and fall, rank correlation: 0.")
    panel.choose(layer="conv 1")
    assert panel._check(zf.Task()) == "There is nothing below this layer."


# ── the matrix, and the tree ──────────────────────────────────────────────────────────────────────────────────────────


def test_the_matrix_is_crossed_at_the_largest_part(explorer, prepared):
    explorer.view = "matrix"
    matrix, links = explorer.picture.matrix, prepared.links("fire 5")
    assert matrix.whole.cells == (256, 256)
    assert f"fire 4 · {links.share[232].argmax()} by {links.share[232].max():.1%}" in matrix.pair.value
    row, column = matrix.whole.cell
    pixels = np.frombuffer(matrix.whole.pixels, np.uint8).reshape(256, 256, 4)[..., :3].sum(2)
    assert pixels[row, column] == pixels[row].max()
    assert len(matrix.whole.boxes) == 2
    near = np.frombuffer(matrix.near.pixels, np.uint8).reshape(21, 21, 4)
    assert np.array_equal(
        near[matrix.near.cell], np.frombuffer(matrix.whole.pixels, np.uint8).reshape(256, 256, 4)[row, column]
    )


def test_the_crosshair_goes_where_it_is_put(explorer, prepared):
    explorer.view = "matrix"
    matrix = explorer.picture.matrix
    matrix.whole.cell = (3, 7)
    assert (explorer.feature, explorer.part) == (int(matrix._rows[3]), int(matrix._columns[7]))
    assert matrix.whole.cell == (3, 7)
    share = prepared.links("fire 5").share[explorer.feature, explorer.part]
    assert f"by {share:.1%}" in matrix.pair.value
    matrix.lower.value = 99
    assert explorer.part == 99
    matrix.near.cell = (0, 0)
    assert explorer.part != 99
    matrix.whole.hover = (5, 5)
    assert matrix.pointed.value.startswith("<span>Pointer: fire 5")
    matrix.whole.hover = None
    assert matrix.pointed.value == ""


def test_the_tree_goes_down_to_the_first_layer(explorer, prepared):
    explorer.view = "tree"
    shown = explorer.picture.diagram.shown
    assert [group.title for group in shown] == ["fire 5", "fire 4", "fire 3", "fire 2", "conv 1"]
    branch = prepared.chain(232, layer="fire 5")
    assert nodes(explorer, 1) == [part.feature for part in branch.branches]
    assert nodes(explorer, 2) == [each.feature for part in branch.branches for each in part.branches]
    assert explorer.picture.diagram.flow == "right"
    press(explorer, "chosen", 1, 2)
    assert explorer.layer == "features.6.cat"
    assert explorer.figure().axes


# ── what is not prepared, and what does not fit ───────────────────────────────────────────────────────────────────────


def test_what_is_not_known_is_found(own, network, images):
    assert own.error == ""
    assert own.layer_names == zf.sharing_layers(network)[::-1]
    assert own.layer == "relu2"
    tops = zf.top_activations(network, images, list(own.layer_names), progress=False)
    found = zf.sharing(network, images, tops, "relu2", "relu1", progress=False)
    assert np.array_equal(own.answer.share, found.share)
    assert nodes(own, -1) == [part.feature for part in found.made_of(own.feature)]


def test_a_sharing_of_ones_own_is_taken(network, images):
    tops = zf.top_activations(network, images, ["relu1", "relu2"], progress=False)
    found = zf.sharing(network, images, tops, "relu2", "relu1", progress=False)
    panel = zf.SharingExplorer(network, images, tops, sharing=found)
    assert panel.answer is found
    assert "is made of" in panel.picture.verdict.value or "silent" in panel.picture.verdict.value


def test_others_of_a_selection_follow(explorer, squeezenet):
    other = zf.FeatureExplorer(selection=explorer.selection)
    press(explorer, "chosen", 2, 0)
    assert (other.layer, other.feature) == (explorer.layer, explorer.feature)


@pytest.mark.slow
def test_a_layer_beside_the_strip_is_looked_at_too(explorer):
    explorer.layer = "fire 5 · squeeze"
    assert explorer.error == ""
    assert [group.title for group in explorer.picture.diagram.shown] == ["Used by", "", "Made of"]
    explorer.layer = "features.7.expand3x3"
    assert explorer.error == ""
    assert [group.title for group in explorer.picture.diagram.shown] == ["Used by", ""]
    assert "silent" in explorer.picture.unit.words.value


def test_what_belongs_to_others_is_refused(squeezenet, network, images, prepared):
    with pytest.raises(ValueError, match="another network"):
        zf.SharingExplorer(network, images, sharing=prepared)
    with pytest.raises(ValueError, match="another network"):
        zf.SharingExplorer(network, images, zf.prepared_tops(squeezenet))
    with pytest.raises(TypeError, match="did you mean 'weight'"):
        zf.SharingExplorer(squeezenet, wieght="signal")
    with pytest.raises(ValueError, match="no layer"):
        zf.SharingExplorer(squeezenet, layer="fire 55")
    with pytest.raises(TypeError):
        zf.SharingExplorer("squeezenet")


def test_it_works_in_a_thread(squeezenet, in_kernel):
    panel = zf.SharingExplorer(squeezenet, layer="fire 5", feature=10)
    until(lambda: panel.result is not None and not panel.busy)
    press(panel, "chosen", 2, 0)
    until(lambda: panel.layer == "features.6.cat" and panel.result.layer == panel.layer and not panel.busy)
    panel.close()


@pytest.mark.slow
def test_its_code_gives_the_same(explorer, monkeypatch):
    lines: dict[str, object] = {}
    exec(explorer.code().replace("found.made_of", "parts = found.made_of"), lines)
    assert [part.feature for part in lines["parts"]] == nodes(explorer, 2)


def test_a_still_shows_the_maps(explorer):
    page = still(explorer)
    assert page.count("zf-link-node") >= 17
    assert "Made of" in page
    assert "fire 5, feature 232" in page


# ── the pieces ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_unstable_and_silent_maps_are_told(squeezenet):
    sums = np.zeros((2, 3, 4), np.float32)
    sums[:, 0, :2], sums[0, 1, 2], sums[1, 1, 3] = 1, 1, 1
    links = SharingLinks("features.4.cat", "features.1", sums, np.array([[4, 4, 0], [4, 4, 0]]))
    groups, lines = focus(squeezenet, "features.4.cat", 1, None, links, "share", (0,))
    assert [node.feature for node in groups[1].nodes] == [2, 3, 0]
    assert not any(link.stable for link in lines)
    assert "not stable" in groups[1].nodes[0].words
    assert groups[1].nodes[2].out
    assert "disagree" in verdict(squeezenet, "features.4.cat", 1, None, links, True)
    assert "is silent" in verdict(squeezenet, "features.4.cat", 2, None, links, False)
    assert "nothing comes down from it" in verdict(squeezenet, "features.4.cat", 2, None, links, True)
    assert focus(squeezenet, "features.4.cat", 2, None, links, "share", ())[0][1].note == "Nothing comes down from it."


def test_a_tree_has_a_group_a_layer(prepared):
    groups, links = tree(prepared.chain(3, layer="fire 3"))
    assert [len(group.nodes) for group in groups] == [1, 4, 8]
    assert len(links) == 12
    assert groups[2].nodes[0].name.count("\n") == 1


def test_the_diagram_knows_its_nodes():
    diagram = Diagram()
    node = Node("relu1", 3, "3", "relu 1, feature 3")
    tile = np.full((20, 10, 3), 7, np.uint8)
    diagram.show([Group("one", (node,))], [Link(0, 0, 0, 0.5)], [tile], "down")
    assert diagram.node((0, 0, 1)) is node
    assert diagram.node((0, 1, 1)) is diagram.node((4, 0, 1)) is None
    assert len(diagram.tiles[0]) == SMALL * SMALL * 4
    assert framed(tile, SMALL)[..., 3].sum() == 255 * 40 * 20


def test_the_history_forgets_what_lies_ahead():
    history = History()
    assert history.back.disabled
    assert history.forward.disabled
    for place in (("a", 1), ("b", 2), ("b", 2), ("c", 3)):
        history.visit(place)
    history.back.click()
    assert history.wanted == (("b", 2), 1)
    history.visit(("b", 2))
    assert not history.forward.disabled
    history.visit(("d", 4))
    assert history.forward.disabled
