"""Look at a network's first layer, and at what its stride does to what is behind it (Fig. 6)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from zfwidgets.backend.graph.step import Step
from zfwidgets.backend.ops.linear import Convolution
from zfwidgets.backend.run.deconvnet import fitting
from zfwidgets.backend.run.forward import forward
from zfwidgets.backend.run.memory import in_parts, parts_of
from zfwidgets.backend.surroundings import undisturbed
from zfwidgets.data import Collection, photographs
from zfwidgets.data import images as as_collection
from zfwidgets.experiments.diagnosis.filters import (
    bands,
    beyond,
    dead_by_weights,
    likeness,
    near_duplicates,
    rms,
    spectrum,
)
from zfwidgets.experiments.diagnosis.result import ALIKE, Diagnosis
from zfwidgets.experiments.gallery import gallery
from zfwidgets.experiments.top_activations import top_activations
from zfwidgets.models import Network, require_network
from zfwidgets.task import UNWATCHED, Task

SHOWN = 16  # projections of the layer above

Sums = dict[str, np.ndarray]  # by name


@undisturbed()
def diagnose(net: Network, images: Any = None, *, shifts: int = 8, seed: int = 0, task: Task = UNWATCHED) -> Diagnosis:
    """What the paper looked for in Fig. 6, measured in a network's first convolution and what follows from it.

    - **Strength**: RMS = √(mean w²) of each filter; dominance is the largest over the median one, a fault from 5 on.
    - **Dead by weights**: all weights below 1 % of the layer's largest. **Dead on the data**: the rectified map is
      positive in none of N images; then, with 95 % confidence, in fewer than 3/N of all images.
    - **Frequency**: the squared FFT of the filter, zero-padded to 64×64 and summed over channels, by distance from
      frequency 0: low < 1/8, middle, high > 1/4 cycles a pixel; each channel's mean removed, and kept. And its part
      beyond the layer's own Nyquist frequency, 1/(2·stride), along rows or columns.
    - **Aliasing**: the layer is run at stride 1, and the part of its maps' power beyond that frequency is what the
      stride folds back into others; the map's mean is removed, and a Hann window keeps its edges from counting. And
      the share of answers that stay when the image is shifted by 1, 2, … pixels up, down, left and right, its edge
      repeated.
    - **Near-duplicates**: the largest normalised cross-correlation of two filters over shifts of up to half the kernel;
      a fault above 0.95.

    All but the last of aliasing is measured in the same layer with new random weights (He's), too: what is unusual is
    unusual beside these. (What answers do without what was learnt says nothing.)

    Args:
        net: any network with a convolution.
        images: whatever `zf.images` takes; None: the embedded photographs. More images find fewer dead maps.
        shifts: by how many pixels images are shifted at most; 0 for none. Four answers a pixel and image: most of the
            time goes there.
        seed: of the random weights.
        task: watches and cancels it.

    Raises:
        ValueError: the network has no convolution, or there are fewer shifts than none.
        TypeError: `net` is no network.
    """
    require_network(net)
    if shifts < 0:
        raise ValueError(f"images are shifted by 0 pixels or more; {shifts} were given")
    step, conv = _first(net)
    collection = as_collection(photographs() if images is None else images)
    new = conv.reinitialised(torch.Generator().manual_seed(seed))
    seen = _seen(net, collection, step, new, shifts if net.classifies else 0, task)
    weights, random = (op.weight.float().cpu().numpy() for op in (conv, new))
    pairs, alike = near_duplicates(likeness(weights), ALIKE)
    kept, without = (spectrum(weights, keep_mean=keep) for keep in (True, False))
    second, projections = _second(net, collection, step, task)
    return Diagnosis(
        layer=step.name, title=net.layer(step.name).title if _is_layer(net, step) else step.name, stride=conv.stride,
        filters=weights, count=len(collection), rms=rms(weights), dead_by_weights=dead_by_weights(weights),
        active=seen["active"], bands=bands(kept), bands_without_mean=bands(without), beyond=beyond(kept, conv.stride),
        aliased=beyond(seen["power"], conv.stride), duplicates=pairs, likeness=alike,
        consistency=seen["same"] / len(collection), random_rms=rms(random), random_active=seen["random_active"],
        random_bands=bands(spectrum(random, keep_mean=False)),
        random_beyond=beyond(spectrum(random, keep_mean=True), conv.stride),
        random_aliased=beyond(seen["random_power"], conv.stride),
        random_duplicates=len(near_duplicates(likeness(random), ALIKE)[0]), second=second, projections=projections,
    )  # fmt: skip


def _seen(net: Network, images: Collection, step: Step, new: Convolution, shifts: int, task: Task) -> Sums:
    """What is counted and summed over the images: in the layer of that step, and in the same with new weights."""
    conv, rectified = step.op, _rectified(net, step)
    assert isinstance(conv, Convolution)

    def looked(part: slice) -> Sums:
        x = torch.stack([net.reader.read_from(images, number)[1] for number in range(part.start, part.stop)])
        x = x.to(net.device, net.dtype)
        found = forward(net.program, x, [step.inputs[0], rectified], task=task).activations
        own, other = (replace(op, stride=(1, 1)).forward(found[step.inputs[0]]) for op in (conv, new))
        return {
            "active": _positive(found[rectified]),
            "random_active": _positive(other[:, :, :: conv.stride[0], :: conv.stride[1]]),
            "power": _power(own),
            "random_power": _power(other),
            "same": _unchanged(net, x, shifts, task),
        }

    at_once = max(1, fitting(net.device, len(conv.weight) * int(np.prod(net.program.input.shape[1:]))))
    sums: Sums = {}
    for part, found in in_parts(parts_of(len(images), at_once), looked):
        task.progress(part.stop, len(images), "images")
        sums = {name: values + sums.get(name, 0) for name, values in found.items()}
    return sums


def _first(net: Network) -> tuple[Step, Convolution]:
    """The first convolution of the network."""
    for step in net.program.steps:
        if isinstance(step.op, Convolution):
            return step, step.op
    raise ValueError(f"{net.name} has no convolution to look at")


def _is_layer(net: Network, step: Step) -> bool:
    return any(layer.name == step.name for layer in net.layers)


def _rectified(net: Network, step: Step) -> Step:
    """The first rectifier above a convolution that keeps its maps apart; the convolution where there is none."""
    above, found = {step}, step
    for other in net.program.steps:
        if above & set(other.inputs) and other.shape[:1] == step.shape[:1] and other.op is not None:
            if other.op.kind == "rectifier":
                return other
            if other.op.kind in ("normalisation", "affine"):
                above.add(other)
    return found


def _positive(maps: Tensor) -> np.ndarray:
    """In how many images each map (n, K, H, W) is positive anywhere, (K,)."""
    found: np.ndarray = (maps.flatten(2).amax(2) > 0).sum(0).cpu().numpy()
    return found


def _power(maps: Tensor) -> np.ndarray:
    """The squared FFT of maps (n, K, H, W) less their means, under a Hann window, summed over the images: (K, H, W)."""
    maps = maps.float() - maps.float().mean((2, 3), keepdim=True)
    for dim in (2, 3):
        window = torch.hann_window(maps.shape[dim], periodic=True, dtype=maps.dtype, device=maps.device)
        maps = maps * window.view(*(-1 if each == dim else 1 for each in range(4)))
    half = torch.fft.rfft2(maps).abs().square().double().sum(0).cpu().numpy()
    width = maps.shape[3]
    opposite = half[:, -np.arange(half.shape[1]), 1 : width - half.shape[2] + 1][:, :, ::-1]  # has the same power
    return np.concatenate([half, opposite], 2)


def _unchanged(net: Network, x: Tensor, shifts: int, task: Task) -> np.ndarray:
    """For shifts by 1, 2, … pixels the number of images, over the four directions, whose answer stays."""
    stays = np.zeros(shifts)
    if not shifts:
        return stays
    height, width = x.shape[2:]
    wider = F.pad(x, [shifts] * 4, mode="replicate")
    answer = net.classify(x, [""] * len(x)).probability.argmax(1)
    for shift in range(1, shifts + 1):
        for down, across in ((shift, 0), (-shift, 0), (0, shift), (0, -shift)):
            task.check()
            moved = wider[:, :, shifts + down : shifts + down + height, shifts + across : shifts + across + width]
            found = net.classify(moved.contiguous(), [""] * len(x)).probability.argmax(1)
            stays[shift - 1] += (found == answer).sum() / 4
    return stays


def _second(net: Network, images: Any, step: Step, task: Task) -> tuple[str, np.ndarray]:
    """The layer behind the second convolution, and projections of its maps' strongest units."""
    convolutions = [each for each in net.program.steps if isinstance(each.op, Convolution)]
    nothing = np.zeros((0, *net.program.input.shape), np.float32)
    if len(convolutions) < 2:
        return "", nothing
    layer = _rectified(net, convolutions[1])
    if not _is_layer(net, layer):
        return "", nothing
    tops = top_activations(net, images, layer.name, 1, workers=0, progress=False, task=task)
    found = gallery(net, images, tops, layer.name, SHOWN, task=task).projections[:, 0]
    return layer.name, found
