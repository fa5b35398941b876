"""Invariance of five images, 61 values and all main layers, against plain forward passes over as many images.

Each layer's maps are read twice more, for distance and length, and the images have to be transformed: half the speed of
forward passes that keep nothing is what can be promised.
"""

from __future__ import annotations

import torch

import zfwidgets as zf
from zfwidgets.backend.run.forward import forward
from zfwidgets.experiments.invariance import TRANSFORMATIONS

from .projection import timed
from .table import Row

BATCHES = (2, 4, 8, 16)
ROUNDS = 3
PROMISE = 0.5


def rows() -> list[Row]:
    return [one(name) for name in ("translation", "scale", "rotation")]


def one(name: str) -> Row:
    net = zf.load("squeezenet1_1", device="cpu")
    layers = [layer.name for layer in net.main_layers]
    first, last = TRANSFORMATIONS[name].values[[0, -1]]
    values = torch.linspace(float(first), float(last), 61).tolist()
    pictures = list(zf.photographs(["cat", "coffee", "motorcycle", "camera", "china"]).values())
    images = len(pictures) * len(values)

    def plain(batch: int) -> float:
        x = torch.randn(batch, *net.program.input.shape).contiguous(memory_format=torch.channels_last)
        forward(net.program, x, [net.program.output])
        return timed(lambda: [forward(net.program, x, [net.program.output]) for _ in range(96 // batch)]) / 96

    best = min(BATCHES, key=plain)
    times = [
        (timed(lambda: zf.invariance(net, pictures, layers=layers, transforms=[(name, values)])) / images, plain(best))
        for _ in range(ROUNDS)
    ]
    ours, theirs = map(min, zip(*times, strict=True))
    measured = f"{theirs / ours:.2f} ({1000 * ours:.2f} ms an image against {1000 * theirs:.2f} ms)"
    return Row(f"{name}, {len(layers)} layers", measured, f"≥ {PROMISE}", theirs / ours >= PROMISE)
