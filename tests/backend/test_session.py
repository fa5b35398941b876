"""The user's session is left alone: hooks, what modules remember, and what is printed."""

from __future__ import annotations

import logging
from collections import deque

import pytest
import torch
from torch import Tensor, nn
from torch.nn.modules import module as of_all
from torch.nn.utils import prune

from zfwidgets.backend.capture.exported import capture

from ..oracles import relative_error
from .small import SHAPE, examples, values

pytestmark = pytest.mark.slow


def small():
    torch.manual_seed(6)
    return nn.Sequential(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.Conv2d(6, 4, 3), nn.ReLU()).eval()


def hooks_of(module):
    kinds = ("_forward_hooks", "_forward_pre_hooks", "_forward_hooks_with_kwargs", "_forward_pre_hooks_with_kwargs",
             "_backward_hooks", "_forward_hooks_always_called")  # fmt: skip
    return {(name, kind): dict(vars(part)[kind]) for name, part in module.named_modules() for kind in kinds}


HOOKED = {
    "forward hook": lambda part, seen: part.register_forward_hook(lambda m, x, y: seen.append(y)),
    "pre-hook": lambda part, seen: part.register_forward_pre_hook(lambda m, x: seen.append(x)),
    "hook with keywords": lambda part, seen: part.register_forward_hook(
        lambda m, x, k, y: seen.append(y), with_kwargs=True
    ),
    "pre-hook with keywords": lambda part, seen: part.register_forward_pre_hook(
        lambda m, x, k: seen.append(x), with_kwargs=True
    ),
    "hook that is always called": lambda part, seen: part.register_forward_hook(
        lambda m, x, y: seen.append(y), always_call=True
    ),
    "hook that changes the output": lambda part, seen: part.register_forward_hook(
        lambda m, x, y: seen.append(y) or 2 * y
    ),
    "hook for all modules": lambda part, seen: of_all.register_module_forward_hook(lambda m, x, y: seen.append(y)),
    "pre-hook for all modules": lambda part, seen: of_all.register_module_forward_pre_hook(lambda m, x: seen.append(x)),
    "backward hook": lambda part, seen: part.register_full_backward_hook(lambda m, x, y: seen.append(y)),
    "hook that fails": lambda part, seen: part.register_forward_hook(lambda m, x, y: seen.append(1 / 0)),
}


@pytest.mark.parametrize("name", HOOKED)
def test_hooks_of_the_user_do_not_run_and_are_there_afterwards(name):
    module, seen = small(), []
    expected = values(capture(module, SHAPE), examples().float())
    handle = HOOKED[name](module[0], seen)
    try:
        before = hooks_of(module), dict(of_all._global_forward_hooks), dict(of_all._global_forward_pre_hooks)
        program = capture(module, SHAPE)
        assert seen == []
        after = hooks_of(module), dict(of_all._global_forward_hooks), dict(of_all._global_forward_pre_hooks)
        assert after == before
    finally:
        handle.remove()
    assert torch.equal(values(program, examples().float()), expected)
    assert not hooks_of(module)["0", "_forward_hooks"]


def test_hooks_are_back_after_a_refusal_too():
    module, seen = nn.Sequential(nn.Conv2d(4, 3, 3), nn.Conv2d(3, 3, 3)), []
    module[0].register_forward_hook(lambda m, x, y: seen.append(y))
    with pytest.raises(ValueError, match="cannot be captured"):
        capture(module, SHAPE)
    assert len(module[0]._forward_hooks) == 1
    assert seen == []


def test_the_report_counts_the_hooks_that_do_not_run():
    module = small()
    module[0].register_forward_hook(lambda m, x, y: None)
    module[2].register_forward_pre_hook(lambda m, x: None)
    assert "2 hooks on the module are not run here." in capture(module, SHAPE).notes


def pruned(part):
    prune.random_unstructured(part, "weight", 0.5)
    return part


MADE_BY_HOOKS = {
    "weight norm": nn.utils.weight_norm,
    "weight norm as a parametrisation": nn.utils.parametrizations.weight_norm,
    "spectral norm": nn.utils.spectral_norm,
    "spectral norm as a parametrisation": nn.utils.parametrizations.spectral_norm,
    "pruned": pruned,
    "pruned twice": lambda part: pruned(pruned(part)),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", MADE_BY_HOOKS)
@pytest.mark.filterwarnings("ignore:.*weight_norm.* is deprecated")
def test_weights_that_torch_makes_in_a_hook_count(name):
    module = small()
    module[0] = MADE_BY_HOOKS[name](module[0])
    module.eval()
    if "norm" in name:
        with torch.no_grad():
            for parameter in module[0].parameters():
                parameter.mul_(1.7)
    program = capture(module, SHAPE)
    images = examples().float()
    with torch.no_grad():
        assert relative_error(values(program, images), module(images)) < 1e-5
    assert program.notes == ()
    assert program.layers[0].name.startswith("0")


class Remembers(nn.Module):
    """Keeps what it computed last, in every place that there is."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(6, 6, 3, padding=1)
        self.last, self.listed, self.named, self.nested = None, [], {}, {"deep": [[]]}
        self._hidden, self.tupled, self.gathered, self.recent = None, (), set(), deque(maxlen=2)
        self.register_buffer("running", torch.zeros(6))
        self.register_buffer("late", None)

    def forward(self, x):
        y = self.conv(x)
        self.last = y
        self.listed.append(y)
        self.named["y"] = y
        self.nested["deep"][0].append(y)
        self._hidden = y
        self.tupled = (y,)
        self.gathered.add(y)
        self.recent.append(y)
        self.running = y.mean((0, 2, 3))
        self.late = y
        self.fresh = y
        return y


def tensors_in(value, seen=None):
    seen = set() if seen is None else seen
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from tensors_in(item, seen)
    elif isinstance(value, list | tuple | set | deque):
        for item in value:
            yield from tensors_in(item, seen)
    elif isinstance(value, nn.Module):
        yield from tensors_in(vars(value), seen)


@pytest.mark.parametrize("ran_before", [False, True])
def test_what_a_module_remembers_is_what_it_was(ran_before):
    module = nn.Sequential(nn.Conv2d(3, 6, 3), Remembers(), nn.ReLU())
    if ran_before:
        module(examples().float())
    kept = module[1]
    before = {id(x) for x in tensors_in(module)}
    listed = kept.listed, list(kept.listed)
    capture(module, SHAPE)
    assert {id(x) for x in tensors_in(module)} == before
    assert all(type(x) in (Tensor, nn.Parameter) for x in tensors_in(module))
    assert kept.listed is listed[0]
    assert len(kept.listed) == len(listed[1])
    assert hasattr(kept, "fresh") == ran_before


def test_nothing_is_printed_or_logged_by_a_refusal(capfd):
    from torchvision.models.detection import fasterrcnn_mobilenet_v3_large_320_fpn

    module = fasterrcnn_mobilenet_v3_large_320_fpn(weights=None, weights_backbone=None)
    capfd.readouterr()
    with pytest.raises(ValueError, match="FasterRCNN cannot be captured") as refused:
        capture(module, (3, 64, 64))
    assert capfd.readouterr() == ("", "")
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 500


def test_loggers_are_as_they_were():
    loggers = {name: logging.getLogger(name).disabled for name in list(logging.root.manager.loggerDict)}
    capture(small(), SHAPE)
    assert {name: logging.getLogger(name).disabled for name in loggers} == loggers
