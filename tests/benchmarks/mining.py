"""Mining a data set, against a plain forward pass of torchvision's module over the same loader."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import torch
from PIL import Image

import zfwidgets as zf
from zfwidgets.experiments.loading import load_batches
from zfwidgets.experiments.one_pass import batches_of

from ..peak import SOURCE
from .projection import network, reference
from .table import Row

COUNT, ROUNDS = 400, 3
PLAIN_BATCHES = (8, 16, 32)
MANY = 10_000

PEAK = """
import zfwidgets as zf
zf.top_activations(zf.load("squeezenet1_1", device="cpu"), sys.argv[1], progress=False, workers=2)
print(peak() / 2**30)
"""


def rows() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        write_photographs(Path(folder), COUNT)
        return [rate(folder, workers) for workers in (0, os.cpu_count() or 1)] + [memory()]


def rate(folder: str, workers: int) -> Row:
    net, images, module = network(), zf.images(folder), reference()
    ratios, ours = [], 0.0
    for _ in range(ROUNDS):
        started = time.perf_counter()
        zf.top_activations(net, images, workers=workers, progress=False)
        ours = time.perf_counter() - started
        plain = []
        for size in PLAIN_BATCHES:
            started = time.perf_counter()
            with torch.inference_mode():
                for batch in load_batches(net, images, batches_of((0, COUNT), size), workers):
                    module(batch.inputs)
            plain.append(time.perf_counter() - started)
        ratios.append(min(plain) / ours)
    ratio = median(ratios)
    measured = f"{ratio:.2f} of it ({COUNT / ours:.0f} images/s)"
    return Row(f"mining, {workers} workers, against a plain forward pass", measured, "≥ 0.95", ratio >= 0.95)


def memory() -> Row:
    """Ten thousand files, of which most are the same photograph: what counts is that each is read."""
    with tempfile.TemporaryDirectory() as folder:
        write_photographs(Path(folder), 100)
        for number in range(100, MANY):
            os.link(f"{folder}/{number % 100:05d}.jpg", f"{folder}/{number:05d}.jpg")
        out = subprocess.run(
            [sys.executable, "-c", SOURCE + PEAK, folder], check=True, capture_output=True, text=True
        ).stdout
    own = float(out)
    return Row(f"peak memory, {MANY:,} images, without the workers", f"{own:.2f} GB", "≤ 1.5 GB", own <= 1.5)


def write_photographs(folder: Path, count: int) -> None:
    """JPEG files of about 300 pixels, cut from the corpus."""
    corpus = zf.corpus()
    for number in range(count):
        picture = Image.fromarray(corpus[number % 520]).resize((320, 300))
        picture.save(folder / f"{number:05d}.jpg", quality=90)
