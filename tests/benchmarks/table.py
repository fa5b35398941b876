"""What the benchmarks print: one row a promise."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One measurement beside what was promised."""

    what: str
    measured: str
    promised: str
    kept: bool


def show(rows: list[Row]) -> None:
    widths = [max(len(text) for text in column) for column in zip(*map(cells, rows), strict=True)]
    for row in rows:
        print("  ".join(text.ljust(width) for text, width in zip(cells(row), widths, strict=True)))


def cells(row: Row) -> tuple[str, str, str, str]:
    return row.what, row.measured, row.promised, "kept" if row.kept else "MISSED"


@contextmanager
def section(title: str) -> Iterator[None]:
    print(f"\n## {title}", flush=True)
    yield
