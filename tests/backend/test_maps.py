"""What a convolution, pool, norm or rectifier gives as maps is a layer, also where its place on the image got lost."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torchvision.models import get_model

from zfwidgets.backend.capture.exported import capture
from zfwidgets.backend.graph.op import RULES
from zfwidgets.backend.run.deconvnet import project_units
from zfwidgets.backend.run.forward import forward
from zfwidgets.backend.run.units import Units

from .. import oracles
from ..oracles import relative_error
from .networks import Apply, conv


def split_attention(x, gate):
    parts = x.reshape(x.shape[0], 2, 3, *x.shape[2:])
    weight = gate(parts.sum(1).mean((2, 3), keepdim=True)).reshape(x.shape[0], 2, 3, 1, 1).softmax(1)
    return (parts * weight).sum(1).repeat(1, 2, 1, 1)


def attention(x):
    tokens = x.flatten(2).transpose(1, 2)
    mixed = nn.functional.scaled_dot_product_attention(tokens, tokens, tokens)
    return mixed.transpose(1, 2).reshape(x.shape)


def maps_of_a_vector():
    return nn.Sequential(nn.Flatten(), nn.Linear(6 * 80, 6 * 80), nn.Unflatten(1, (6, 8, 10)))


def single_maps(x):
    return torch.cat([x[:, place].unsqueeze(1) * (place + 1) for place in range(6)], 1)


LOST = {  # (the trap, whether the layers above know their places on the image)
    "a vector made maps": (maps_of_a_vector, False),
    "attention": (lambda: Apply(attention), False),
    "einsum": (lambda: Apply(lambda x: torch.einsum("nchw,cd->ndhw", x, torch.eye(6, dtype=x.dtype))), False),
    "rows and columns exchanged": (lambda: Apply(lambda x: x.transpose(2, 3)), False),
    "split attention": (lambda: Apply(split_attention, conv(3, 6, 1)), False),
    "single maps joined": (lambda: Apply(single_maps), True),
    "single maps, None": (lambda: Apply(lambda x: torch.cat([x[:, 3:], x[:, 0][:, None], x[:, 1:3]], 1)), True),
    "unbound and stacked": (lambda: Apply(lambda x: torch.stack(list(x.unbind(1))[::-1], 1)), True),
    "stacked and added": (lambda: Apply(lambda x: torch.stack([x, x * x], 2).sum(2)), True),
    "a sum over groups": (lambda: Apply(lambda x: x.reshape(-1, 2, 3, *x.shape[2:]).mean(2).repeat(1, 3, 1, 1)), False),
}  # fmt: skip


def network(name):
    torch.manual_seed(1)
    trap = LOST[name][0]()
    above = nn.Sequential(conv(6, 6, (3, 2), padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(2))
    return nn.Sequential(conv(3, 6, 3, padding=1), nn.ReLU(), trap, *above).double().eval()


@pytest.mark.parametrize("name", LOST)
def test_layers_above_are_there_and_see_what_is_known(name):
    layers = {layer.name: layer for layer in capture(network(name), (3, 8, 10)).layers}
    assert {"0", "1", "3", "4", "5", "6"} <= set(layers)
    assert [layers[at].units > 1 for at in ("3", "4", "5", "6")] == [True] * 4
    if LOST[name][1]:
        assert not layers["3"].whole
    elif layers["3"].whole:
        assert layers["3"].receptive_field == (8, 10)


@pytest.mark.parametrize("name", LOST)
def test_their_units_are_projected_as_autograd_does(name):
    module = network(name)
    program, images = capture(module, (3, 8, 10)), torch.randn(2, 3, 8, 10, dtype=torch.float64)
    for at in ("3", "6"):
        step = program.by_name[at]
        maps = forward(program, images, [step]).activations[step]
        units = [(image, int(maps[image, :, 1, 2].argmax()), 1, 2) for image in range(2)]
        for rule in RULES.values():
            expected, _ = oracles.project_units(module, images, at, units, rule.name)
            for crop in (True, False):
                found = project_units(program, images, step, Units(*torch.tensor(units).T), rule, crop)
                on_image = torch.stack([found.on_image(index, 8, 10) for index in range(2)])
                assert relative_error(on_image, expected) < 1e-10


def test_googlenet_as_it_is_loaded_has_all_its_convolutions():
    module = get_model("googlenet", weights=None, transform_input=True, init_weights=False, aux_logits=False).eval()
    program = capture(module, (3, 64, 64))
    convolutions = [layer for layer in program.layers if layer.kind == "convolution"]
    assert len(convolutions) == sum(isinstance(part, nn.Conv2d) for part in module.modules())
    assert convolutions[1].receptive_field == (11, 11)


def test_tokens_with_four_dimensions_are_no_maps():
    """(N, windows, tokens, channels), as in a window transformer: a rectifier there gives no rows and columns."""
    module = nn.Sequential(
        conv(3, 8, 4, stride=4), Apply(lambda x: x.flatten(2).reshape(x.shape[0], 8, 2, -1).permute(0, 2, 3, 1)),
        nn.Linear(8, 8), nn.GELU(), nn.Linear(8, 8), Apply(lambda x: x.mean((1, 2))), nn.Linear(8, 5),
    )  # fmt: skip
    layers = [layer.name for layer in capture(module.eval(), (3, 16, 16)).layers]
    assert layers == ["0", "5", "6"]
