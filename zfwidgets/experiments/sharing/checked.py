"""How well shares say what falls when a lower map is taken out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zfwidgets.experiments.result import Result
from zfwidgets.experiments.schema import Float64, Int64, check

RESAMPLED = 2000  # times, for the interval


@dataclass(frozen=True, eq=False)
class SharingCheck(Result):
    """For some upper maps and some lower ones, the share and by how much the upper falls without the lower."""

    upper: str
    lower: str
    features: Int64[np.ndarray, "n"]  # upper maps
    taken_out: Int64[np.ndarray, "n m"]  # lower maps, one at a time
    contribution: Float64[np.ndarray, "n m"]  # shares by contribution
    signal: Float64[np.ndarray, "n m"]  # shares by signal alone
    average: Float64[
        np.ndarray, "n m"
    ]  # the lower map's mean share: what a guess would say that knows only how loud it is
    fall: Float64[np.ndarray, "n m"]  # of the mean activation of its strongest units: 1 is all; below 0, it rises
    seed: int

    def verify(self) -> None:
        """Raise ValueError where fields contradict each other."""
        check(len(self.features) > 0 and self.taken_out.shape[1] > 1, "there are no maps in it")

    def correlations(self, weight: str = "contribution") -> np.ndarray:
        """Spearman's rank correlation between share and fall for each upper map, (n,).

        By "contribution", by "signal", or by "average", which knows nothing of the upper map.
        """
        from scipy.stats import rankdata

        shares, falls = (rankdata(each, axis=1) for each in (getattr(self, weight), self.fall))
        shares, falls = shares - shares.mean(1, keepdims=True), falls - falls.mean(1, keepdims=True)
        length = np.linalg.norm(shares, axis=1) * np.linalg.norm(falls, axis=1)
        return np.divide((shares * falls).sum(1), length, out=np.zeros(len(shares)), where=length > 0)

    def correlation(self, weight: str = "contribution") -> tuple[float, float, float]:
        """Their mean, and where it lies with 95 % confidence (bootstrap over the upper maps)."""
        found = self.correlations(weight)
        drawn = np.random.default_rng(self.seed).integers(len(found), size=(RESAMPLED, len(found)))
        low, high = np.quantile(found[drawn].mean(1), (0.025, 0.975))
        return float(found.mean()), float(low), float(high)

    def __repr__(self) -> str:
        said = "; ".join(
            f"{weight} {mean:.2f} (95 % {low:.2f} to {high:.2f})"
            for weight in ("contribution", "signal", "average")
            for mean, low, high in [self.correlation(weight)]
        )
        return f"SharingCheck({self.upper} of {self.lower}, rank correlation of share and fall: {said})"
