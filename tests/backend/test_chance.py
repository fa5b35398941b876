"""Chance in evaluation mode: every image gets one draw, always the same, and the report says so."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from zfwidgets.backend.capture.exported import capture
from zfwidgets.backend.graph.op import RULES
from zfwidgets.backend.run.deconvnet import project_units
from zfwidgets.backend.run.forward import forward
from zfwidgets.backend.run.units import Units

from .networks import Apply, conv

CHANCE = {
    "randn_like": lambda x: x + torch.randn_like(x),
    "rand_like": lambda x: x * torch.rand_like(x),
    "bernoulli": lambda x: x * torch.bernoulli(torch.full_like(x, 0.5)),
    "rrelu": lambda x: F.rrelu(x, training=True),
    "gumbel_softmax": lambda x: F.gumbel_softmax(x, dim=1),
    "normal_": lambda x: x + torch.empty_like(x).normal_(),
    "rand": lambda x: x * torch.rand(x.shape[0], 6, 1, 1),
    "one for all": lambda x: x * torch.rand(1, 6, 1, 1),
}


def around(function):
    torch.manual_seed(0)
    return nn.Sequential(conv(3, 6, 3, padding=1), Apply(function), conv(6, 4, 3, padding=1)).eval()


@pytest.mark.parametrize("name", CHANCE)
def test_every_image_gets_one_draw_alone_and_in_company_now_and_later(name):
    program, again = (capture(around(CHANCE[name]), (3, 8, 11)) for _ in range(2))
    images = torch.randn(3, 3, 8, 11)
    images[2] = images[0]
    state = torch.get_rng_state()
    found = forward(program, images, [program.output]).activations[program.output]
    assert torch.equal(torch.get_rng_state(), state)
    torch.testing.assert_close(found[2], found[0])
    for place in range(3):
        alone = forward(program, images[place : place + 1], [program.output]).activations[program.output]
        torch.testing.assert_close(alone[0], found[place])
    torch.testing.assert_close(forward(again, images, [again.output]).activations[again.output], found)
    assert any("Chance plays a part" in note for note in program.notes)


@pytest.mark.parametrize("name", CHANCE)
def test_a_unit_and_its_projection_come_from_the_same_draw(name):
    program = capture(around(CHANCE[name]), (3, 8, 11))
    images = torch.randn(2, 3, 8, 11)
    maps = forward(program, images, [program.output]).activations[program.output]
    units = Units(*torch.tensor([[1, 2, 4, 5]]).T)
    for rule in RULES.values():
        patches = [project_units(program, images, program.output, units, rule, crop) for crop in (True, False)]
        torch.testing.assert_close(patches[0].on_image(0, 8, 11), patches[1].on_image(0, 8, 11))
        assert patches[0].activation[0] == pytest.approx(float(maps[1, 2, 4, 5]), rel=1e-4)


def test_two_draws_are_two():
    program = capture(around(lambda x: torch.randn_like(x) - torch.randn_like(x)), (3, 8, 11))
    found = forward(program, torch.randn(1, 3, 8, 11), [program.output]).activations[program.output]
    assert float(found.std()) > 0.1


def test_dropout_that_is_on_in_evaluation_mode_is_left_out_and_named():
    plain = capture(around(lambda x: x), (3, 8, 11))
    program = capture(around(lambda x: F.dropout(x, 0.5, training=True)), (3, 8, 11))
    images = torch.randn(2, 3, 8, 11)
    found, expected = (forward(each, images, [each.output]).activations[each.output] for each in (program, plain))
    assert torch.equal(found, expected)
    assert "Dropout is left out, although it is on in evaluation mode, too (dropout)." in program.notes


def test_dropout_as_it_should_be_and_attention_without_it_are_no_chance():
    attention = nn.TransformerEncoderLayer(6, 2, 8, batch_first=True)
    module = nn.Sequential(conv(3, 6, 3), nn.Dropout(), nn.Flatten(2), Apply(lambda x: x.transpose(1, 2)), attention)
    assert capture(module.eval(), (3, 8, 11)).notes == ()
