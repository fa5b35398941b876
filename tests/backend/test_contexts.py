"""What a module opens a context for is captured like the rest; a branch that torch chooses by the image is refused."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from zfwidgets.backend.capture.exported import capture
from zfwidgets.backend.run.forward import forward

from ..oracles import relative_error
from .networks import conv
from .small import SHAPE, around, assert_as_torch_has_it, captured, examples, values

pytestmark = pytest.mark.slow


def mix():
    return conv(8, 8, 3, padding=1)


def without_autocast(x, a):
    with torch.autocast("cpu", enabled=False):
        return a(x).relu()


def without_autocast_of_cuda(x, a):
    with torch.autocast("cuda", enabled=False):
        return a(x.float().to(x.dtype) if x.dtype is torch.float32 else x).relu()


def nested(x, a, b):
    with torch.no_grad():
        y = a(x)
        with torch.autocast("cpu", enabled=False), torch.enable_grad():
            z = b(y).relu()
        y = y + z
    return y.relu() + z


def in_a_loop(x, a):
    for _ in range(3):
        with torch.autocast("cpu", enabled=False):
            x = a(x).relu()
    return x


def set_by_hand(x, a):
    before = torch.is_grad_enabled()
    torch.set_grad_enabled(False)
    y = a(x)
    torch.set_grad_enabled(before)
    return y.relu()


def without_gradients(x, a):
    with torch.no_grad():
        return a(x).relu()


def in_inference_mode(x, a):
    with torch.inference_mode():
        return a(x).relu()


def with_gradients(x, a):
    with torch.enable_grad():
        return a(x).relu()


def set_for_a_while(x, a):
    with torch.set_grad_enabled(False):
        y = a(x)
    with torch.set_grad_enabled(True):
        return y.relu()


def several_results(x, a):
    with torch.autocast("cpu", enabled=False):
        y = a(x)
        left, right = y.chunk(2, 1)
        mask = left > 0
    return torch.cat([left * mask, right.relu()], 1)


def with_a_constant(x, a):
    with torch.autocast("cpu", enabled=False):
        return a(x) * torch.tensor([1.0, 2.0, 3.0, 4.0] * 2, dtype=x.dtype)[:, None, None]


def written_in_place(x, a):
    y = a(x)
    with torch.no_grad():
        y.relu_()
    return y + x


CONTEXTS = {
    "autocast off": (without_autocast, mix),
    "autocast of another device off": (without_autocast_of_cuda, mix),
    "nested": (nested, mix, mix),
    "in a loop": (in_a_loop, mix),
    "set by hand": (set_by_hand, mix),
    "no_grad": (without_gradients, mix),
    "no_grad as a decorator": (torch.no_grad()(lambda x, a: a(x).relu()), mix),
    "inference mode": (in_inference_mode, mix),
    "enable_grad": (with_gradients, mix),
    "set_grad_enabled": (set_for_a_while, mix),
    "several results": (several_results, mix),
    "a constant inside": (with_a_constant, mix),
    "a write in place inside": (written_in_place, mix),
    "flash attention": (
        lambda x, a: in_kernel(x, a), lambda: nn.MultiheadAttention(8, 2, batch_first=True),
    ),
    "a device": (lambda x, a: on_device(x, a), mix),
}  # fmt: skip


def in_kernel(x, a):
    tokens = x.flatten(2).mT
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        return a(tokens, tokens, tokens, need_weights=False)[0].mT.reshape(x.shape)


def on_device(x, a):
    with torch.device("cpu"):
        return a(x) + torch.zeros(8, 1, 1, dtype=x.dtype)


QUICK = {"autocast off", "nested", "no_grad", "set by hand"}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in CONTEXTS]
)
def test_what_is_computed_in_a_context_is_captured(name):
    module, images = around(*CONTEXTS[name]), examples()
    program = capture(module, SHAPE)
    with torch.no_grad():
        assert relative_error(values(program, images), module(images)) < 1e-12
    convolutions = {layer for layer, part in module.named_modules() if isinstance(part, nn.Conv2d)}
    assert convolutions <= {layer.name for layer in program.layers}


@pytest.mark.parametrize("name", ["autocast off", "enable_grad", "several results", "a constant inside"])
def test_signals_pass_a_context_as_they_do_in_autograd(name):
    assert_as_torch_has_it(around(*CONTEXTS[name]))


AROUND = {
    "no_grad": torch.no_grad,
    "inference mode": torch.inference_mode,
    "enable_grad": torch.enable_grad,
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
    "the meta device": lambda: torch.device("meta"),
}


@pytest.mark.slow
@pytest.mark.parametrize("context", AROUND)
def test_what_surrounds_the_call_changes_no_number(context):
    module = around(*CONTEXTS["autocast off"]).float()
    images = examples().float()
    expected = values(capture(module, SHAPE), images)
    with AROUND[context]():
        program = capture(module, SHAPE)
        found = forward(program, images, [program.output]).activations[program.output]
    assert torch.equal(found, expected)


@pytest.mark.slow
def test_a_default_type_changes_no_number():
    module, images = around(*CONTEXTS["autocast off"]).float(), examples().float()
    expected = values(capture(module, SHAPE), images)
    torch.set_default_dtype(torch.float64)
    try:
        found = values(capture(module, SHAPE), images)
    finally:
        torch.set_default_dtype(torch.float32)
    assert torch.equal(found, expected)


def chosen_by_torch(x):
    return torch.cond(x.mean() > 0, lambda x: x.relu(), lambda x: x.tanh(), (x,))


def repeated_by_torch(x):
    from torch._higher_order_ops.while_loop import while_loop

    return while_loop(lambda x: x.sum() > 1, lambda x: (x / 2,), (x,))[0]


@pytest.mark.parametrize("function", [chosen_by_torch, repeated_by_torch])
def test_a_branch_or_a_loop_of_torchs_own_is_refused_in_a_sentence(function, capfd):
    with pytest.raises(ValueError, match=r"branch or a loop of torch's own|depends on the values") as refused:
        captured(function)
    assert "\n" not in str(refused.value)
    assert capfd.readouterr() == ("", "")
