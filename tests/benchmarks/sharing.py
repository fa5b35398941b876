"""What maps are made of, layer by layer, against the plain projections of the same units; and a whole network."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

import zfwidgets as zf
from tests import peak
from zfwidgets.experiments.gallery import Sources, build_gallery
from zfwidgets.experiments.top_activations import NONE, TopActivations

from .projection import network
from .table import Row

MAPS, K = 32, 8  # of each layer, spread over it
WHOLE = """
import time
import zfwidgets as zf
net, images = zf.load("squeezenet1_1", device="cpu"), zf.corpus()
tops = zf.prepared_tops(net, images)
net.predict(images[0])
before, started = peak(), time.perf_counter()
found = zf.sharing(net, images, tops, net.feature_layers[-1].name, LAYERS, progress=False)
print(time.perf_counter() - started, (peak() - before) / 1e6, sum(int(each.sum()) for each in found.counts.values()))
"""


def rows() -> list[Row]:
    net, images = network(), zf.corpus()
    tops = zf.prepared_tops(net, images)
    assert tops is not None
    chain = [layer.name for layer in reversed(net.feature_layers)]
    some = {name: np.linspace(0, net.layer(name).channels - 1, MAPS).astype(int) for name in chain[:-1]}
    zf.sharing(
        net, images, only(tops, {name: maps[:2] for name, maps in some.items()}), chain[0], chain[1:], progress=False
    )
    sources = Sources(net, images)
    ours = timed(lambda: zf.sharing(net, images, only(tops, some), chain[0], chain[1:], k=K, progress=False))
    first = replace(
        tops, values={name: each[:, :K] for name, each in tops.values.items()},
        images={name: each[:, :K] for name, each in tops.images.items()},
        units={name: each[:, :K] for name, each in tops.units.items()},
    )  # fmt: skip
    plain = timed(lambda: [build_gallery(net, sources, first, name, maps) for name, maps in some.items()])
    units = sum(len(maps) * K for maps in some.values())
    measured = (
        f"{ours / plain:.2f}× ({ours:.1f} s against {plain:.1f} s for {units} units, {len(chain) - 1} pairs of layers)"
    )
    return [
        Row("squeezenet1_1, all neighbouring main layers", measured, "≤ 1.3×", ours / plain <= 1.3),
        whole(chain[1:]),
    ]


def whole(layers: list[str]) -> Row:
    """All units of all main layers, in a process of its own."""
    code = peak.SOURCE + WHOLE.replace("LAYERS", repr(layers))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    seconds, memory, units = map(float, done.stdout.split())
    measured = f"{seconds:.0f} s, {memory:.0f} MB more, {units:.0f} units"
    return Row("the whole of it, all maps", measured, "≤ 600 MB", memory <= 600)


def only(tops: TopActivations, some: dict[str, np.ndarray]) -> TopActivations:
    """Without the activations of all other maps."""
    values, images, units = (
        {name: each.copy() for name, each in part.items()} for part in (tops.values, tops.images, tops.units)
    )
    for name, maps in some.items():
        others = np.setdiff1d(np.arange(len(values[name])), maps)
        values[name][others], images[name][others], units[name][others] = -np.inf, NONE, NONE
    return replace(tops, values=values, images=images, units=units)


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
