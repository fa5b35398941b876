"""Every convolution is a layer, also behind what loses rows and columns; where it is not known better, all is seen."""

from __future__ import annotations

import pytest
import timm
import torch
import torch.nn.functional as F
from torch import nn
from torchvision.models import get_model

from zfwidgets.backend.capture.exported import capture
from zfwidgets.backend.graph.op import RULES
from zfwidgets.backend.run.deconvnet import project_units
from zfwidgets.backend.run.units import Units

from .. import oracles
from ..oracles import relative_error
from .networks import Apply, conv
from .small import SHAPE, examples, values
from .test_incremental import boxes_in, worst_difference


def mix():
    return conv(8, 8, 3, padding=1)


def split_attention(x, a, b):
    """Two radix groups, weighed by a softmax of what both see (ResNeSt)."""
    y = a(x).relu()
    n, c, h, w = y.shape
    parts = y.reshape(n, 2, c // 2, h, w)
    gap = parts.sum(1).mean((2, 3), keepdim=True)
    weights = b(gap).view(n, 1, 2, -1).transpose(1, 2).softmax(1).reshape(n, -1, 1, 1)
    return (parts * weights.reshape(n, 2, c // 2, 1, 1)).sum(1)


def attention(x, a, b):
    q, k, v = a(x).flatten(2).chunk(3, 1)
    y = v @ (q.mT @ k / 3).softmax(-1).mT
    return b(y.reshape(x.shape))


def fused_attention(x, a, b):
    q, k, v = (part.unflatten(1, (2, 4)).flatten(3).mT for part in a(x).chunk(3, 1))
    return b(F.scaled_dot_product_attention(q, k, v).mT.reshape(x.shape)).relu()


def windows(x, a, b):
    """Swin's windows, as if each were an image, and back."""
    n, c, h, w = x.shape
    y = x.reshape(n, c, h // 3, 3, w // 2, 2).permute(0, 2, 4, 1, 3, 5).reshape(-1, c, 3, 2)
    y = a(y).relu().reshape(n, h // 3, w // 2, c, 3, 2).permute(0, 3, 1, 4, 2, 5).reshape(n, c, h, w)
    return b(y).relu()


def mixer(x, a, b, c):
    """Tokens mixed by a linear layer, and maps again."""
    return b(c(x.flatten(2)).reshape(x.shape)).relu() + a(x)


LOST = {  # what stands between a first convolution of eight maps (9×10) and what is asked
    "a vector viewed as maps": (
        lambda x, a, b: b(a(x.mean((2, 3))).view(-1, 4, 7, 6)).relu(), lambda: nn.Linear(8, 168), lambda: conv(4, 5, 3),
    ),
    "unflattened": (
        lambda x, a, b: b(a(x.flatten(1))).relu(),
        lambda: nn.Sequential(nn.Linear(720, 60), nn.ReLU(), nn.Unflatten(1, (5, 4, 3))), lambda: conv(5, 4, 2),
    ),
    "reshaped with as many numbers": (lambda x, a: a(x.reshape(-1, 4, 18, 10)).relu(), lambda: conv(4, 4, 3)),
    "a generator": (
        lambda x, a, b, c: c(b(a(x.amax((2, 3)))[:, :, None, None]).relu()).tanh(),
        lambda: nn.Linear(8, 6), lambda: nn.ConvTranspose2d(6, 4, 4), lambda: nn.ConvTranspose2d(4, 3, 4, 2, 1),
    ),
    "slices unsqueezed": (
        lambda x, a: a(torch.cat([x[:, i].unsqueeze(1) * (i + 1) - 0.1 for i in range(8)], 1)).relu(), mix,
    ),
    "unbound and stacked": (lambda x, a: a(torch.stack([m * 2 for m in x.unbind(1)], 1)).relu(), mix),
    "selected and stacked last": (
        lambda x, a: a(torch.stack([x[:, i] for i in range(8)], -1).permute(0, 3, 1, 2)).relu(), mix,
    ),
    "split attention": (split_attention, mix, lambda: conv(4, 8, 1)),
    "attention": (attention, lambda: conv(8, 24, 1), mix),
    "attention of torch": (fused_attention, lambda: conv(8, 24, 1), mix),
    "transposed": (lambda x, a: a(x.transpose(2, 3)).relu(), lambda: conv(8, 4, (3, 1))),
    "rotated": (lambda x, a: a(torch.rot90(x, 1, (2, 3))).relu(), lambda: conv(8, 4, (3, 1))),
    "tokens mixed": (mixer, mix, mix, lambda: nn.Linear(90, 90)),
    "einsum": (lambda x, a: a(torch.einsum("nchw,cd->ndhw", x, torch.ones(8, 8, dtype=x.dtype))).relu(), mix),
    "channels last": (lambda x, a: a(F.layer_norm(x.permute(0, 2, 3, 1), (8,)).permute(0, 3, 1, 2)).relu(), mix),
    "Fourier": (lambda x, a: a(torch.fft.irfft2(torch.fft.rfft2(x) * 0.5, s=x.shape[-2:])).relu(), mix),
    "a third dimension": (
        lambda x, a, b: b(a(x[:, None]).flatten(1, 2)).relu(), lambda: nn.Conv3d(1, 2, 3, padding=1),
        lambda: conv(16, 4, 3),
    ),
    "rows as a sequence": (
        lambda x, a, b: b(a(x.mean(2)).reshape(-1, 6, 2, 5)).relu(), lambda: nn.Conv1d(8, 6, 3, padding=1),
        lambda: conv(6, 4, 2),
    ),
    "a map without channels": (lambda x, a: a(x.mean(1).unsqueeze(1)).relu(), lambda: conv(1, 4, 3)),
    "of one image only": (lambda x, a: a(x.flatten(1).unflatten(1, (1, 24, 30))).relu(), lambda: conv(1, 3, (5, 4))),
}  # fmt: skip
QUICK = {"a vector viewed as maps", "split attention", "transposed", "unbound and stacked", "slices unsqueezed"}
NAMES = [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in LOST]


def network(name):
    function, *parts = LOST[name]
    torch.manual_seed(4)
    stem = conv(3, 8, (4, 3), padding=(0, 1))
    return nn.Sequential(stem, nn.ReLU(), Apply(function, *(part() for part in parts))).double().eval()


def convolutions(module):
    return [name for name, part in module.named_modules() if isinstance(part, nn.Conv2d | nn.ConvTranspose2d)]


@pytest.mark.parametrize("name", NAMES)
def test_every_convolution_is_a_layer_and_nothing_is_computed_otherwise(name):
    module, images = network(name), examples()
    program = capture(module, SHAPE)
    assert set(convolutions(module)) <= {layer.name for layer in program.layers}
    with torch.no_grad():
        assert relative_error(values(program, images), module(images)) < 1e-12


@pytest.mark.slow
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", LOST)
def test_units_above_are_projected_as_autograd_does(name, rule):
    module, images = network(name), examples()
    program = capture(module, SHAPE)
    for site in convolutions(module):
        step = program.by_name[site]
        rows, columns = step.map_size
        units = [(0, 1, rows // 2, columns // 2), (1, 0, 0, 0), (2, 2, rows - 1, columns - 1)]
        expected, _ = oracles.project_units(module, images, site, units, rule)
        for crop in (True, False):
            found = project_units(program, images, step, Units(*torch.tensor(units).T), RULES[rule], crop=crop)
            on_images = torch.stack([found.on_image(i, *SHAPE[1:]) for i in range(3)])
            assert relative_error(on_images, expected) < 1e-10


@pytest.mark.slow
@pytest.mark.parametrize("name", LOST)
def test_what_reaches_a_unit_lies_in_its_receptive_field(name):
    module, image = network(name), examples(1)[0]
    program = capture(module, SHAPE)
    by_name = {layer.name: layer for layer in program.layers}
    for site in convolutions(module):
        step = program.by_name[site]
        rows, columns = step.map_size
        for row, column in [(0, 0), (rows // 2, columns // 2), (rows - 1, columns - 1)]:
            top, left, bottom, right = program.receptive_field(step, row, column)
            seen = oracles.box_of_gradient(module, image, site, row, column)
            assert top <= seen[0]
            assert left <= seen[1]
            assert seen[2] <= bottom
            assert seen[3] <= right
            if by_name[site].whole:
                assert (top, left, bottom, right) == (0, 0, *SHAPE[1:])
                assert by_name[site].receptive_field == SHAPE[1:]


@pytest.mark.slow
@pytest.mark.parametrize("name", LOST)
def test_an_image_with_something_hidden_answers_as_if_it_were_really_changed(name):
    module = network(name)
    program = capture(module, SHAPE)
    wanted = [program.by_name[site] for site in convolutions(module)]
    assert worst_difference(program, examples(1)[0], [*wanted, program.output], boxes_in(*SHAPE[1:])) < 1e-10


def test_windows_that_are_computed_as_images_are_no_maps_of_the_image_but_what_follows_is():
    torch.manual_seed(4)
    module = nn.Sequential(conv(3, 8, (4, 3), padding=(0, 1)), Apply(windows, mix(), mix())).double()
    program = capture(module, SHAPE)
    names = {layer.name for layer in program.layers}
    assert "1.a" not in names
    assert "1.b" in names
    with torch.no_grad():
        assert relative_error(values(program, examples()), module(examples())) < 1e-12


@pytest.mark.slow
@pytest.mark.parametrize("model", ["googlenet", "inception_v3"])
def test_torchvisions_own_preparation_of_the_image_hides_no_layer(model):
    torch.manual_seed(4)
    module = get_model(model, weights=None, aux_logits=False, init_weights=False, transform_input=True).eval()
    size = 96 if model == "googlenet" else 107
    program = capture(module, (3, size, size))
    layers = {layer.name: layer for layer in program.layers}
    assert set(convolutions(module)) <= set(layers)
    first = next(layer for layer in program.layers if layer.name in convolutions(module))
    assert first.receptive_field == {"googlenet": (7, 7), "inception_v3": (3, 3)}[model]
    images = torch.randn(2, 3, size, size)
    with torch.no_grad():
        assert relative_error(values(program, images), module(images)) < 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("model", ["resnest26d", "botnet26t_256", "edgenext_xx_small", "skresnet18"])
def test_timms_attention_hides_no_convolution(model):
    torch.manual_seed(4)
    module = timm.create_model(model, pretrained=False).eval()
    size = 256 if model.startswith("botnet") else 64
    program = capture(module, (3, size, size))
    assert set(convolutions(module)) <= {layer.name for layer in program.layers}
