"""A selection: changes in one step, shared by panels that then neither loop nor disagree."""

import itertools
import random

import numpy as np
import pytest
import traitlets as T

import zfwidgets as zf

from .conftest import until


@pytest.fixture
def selection(network, images):
    return zf.Selection(network, images, image="flower", layer="relu1", feature=3)


def heard(owner, *names):
    """What is heard of some traits from now on."""
    told = []
    owner.observe(lambda change: told.append((change.name, change.old, change.new)), names=list(names))
    return told


def test_it_begins_with_the_first_image_and_nothing_chosen(network, images):
    selection = zf.Selection(network, images)
    assert (selection.image, selection.feature, selection.unit, selection.target) == ("first", None, "max", "")
    assert selection.layer in [layer.name for layer in network.main_layers]


def test_another_layer_forgets_the_feature_and_keeps_the_place(selection):
    selection.unit = (8, 18)  # of 16×24
    selection.layer = "relu2"  # 8×12
    assert (selection.feature, selection.unit) == (None, (4, 9))


def test_the_same_layer_again_changes_nothing(selection):
    told = heard(selection, "layer", "feature")
    selection.layer = "relu1"
    assert (selection.feature, told) == (3, [])


def test_several_things_change_in_one_step(selection):
    seen = []
    selection.observe(lambda _: seen.append((selection.layer, selection.feature, selection.unit)), names=T.All)
    selection.choose(unit=(7, 11), feature=5, layer="relu2")
    assert set(seen) == {("relu2", 5, (7, 11))}


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("image", "flowers", "near it: flower"), ("layer", "relu9", "near it: relu"),
        ("feature", 16, "features 0 to 15"),
        ("unit", (99, 0), "16 rows and 24 columns"), ("target", "elephant", "knows no class"),
    ],
)  # fmt: skip
def test_what_does_not_exist_is_refused_and_nothing_changes(selection, name, value, message):
    before = selection.state
    with pytest.raises(ValueError, match=message):
        setattr(selection, name, value)
    with pytest.raises(ValueError, match=message):
        selection.choose(**{"image": "second", name: value})
    assert selection.state == before


def test_a_misspelt_name_is_refused(selection):
    with pytest.raises(TypeError, match="a selection has image, layer"):
        selection.choose(layr="relu2")


def test_a_class_is_chosen_by_label_or_number(selection):
    selection.target = 2
    assert selection.target == "cat"
    selection.target = ""
    assert selection.target == ""


def test_something_else_than_a_network_is_refused_in_words():
    with pytest.raises(TypeError, match=r"zf\.Network"):
        zf.FeatureExplorer("squeezenet1_1")


def test_a_panel_follows_a_selection_and_the_selection_the_panel(network, images):
    explorer = zf.FeatureExplorer(network, images, image="second", layer="relu2", feature=1)
    told = heard(explorer, "image", "feature")
    explorer.selection.image = "flower"
    assert (explorer.image, explorer.result.feature) == ("flower", 1)
    explorer.feature = 4
    assert explorer.selection.feature == 4
    assert told == [("image", "second", "flower"), ("feature", 1, 4)]


def test_two_panels_with_one_selection_show_the_same(network, images):
    explorer = zf.FeatureExplorer(network, images, layer="relu1", feature=3)
    canvas = zf.OcclusionCanvas(selection=explorer.selection)
    canvas.image, explorer.layer, canvas.feature = "flower", "relu2", 2
    explorer.unit = (1, 2)
    assert explorer.result.feature == canvas.result.feature == 2
    assert explorer.result.layer == canvas.result.layer == "relu2"
    assert (explorer.result.picture == canvas.result.pictures[0]).all()
    assert explorer.control_of["image"].value == canvas.control_of["image"].value == "flower"


def test_a_picture_that_is_added_in_one_panel_is_on_the_list_of_the_other(network, images):
    explorer = zf.FeatureExplorer(network, images)
    canvas = zf.OcclusionCanvas(selection=explorer.selection)
    explorer.add_image("mine", images["second"])
    assert canvas.image == "mine"
    assert canvas.control_of["image"].names == [*images, "mine"]


def test_a_layer_that_is_not_on_the_other_panels_slider_joins_it(network, images):
    explorer = zf.FeatureExplorer(network, images, layers=["relu1", "relu2"], layer="relu1")
    canvas = zf.OcclusionCanvas(selection=explorer.selection, layers="all")
    canvas.layer = "conv2"
    assert explorer.result.layer == "conv2"
    assert explorer.control_of["layer"].names == ("relu1", "conv2", "relu2")
    assert explorer.error == ""


def test_where_nobody_chose_the_panels_agree_on_one_feature(network, images):
    explorer = zf.FeatureExplorer(network, images)
    canvas = zf.OcclusionCanvas(selection=explorer.selection)
    for image, layer in itertools.product(images, ("relu1", "relu2", "fc")):
        explorer.selection.choose(image=image, layer=layer)
        assert explorer.result.feature == canvas.result.feature == explorer.feature == canvas.feature


def test_a_closed_panel_follows_no_longer(network, images):
    explorer = zf.FeatureExplorer(network, images, layer="relu1", feature=3)
    other = zf.FeatureExplorer(selection=explorer.selection)
    other.close()
    explorer.feature = 5
    with pytest.raises(ValueError, match="this panel is closed"):
        other.update()
    assert explorer.result.feature == 5


def test_images_beside_a_shared_selection_are_refused(network, images, selection):
    with pytest.raises(ValueError, match="brings its network and images"):
        zf.FeatureExplorer(network, images, selection=selection)
    with pytest.raises(TypeError, match=r"another panel's `.selection`"):
        zf.FeatureExplorer(selection=zf.FeatureExplorer(network, images))


def test_two_panels_in_threads_come_to_rest_and_agree(network, images, in_kernel):
    """Whatever is chosen, in whichever panel, and however fast."""
    explorer = zf.FeatureExplorer(network, images)
    canvas = zf.OcclusionCanvas(selection=explorer.selection)
    counted = heard(explorer.selection, "feature")
    chance = random.Random(4)
    for _ in range(60):
        panel = chance.choice([explorer, canvas])
        what = chance.choice(["image", "layer", "feature"])
        value = {"image": chance.choice([*images]), "layer": chance.choice(["relu1", "relu2"]), "feature": None}[what]
        setattr(panel, what, chance.randrange(6) if what == "feature" else value)

    def at_rest():
        shown = [(panel.result.layer, panel.result.feature) for panel in (explorer, canvas) if panel.result]
        chosen = (explorer.selection.layer, explorer.selection.feature)
        return not explorer.busy and not canvas.busy and shown == [chosen, chosen]

    until(at_rest)
    assert len(counted) < 200, "they set each other again and again"
    pictures = zf.ImageFeatures(network, images[explorer.image]).picture
    assert np.array_equal(explorer.result.picture, pictures)
    assert np.array_equal(canvas.result.pictures[0], pictures)
