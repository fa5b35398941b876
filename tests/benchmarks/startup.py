"""How long until there is something to see: fresh interpreters, no browser."""

from __future__ import annotations

import subprocess
import sys
import time
from statistics import median

from .table import Row

IMPORT = "import time; t = time.perf_counter(); import zfwidgets; print(time.perf_counter() - t)"


def rows() -> list[Row]:
    imported = median(float(run(IMPORT)) for _ in range(5))
    loaded = run("import zfwidgets, sys; print(*sys.modules)").split()
    loads = [name for name in ("torch", "numpy", "ipywidgets") if name in loaded]
    first = median(timed(FIRST) for _ in range(3))
    return [
        Row("import zfwidgets", f"{imported * 1000:.0f} ms", "≤ 200 ms", imported <= 0.2),
        Row("import zfwidgets loads", ", ".join(loads) or "nothing heavy", "no torch", not loads),
        Row("a new interpreter to the first explorer, drawn", f"{first:.1f} s", "≤ 5 s", first <= 5),
    ]


FIRST = """
import zfwidgets as zf
explorer = zf.FeatureExplorer(zf.load("squeezenet1_1"))
assert explorer.result is not None, explorer.error
"""


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


def timed(code: str) -> float:
    started = time.perf_counter()
    run(code)
    return time.perf_counter() - started
