"""Every experiment shows the numbers that the network's output means, and calls them what they are."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.numpy import save_file
from torch import nn

import zfwidgets as zf
from zfwidgets.experiments.invariance import TRANSFORMATIONS, chosen, feature_shift
from zfwidgets.experiments.occlusion import make_baseline
from zfwidgets.experiments.projection import ImageFeatures

pytestmark = pytest.mark.slow

SIZE = (28, 36)


class Ends(nn.Module):
    def __init__(self, end, outputs):
        super().__init__()
        torch.manual_seed(2)
        self.conv1, self.conv2 = nn.Conv2d(3, 6, 5, stride=2), nn.Conv2d(6, 8, 3, padding=1)
        self.head, self.end = nn.Linear(8, outputs), end
        nn.init.normal_(self.head.weight, std=3.0)

    def forward(self, x):
        y = self.conv2(self.conv1(x).relu()).relu()
        return self.end(self.head(y.mean((2, 3))))


LABELS = ["sea", "beach", "people", "dog", "sky"]
# function, outputs, labels, what it means, and the numbers of the classes from the module's own
CASES = {
    "labels": (torch.sigmoid, 5, LABELS, "each", lambda y: y),
    "hard sigmoids": (nn.functional.hardsigmoid, 5, LABELS, "each", lambda y: y),
    "log-softmax": (nn.LogSoftmax(1), 5, LABELS, "shares", np.exp),
    "one logit": (nn.Identity(), 1, ["no", "yes"], "shares", lambda y: np.hstack([1 - sigmoid(y), sigmoid(y)])),
    "one squeezed sigmoid": (
        lambda y: y.squeeze(1).sigmoid(), 1, ["no", "yes"], "shares", lambda y: np.stack([1 - y, y], 1),
    ),
    "age": (lambda y: 10 * y - 30, 1, ["age"], "raw", lambda y: y),
    "squeezed age": (lambda y: (10 * y - 30).squeeze(1), 1, None, "raw", lambda y: y[:, None]),
}  # fmt: skip


def sigmoid(y):
    return 1 / (1 + np.exp(-y))


def picture(seed=0):
    return np.random.default_rng(seed).integers(0, 256, (*SIZE, 3), np.uint8)


@pytest.fixture(params=CASES, scope="module")
def case(request):
    end, outputs, labels, meaning, numbers = CASES[request.param]
    module = Ends(end, outputs).eval()
    net = zf.Network(module, size=SIZE, labels=labels, device="cpu")

    @torch.no_grad()
    def expected(x):
        return numbers(module(x).double().numpy())

    return net, meaning, expected


def test_occlusion_has_the_numbers_that_the_module_gives_for_every_place(case):
    net, meaning, expected = case
    target = len(net.labels) - 1
    found = zf.occlusion(net, picture(), target, size=8, stride=6)
    x = net.prepare(picture())[1]
    grey = make_baseline(net, x, "grey")
    for row, top in enumerate(found.top):
        for column, left in enumerate(found.left):
            hidden = x.clone()
            hidden[:, top : top + 8, left : left + 8] = grey[:, top : top + 8, left : left + 8]
            numbers = expected(hidden[None])[0]
            assert found.probability[row, column] == pytest.approx(numbers[target], rel=1e-4, abs=1e-5)
            assert found.confidence[row, column] == pytest.approx(numbers.max(), rel=1e-4, abs=1e-5)
    assert found.unoccluded == pytest.approx(expected(x[None])[0], rel=1e-4, abs=1e-5)
    assert found.meaning == meaning
    assert found.layer in [layer.name for layer in net.layers if layer.units > 1]


def test_hiding_has_the_numbers_that_the_module_gives(case):
    net, meaning, expected = case
    found = zf.hide(net, picture(), (4, 6, 20, 24), target=net.labels[-1])
    whole = net.prepare(picture())[1]
    hidden = whole.clone()
    hidden[:, 4:20, 6:24] = make_baseline(net, whole, "grey")[:, 4:20, 6:24]
    assert found.probability == pytest.approx(expected(torch.stack([whole, hidden])), rel=1e-4, abs=1e-5)
    assert (found.meaning, found.target) == (meaning, len(net.labels) - 1)


def test_invariance_has_the_numbers_that_the_module_gives(case):
    net, meaning, expected = case
    images, values = {"a": picture(), "b": picture(1)}, [0, 3, 5]
    found = zf.invariance(net, images, labels=[0, len(net.labels) - 1], transforms=("translation", values))
    moved = TRANSFORMATIONS["translation"]
    for index, image in enumerate(images.values()):
        features = ImageFeatures(net, image)
        for place, value in enumerate(values):
            numbers = expected(moved.apply(features, value)[None])[0]
            truth = found.truth[index]
            assert found.probability["translation"][index, place] == pytest.approx(numbers[truth], rel=1e-4, abs=1e-5)
            assert found.label["translation"][index, place] == numbers.argmax()
            shift = feature_shift(features, *chosen(("translation", values)), value, "edge", found.layers)
            assert shift.probability == pytest.approx(numbers, rel=1e-4, abs=1e-5)
    assert found.meaning == meaning


def words_of(figure):
    return "\n".join(text.get_text() for axes in figure.axes for text in [*axes.texts, axes.title])


def test_figures_and_tables_call_the_numbers_what_they_are(case, tmp_path):
    net, meaning, _ = case
    swept = zf.occlusion(net, picture(), size=12, stride=12)
    hidden = zf.hide(net, picture(), (4, 6, 20, 24))
    moved = zf.invariance(net, {"a": picture()}, transforms=("translation", [0, 3, 5]))
    name, other = ("score", "probability") if meaning == "raw" else ("probability", "score")
    for result in (swept, hidden, moved):
        words = words_of(result.plot())
        assert name in words
        assert other not in words
        result.save(tmp_path / "result")
        again = type(result).load(tmp_path / "result")
        assert again.meaning == meaning
        assert repr(again) == repr(result)
        words = words_of(again.plot())
        assert name in words
    for result in (swept, moved):
        assert name in result.to_pandas().columns
        assert other not in result.to_pandas().columns


def test_scales_hold_all_scores_and_end_at_0_and_1_for_probabilities(case):
    net, meaning, _ = case
    swept = zf.occlusion(net, picture(), size=12, stride=12)
    (image,) = (axes.images[0] for axes in swept.plot().axes if axes.title.get_text().startswith("(d)"))
    moved = zf.invariance(net, {"a": picture()}, transforms=("translation", [0, 3, 5]))
    low, high = moved.plot().axes[3].get_ylim()
    drawn = zf.hide(net, picture(), (4, 6, 20, 24)).plot().axes[2]
    if meaning == "raw":
        assert image.get_clim() == pytest.approx((swept.probability.min(), swept.probability.max()))
        assert low < moved.probability["translation"].min() < moved.probability["translation"].max() < high
        assert drawn.get_xlim()[0] <= min(bar.get_width() for bar in drawn.patches)
        assert drawn.get_xlim()[1] >= 0
    else:
        assert image.get_clim() == (0, 1)
        assert (low, high) == (0, 1.02)
        assert drawn.get_xlim() == (0, 1)


def test_results_saved_before_there_were_other_scores_are_shares(tmp_path):
    net = zf.Network(Ends(nn.Identity(), 5).eval(), size=SIZE, device="cpu")
    found = zf.hide(net, picture(), (4, 6, 20, 24))
    found.save(tmp_path / "new")
    with safe_open(tmp_path / "new", framework="numpy") as file:
        header, arrays = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    values = json.loads(header["values"])
    assert values.pop("meaning") == "shares"
    save_file(arrays, tmp_path / "old", metadata={"result": header["result"], "values": json.dumps(values)})
    assert repr(zf.Hiding.load(tmp_path / "old")) == repr(found)
