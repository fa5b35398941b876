"""Transfer: features of a data set against a plain forward pass, and fits in the row space against fits outside it."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
import torch

import zfwidgets as zf
from zfwidgets.experiments.checkpoint import Asked, opened
from zfwidgets.experiments.loading import load_batches
from zfwidgets.experiments.one_pass import batches_of
from zfwidgets.experiments.transfer.classify import pipeline, regularised, small_fits
from zfwidgets.experiments.transfer.extraction import PLACES
from zfwidgets.experiments.transfer.features import Wanted, extracted

from .mining import PLAIN_BATCHES, write_photographs
from .projection import network, reference
from .table import Row

COUNT, ROUNDS = 256, 5
CLASSES, EACH, TESTED = 10, 15, 50


def rows() -> list[Row]:
    return [extraction(), fits()]


def extraction() -> Row:
    """Nine layers of SqueezeNet, written to files, in turn with torchvision's module over the same loader."""
    net, module, ratios, ours = network(), reference(), [], 0.0
    layers = tuple(layer.name for layer in net.block_layers[-9:])
    with tempfile.TemporaryDirectory() as folder:
        write_photographs(Path(folder), COUNT)
        wanted = Wanted(net, zf.images(folder), layers, PLACES)
        for turn in range(ROUNDS):
            with tempfile.TemporaryDirectory() as kept, opened(kept, Asked("features", *wanted.told, {})) as saved:
                started = time.perf_counter()
                extracted(wanted, saved)
                ours = time.perf_counter() - started
            plain = []
            for size in PLAIN_BATCHES:
                started = time.perf_counter()
                with torch.inference_mode():
                    for batch in load_batches(net, wanted.images, batches_of((0, COUNT), size), 0):
                        module(batch.inputs)
                plain.append(time.perf_counter() - started)
            if turn:  # the first one warms up
                ratios.append(min(plain) / ours)
    ratio = median(ratios)
    measured = f"{ratio:.2f} of it ({COUNT / ours:.0f} images/s, {len(layers)} layers)"
    return Row("features of all layers, against a plain forward pass", measured, "≥ 0.9", ratio >= 0.9)


def fits() -> Row:
    """The same search on the same features, with and without the rotation; both sides on one thread."""
    random = np.random.default_rng(0)
    features = network().layer(network().block_layers[-1].name).channels * PLACES**2
    y = np.repeat(np.arange(CLASSES), EACH)
    centres = random.normal(size=(CLASSES, features))
    x, new = (
        np.maximum(centres[labels] + 3 * random.normal(size=(len(labels), features)), 0).astype(np.float32)
        for labels in (y, np.repeat(np.arange(CLASSES), TESTED))
    )
    took = {}
    with small_fits():
        for side, rotated, given in (("ours", True, (x, new)), ("plain", False, (x.astype(float), new.astype(float)))):
            shape = x.shape if rotated else (features, features)  # as many images as features need no rotation
            whole = pipeline(shape, regularised("softmax", features, EACH))
            started = time.perf_counter()
            whole.fit(given[0], y).predict(given[1])
            took[side] = time.perf_counter() - started
    ratio = took["plain"] / took["ours"]
    measured = f"{ratio:.1f}× as fast ({1000 * took['ours']:.0f} ms against {1000 * took['plain']:.0f} ms)"
    return Row(f"a softmax searched by {len(x)} images, in their row space", measured, "faster", ratio > 1)
