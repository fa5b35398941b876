"""How well variants of a network learn, compared fairly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zfwidgets.experiments.result import Result
from zfwidgets.experiments.schema import Float64, Int64, check, within
from zfwidgets.experiments.statistics import corrected_interval, corrected_p, holm

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, eq=False)
class Ablation(Result):
    """Errors of variants of a network on the same folds and seeds, each with a learning rate of its own (Table 3)."""

    variants: tuple[str, ...]  # the first is the base
    train: Float64[np.ndarray, "variants seeds folds"]  # share of wrong answers to the images that it learnt from
    validation: Float64[np.ndarray, "variants seeds folds"]  # … to those of the fold that was held back
    rates: Float64[np.ndarray, "variants seeds folds"]  # learning rate, chosen inside the training fold
    parameters: Int64[np.ndarray, "variants"]
    macs: Int64[np.ndarray, "variants"]  # multiply–adds for one image
    seconds: Float64[np.ndarray, "variants seeds folds"]  # of the last training
    count: int  # images
    classes: tuple[str, ...]
    recipe: dict[str, Any]  # the budget: the same for all
    grid: tuple[float, ...]  # learning rates that each variant could choose from

    def verify(self) -> None:
        """Raise ValueError where fields contradict each other."""
        for name in ("train", "validation"):
            check(within(getattr(self, name), 0, 1), f"there are shares of {name} errors outside 0 to 1")
        check(len(set(self.variants)) == len(self.variants) == len(self.parameters), "variants have not one name each")
        check(self.seconds >= 0, "there are trainings of less than no time")

    @property
    def folds(self) -> int:
        """Parts that the images were divided into."""
        return self.validation.shape[2]

    @property
    def test_share(self) -> float:
        """Held-back images for each one that was learnt from."""
        return 1 / (self.folds - 1)

    @property
    def step(self) -> float:
        """What one answer changes of the error of a fold."""
        return self.folds / self.count

    def error(self, variant: str, which: str = "validation") -> tuple[float, float, float, float]:
        """Mean share of wrong answers, its spread over seeds and folds (standard deviation), and where the mean lies
        with 95 % confidence (corrected resampled t-test). `which` is "train" or "validation"."""
        values = getattr(self, which)[self.variants.index(variant)].ravel()
        spread = float(values.std(ddof=1)) if len(values) > 1 else 0.0
        low, high = corrected_interval(values, self.test_share, self.step)
        return float(values.mean()), spread, max(low, 0.0), min(high, 1.0)

    def difference(self, variant: str) -> tuple[float, float, float]:
        """How much larger a variant's validation error is than the base's, on the same folds and seeds: mean, and where
        it lies with 95 % confidence."""
        values = self._differences(variant)
        return float(values.mean()), *corrected_interval(values, self.test_share, self.step)

    @property
    def p(self) -> np.ndarray:
        """Of each variant but the base: how often chance alone gives a difference as large, adjusted for how many there
        are (Holm), (variants - 1,)."""
        return holm(
            np.array([corrected_p(self._differences(name), self.test_share, self.step) for name in self.variants[1:]])
        )

    def to_pandas(self) -> pandas.DataFrame:
        """A table with a row a variant. Needs pandas."""
        import pandas

        rows = []
        for place, name in enumerate(self.variants):
            row: dict[str, Any] = {"variant": name, "parameters": int(self.parameters[place])}
            row["macs"] = int(self.macs[place])
            for which in ("train", "validation"):
                names = (f"{which}_error", f"{which}_spread", f"{which}_low", f"{which}_high")
                row |= dict(zip(names, self.error(name, which), strict=True))
            difference = self.difference(name) if place else (0.0, 0.0, 0.0)
            row |= dict(zip(("difference", "difference_low", "difference_high"), difference, strict=True))
            row |= {"p": float(self.p[place - 1]) if place else np.nan, "seconds": float(self.seconds[place].mean())}
            rows.append(row)
        return pandas.DataFrame(rows)

    def __repr__(self) -> str:
        seeds = self.validation.shape[1]
        lines = [f"Ablation ({self.count} images, {seeds} seed{'' if seeds == 1 else 's'} × {self.folds} folds)"]
        for place, name in enumerate(self.variants):
            mean, _, low, high = self.error(name)
            said = f"  {name}: {self.parameters[place]:,} parameters, {mean:.1%} wrong (95 % {low:.1%} to {high:.1%})"
            if place:
                more, least, most = self.difference(name)
                points = f"{100 * more:+.1f} points against {self.variants[0]}"
                said += f", {points} ({100 * least:+.1f} to {100 * most:+.1f}, p {self.p[place - 1]:.2g})"
            lines.append(said)
        return "\n".join(lines)

    def _differences(self, variant: str) -> np.ndarray:
        found: np.ndarray = (self.validation[self.variants.index(variant)] - self.validation[0]).ravel()
        return found
