"""A program computes what its module computes, and the module is left as it was."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from zfwidgets.backend.capture.exported import capture
from zfwidgets.backend.run.forward import forward

from ..oracles import activations, relative_error
from .cases import SITES, case, network, quick_and_slow
from .traps import TRAPS


@pytest.mark.parametrize("name", quick_and_slow())
def test_the_program_computes_what_the_module_computes(name):
    one = case(name)
    for images in (one.images[:1], one.images[1:3], one.images):
        with torch.no_grad():
            _, expected = activations(one.module, images, SITES)
        record = forward(one.program, images, [one.step(site) for site in SITES])
        for site in SITES:
            assert relative_error(record.activations[one.step(site)], expected[site]) < 1e-12


@pytest.mark.parametrize("name", quick_and_slow())
def test_only_what_has_no_rule_falls_back_to_the_exact_gradient(name):
    fallen = {step.op.kind for step in case(name).program.steps[1:] if step.op.fallback}
    assert fallen == set(TRAPS[name].fallback)


@pytest.mark.parametrize("name", quick_and_slow())
def test_a_copy_in_single_precision_computes_the_same_in_single_precision(name):
    one = case(name)
    single = one.program.to(torch.device("cpu"), torch.float32)
    found = forward(single, one.images.float(), [single.output]).activations[single.output]
    with torch.no_grad():
        expected = copy.deepcopy(one.module).float()(one.images.float())
    assert found.dtype == torch.float32
    assert relative_error(found, expected) < 1e-4


def state_of(module: nn.Module) -> dict[str, object]:
    """All that a capture could have changed, by identity where there is one."""
    named = [*module.named_parameters(), *module.named_buffers()]
    return {
        "tensors": {name: (id(x), x.data_ptr(), x.device, x.requires_grad, id(x.grad)) for name, x in named},
        "training": {name: part.training for name, part in module.named_modules()},
        "attributes": {name: sorted(vars(part)) for name, part in module.named_modules()},
        "hooks": {name: tuple(part._forward_hooks.values()) for name, part in module.named_modules()},
        "pre-hooks": {name: tuple(part._forward_pre_hooks) for name, part in module.named_modules()},
    }


def a_network_being_trained():
    module, images = network("everything at once")
    module.train()
    module.trap.c.eval()  # a frozen batch norm amid the training
    module.stem.weight.requires_grad_(False)
    module(images).sum().backward()
    module.head.register_forward_hook(lambda part, inputs, output: None)
    return module, images


@pytest.mark.slow
def test_capture_leaves_the_module_as_it_was():
    module, _ = a_network_being_trained()
    before, values = state_of(module), copy.deepcopy(module.state_dict())
    gradients = {name: copy.deepcopy(p.grad) for name, p in module.named_parameters()}
    capture(module, (3, 22, 19))
    assert state_of(module) == before
    for name, value in module.state_dict().items():
        assert torch.equal(value, values[name]), name
    for name, p in module.named_parameters():
        assert (p.grad is None and gradients[name] is None) or torch.equal(p.grad, gradients[name]), name


def test_a_module_that_is_being_trained_is_captured_as_it_answers_in_evaluation():
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.9), nn.ReLU()).double().train()
    images = torch.randn(5, 3, 9, 12, dtype=torch.float64)
    module(images)  # leaves its running statistics behind
    program = capture(module, (3, 9, 12))
    statistics = module[1].running_mean.clone(), module[1].num_batches_tracked.clone()
    found = forward(program, images, [program.output]).activations[program.output]
    assert torch.equal(module[1].running_mean, statistics[0])
    assert torch.equal(module[1].num_batches_tracked, statistics[1])
    with torch.no_grad():
        assert relative_error(found, module.eval()(images)) < 1e-12


def test_a_module_that_cannot_be_captured_stays_in_training():
    module = nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(4, 2, 3)).train()
    with pytest.raises(ValueError, match="cannot be captured"):
        capture(module, (3, 9, 12))
    assert all(part.training for part in module.modules())


def test_a_copy_does_not_follow_the_module_when_that_is_trained_further():
    module, images = network("batch norm")
    original = capture(module, (3, 22, 19))
    program = original.to(torch.device("cpu"), torch.float64)
    before = forward(program, images, [program.output]).activations[program.output]
    with torch.no_grad():
        for tensor in [*module.parameters(), *module.buffers()]:
            tensor.zero_()
    assert torch.equal(forward(program, images, [program.output]).activations[program.output], before)


def test_of_several_outputs_the_first_is_the_programs():
    class TwoHeads(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Conv2d(3, 2, 3), nn.Conv2d(3, 5, 1)

        def forward(self, x):
            return {"out": self.first(x).relu(), "aux": self.second(x)}

    module = TwoHeads().double()
    images = torch.randn(2, 3, 6, 8, dtype=torch.float64)
    program = capture(module, (3, 6, 8))
    found = forward(program, images, [program.output]).activations[program.output]
    with torch.no_grad():
        assert relative_error(found, module(images)["out"]) < 1e-12
    assert {layer.name for layer in program.layers} == {"first", "relu", "second"}


def test_what_the_output_does_not_need_is_no_layer():
    class Wasteful(nn.Module):
        def forward(self, x):
            (x * 3).sigmoid()
            values, _ = x.max(1, keepdim=True)
            return values.relu()

    assert [layer.kind for layer in capture(Wasteful(), (3, 6, 8)).layers] == ["max", "rectifier"]


def test_dropout_in_place_writes_nothing_and_costs_nothing():
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Dropout(inplace=True))
    assert [type(step.op).__name__ for step in capture(module, (3, 5, 6)).steps[1:]] == [
        "Convolution",
        "BatchNorm",
        "Reshape",
    ]
