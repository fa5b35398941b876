"""How sure a comparison by cross-validation is: intervals that know of shared training data, and many tests at once."""

from __future__ import annotations

import numpy as np

CONFIDENCE = 0.95


def corrected_deviation(values: np.ndarray, test_share: float, step: float = 0.0) -> float:
    """The standard error of a mean over resamplings whose training sets overlap (Nadeau & Bengio 2003).

    √(variance · (1/n + test/train)), where test/train is the ratio of the sizes of test and training set: for k folds
    1/(k - 1). The naive one has 1/n alone. `step` is the least by which a value can differ from another: values that
    happen to be equal are no surer than if one of them were a step off.
    """
    variance = max(np.var(values, ddof=1), step**2 / len(values))
    return float(np.sqrt(variance * (1 / len(values) + test_share)))


def corrected_interval(values: np.ndarray, test_share: float, step: float = 0.0) -> tuple[float, float]:
    """Where the mean lies with 95 % confidence, by the corrected resampled t-test; without bounds for one value.

    `step` as for `corrected_deviation`.
    """
    from scipy.stats import t

    if len(values) < 2:
        return -np.inf, np.inf
    reach = t.ppf((1 + CONFIDENCE) / 2, len(values) - 1) * corrected_deviation(values, test_share, step)
    return float(np.mean(values) - reach), float(np.mean(values) + reach)


def corrected_p(differences: np.ndarray, test_share: float, step: float = 0.0) -> float:
    """How often a mean difference at least as large comes by chance, in either direction (corrected resampled t-test);
    1 where all differences are 0, or there is but one. `step` as for `corrected_deviation`."""
    from scipy.stats import t

    if len(differences) < 2:
        return 1.0
    deviation, mean = corrected_deviation(differences, test_share, step), float(np.mean(differences))
    if deviation == 0:
        return 1.0 if mean == 0 else 0.0
    return float(2 * t.sf(abs(mean) / deviation, len(differences) - 1))


def holm(p: np.ndarray) -> np.ndarray:
    """p-values adjusted for how many there are (Holm 1979), (n,)."""
    order = np.argsort(p, kind="stable")
    adjusted = np.maximum.accumulate(np.minimum(p[order] * np.arange(len(p), 0, -1), 1.0))
    found = np.empty(len(p))
    found[order] = adjusted
    return found
