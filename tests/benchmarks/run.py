"""All benchmarks as one table: `make bench`, or `python -m tests.benchmarks.run startup explorer` for some."""

from __future__ import annotations

import sys
from importlib import import_module

from .table import section, show

ALL = ("startup", "projection", "galleries", "mining", "sweeping", "transforming", "explorer", "wall")


def main(names: list[str]) -> None:
    for name in names or ALL:
        module = import_module(f".{name}", __package__)
        with section((module.__doc__ or name).splitlines()[0]):
            show(module.rows())


if __name__ == "__main__":
    main(sys.argv[1:])
