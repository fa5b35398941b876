"""Wrappers that change nothing are taken off; what has no gradient any more names the module that is needed."""

from __future__ import annotations

import sys

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from zfwidgets.backend.capture.exported import capture

from ..oracles import relative_error
from .small import SHAPE, examples, values

pytestmark = pytest.mark.slow


def small():
    torch.manual_seed(6)
    return nn.Sequential(
        nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 4)
    ).eval()


def averaged(module):
    average = AveragedModel(module, multi_avg_fn=get_ema_multi_avg_fn(0.9))
    average.update_parameters(module)
    return average


@pytest.fixture(autouse=True)
def no_device(monkeypatch):
    """DataParallel puts a module on the devices that there are, the pretended one among them."""
    monkeypatch.setattr(sys.modules[nn.DataParallel.__module__], "_get_available_device_type", lambda: None)


@pytest.fixture
def one_process(tmp_path):
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/meet", rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


WRAPPED = {
    "DataParallel": nn.DataParallel,
    "torch.compile": torch.compile,
    "averaged": averaged,
    "averaged and parallel": lambda module: nn.DataParallel(averaged(module)),
    "compiled and parallel": lambda module: torch.compile(nn.DataParallel(module)),
}


@pytest.mark.parametrize("name", WRAPPED)
def test_a_wrapper_is_taken_off(name):
    module, images = small(), examples().float()
    program, plain = capture(WRAPPED[name](module), SHAPE), capture(module, SHAPE)
    assert [layer.name for layer in program.layers] == [layer.name for layer in plain.layers]
    assert relative_error(values(program, images), values(plain, images)) < 1e-6


@pytest.mark.slow
def test_a_part_that_is_compiled_is_captured_with_the_rest():
    module = small()
    expected = values(capture(module, SHAPE), examples().float())
    module[0] = torch.compile(module[0])
    program = capture(module, SHAPE)
    assert relative_error(values(program, examples().float()), expected) < 1e-6


@pytest.mark.slow
def test_a_module_compiled_in_place_is_captured():
    module = small()
    expected = values(capture(module, SHAPE), examples().float())
    module.compile()
    assert relative_error(values(capture(module, SHAPE), examples().float()), expected) < 1e-6


@pytest.mark.slow
@pytest.mark.skipif(not torch.distributed.is_available(), reason="torch without torch.distributed")
@pytest.mark.filterwarnings("ignore")
def test_a_distributed_module_is_captured(one_process):
    module = small()
    program = capture(nn.parallel.DistributedDataParallel(module), SHAPE)
    assert [layer.name for layer in program.layers] == [layer.name for layer in capture(module, SHAPE).layers]


def scripted(module):
    return torch.jit.script(module)


def traced(module):
    return torch.jit.trace(module, torch.zeros(1, *SHAPE))


def inside(make):
    return lambda module: nn.Sequential(make(module[0]), *module[1:])


def dynamic(module):
    return torch.ao.quantization.quantize_dynamic(module, {nn.Linear})


def static(module):
    module = nn.Sequential(torch.ao.quantization.QuantStub(), module, torch.ao.quantization.DeQuantStub()).eval()
    module.qconfig = torch.ao.quantization.get_default_qconfig("qnnpack")
    prepared = torch.ao.quantization.prepare(module)
    prepared(torch.zeros(1, *SHAPE))
    torch.backends.quantized.engine = "qnnpack" if "qnnpack" in torch.backends.quantized.supported_engines else "fbgemm"
    return torch.ao.quantization.convert(prepared)


NO_FLOATS = {
    "scripted": (scripted, "TorchScript, .*Give the module that torch.jit.script or torch.jit.trace was called with"),
    "traced": (traced, "TorchScript, .*Give the module that torch.jit.script or torch.jit.trace was called with"),
    "a scripted part": (inside(scripted), r"TorchScript \(its part '0'\)"),
    "a traced part": (inside(traced), r"TorchScript \(its part '0'\)"),
    "scripted in parallel": (lambda module: nn.DataParallel(scripted(module)), "TorchScript"),
    "frozen": (lambda module: torch.jit.freeze(scripted(module)), "TorchScript"),
    "quantised dynamically": (dynamic, r"Sequential is quantised \(its part '5'\).*floating-point module"),
    "quantised statically": (static, r"Sequential is quantised .*floating-point module"),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if "static" in name else ()) for name in NO_FLOATS]
)
def test_what_has_no_gradient_is_refused_with_what_is_needed_instead(name, capfd):
    make, said = NO_FLOATS[name]
    module = make(small())
    capfd.readouterr()
    with pytest.raises(ValueError, match=said) as refused:
        capture(module, SHAPE)
    assert "\n" not in str(refused.value)
    assert "TS2EP" not in str(refused.value)
    assert capfd.readouterr() == ("", "")
