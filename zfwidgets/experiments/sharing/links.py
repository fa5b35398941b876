"""What the maps of one layer are made of: all that follows from the sums between it and a lower one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

WEIGHTS = ("contribution", "signal")
CHANCE = 0.95  # of the correlations between different maps lie below that of a stable one


class SharingPart(NamedTuple):
    """One feature map that another is made of, or is used by."""

    feature: int
    share: float  # of what the upper map is made of
    lift: float  # how many times as much as of the mean upper map
    stable: bool  # the upper map's shares are much the same in both halves of its images

    def __repr__(self) -> str:
        return f"Part({self.feature}: {self.share:.1%}, lift {self.lift:.1f}{'' if self.stable else ', not stable'})"


@dataclass(frozen=True, eq=False)
class SharingLinks:
    """Which maps of a lower layer the maps of an upper one are made of.

    All follows from sums over the strongest units of each upper map, taken apart by two halves of their images.
    """

    upper: str
    lower: str
    sums: np.ndarray  # (2, upper, lower), by half
    counts: np.ndarray  # (2, upper) int, units in them

    @cached_property
    def contribution(self) -> np.ndarray:
        """Mean over the units of each upper map, (upper, lower) float64."""
        return self.sums.sum(0, dtype=np.float64) / np.maximum(self.counts.sum(0), 1)[:, None]

    @cached_property
    def share(self) -> np.ndarray:
        """What part of an upper map each lower one is, (upper, lower): rows sum to 1; zeros where a map is silent."""
        return _shares(self.contribution)

    @cached_property
    def silent(self) -> np.ndarray:
        """Which upper maps nothing is known of: no image made them positive, or nothing came down, (upper,) bool."""
        return self.share.sum(1) == 0

    @cached_property
    def lift(self) -> np.ndarray:
        """Share over the lower map's mean share, (upper, lower): a loud map has a share in everything."""
        mean = self.share[~self.silent].mean(0) if not self.silent.all() else np.zeros(self.share.shape[1])
        return np.divide(self.share, mean, out=np.zeros_like(self.share), where=mean > 0)

    @cached_property
    def effective_parts(self) -> np.ndarray:
        """Effective number of lower maps in each upper one, (upper,): the exponential of the shares' entropy."""
        return _effective(self.share)

    @cached_property
    def effective_users(self) -> np.ndarray:
        """Effective number of upper maps that use each lower one, (lower,)."""
        return _effective(_shares(self.share.T))

    @cached_property
    def likeness(self) -> np.ndarray:
        """Cosine between the shares of each two upper maps, (upper, upper)."""
        length = np.linalg.norm(self.share, axis=1, keepdims=True)
        unit = np.divide(self.share, length, out=np.zeros_like(self.share), where=length > 0)
        return unit @ unit.T

    @cached_property
    def stability(self) -> np.ndarray:
        """Correlation of each map's shares between the two halves of its images, (upper,); NaN where one is empty."""
        return np.diag(self._between_halves).copy()

    @cached_property
    def null(self) -> float:
        """The correlation that 95 % of pairs of different maps stay below, one half's shares with the other's."""
        different = self._between_halves[~np.eye(len(self.share), dtype=bool)]
        known = different[np.isfinite(different)]
        return float(np.quantile(known, CHANCE)) if len(known) else np.nan

    @cached_property
    def stable(self) -> np.ndarray:
        """Which upper maps agree with themselves, and more than 95 % of different maps do, (upper,) bool."""
        level = np.fmax(self.null, 0.0)
        return np.nan_to_num(self.stability, nan=-1.0) > level

    def made_of(self, feature: int, n: int = 8, by: str = "share") -> list[SharingPart]:
        """The lower maps that an upper one is made of, most important first.

        By "lift", among those with more than an even part of it, so that nothing small is found important by chance.
        """
        share = self.share[feature]
        return self._best(share, self.lift[feature], np.full(len(share), self.stable[feature]), n, by)

    def used_by(self, feature: int, n: int = 8, by: str = "share") -> list[SharingPart]:
        """The upper maps of which a lower one is the largest part, by share or lift."""
        return self._best(self.share[:, feature], self.lift[:, feature], self.stable, n, by)

    def _best(self, share: np.ndarray, lift: np.ndarray, stable: np.ndarray, n: int, by: str) -> list[SharingPart]:
        if by not in ("share", "lift"):
            raise ValueError(f'maps are ordered by "share" or "lift"; {by!r} was given')
        score = np.where(share > 1 / self.share.shape[1], lift, 0) if by == "lift" else share
        order = np.argsort(-score, kind="stable")[:n]
        return [
            SharingPart(int(other), float(share[other]), float(lift[other]), bool(stable[other]))
            for other in order
            if score[other] > 0
        ]

    @cached_property
    def _between_halves(self) -> np.ndarray:
        """Correlation of each map's shares in the first half with each map's in the second, (upper, upper)."""
        standard = []
        for sums in self.sums:
            shares = _shares(sums.astype(np.float64))
            centred = shares - shares.mean(1, keepdims=True)
            spread = np.linalg.norm(centred, axis=1, keepdims=True)
            standard.append(np.divide(centred, spread, out=np.full_like(centred, np.nan), where=spread > 1e-12))
        return standard[0] @ standard[1].T


def _shares(numbers: np.ndarray) -> np.ndarray:
    """Each row divided by its sum; zeros where that is zero."""
    total = numbers.sum(1, keepdims=True)
    return np.divide(numbers, total, out=np.zeros_like(numbers), where=total > 0)


def _effective(shares: np.ndarray) -> np.ndarray:
    logs = np.log(shares, out=np.zeros_like(shares), where=shares > 0)
    return np.where(shares.sum(1) > 0, np.exp(-(shares * logs).sum(1)), 0)
