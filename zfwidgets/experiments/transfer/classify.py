"""A linear classifier on frozen features: all that is fitted is fitted to the images that it learns from."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from threadpoolctl import threadpool_limits

Kind = Literal["softmax", "svm"]

SEARCHED_FROM = 5  # images a class, from which on the strength of regularisation is searched
PARTS = 3  # of the images to learn from, by which it is searched
COLUMNS = 4096  # features that are multiplied at once in double precision
ROWS = 512  # images that are classified at once

# Strengths are inverse, and of features whose squares sum to one on average: so the same ones suit any layer.
GRIDS: dict[str, tuple[float, ...]] = {"softmax": (0.1, 1.0, 10.0, 100.0), "svm": (0.01, 0.1, 1.0, 10.0)}
FIXED: dict[str, float] = {"softmax": 10.0, "svm": 1.0}


class RowSpace(TransformerMixin, BaseEstimator):
    """Rotates features (n, m) into the space that the rows it was fitted to span: (n, at most as many as these).

    The weights of a linear classifier with an L2 penalty on them lie in that space, and the penalty does not see a
    rotation: so a fit to what comes out is the fit to what goes in, with fewer numbers where features outnumber images.
    """

    def fit(self, X: np.ndarray, y: Any = None) -> RowSpace:
        """Find the space of the rows."""
        values, vectors = np.linalg.eigh(_products(X, X))
        kept = values > values[-1] * len(X) * np.finfo(np.float64).eps
        if not kept.any():  # rows that are all alike: one direction, in which they are all 0
            kept[-1], values[-1] = True, 1.0
        self.rows_, self.basis_ = X, vectors[:, kept] / np.sqrt(values[kept])
        return self

    def transform(self, X: np.ndarray) -> np.ndarray:
        """Coordinates in it, (n, dimensions) float64."""
        found: np.ndarray = _products(X, self.rows_) @ self.basis_
        return found


def _products(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Inner products of rows, in double precision and little memory."""
    found = np.zeros((len(left), len(right)))
    for start in range(0, left.shape[1], COLUMNS):
        some = left[:, start : start + COLUMNS].astype(np.float64)
        others = some if right is left else right[:, start : start + COLUMNS].astype(np.float64)
        found += some @ others.T
    return found


@dataclass(frozen=True, eq=False)
class Fitted:
    """A classifier after its fit."""

    pipeline: Pipeline
    strength: float  # inverse, of the regularisation: of features whose squares sum to one on average
    searched: bool  # whether it was searched, or fixed

    def answers(self, features: np.ndarray) -> np.ndarray:
        """The most probable class of each row, (n,)."""
        return np.concatenate([self.pipeline.predict(rows) for rows in _blocks(features)])

    def probabilities(self, features: np.ndarray) -> np.ndarray:
        """Of the classes (n, classes); only a softmax has them."""
        return np.concatenate([self.pipeline.predict_proba(rows) for rows in _blocks(features)])


def _blocks(features: np.ndarray) -> list[np.ndarray]:
    return [features[start : start + ROWS] for start in range(0, len(features), ROWS)]


def fitted(kind: Kind, features: np.ndarray, targets: np.ndarray) -> Fitted:
    """Fit a classifier to features (n, m) and their classes, at least one image each.

    With fewer than five images in a class there are too few to search the strength of regularisation by, and it is
    fixed.
    """
    count = features.shape[1]
    last = regularised(kind, count, int(np.unique(targets, return_counts=True)[1].min()))
    whole = pipeline(features.shape, last)
    with small_fits():
        whole.fit(features, targets)
    searched = isinstance(last, GridSearchCV)
    strength = float(last.best_params_["C"] if searched else last.C) * count
    return Fitted(whole, strength, searched)


def regularised(kind: Kind, count: int, fewest: int, scoring: str | None = None) -> Any:
    """A classifier of so many features, its strength searched where there are images enough of each class."""
    if fewest < SEARCHED_FROM:
        return estimator(kind, FIXED[kind] / count)
    parts = StratifiedKFold(PARTS, shuffle=True, random_state=0)
    grid = {"C": [strength / count for strength in GRIDS[kind]]}
    return GridSearchCV(estimator(kind, FIXED[kind] / count), grid, cv=parts, scoring=scoring)


@contextmanager
def small_fits() -> Iterator[None]:
    """While this lasts, many small ones are made.

    Each on one thread, since two wait for each other longer than they work; and strengths in a grid with which no fit
    comes to rest are nothing to warn of.
    """
    with threadpool_limits(1, user_api="blas"), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def pipeline(shape: tuple[int, ...], last: Any) -> Pipeline:
    """What comes before a classifier, and itself, for features (n, m)."""
    images, count = shape
    rotation = [("rotate", RowSpace())] if count > images else []
    return Pipeline([("scale", StandardScaler()), *rotation, ("classify", last)])


def estimator(kind: Kind, strength: float, **options: Any) -> Any:
    """A linear classifier with an L2 penalty."""
    if kind == "softmax":
        return LogisticRegression(C=strength, max_iter=options.pop("max_iter", 1000), **options)
    return LinearSVC(C=strength, random_state=0, max_iter=options.pop("max_iter", 10_000), **options)


def checked_kind(kind: Any) -> Kind:
    """The name of a classifier. Raises ValueError for another."""
    if kind not in GRIDS:
        raise ValueError(f'a classifier is "softmax" or "svm"; {kind!r} was given')
    found: Kind = kind
    return found
