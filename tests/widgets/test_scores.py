"""Widgets draw and name labels that do not exclude each other, one logit for two classes, and scores that are none."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from torch import nn

import zfwidgets as zf
from zfwidgets.drawing import heat
from zfwidgets.models import Meaning
from zfwidgets.widgets.controls import probability_bars
from zfwidgets.widgets.occlusion_canvas.sweep_view import over_photograph

LABELS = ["sea", "beach", "people", "dog", "sky"]


class Regression(nn.Module):
    """An age in years, mostly below zero."""

    def forward(self, y):
        return 20 * y - 30


CASES = {
    "labels": (nn.Sigmoid(), 5, LABELS, "auto", "each"),
    "two of one": (nn.Identity(), 1, ["no", "yes"], "auto", "shares"),
    "age": (Regression(), 1, ["age"], "auto", "raw"),
    "raw logits": (Regression(), 5, LABELS, "none", "raw"),
}


@pytest.fixture(params=CASES, scope="module")
def net(request):
    end, outputs, labels, scores, meaning = CASES[request.param]
    torch.manual_seed(2)
    module = nn.Sequential(
        nn.Conv2d(3, 6, 5, stride=2), nn.ReLU(), nn.Conv2d(6, 8, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Linear(8, outputs), end,
    )  # fmt: skip
    nn.init.normal_(module[6].weight, std=3.0)
    net = zf.Network(module.eval(), size=(35, 51), labels=labels, scores=scores, device="cpu", name="small")
    assert net.scores.meaning == meaning
    return net


def shown(picture):
    return np.frombuffer(picture.pixels, np.uint8).reshape(picture.height, picture.width, 4)[..., :3]


def test_the_feature_explorer_writes_every_number_beside_its_bar(net, images):
    explorer = zf.FeatureExplorer(net, images, image="flower")
    html = explorer.view.prediction.value
    found = net.predict(images["flower"])
    for label, value in found.top(6):
        assert f"<div class='zf-bar-name'>{label}</div>" in html
        assert f"<div>{found.meaning.write(value)}</div>" in html
    notes = {"each": "Each by itself: they need not sum to 1.", "raw": "Scores, not probabilities."}
    assert ("zf-bars-note" in html) == (found.meaning in notes)
    assert notes.get(found.meaning, "") in html


def test_bars_of_scores_begin_at_their_zero():
    html = probability_bars([("a", 3.0), ("b", -1.0)], Meaning.RAW)
    assert re.findall("style='([^']*)'", html) == ["margin-left:25.0%;width:75.0%", "width:25.0%"]
    assert "<div>-1</div>" in html
    assert "width:50.0%" in probability_bars([("a", 0.5), ("b", 0.9)], Meaning.EACH)


def hide(canvas):
    mask = np.zeros((35, 51), bool)
    mask[5:28, 8:40] = True
    canvas.canvas.put(mask)
    return canvas.result


def test_the_occlusion_canvas_says_what_changes_in_the_numbers_own_words(net, images):
    canvas = zf.OcclusionCanvas(net, images, image="flower", size=8, stride=8)
    result, write = hide(canvas), net.scores.meaning.write
    was, now = result.answers
    assert f"{write(result.probability[0][was])}" in canvas.view.words.value
    assert f"{write(result.probability[1][now])}" in canvas.view.words.value
    begins = {"shares": "The answer", "each": "The most probable label", "raw": "The highest score"}
    expected = begins[net.scores.meaning] if len(net.labels) > 1 else "<b>age</b>:"
    assert canvas.view.words.value.startswith(expected)
    after = {name: value for name, value, _ in canvas.view.bars.shown}
    assert after == pytest.approx(dict(zip(net.labels, result.probability[1].tolist(), strict=True)), abs=1e-3)


def test_a_sweep_is_coloured_from_0_to_1_only_where_there_are_probabilities(net, images):
    canvas = zf.OcclusionCanvas(net, images, image="flower", size=8, stride=8, target=net.labels[-1])
    canvas.sweep()
    swept, view = canvas.swept, canvas.sweeper.maps
    raw = net.scores.meaning == "raw"
    colours = heat(swept.probability) if raw else heat(swept.probability, 0, 1)
    np.testing.assert_array_equal(shown(view.maps[1]), over_photograph(swept, colours))
    titles = [quarter.children[0].value for quarter in view.children]
    assert titles[2] == ("(d) the target's score" if raw else "(d) the target's probability")
    assert titles[3] == f"(e) {net.scores.meaning.answer}"
    assert view.maps[1].description.startswith("Score" if raw else "Probability")
    assert net.scores.meaning.write(swept.confidence[view.place or (0, 0)])


def test_the_invariance_explorer_has_a_chart_of_the_number_from_its_least_to_its_largest(net, images):
    explorer = zf.InvarianceExplorer(net, images, image="flower", transforms=[("translation", [-6, 0, 3, 6])])
    view, meaning = explorer.board.views[0], net.scores.meaning
    truth = int(net.predict(images["flower"]).probability[0].argmax())
    assert f"<b>{meaning.quantity.capitalize()}</b>" in view.probability.head.value
    assert meaning.write(explorer.now[0].probability[truth]) in view.probability.head.value
    curves = np.stack(list(view.probability.shown.values()))
    scale = view.probability.figure.marks[1].scales["y"]
    if meaning == "raw":
        assert (scale.min, scale.max) == pytest.approx((curves.min(), curves.max()))
    else:
        assert (scale.min, scale.max) == (0, 1)
    says = {"shares": "called", "each": "most probably", "raw": "highest for"}[meaning]
    assert (says in view.words.value) == (len(net.labels) > 1)


def test_the_target_class_is_offered_by_its_label_with_the_right_word(net, images):
    canvas = zf.OcclusionCanvas(net, images, image="flower", target=net.labels[-1])
    assert canvas.result.target == len(net.labels) - 1
    assert canvas.control_of["target"].labels == list(net.labels)
    label = canvas.view.children[0].children[0]
    assert f"Whose {net.scores.meaning.quantity} is mapped" in label.children[0].value
