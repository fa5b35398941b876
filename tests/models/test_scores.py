"""What the network's output means: its own probabilities, logits, or just numbers; against plain torch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import zfwidgets as zf

pytestmark = pytest.mark.slow

SIZE = (20, 28)


class Ends(nn.Module):
    """A small network of so many outputs, and a function after it."""

    def __init__(self, end, outputs=5):
        super().__init__()
        torch.manual_seed(1)
        self.body = nn.Sequential(
            nn.Conv2d(3, 6, 5, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, outputs)
        )
        nn.init.normal_(self.body[4].weight, std=3.0)
        self.end = end

    def forward(self, x):
        return self.end(self.body(x))


def images(count=3):
    return [np.random.default_rng(seed).integers(0, 256, (33, 51, 3), np.uint8) for seed in range(count)]


def network(end, outputs=5, **settings):
    return zf.Network(Ends(end, outputs).eval(), size=SIZE, device="cpu", **settings)


@torch.no_grad()
def module_says(net, end, outputs=5):
    """The module's own numbers for the same inputs, in plain torch: (images, …) and the logits."""
    module = Ends(end, outputs).eval()
    x = torch.stack([net.prepare(image)[1] for image in images()])
    return module(x).double().numpy(), module.body(x).double().numpy()


def in_groups(y):
    return y.view(-1, 2, 3).softmax(2).flatten(1)


INDEPENDENT = {
    "Sigmoid": nn.Sigmoid(),
    "torch.sigmoid": torch.sigmoid,
    "x.sigmoid": lambda y: y.sigmoid(),
    "x.sigmoid_": lambda y: y.sigmoid_(),
    "expit": torch.special.expit,
    "hardsigmoid": F.hardsigmoid,
    "Hardsigmoid": nn.Hardsigmoid(),
    "sigmoid as maps": lambda y: y[..., None, None].sigmoid().flatten(1),
    "clamped": lambda y: y.sigmoid().clamp(1e-6, 1 - 1e-6),
    "turned round": lambda y: 1 - y.sigmoid(),
    "tanh": lambda y: (y.tanh() + 1) / 2,
    "written out": lambda y: 1 / (1 + torch.exp(-y)),
    "gated": lambda y: y.sigmoid() * (y * 2).sigmoid(),
    "first classes": lambda y: y.softmax(1)[:, :4],
    "exp of log_sigmoid": lambda y: F.logsigmoid(y).exp(),
}
EXCLUSIVE = {
    "Softmax": nn.Softmax(1),
    "Softmax, flatten": lambda y: F.softmax(y[..., None, None], 1).flatten(1),
    "softmax along the last": lambda y: y[:, None].softmax(-1).squeeze(1),
    "softmin": lambda y: F.softmin(y, 1),
    "half as warm": lambda y: F.softmax(y / 2, 1),
    "two networks' mean": lambda y: (y.softmax(1) + (2 * y).softmax(1)) / 2,
    "clamped": lambda y: y.softmax(1).clamp(1e-7, 1 - 1e-7),
    "written out": lambda y: y.exp() / y.exp().sum(1, keepdim=True),
    "mean over a map": lambda y: y[..., None, None].expand(-1, -1, 2, 3).softmax(1).mean((2, 3)),
    "exp of log_softmax": lambda y: F.log_softmax(y, 1).exp(),
}
LOGARITHMS = {
    "LogSoftmax": (nn.LogSoftmax(1), "shares"),
    "log of softmax": (lambda y: y.softmax(1).log(), "shares"),
    "log_softmax, flatten": (lambda y: F.log_softmax(y[..., None], 1).flatten(1), "shares"),
    "LogSigmoid": (nn.LogSigmoid(), "each"),
    "log of clamped sigmoid": (lambda y: y.sigmoid().clamp(1e-6, 1).log(), "each"),
}
RAW = {
    "logits": lambda y: y,
    "rectified": F.relu,
    "tanh": torch.tanh,
    "doubled sigmoid": lambda y: 2 * y.sigmoid(),
    "normalised": lambda y: F.normalize(y),
    "sums of softmaxes": lambda y: y.softmax(1) + y.sigmoid(),
}


def params(table):
    return [pytest.param(value, id=name) for name, value in table.items()]


@pytest.mark.parametrize("end", params(INDEPENDENT))
def test_a_network_that_ends_in_sigmoids_gives_its_own_numbers(end):
    net = network(end)
    own, _ = module_says(net, end)
    found = net.predict(images())
    assert found.probability == pytest.approx(own, abs=1e-6)
    assert found.meaning == "each"
    assert "own numbers" in net.scores.why
    assert "need not sum to 1" in repr(net.report())


@pytest.mark.parametrize("end", params(EXCLUSIVE))
def test_a_network_that_ends_in_softmax_gives_its_own_numbers(end):
    net = network(end)
    own, _ = module_says(net, end)
    found = net.predict(images())
    assert found.probability == pytest.approx(own, abs=1e-6)
    assert found.probability.sum(1) == pytest.approx(1, abs=1e-5)
    assert found.meaning == "shares"


@pytest.mark.parametrize("case", params(LOGARITHMS))
def test_of_logarithms_of_probabilities_the_exponentials_are_taken(case):
    end, meaning = case
    net = network(end)
    own, _ = module_says(net, end)
    found = net.predict(images())
    assert found.probability == pytest.approx(np.exp(own), abs=1e-6)
    assert found.meaning == meaning
    assert "exponentials" in net.scores.why


@pytest.mark.parametrize("end", params(RAW))
def test_of_other_numbers_softmax_is_taken_and_called_an_assumption(end):
    net = network(end)
    own, _ = module_says(net, end)
    found = net.predict(images())
    powers = np.exp(own - own.max(1, keepdims=True))
    assert found.probability == pytest.approx(powers / powers.sum(1, keepdims=True), abs=1e-6)
    assert found.meaning == "shares"
    assert "assumption" in repr(net.report())
    assert 'scores="sigmoid" is for labels that do not exclude each other' in repr(net.report())


def test_a_softmax_for_each_of_two_groups_is_not_shares_of_one():
    net = network(in_groups, 6)
    own, _ = module_says(net, in_groups, 6)
    assert net.predict(images()).probability == pytest.approx(own, abs=1e-6)
    assert net.scores.meaning == "each"


SHAPES = {
    "one column": lambda y: y,
    "squeezed": lambda y: y.squeeze(1),
    "viewed": lambda y: y.view(-1),
    "chosen": lambda y: y[:, 0],
}


@pytest.mark.parametrize("shape", params(SHAPES))
def test_one_logit_with_two_labels_is_a_sigmoid_of_the_second(shape):
    net = network(shape, 1, labels=["ant", "bee"])
    _, logits = module_says(net, shape, 1)
    second = 1 / (1 + np.exp(-logits))
    found = net.predict(images())
    assert found.probability == pytest.approx(np.hstack([1 - second, second]), abs=1e-6)
    assert found.meaning == "shares"
    assert "One output stands for two labels" in repr(net.report())
    assert [net.class_number(target) for target in ("ant", "bee", 1)] == [0, 1, 1]


@pytest.mark.parametrize("shape", params(SHAPES))
@pytest.mark.parametrize("function", [torch.sigmoid, F.hardsigmoid, lambda y: F.logsigmoid(y).exp()])
def test_one_sigmoid_with_two_labels_is_the_second_ones_probability(shape, function):
    def end(y):
        return function(shape(y))

    net = network(end, 1, labels=["ant", "bee"])
    own = module_says(net, end, 1)[0].reshape(-1, 1)
    assert net.predict(images()).probability == pytest.approx(np.hstack([1 - own, own]), abs=1e-6)
    assert "of 'bee', and 1 minus that of 'ant'" in net.scores.why


@pytest.mark.parametrize("labels", [None, ["defect"]])
def test_one_sigmoid_with_one_label_or_none_is_that_number(labels):
    net = network(torch.sigmoid, 1, labels=labels)
    own, _ = module_says(net, torch.sigmoid, 1)
    found = net.predict(images())
    assert found.probability == pytest.approx(own, abs=1e-6)
    assert (found.labels, found.meaning) == (tuple(labels or ["output"]), "each")
    assert np.ptp(found.probability) > 1e-4


@pytest.mark.parametrize("shape", params(SHAPES))
@pytest.mark.parametrize("labels", [None, ["age"]])
def test_one_number_is_shown_as_it_is_and_called_a_score(shape, labels):
    def end(y):
        return 40 + 10 * shape(y)

    net = network(end, 1, labels=labels)
    own = module_says(net, end, 1)[0].reshape(-1, 1)
    found = net.predict(images())
    assert found.probability == pytest.approx(own, rel=1e-5)
    assert found.meaning == "raw"
    assert "nothing says that it is a probability" in repr(net.report())
    assert f"scores: {found.labels[0]} {own[0, 0]:.3g}" in repr(found)
    assert "scores, not probabilities" in found._repr_html_()
    assert list(found.to_pandas().columns) == ["image", "rank", "label", "score"]


def test_several_outputs_that_are_no_probabilities_are_left_as_they_are_when_asked():
    net = network(nn.Identity(), scores="none", labels=list("abcde"))
    own, _ = module_says(net, nn.Identity())
    found = net.predict(images())
    assert found.probability == pytest.approx(own, abs=1e-5)
    assert found.meaning == "raw"
    assert found.top(5, 1) == sorted(found.top(5, 1), key=lambda pair: -pair[1])
    assert 'as scores="none" asks' in repr(net.report())


def test_none_leaves_also_a_softmax_and_its_logarithm_as_they_are():
    for end in (nn.Softmax(1), nn.LogSoftmax(1), nn.Sigmoid()):
        net = network(end, scores="none")
        assert net.predict(images()).probability == pytest.approx(module_says(net, end)[0], abs=1e-5)


@pytest.mark.parametrize("outputs", [1, 2, 5])
def test_sigmoids_are_put_on_logits_when_asked(outputs):
    net = network(nn.Identity(), outputs, scores="sigmoid")
    _, logits = module_says(net, nn.Identity(), outputs)
    found = net.predict(images())
    assert found.probability == pytest.approx(1 / (1 + np.exp(-logits)), abs=1e-6)
    assert found.meaning == "each"
    assert 'as scores="sigmoid" asks' in repr(net.report())


@pytest.mark.parametrize(
    ("end", "scores"),
    [
        (nn.Softmax(1), "softmax"), (nn.LogSoftmax(1), "softmax"), (nn.Sigmoid(), "sigmoid"),
        (nn.LogSigmoid(), "sigmoid"), (F.hardsigmoid, "sigmoid"),
    ],
)  # fmt: skip
def test_what_the_network_ends_in_is_not_applied_a_second_time_and_the_report_says_so(end, scores):
    asked, by_itself = network(end, scores=scores), network(end)
    assert (asked.predict(images()).probability == by_itself.predict(images()).probability).all()
    assert f'scores="{scores}" is not applied a second time' in repr(asked.report())


@pytest.mark.parametrize(
    ("end", "scores"), [(nn.Softmax(1), "sigmoid"), (nn.LogSoftmax(1), "sigmoid"), (nn.Sigmoid(), "softmax")]
)
def test_probabilities_are_not_made_probabilities_of_another_kind(end, scores):
    with pytest.raises(ValueError, match=r"are probabilities already \(it ends in .*change them once more"):
        network(end, scores=scores)


def test_softmax_of_one_output_is_refused_or_said_to_say_nothing():
    with pytest.raises(ValueError, match="softmax of one output is 1 whatever the image"):
        network(nn.Identity(), 1, scores="softmax")
    assert "1 whatever the image" in repr(network(nn.Softmax(1), 1).report())


def test_one_output_without_a_meaning_has_no_two_classes():
    with pytest.raises(ValueError, match="one output cannot be the scores of two labels"):
        network(nn.Identity(), 1, scores="none", labels=["ant", "bee"])


@pytest.mark.parametrize("scores", ["logits", None, 1, "Softmax"])
def test_an_unknown_kind_of_scores_is_named(scores):
    with pytest.raises(ValueError, match=r"scores is 'auto', 'softmax', 'sigmoid', 'none'; .* was given"):
        network(nn.Identity(), scores=scores)


def test_a_network_that_ends_in_maps_says_so_in_its_report():
    net = zf.Network(nn.Sequential(nn.Conv2d(3, 6, 5), nn.Sigmoid()), size=SIZE)
    assert not net.classifies
    assert "It ends in an output of shape (6, 16, 24), not in one score a class." in repr(net.report())


def test_the_layers_to_look_at_leave_out_the_outputs_not_the_labels():
    def body(maps):
        return nn.Sequential(
            nn.Conv2d(3, maps, 5), nn.ReLU(), nn.Conv2d(maps, 7, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
            nn.Linear(7, 1),
        )  # fmt: skip

    names = [layer.name for layer in zf.Network(body(2), size=SIZE, labels=["no", "yes"]).feature_layers]
    assert names == [layer.name for layer in zf.Network(body(3), size=SIZE, labels=["no", "yes"]).feature_layers]
    assert "6" not in names


def test_a_prediction_of_labels_that_do_not_exclude_each_other_says_so():
    found = network(nn.Sigmoid(), labels=["sea", "beach", "people", "dog", "sky"]).predict(images())
    assert "each by itself" in found._repr_html_()
    assert list(found.to_pandas().columns) == ["image", "rank", "label", "probability"]
    assert "each by itself" not in network(nn.Softmax(1)).predict(images())._repr_html_()
