"""One unit carried down to pixels, against Captum's NeuronDeconvolution on the same network and image."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from statistics import median

import torch
from captum.attr import NeuronDeconvolution
from safetensors.torch import load_file
from torch import nn
from torchvision.models import squeezenet1_1

import zfwidgets as zf
from zfwidgets.backend.run.deconvnet import project_units
from zfwidgets.backend.run.units import Units
from zfwidgets.models.squeezenet import TRAINED

from .table import Row

LAYERS = ("features.4", "features.6", "features.7", "features.9", "features.10", "features.12")
MIDDLE = LAYERS[:4]
ROUNDS = 7


def rows() -> list[Row]:
    return [one(layer) for layer in LAYERS]


def one(layer: str) -> Row:
    """Ours and Captum's in turn, so that both meet the same machine; the median of the ratios."""
    pairs = runners(layer)
    for ours, theirs in pairs:
        ours(), theirs()
    ratios, times = [], []
    for _ in range(ROUNDS):
        for ours, theirs in pairs:
            a, b = timed(ours), timed(theirs)
            ratios.append(b / a)
            times.append((a, b))
    own, other = (1000 * median(column) for column in zip(*times, strict=True))
    ratio, least = median(ratios), 10 if layer in MIDDLE else 1
    measured = f"{ratio:.1f}× ({own:.1f} ms against {other:.1f} ms)"
    return Row(f"one unit of {layer}.cat, against Captum", measured, f"≥ {least}×", ratio >= least)


def runners(layer: str) -> list[tuple[Callable[[], object], Callable[[], object]]]:
    """Ours and Captum's, for a map behind the 1×1 filters and for one behind the 3×3 filters, which sees more."""
    net, module = network(), reference()
    x = net.batch([zf.photograph("cat")])
    step = net.step(f"{layer}.cat")
    captum = NeuronDeconvolution(module, module.get_submodule(layer))

    def both(feature: int) -> tuple[Callable[[], object], Callable[[], object]]:
        where = feature, step.shape[1] // 2, step.shape[2] // 2
        unit = Units(*(torch.tensor([number]) for number in (0, *where)))
        return lambda: project_units(net.program, x, step, unit), lambda: captum.attribute(x, where)

    return [both(3), both(step.shape[0] - 5)]


def network() -> zf.Network:
    return zf.load("squeezenet1_1", device="cpu")


def reference() -> nn.Module:
    warnings.filterwarnings("ignore", message=".*backward hooks.*")
    module = squeezenet1_1().eval()
    module.load_state_dict(load_file(TRAINED))
    for part in module.modules():
        if isinstance(part, nn.ReLU):
            part.inplace = False  # Captum cannot hook rectifiers that write into their input
    return module


def timed(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started
