"""Incremental inference gives what the network gives for images that are really changed."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torchvision.models import get_model

from zfwidgets.backend.capture.exported import capture
from zfwidgets.backend.graph.program import Program
from zfwidgets.backend.graph.step import Step
from zfwidgets.backend.incremental.plan import merged
from zfwidgets.backend.incremental.run import Incremental
from zfwidgets.backend.run.forward import forward
from zfwidgets.task import Cancelled, Task

from .cases import case
from .traps import TRAPS

NETWORKS = {
    "squeezenet1_1": 224, "alexnet": 224, "vgg16": 224, "resnet18": 224, "resnet50": 224, "googlenet": 224,
    "inception_v3": 299, "densenet121": 224, "mobilenet_v2": 224, "efficientnet_b0": 224,
}  # fmt: skip


def boxes_in(height: int, width: int, seed: int = 0) -> np.ndarray:
    """The four corners, the four borders, a pixel, a row, the whole image, and boxes anywhere: (n, 4)."""
    rng = np.random.default_rng(seed)
    h, w = max(1, height // 3), max(1, width // 4)
    boxes = [
        (0, 0, h, w), (0, width - w, h, width), (height - h, 0, height, w), (height - h, width - w, height, width),
        (0, w, 1, 2 * w), (height - 1, w, height, w + 1), (h, 0, h + 3, 1), (h, width - 1, h + 1, width),
        (h, w, h + 1, w + 1), (h, 0, h + 1, width), (0, 0, height, width), (0, w, height, w + 1),
    ]  # fmt: skip
    for _ in range(12):
        (top, bottom), (left, right) = (np.sort(rng.choice(side + 1, 2, replace=False)) for side in (height, width))
        boxes.append((int(top), int(left), int(bottom), int(right)))
    side = 5
    boxes += [(t, x, t + side, x + side) for t in range(0, height - side + 1, 7) for x in range(0, width - side + 1, 9)]
    return np.array(boxes)


def really_changed(image: Tensor, replacement: Tensor, boxes: np.ndarray) -> Tensor:
    images = image.repeat(len(boxes), 1, 1, 1)
    for changed, (top, left, bottom, right) in zip(images, boxes.tolist(), strict=True):
        changed[:, top:bottom, left:right] = replacement[:, top:bottom, left:right]
    return images


def worst_difference(program: Program, image: Tensor, wanted: list[Step], boxes: np.ndarray) -> float:
    """The largest difference of any wanted number, its maps whole and summed, from the changed images' own."""
    replacement = torch.randn(image.shape, dtype=image.dtype, generator=torch.Generator().manual_seed(1))
    incremental = Incremental(program, image, wanted)
    worst, done = 0.0, []
    for some, changed in incremental.run(incremental.plan(boxes), replacement):
        images = really_changed(image, replacement, boxes[some])
        expected = forward(program, images, wanted).activations
        for step in wanted:
            values = changed[step].whole()
            assert values.shape == expected[step].shape
            worst = max(worst, float((values - expected[step]).abs().max()))
            if step.space is not None:
                totals = expected[step].double().sum(step.space)
                scale = math.prod(step.map_size or ())
                worst = max(worst, float((changed[step].sums() - totals).abs().max()) / scale)
        done += some.tolist()
    assert sorted(done) == list(range(len(boxes)))
    return worst


QUICK = {"functional relu", "max pool, ceil", "everything at once", "batch norm"}  # the others take ten seconds


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in TRAPS]
)
def test_a_trap_answers_as_if_the_image_were_really_changed(name):
    one = case(name)
    wanted = list(dict.fromkeys([one.step("stem"), one.step("trap"), one.step("")]))
    assert worst_difference(one.program, one.images[0], wanted, boxes_in(*TRAPS[name].shape[1:])) < 1e-10


def trained_alike(model: str) -> nn.Module:
    """A network with random filters, whose batch norms have seen images and whose scores spread as trained ones do."""
    torch.manual_seed(5)
    options = {"aux_logits": False, "init_weights": False} if model in ("googlenet", "inception_v3") else {}
    module = get_model(model, weights=None, **options)
    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(part.weight)
        if isinstance(part, nn.BatchNorm2d):
            part.momentum = None
    if any(isinstance(part, nn.BatchNorm2d) for part in module.modules()):
        with torch.no_grad():
            module.train()(torch.randn(4, 3, NETWORKS[model], NETWORKS[model]))
    last = [part for part in module.modules() if isinstance(part, nn.Conv2d | nn.Linear)][-1]
    with torch.no_grad():
        last.weight *= 3 / module.eval()(torch.randn(1, 3, NETWORKS[model], NETWORKS[model])).std()
    return module


@pytest.mark.slow
@pytest.mark.parametrize("model", NETWORKS)
def test_a_known_network_answers_as_if_the_image_were_really_changed(model):
    """Within 1e-4 of its scores; or within float32's own doubt, where the network rounds more than that by itself."""
    module, side = trained_alike(model), NETWORKS[model]
    boxes = boxes_in(side, side)[:26]
    image = torch.randn(3, side, side, generator=torch.Generator().manual_seed(2))
    program = capture(module, tuple(image.shape))
    scores, otherwise = (
        forward(program, image[None].contiguous(memory_format=layout), [program.output]).activations[program.output]
        for layout in (torch.contiguous_format, torch.channels_last)
    )
    assert 1 < float(scores.std()) < 10
    doubt = float((scores - otherwise).abs().max())
    assert worst_difference(program, image, [program.output], boxes) < max(1e-4, 3 * doubt)
    few = boxes[[0, 3, 4, 8, 15]]
    double = program.to(torch.device("cpu"), torch.float64)
    assert worst_difference(double, image.double(), [double.output], few) < 1e-10


def test_multiply_adds_lie_between_what_is_unavoidable_and_everything():
    program = capture(trained_alike("squeezenet1_1"), (3, 224, 224))
    boxes = np.array([(t, x, t + 32, x + 32) for t in range(0, 193, 8) for x in range(0, 193, 8)])
    plan = Incremental(program, torch.zeros(3, 224, 224), [program.output]).plan(boxes)
    assert plan.full == 625 * sum(step.macs for step in program.steps)
    assert plan.least < plan.done < 1.1 * plan.least
    assert plan.done < 0.4 * plan.full
    assert sorted(np.concatenate(plan.cells).tolist()) == list(range(625))


def test_the_least_is_what_changes_counted_one_by_one():
    one = case("functional relu")
    boxes, image = boxes_in(*TRAPS["functional relu"].shape[1:]), one.images[0]
    plan = Incremental(one.program, image, [one.step("")]).plan(boxes)
    replacement = image + 100 + torch.rand(image.shape, dtype=image.dtype)
    linear = {step: step for step in one.program.steps if step.macs}
    unoccluded = forward(one.program, image[None], linear).activations
    total = 0
    for box in boxes:
        changed = forward(one.program, really_changed(image, replacement, box[None]), linear).activations
        for step in linear:
            differs = (changed[step] != unoccluded[step]).any(1)[0]
            rows, columns = differs.any(1).nonzero(), differs.any(0).nonzero()
            area = int((rows.max() - rows.min() + 1) * (columns.max() - columns.min() + 1)) if len(rows) else 0
            total += step.macs * area // math.prod(step.map_size or ())
    assert plan.least == pytest.approx(total, rel=0.01)


def test_it_stops_between_two_steps():
    one = case("functional relu")
    incremental = Incremental(one.program, one.images[0], [one.step("")])
    asked = iter([False, False, True])
    with pytest.raises(Cancelled):
        list(incremental.run(incremental.plan(boxes_in(22, 19)), one.images[1], task=Task(lambda: next(asked))))


def test_little_memory_makes_small_chunks_and_the_same_numbers():
    one = case("functional relu")
    boxes = boxes_in(22, 19)
    answers = []
    for memory in (2**29, 1):
        incremental = Incremental(one.program, one.images[0], [one.step("")], memory=memory)
        found = list(incremental.run(incremental.plan(boxes), one.images[1]))
        assert memory > 1 or all(len(some) == 1 for some, _ in found)
        answer = torch.zeros(len(boxes), *one.step("").shape, dtype=torch.float64)
        for some, changed in found:
            answer[torch.from_numpy(some)] = changed[one.step("")].whole()
        answers.append(answer)
    torch.testing.assert_close(*answers, rtol=0, atol=1e-12)


def test_profiles_are_merged_where_it_costs_least():
    profiles = np.array([[1, 9], [9, 1], [2, 9], [9, 2], [9, 3]])
    label = merged(profiles, np.array([1, 1, 1, 1, 1]), np.array([1.0, 1.0]), 2)
    assert label[0] == label[2]
    assert label[1] == label[3] == label[4]
    assert label[0] != label[1]
    assert len(set(merged(profiles, np.array([5, 1, 1, 1, 1]), np.array([1.0, 1.0]), 1).tolist())) == 1
