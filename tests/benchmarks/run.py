"""All benchmarks as one table: `make bench`, or `python -m tests.benchmarks.run startup explorer` for some.

Each runs in a process of its own: neither its memory nor its speed depends on what ran before it.
"""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

from .table import section, show

ALL = (
    "startup",
    "projection",
    "galleries",
    "mining",
    "sweeping",
    "transforming",
    "recording",
    "sharing",
    "transfer",
    "explorer",
    "wall",
)
ONE = "--here"


def main(names: list[str]) -> None:
    if names[:1] == [ONE]:
        (name,) = names[1:]
        module = import_module(f".{name}", __package__)
        with section((module.__doc__ or name).splitlines()[0]):
            show(module.rows())
        return
    runs = [subprocess.run([sys.executable, "-m", __spec__.name, ONE, name]) for name in names or ALL]
    sys.exit(any(run.returncode for run in runs))


if __name__ == "__main__":
    main(sys.argv[1:])
