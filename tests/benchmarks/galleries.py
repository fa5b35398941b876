"""A gallery of 64 maps × 9 activations, against Captum's NeuronDeconvolution at its best batch size."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch
from captum.attr import NeuronDeconvolution
from torch import Tensor, nn
from torchvision.models import alexnet, vgg16

import zfwidgets as zf
from zfwidgets.experiments.gallery import Sources, build_gallery
from zfwidgets.experiments.top_activations import TopActivations

from .projection import network, reference
from .table import Row

MAPS, K = 64, 9
CAPTUM_BATCHES = (1, 4, 16)
MIDDLE, TOP = 10.0, 2.5

SITES = {  # layer of ours, Captum's module, promise
    "squeezenet1_1": [
        ("features.4.cat", "features.4", MIDDLE), ("features.6.cat", "features.6", MIDDLE),
        ("features.7.cat", "features.7", MIDDLE), ("features.9.cat", "features.9", MIDDLE),
        ("features.12.cat", "features.12", TOP),
    ],
    "alexnet": [("features.4", "features.4", MIDDLE), ("features.7", "features.7", MIDDLE),
                ("features.11", "features.11", TOP)],
    "vgg16": [("features.8", "features.8", MIDDLE), ("features.15", "features.15", MIDDLE),
              ("features.29", "features.29", TOP)],
}  # fmt: skip
SAMPLE = {"squeezenet1_1": 48, "alexnet": 48, "vgg16": 16}  # tiles that Captum makes; it needs equally long for each


def rows() -> list[Row]:
    return [one(name, *site) for name, sites in SITES.items() for site in sites]


def one(name: str, layer: str, site: str, promise: float) -> Row:
    net, module = built(name)
    images = zf.corpus()
    tops = somewhere(net, layer, len(images))
    sources = Sources(net, images, remembered=len(images))
    sources.read(set(tops.images[layer].ravel().tolist()))  # neither side is timed while it decodes
    build_gallery(net, sources, tops, layer, range(4))
    started = time.perf_counter()
    build_gallery(net, sources, tops, layer, range(MAPS))
    ours = (time.perf_counter() - started) / (MAPS * K)
    theirs = min(captum(net, module, site, sources, tops, layer, SAMPLE[name], size) for size in CAPTUM_BATCHES)
    measured = f"{theirs / ours:.1f}× ({1000 * ours:.1f} ms a tile against {1000 * theirs:.1f} ms)"
    return Row(f"{name} {layer}", measured, f"≥ {promise:g}×", theirs / ours >= promise)


def captum(
    net: zf.Network,
    module: nn.Module,
    site: str,
    sources: Sources,
    tops: TopActivations,
    layer: str,
    count: int,
    size: int,
) -> float:
    """Seconds a tile, in batches of `size` images, each with a unit of its own."""
    method = NeuronDeconvolution(module, module.get_submodule(site))
    places = [(feature, rank) for feature in range(MAPS) for rank in range(K)][:count]
    inputs = torch.stack([x for _, x in sources.read([int(tops.images[layer][place]) for place in places])])
    units = [(feature, *tops.units[layer][feature, rank].tolist()) for feature, rank in places]
    method.attribute(inputs[:size], selector(units[:size]))
    started = time.perf_counter()
    for start in range(0, count, size):
        method.attribute(inputs[start : start + size], selector(units[start : start + size]))
    return (time.perf_counter() - started) / count


def selector(units: list[tuple[int, int, int]]) -> Callable[[Tensor], Tensor]:
    index = torch.arange(len(units)), *torch.tensor(units).T
    return lambda activations: activations[index]


def somewhere(net: zf.Network, layer: str, images: int) -> TopActivations:
    """For the first maps of a layer, units anywhere in any images: what is computed takes equally long."""
    random, shape = np.random.default_rng(1), net.layer(layer)
    size = (MAPS, K)
    units = np.stack([random.integers(0, shape.height, size), random.integers(0, shape.width, size)], 2)
    return TopActivations(
        {layer: np.ones(size, np.float32)}, {layer: random.integers(0, images, size).astype(np.int32)},
        {layer: units.astype(np.int16)}, ((0, images),), (), net.fingerprint, zf.corpus().fingerprint,
    )  # fmt: skip


def built(name: str) -> tuple[zf.Network, nn.Module]:
    if name == "squeezenet1_1":
        return network(), reference()
    torch.manual_seed(0)
    module = {"alexnet": alexnet, "vgg16": vgg16}[name](weights=None).eval()
    net = zf.Network(module, size=224, device="cpu", name=name)
    for part in module.modules():
        if isinstance(part, nn.ReLU):
            part.inplace = False  # Captum cannot hook rectifiers that write into their input
    return net, module
