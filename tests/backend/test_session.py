"""The session around a capture is left alone: hooks, what modules remember, contexts, words on the screen."""

from __future__ import annotations

import sys

import pytest
import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_hook
from torch.nn.utils import prune, spectral_norm, weight_norm
from torch.optim.swa_utils import AveragedModel
from torchvision.models.detection import fasterrcnn_mobilenet_v3_large_320_fpn

from zfwidgets.backend.capture.exported import capture
from zfwidgets.backend.graph.op import RULES
from zfwidgets.backend.run.deconvnet import project_units
from zfwidgets.backend.run.forward import forward
from zfwidgets.backend.run.units import Units

from ..oracles import relative_error
from .networks import Apply, conv

SHAPE = (3, 8, 11)


def plain():
    torch.manual_seed(0)
    return nn.Sequential(conv(3, 6, 3), nn.ReLU(), conv(6, 4, 3)).eval()


def answer(program, images):
    return forward(program, images, [program.output]).activations[program.output]


def test_the_users_hooks_do_not_run_and_are_there_afterwards():
    module, found = plain(), {}
    hooks = [
        module[0].register_forward_hook(lambda part, inputs, output: found.update(output=output)),
        module[1].register_forward_pre_hook(lambda part, inputs: found.update(inputs=inputs)),
        module.register_forward_hook(lambda part, inputs, named, output: found.update(named=output), with_kwargs=True),
        register_module_forward_hook(lambda part, inputs, output: found.update(of_all=output)),
    ]
    try:
        program = capture(module, SHAPE)
        assert found == {}
        assert program.notes == ("3 hooks on the module are not run here.",)
        module(torch.zeros(1, *SHAPE))
        assert set(found) == {"output", "inputs", "named", "of_all"}
    finally:
        for hook in hooks:
            hook.remove()


def pruned(part):
    prune.l1_unstructured(part, "weight", 0.5)


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("weights", [weight_norm, spectral_norm, pruned])
def test_hooks_that_make_the_weights_are_part_of_the_module(weights):
    module = plain()
    weights(module[0])
    kept, images = module[0].weight, torch.randn(2, *SHAPE)
    program = capture(module, SHAPE)
    assert type(module[0].weight) is type(kept)
    with torch.no_grad():
        assert relative_error(answer(program, images), module(images)) < 1e-5
    assert program.notes == ()


class Remembering(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.last, self.all, self.by_name = nn.Conv2d(3, 4, 3), torch.ones(2), [], {}
        self.register_buffer("mean", torch.zeros(4))

    def forward(self, x):
        x = self.conv(x)
        self.last, self.new, self.by_name["x"] = x, x, x
        self.all.append(x)
        self.mean = x.mean((0, 2, 3))
        return x.relu()


def test_what_a_module_remembers_is_what_it_was():
    module = Remembering().eval()
    last, mean = module.last, module.mean
    capture(module, SHAPE)
    assert module.last is last
    assert module.mean is mean
    assert not hasattr(module, "new")
    assert module.all == []
    assert module.by_name == {}
    module(torch.zeros(1, *SHAPE))


WRAPPED = {
    "DataParallel": nn.DataParallel,
    "compiled": torch.compile,
    "averaged": AveragedModel,
    "both": lambda module: nn.DataParallel(torch.compile(module)),
}


@pytest.mark.parametrize("name", WRAPPED)
def test_wrappers_are_looked_through(name, monkeypatch):
    monkeypatch.setattr(sys.modules["torch.nn.parallel.data_parallel"], "_get_available_device_type", lambda: None)
    module, images = plain(), torch.randn(2, *SHAPE)
    program = capture(WRAPPED[name](module), SHAPE)
    assert [layer.name for layer in program.layers] == ["0", "1", "2"]
    assert relative_error(answer(program, images), module(images).detach()) < 1e-6


def autocast_off(x, part):
    with torch.autocast("cpu", enabled=False):
        return part(x)


def autocast_on(x, part):
    with torch.autocast("cpu", torch.bfloat16):
        return part(x).float()


def without_gradients(x, part):
    with torch.no_grad():
        return part(x)


def nested(x, part):
    with torch.autocast("cpu", enabled=False), torch.no_grad():
        x = part(x)
        with torch.enable_grad():
            return part(x)


def inference(x, part):
    with torch.inference_mode():
        return part(x)


def switched_off(x, part):
    with torch.set_grad_enabled(False):
        return part(x)


@pytest.mark.parametrize("function", [autocast_off, autocast_on, without_gradients, nested, inference, switched_off])
def test_what_is_inside_a_context_is_part_of_the_program(function):
    torch.manual_seed(0)
    inside = conv(6, 6, 3, padding=1)
    module = nn.Sequential(conv(3, 6, 3), Apply(function, inside), nn.ReLU(), conv(6, 4, 3)).eval()
    program, images = capture(module, SHAPE), torch.randn(2, *SHAPE)
    assert len([layer for layer in program.layers if layer.kind == "convolution"]) == (4 if function is nested else 3)
    with torch.no_grad():
        once = inside(inside(module[0](images))) if function is nested else inside(module[0](images))
        assert relative_error(answer(program, images), module[3](once.relu())) < 1e-5
    units = Units(*torch.zeros(4, 1).long())
    assert project_units(program, images, program.output, units, RULES["gradient"]).pixels.any()


def test_a_branch_of_torchs_own_is_refused():
    def either(x):
        return torch.cond(x.sum() > 0, lambda x: x * 2, lambda x: x * 3, (x,))

    with pytest.raises(ValueError, match="not one fixed network") as refused:
        capture(nn.Sequential(conv(3, 6, 3), Apply(either)).eval(), SHAPE)
    assert "\n" not in str(refused.value)


CONTEXTS = {
    "inference_mode": torch.inference_mode,
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
    "enable_grad": torch.enable_grad,
    "another device": lambda: torch.device("meta"),
}


@pytest.mark.parametrize("name", CONTEXTS)
def test_contexts_around_a_call_change_no_number(name):
    module, images = plain(), torch.randn(2, *SHAPE)
    units = Units(*torch.tensor([[0, 1, 2, 3]]).T)
    expected = capture(module, SHAPE)
    with CONTEXTS[name]():
        program = capture(module, SHAPE)
    for rule in RULES.values():
        with CONTEXTS[name]():
            inside = answer(expected, images), project_units(expected, images, expected.output, units, rule).pixels
        assert torch.equal(inside[0], answer(program, images))
        assert torch.equal(inside[1], project_units(program, images, program.output, units, rule).pixels)


@pytest.mark.slow
def test_a_detector_is_refused_in_one_sentence_and_nothing_is_printed(capfd):
    with pytest.raises(ValueError, match="depends on the values in the image") as refused:
        capture(fasterrcnn_mobilenet_v3_large_320_fpn(weights=None, weights_backbone=None).eval(), (3, 64, 64))
    assert "\n" not in str(refused.value)
    assert capfd.readouterr() == ("", "")
