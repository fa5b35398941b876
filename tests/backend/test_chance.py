"""What is drawn at random is drawn once for each image: the same alone, in every batch, upward and downward, always."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from zfwidgets.backend.capture.exported import capture
from zfwidgets.backend.graph.op import RULES
from zfwidgets.backend.run.deconvnet import project, project_units
from zfwidgets.backend.run.forward import forward
from zfwidgets.backend.run.units import Units

from ..oracles import relative_error
from .small import SHAPE, around, captured, examples, gradient, values


def drop_path(x):
    keep = torch.rand(x.shape[0], 1, 1, 1, dtype=x.dtype, device=x.device) > 0.4
    return x * keep


CHANCE = {
    "randn_like": lambda x: x + torch.randn_like(x),
    "rand_like": lambda x: x * torch.rand_like(x),
    "randint_like": lambda x: x + torch.randint_like(x, 3),
    "randn of its shape": lambda x: x + torch.randn(x.shape, dtype=x.dtype),
    "rand for each image": lambda x: x * torch.rand(x.shape[0], 8, 1, 1, dtype=x.dtype),
    "rand for all images": lambda x: x * torch.rand(1, 8, 1, 1, dtype=x.dtype),
    "one number": lambda x: x * torch.rand((), dtype=x.dtype),
    "a permutation of the maps": lambda x: x[:, torch.randperm(8)],
    "bernoulli": lambda x: x * torch.bernoulli(torch.full_like(x, 0.5)),
    "bernoulli of the image": lambda x: torch.bernoulli(x.sigmoid()) * x,
    "normal in place": lambda x: x + torch.empty_like(x).normal_(),
    "uniform in place": lambda x: x * torch.empty_like(x).uniform_(0.5, 2),
    "exponential in place": lambda x: x * torch.empty_like(x).exponential_(),
    "normal about the image": lambda x: torch.normal(x, 0.3),
    "drawn again for two paths": lambda x: torch.cat([x + torch.randn_like(x), x + torch.randn_like(x)], 1),
    "rrelu": lambda x: F.rrelu(x, training=True),
    "gumbel softmax": lambda x: F.gumbel_softmax(x, dim=1),
    "hard gumbel softmax": lambda x: x * F.gumbel_softmax(x, dim=1, hard=True),
    "poisson": lambda x: x * torch.poisson(x.abs()),
    "multinomial": lambda x: x * F.one_hot(torch.multinomial(x.abs().mean((2, 3)), 1)[:, 0], 8)[:, :, None, None],
    "reparametrised": lambda x: (m := x.mean((2, 3))) + torch.randn_like(m) * (0.5 * x.amax((2, 3))).exp(),
    "dropped paths": drop_path,
    "noise, where the image is dark": lambda x: torch.where(x > 0, x, torch.rand_like(x)),
}
QUICK = {"randn_like", "gumbel softmax", "rand for each image"}
NAMES = [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in CHANCE]


@pytest.mark.parametrize("name", NAMES)
def test_every_image_gets_one_draw_the_same_alone_and_in_any_batch(name):
    state = torch.get_rng_state()
    module = around(CHANCE[name])
    torch.manual_seed(5)
    before = torch.get_rng_state()
    program = capture(module, SHAPE)
    images = examples(4)
    together = values(program, images)
    alone = torch.cat([values(program, image[None]) for image in images])
    assert relative_error(alone, together) < 1e-12
    assert relative_error(values(program, images.flip(0)).flip(0), together) < 1e-12
    assert torch.equal(values(program, images), together)
    twins = values(program, images[:1].expand(2, -1, -1, -1))
    assert relative_error(twins[1:], twins[:1]) < 1e-12
    assert torch.equal(torch.get_rng_state(), before)
    torch.set_rng_state(state)


@pytest.mark.parametrize("name", NAMES)
def test_the_report_says_that_chance_plays_a_part(name):
    (note,) = captured(CHANCE[name]).notes
    assert note.startswith("Chance plays a part in evaluation mode")


ESTIMATED = {"normal about the image", "hard gumbel softmax"}  # torch's gradient of them is another one


@pytest.mark.parametrize("name", [name for name in NAMES if name.values[0] not in ESTIMATED])
def test_the_way_down_is_that_of_the_draw_on_the_way_up(name):
    """The gradient tells how the numbers change as the image does: with another draw it would not."""
    program, images = captured(CHANCE[name]), examples(2)
    seed, down = gradient(program, images)
    step = 1e-6 * examples(2).flip(2)
    change = (values(program, images + step) - values(program, images - step)) / 2
    torch.testing.assert_close((change * seed).sum(), (down * step).sum(), rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("rule", RULES)
def test_a_unit_is_projected_with_the_activation_that_its_map_has(rule):
    program, images = captured(CHANCE["randn_like"]), examples(3)
    step = program.by_name["trap"]
    units = Units(torch.tensor([2, 0, 1]), torch.tensor([1, 3, 5]), torch.tensor([0, 4, 2]), torch.tensor([2, 0, 5]))
    expected = values(program, images, step)[units.image, units.feature, units.row, units.column]
    for crop in (True, False):
        found = project_units(program, images, step, units, RULES[rule], crop=crop)
        torch.testing.assert_close(found.activation, expected, rtol=0, atol=1e-12)


def test_two_draws_of_one_network_differ():
    program = captured(CHANCE["drawn again for two paths"])
    x = examples(1)
    first, second = (values(program, x, program.by_name[name]) for name in ("trap.randn_like", "trap.randn_like_1"))
    assert float((first - second).abs().max()) > 0.1


@pytest.mark.parametrize("p", [0.0, 0.3])
def test_dropout_that_is_on_in_evaluation_mode_is_left_out_and_named(p):
    module = around(lambda x: F.dropout(x, p, training=True))
    program = capture(module, SHAPE)
    with torch.no_grad():
        assert relative_error(values(program, examples()), module.head(module.stem(examples()))) < 1e-12
    assert [note for note in program.notes if "Dropout is left out" in note] == list(program.notes[: int(p > 0)])
    assert len(program.notes) == int(p > 0)


def test_a_network_without_chance_has_no_note():
    assert capture(nn.Sequential(nn.Conv2d(3, 8, 3), nn.Dropout(0.5), nn.ReLU()), SHAPE).notes == ()
    attention = captured(
        lambda x, a: a(*[x.flatten(2).mT] * 3)[0][:, 0], lambda: nn.MultiheadAttention(8, 2, 0.5, batch_first=True)
    )
    assert attention.notes == ()


def test_a_draw_for_several_images_at_once_is_refused():
    with pytest.raises(ValueError, match=r"it draws random numbers for several images at once \(in trap, "):
        captured(lambda x: x + torch.randn(x.shape[0] * 8, dtype=x.dtype).view(-1, 8, 1, 1))


@pytest.mark.slow
def test_downward_signals_are_those_of_the_map_that_is_shown():
    program, images = captured(CHANCE["rand_like"]), examples(2)
    record = forward(program, images, [program.output], RULES["deconvnet"])
    downs = [project(program, record, program.output, record.activations[program.output]) for _ in range(2)]
    assert torch.equal(*downs)


@pytest.mark.parametrize("draw", [random.random, lambda: float(np.random.rand())], ids=["Python", "NumPy"])  # noqa: NPY002
def test_random_numbers_of_python_and_numpy_are_drawn_once_and_named(draw):
    module = around(lambda x: x * draw())
    before = random.getstate(), float(np.random.get_state()[1][0])  # noqa: NPY002
    found = [capture(module, SHAPE) for _ in range(2)]
    assert (random.getstate(), float(np.random.get_state()[1][0])) == before  # noqa: NPY002
    assert torch.equal(*(values(program, examples(2)) for program in found))
    assert any("random numbers of Python or NumPy" in note for note in found[0].notes)
