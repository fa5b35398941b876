"""What a feature map is made of, down to the first layer: a tree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class SharingBranch:
    """A feature map, and those of the next layer that it is made of, the largest part first."""

    layer: str
    title: str
    feature: int
    share: float  # of the map above it; 1 at the top
    stable: bool
    branches: tuple[SharingBranch, ...] = ()

    @property
    def rest(self) -> float:
        """What part of it the maps that are not shown are; 0 at the end of the tree."""
        return 1 - sum(part.share for part in self.branches) if self.branches else 0.0

    def walk(self, depth: int = 0) -> Iterator[tuple[int, SharingBranch]]:
        """Every branch with its depth, this one first."""
        yield depth, self
        for part in self.branches:
            yield from part.walk(depth + 1)

    def __repr__(self) -> str:
        return "\n".join(
            f"{'  ' * depth}{branch.title} {branch.feature}" + (f": {branch.share:.0%}" if depth else "")
            for depth, branch in self.walk()
        )
