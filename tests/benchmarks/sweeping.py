"""Occlusion at every place of a square, against full inference and Captum, each at its best batch size."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from captum.attr import Occlusion as CaptumOcclusion
from torch import Tensor, nn
from torchvision.models import get_model, squeezenet1_1

import zfwidgets as zf
from zfwidgets.backend.incremental.run import Incremental
from zfwidgets.experiments.occlusion.occluder import Squares

from .projection import reference
from .table import Row

BATCHES = (1, 2, 4, 8, 16, 32)
SAMPLE = 96  # changed images that full inference computes; it needs equally long for each
ROUNDS = 3  # the best of so many counts, on both sides
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


@dataclass(frozen=True)
class Case:
    name: str
    size: int
    stride: int
    times: float  # promised, against full inference
    of_bound: float | None = None  # or this share of what multiply–adds allow
    captum: float | None = None  # promised, against Captum


CASES = (
    Case("squeezenet1_1", 32, 8, 2.5, 0.9, 6.0),
    Case("vgg16", 16, 4, 5.5, 0.95),
    Case("alexnet", 32, 8, 1),
    Case("resnet18", 32, 8, 1),
    Case("resnet50", 32, 16, 1),
    Case("googlenet", 32, 8, 1),
    Case("inception_v3", 32, 16, 1),
    Case("densenet121", 32, 16, 1),
    Case("mobilenet_v2", 32, 16, 1),
    Case("efficientnet_b0", 32, 16, 1),
)


def rows() -> list[Row]:
    return [row for case in CASES for row in measured(case)]


@torch.no_grad()
def measured(case: Case) -> list[Row]:
    module, net = built(case.name)
    _, height, width = net.program.input.shape
    image = torch.randn(3, height, width, generator=torch.Generator().manual_seed(0)).to(DEVICE)
    baseline = torch.zeros_like(image)
    squares = Squares.over((height, width), case.size, case.stride)
    boxes = squares.boxes()
    best = min(BATCHES, key=lambda batch: full(module, image, baseline, boxes, batch))
    swept(net, image, baseline, boxes[::30])
    times = [
        (timed(lambda: swept(net, image, baseline, boxes)) / len(boxes), full(module, image, baseline, boxes, best))
        for _ in range(ROUNDS if case.name != "vgg16" else 1)
    ]
    ours, theirs = map(min, zip(*times, strict=True))
    plan = Incremental(net.program, image, [net.program.output]).plan(boxes)
    done, bound = plan.full / plan.done, plan.full / plan.least
    what = f"{case.name} {case.size} px / {case.stride}"
    ratio = theirs / ours
    kept = ratio >= case.times or (case.of_bound is not None and ratio >= case.of_bound * bound)
    or_bound = f" or {case.of_bound:.0%} of the bound" if case.of_bound else ""
    said = f"{1000 * ours:.2f} ms a place against {1000 * theirs:.2f} ms"
    found = [
        Row(what, f"{ratio:.2f}× ({said}; saved {done:.2f}, bound {bound:.2f})", f"≥ {case.times:g}×{or_bound}", kept)
    ]
    if case.captum:
        tuned = min(captum(module, image, baseline, case.size, number) for number in BATCHES)
        as_loaded = module.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
        best = min(captum(as_loaded, image, baseline, case.size, number) for number in BATCHES)
        against = f"{best / ours:.1f}× ({1000 * best:.1f} ms a place; {1000 * tuned:.1f} with filters channels last)"
        found.append(Row(f"{what}, Captum", against, f"≥ {case.captum:g}×", best / ours >= case.captum))
    return found


def swept(net: zf.Network, image: Tensor, baseline: Tensor, boxes: np.ndarray) -> None:
    incremental = Incremental(net.program, image, [net.program.output])
    for _, changed in incremental.run(incremental.plan(boxes), baseline):
        changed[net.program.output].values.cpu()


def full(module: nn.Module, image: Tensor, baseline: Tensor, boxes: np.ndarray, batch: int) -> float:
    """Seconds a place, of changed images put together and computed from the beginning."""
    chosen = np.random.default_rng(0).permutation(len(boxes))[:SAMPLE]

    def compute() -> None:
        for start in range(0, len(chosen), batch):
            some = boxes[chosen[start : start + batch]].tolist()
            images = image.expand(len(some), -1, -1, -1).clone(memory_format=torch.contiguous_format)
            for changed, (top, left, bottom, right) in zip(images, some, strict=True):
                changed[:, top:bottom, left:right] = baseline[:, top:bottom, left:right]
            images = images.contiguous(memory_format=torch.channels_last)  # the faster order, on both devices
            module(images).cpu()

    return timed(compute) / len(chosen)


def captum(module: nn.Module, image: Tensor, baseline: Tensor, size: int, together: int) -> float:
    """Seconds a place, over a coarse grid of places: each costs the same."""
    shape = (image.shape[1], image.shape[2])
    places = len(Squares.over(shape, size, size).boxes())
    method = CaptumOcclusion(module)

    def compute() -> None:
        method.attribute(
            image[None], (3, size, size), (3, size, size), baseline[None], target=0, perturbations_per_eval=together
        )

    return timed(compute) / places


def timed(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def built(name: str) -> tuple[nn.Module, zf.Network]:
    torch.manual_seed(0)
    if name == "squeezenet1_1":
        module = squeezenet1_1().eval()
        module.load_state_dict(reference().state_dict())
        return on_device(module), zf.load(name).on(DEVICE)
    options = {"aux_logits": False, "init_weights": False} if name in ("googlenet", "inception_v3") else {}
    module = get_model(name, weights=None, **options).eval()
    net = zf.Network(module, size=299 if name == "inception_v3" else 224, name=name, device=DEVICE)
    return on_device(module), net


def on_device(module: nn.Module) -> nn.Module:
    return module.to(DEVICE, memory_format=torch.channels_last)  # type: ignore[call-overload]
