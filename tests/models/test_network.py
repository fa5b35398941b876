"""A network is made of any module, and says what is wrong where it cannot be."""

from __future__ import annotations

import copy
import pickle
import re

import numpy as np
import pytest
import torch
import torchvision
from torch import nn

import zfwidgets as zf

from ..backend.networks import Apply, conv

SIZE = (20, 28)


def small(channels=3, classes=4):
    torch.manual_seed(3)
    return nn.Sequential(
        nn.Conv2d(channels, 6, 5, stride=2),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Conv2d(6, 8, 3, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, classes),
    ).eval()


@pytest.fixture(scope="module")
def module():
    return small()


@pytest.fixture(scope="module")
def network(module):
    return zf.Network(module, size=SIZE, labels=["a", "b", "c", "d"], device="cpu")


def picture(seed=0, height=33, width=51):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def softmax(scores):
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


@torch.no_grad()
def expected(module, network, images):
    """The module's own answer for the numbers that the network reads, in numpy."""
    return softmax(module(torch.stack([network.prepare(image)[1] for image in images])).double().numpy())


def test_predict_is_the_modules_own_softmax(module, network):
    images = [picture(seed) for seed in range(3)]
    found = network.predict(images)
    assert found.probability == pytest.approx(expected(module, network, images), abs=1e-6)
    assert found.top(1, 2)[0][0] == "abcd"[int(found.probability[2].argmax())]
    assert [len(found.top(k)) for k in (1, 4, 9)] == [1, 4, 4]


def test_a_size_that_is_not_square_is_height_and_width(network):
    assert network.program.input.shape == (3, 20, 28)
    assert (network.layers[0].height, network.layers[0].width) == (8, 12)
    assert network.prepare(picture())[0].shape == (20, 28, 3)


def test_a_module_in_training_mode_is_looked_at_as_in_evaluation_and_left_in_training(module):
    training = copy.deepcopy(module).train()
    training[4].eval()
    network = zf.Network(training, size=SIZE, device="cpu")
    assert [part.training for part in training] == [index != 4 for index in range(9)]
    assert network.predict(picture()).probability == pytest.approx(expected(module, network, [picture()]), abs=1e-6)
    assert "training mode" in repr(network.report())
    assert "training mode" not in repr(zf.Network(module, size=SIZE).report())


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_half_precision_weights_are_computed_with_in_single_precision(kind):
    half = small().to(kind)
    before = {name: value.clone() for name, value in half.state_dict().items()}
    network = zf.Network(half, size=SIZE, device="cpu")
    single = copy.deepcopy(half).float()
    assert network.predict(picture()).probability == pytest.approx(expected(single, network, [picture()]), abs=1e-6)
    assert "half precision" in repr(network.report())
    assert all(torch.equal(value, before[name]) for name, value in half.state_dict().items())
    assert half[0].weight.dtype == kind


def test_double_precision_stays_double():
    network = zf.Network(small().double(), size=SIZE, device="cpu")
    assert network.prepare(picture())[1].dtype == network.dtype == torch.float64
    assert network.predict(picture()).probability.dtype == np.float32


@pytest.mark.parametrize("number", [torch.nan, torch.inf])
def test_weights_that_are_not_finite_are_named(number):
    module = small()
    module[4].weight.data[2, 3, 1, 1] = number
    with pytest.raises(ValueError, match=r"'4\.weight'.*not finite"):
        zf.Network(module, size=SIZE)


@pytest.mark.parametrize("given", [None, "resnet18", nn.ReLU, np.zeros((3, 4)), {}])
def test_what_is_no_module_is_a_type_error(given):
    with pytest.raises(TypeError, match=re.escape(type(given).__name__)):
        zf.Network(given)


@pytest.mark.parametrize("labels", [["a", "b"], list("abcde"), "abcd"])
def test_labels_that_are_not_the_classes_are_refused_with_both_numbers(module, labels):
    with pytest.raises(ValueError, match=f"the 4 classes.*{len(labels)} were given"):
        zf.Network(module, size=SIZE, labels=labels)


def test_without_labels_the_classes_are_numbered(module):
    assert zf.Network(module, size=SIZE).labels == ("class 0", "class 1", "class 2", "class 3")


@pytest.mark.parametrize("size", [0, (20, -1), (3,), (1, 2, 3), "big", 22.5, (20, 28.5), None])
def test_an_impossible_size_says_what_size_is(module, size):
    with pytest.raises(ValueError, match=r"height and width .*; .* is not possible"):
        zf.Network(module, size=size)


def test_a_size_may_be_numpys_numbers(module):
    assert zf.Network(module, size=np.int64(24)).program.input.shape == (3, 24, 24)
    assert zf.Network(module, size=np.array(SIZE)).program.input.shape == (3, *SIZE)


def test_maps_that_are_the_classes_have_their_names():
    body = nn.Sequential(conv(3, 4, 3), nn.ReLU(), conv(4, 4, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    net = zf.Network(body, size=16, labels=["ant", "bee", "cat", "dog"], device="cpu")
    named = {layer.name: net.class_of(layer.name, 2) for layer in net.layers}
    assert named == {"0": "", "1": "", "2": "cat", "3": "cat", "4": "cat", "5": "cat"}  # four maps are no classes yet
    mixed = zf.Network(nn.Sequential(body, nn.Linear(4, 4)), size=16, device="cpu")
    assert {mixed.class_of(layer.name, 2) for layer in mixed.layers if layer.name != "1"} == {""}
    assert mixed.class_of("1", 2) == mixed.labels[2]


def test_what_a_unit_sees_is_never_more_than_the_image():
    deep = nn.Sequential(*[conv(3, 3, 3, padding=1) for _ in range(9)], nn.AdaptiveAvgPool2d(1))
    net = zf.Network(deep, size=(12, 24), device="cpu")
    seen = [net.seen_from(layer.name) for layer in net.layers]
    assert (seen[0], seen[5], seen[6], seen[-1]) == ("3×3 pixels", "12×13 pixels", "12×15 pixels", "the whole image")
    assert zf.Network(deep[:9], size=12, device="cpu").seen_from("8") == "up to the whole image"


def test_an_unknown_layer_gives_the_nearest_names(network):
    with pytest.raises(ValueError, match=r"Sequential has no layer '44'; near it: 4"):
        network.layer("44")
    with pytest.raises(ValueError, match=r"'nowhere'; near it: 0, 1, 2"):
        network.step("nowhere")


class Undecided(nn.Module):
    def __init__(self):
        super().__init__()
        self.filter = nn.Conv2d(3, 4, 3)

    def forward(self, x):
        y = self.filter(x)
        if y.sum() > 0:
            y = -y
        return y


def test_what_cannot_be_captured_names_the_part_and_the_line():
    line = Undecided.forward.__code__.co_firstlineno + 2
    with pytest.raises(ValueError, match=rf"depends on the values.*\(in 1, .*test_network\.py, line {line}\)"):
        zf.Network(nn.Sequential(nn.Identity(), Undecided()), size=SIZE)


def test_training_further_changes_nothing_here():
    module = small()
    network = zf.Network(module, size=SIZE, device="cpu")
    before = network.predict(picture()).probability
    with torch.no_grad():
        for value in [*module.parameters(), *module.buffers()]:
            value.copy_(torch.ones_like(value))
    assert (network.predict(picture()).probability == before).all()
    assert network.predict(picture()).probability != pytest.approx(expected(module, network, [picture()]), abs=1e-3)


def test_a_network_for_grey_images_reads_grey():
    module = small(channels=1)
    network = zf.Network(module, size=SIZE, device="cpu")
    pixels, x = network.prepare(picture())
    assert x.shape == (1, *SIZE)
    assert (pixels != pixels[..., :1]).any()  # shown in the photograph's own colours
    grey = pixels @ np.array([299, 587, 114]) / 1000
    assert np.abs(x[0].numpy() - (grey / 255 - 0.5) / 0.5).max() < 1.01 / 255 / 0.5
    assert network.predict(picture()).probability == pytest.approx(expected(module, network, [picture()]), abs=1e-6)


def test_a_network_for_five_channels_reads_tensors():
    module = small(channels=5)
    network = zf.Network(module, size=SIZE, device="cpu")
    x = torch.randn(2, 5, *SIZE, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        scores = module(x).double().numpy()
    for given in (x, list(x), [(image, 0) for image in x]):
        assert network.predict(given).probability == pytest.approx(softmax(scores), abs=1e-6)
    assert network.predict(x[1].numpy()).probability == pytest.approx(softmax(scores)[1:], abs=1e-6)
    projection = zf.project(network, x[0], "2", 3)
    assert projection.pixels.shape == (5, *SIZE)
    assert projection.picture.shape == (*SIZE, 3)


def test_a_photograph_for_five_channels_is_refused_with_the_number_that_it_has():
    network = zf.Network(small(channels=5), size=SIZE)
    with pytest.raises(ValueError, match=r"reads images of 5 channels.*there are 3"):
        network.predict(picture())


class Ends(nn.Module):
    """A small network with something after it."""

    def __init__(self, *ends):
        super().__init__()
        self.body, self.ends = small(), nn.Sequential(*ends)

    def forward(self, x):
        return self.ends(self.body(x))


@pytest.mark.parametrize(
    "ends",
    [(nn.Softmax(1),), (nn.Unflatten(1, (4, 1, 1)), nn.Softmax(1), nn.Flatten()), (nn.Softmax(-1), nn.Dropout())],
)
def test_a_network_that_ends_in_softmax_is_not_softmaxed_twice(ends):
    module = Ends(*ends).eval()
    network = zf.Network(module, size=SIZE, device="cpu")
    plain = expected(module.body, network, [picture()])
    assert plain.max() - plain.min() > 0.05  # else twice would look like once
    assert network.predict(picture()).probability == pytest.approx(plain, abs=1e-6)


def test_a_network_that_ends_in_log_softmax_gives_probabilities():
    module = Ends(nn.LogSoftmax(1)).eval()
    network = zf.Network(module, size=SIZE, device="cpu")
    assert network.predict(picture()).probability == pytest.approx(
        expected(module.body, network, [picture()]), abs=1e-6
    )


def test_a_network_without_classes_refuses_to_predict_and_shows_its_maps():
    network = zf.Network(nn.Sequential(nn.Conv2d(3, 6, 5), nn.ReLU()), size=SIZE)
    assert not network.classifies
    with pytest.raises(ValueError, match=r"ends in an output of shape \(6, 16, 24\), not in one score a class"):
        network.predict(picture())
    assert zf.project(network, picture(), "1", 5).pixels.shape == (3, *SIZE)


def test_half_pixels_are_the_same_pixels(network):
    image = picture() / np.float32(255)
    half = network.predict(image.astype(np.float16)).probability
    assert half == pytest.approx(network.predict(picture()).probability, abs=1e-6)


def test_pixels_that_are_not_finite_are_refused(network):
    image = picture() / np.float32(255)
    image[4, 7, 1] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        network.predict(image)
    made = zf.Network(small(), size=SIZE, preprocess=lambda _: torch.full((3, *SIZE), torch.inf))
    with pytest.raises(ValueError, match=r"after preprocessing.*not finite"):
        made.predict(picture())


HARM = "<script>alert(1)</script>"


def test_labels_and_names_are_escaped_in_a_prediction():
    network = zf.Network(small(), size=SIZE, labels=[HARM, "b", "c", "d"])
    prediction = network.predict({HARM: picture()})
    assert HARM in repr(prediction)
    assert "<script>" not in prediction._repr_html_()
    assert prediction._repr_html_().count("&lt;script&gt;") >= 1


def test_names_are_escaped_in_a_report():
    module = nn.Sequential()
    module.add_module("<b>first</b>", nn.Conv2d(3, 4, 3))
    network = zf.Network(module, size=SIZE, name="<i>mine</i>")
    html = network.report()._repr_html_()
    assert "<b>first" not in html
    assert "&lt;b&gt;first&lt;/b&gt;" in html
    assert "<i>" not in html
    assert "&lt;i&gt;mine" in html


def test_a_report_counts_parameters_and_multiply_adds(module, network):
    report = network.report()
    assert report.parameters == sum(weight.numel() for weight in module.parameters())
    assert report.macs == 8 * 12 * 6 * 3 * 25 + 8 * 12 * 8 * 6 * 9 + 8 * 4
    assert "Every operation has a deconvnet rule." in report.sentences
    table = report.to_pandas()
    assert list(table["name"]) == [layer.name for layer in network.layers]
    assert list(table["title"]) == [layer.title for layer in network.layers]
    assert "<tr><td>conv 2</td><td>5</td><td>rectifier</td>" in report._repr_html_()
    assert table["macs"].sum() == report.macs


class Attention(nn.Module):
    """Patches as tokens that look at each other: the smallest vision transformer."""

    def __init__(self):
        super().__init__()
        self.patches, self.ask, self.head = nn.Conv2d(3, 8, 4, stride=4), nn.Linear(8, 24), nn.Linear(8, 5)

    def forward(self, x):
        tokens = self.patches(x).flatten(2).transpose(1, 2)
        query, key, value = self.ask(tokens).chunk(3, -1)
        weights = (query @ key.transpose(1, 2) / 8**0.5).softmax(-1)
        return self.head((tokens + weights @ value).mean(1))


def test_a_transformer_works_and_its_report_says_what_can_be_shown():
    torch.manual_seed(0)
    module = Attention().eval()
    network = zf.Network(module, size=SIZE, device="cpu")
    assert network.predict(picture()).probability == pytest.approx(expected(module, network, [picture()]), abs=1e-6)
    report = repr(network.report())
    assert "transformer" in report
    assert "cannot be shown. Layers with feature maps: patches." in report
    assert "softmax" in report
    assert zf.project(network, picture(), "patches", 2).box[2] <= SIZE[0]


@pytest.mark.slow
def test_torchvisions_resnet18_can_be_looked_into():
    torch.manual_seed(0)
    module = torchvision.models.resnet18(weights=None).eval()
    network = zf.Network(module, size=64, device="cpu")
    assert network.predict(picture()).probability == pytest.approx(expected(module, network, [picture()]), abs=1e-5)
    projection = zf.project(network, picture(), "layer1.1.relu_1", 7)
    assert projection.scale > 0
    assert network.layer("layer1.1.relu_1").channels == 64


def test_repr_says_name_size_and_number_of_layers(network):
    assert repr(network) == f"Network(Sequential: 3×20×28, {len(network.layers)} layers, on cpu)"


def test_main_layers_are_those_after_their_rectifier(network):
    assert [layer.name for layer in network.main_layers] == ["2", "5", "6", "8"]


class Stages(nn.Module):
    def __init__(self):
        super().__init__()
        self.low, self.high = conv(3, 6, 3), conv(6, 7, 3, 2)

    def forward(self, x):
        low = self.low(x).relu()
        return [low, self.high(low).relu()]


def test_the_main_layers_of_a_backbone_reach_its_last_stage():
    net = zf.Network(Stages(), size=32)
    assert [layer.name for layer in net.main_layers] == ["relu", "relu_1"]
    assert [layer.name for layer in zf.Network(Stages(), size=32, output=0).main_layers] == ["relu"]
    assert "output= chooses another one" in repr(net.report())


def test_a_network_without_a_layer_is_refused_in_a_sentence():
    with pytest.raises(ValueError, match="has no layer to look at"):
        zf.Network(Apply(lambda x: x[..., None].mean((1, 2))), size=32)


def test_weights_without_a_shape_are_refused_in_a_sentence():
    module = nn.Sequential(nn.Flatten(), nn.LazyLinear(3))
    with pytest.raises(ValueError, match=r"'1\.weight' have no shape yet; call the module once"):
        zf.Network(module, size=8)
    module(torch.zeros(1, 3, 8, 8))
    assert zf.Network(module, size=8).layers[-1].channels == 3


@pytest.mark.parametrize("name", ["small", "mobilenet_v3_small", "shufflenet_v2_x0_5", "googlenet"])
def test_it_can_be_sent_to_another_process(name, module):
    options = {"init_weights": True} if name == "googlenet" else {}
    model = module if name == "small" else torchvision.models.get_model(name, **options)
    net = zf.Network(model, 64, device="cpu")
    sent = pickle.loads(pickle.dumps(net))
    x = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    assert np.array_equal(sent.classify(x, "ab").probability, net.classify(x, "ab").probability)
    assert sent.fingerprint == net.fingerprint
