"""What filters look like in numbers: how strong, dead by their weights, of which frequencies, near-duplicates."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

PADDED = 64  # pixels that a filter is padded to, so that its spectrum is smooth
LOW, HIGH = 1 / 8, 1 / 4  # cycles a pixel: below is low, above is high
DEAD = 0.01  # of the layer's largest weight


def rms(weights: np.ndarray) -> np.ndarray:
    """√(mean w²) of each filter (K, C, h, w), (K,)."""
    return np.sqrt(np.square(weights, dtype=np.float64).mean((1, 2, 3)))


def dominance(strengths: np.ndarray) -> float:
    """The largest RMS over the median one; infinite where more than half of the filters are zero."""
    middle = float(np.median(strengths))
    return float(strengths.max()) / middle if middle else np.inf


def dead_by_weights(weights: np.ndarray) -> np.ndarray:
    """Filters of which no weight reaches 1 % of the layer's largest, (K,) bool."""
    largest = np.abs(weights).max((1, 2, 3))
    return largest < DEAD * largest.max()


def spectrum(weights: np.ndarray, keep_mean: bool) -> np.ndarray:
    """The squared FFT of each filter, zero-padded to 64×64 and summed over its channels, (K, 64, 64); with or without
    the mean of each channel."""
    filters = weights.astype(np.float64)
    if not keep_mean:
        filters = filters - filters.mean((2, 3), keepdims=True)
    return np.square(np.abs(np.fft.fft2(filters, (PADDED, PADDED)))).sum(1)


def radius(side: int = PADDED) -> np.ndarray:
    """Of each bin of a square FFT the distance from frequency 0, in cycles a pixel."""
    along = np.fft.fftfreq(side)
    return np.hypot(along[:, None], along[None, :])


def bands(power: np.ndarray) -> np.ndarray:
    """The parts of each spectrum (K, 64, 64) in low (< 1/8 cycles a pixel), middle, and high (> 1/4) frequencies,
    (K, 3); rows sum to 1, or are 0 for a filter of zeros."""
    away = radius(power.shape[-1])
    parts = np.stack([power[:, mask].sum(1) for mask in (away < LOW, (away >= LOW) & (away <= HIGH), away > HIGH)], 1)
    whole = parts.sum(1, keepdims=True)
    return np.divide(parts, whole, out=np.zeros_like(parts), where=whole > 0)


def beyond(power: np.ndarray, stride: tuple[int, int]) -> np.ndarray:
    """The part of each spectrum (K, H, W) beyond what a stride can keep, (K,): above 1/(2·stride) cycles a pixel along
    rows or columns."""
    down, across = np.fft.fftfreq(power.shape[-2]), np.fft.fftfreq(power.shape[-1])
    lost = (np.abs(down) > 1 / (2 * stride[0]))[:, None] | (np.abs(across) > 1 / (2 * stride[1]))[None, :]
    whole = power.sum((1, 2))
    return np.divide(power[:, lost].sum(1), whole, out=np.zeros(len(power)), where=whole > 0)


def likeness(weights: np.ndarray) -> np.ndarray:
    """The largest normalised cross-correlation of each two filters over shifts of up to half the kernel, (K, K)."""
    filters = torch.from_numpy(np.ascontiguousarray(weights, np.float64))
    tall, wide = filters.shape[2] // 2, filters.shape[3] // 2
    shifted = F.conv2d(F.pad(filters, (wide, wide, tall, tall)), filters)  # (K, K, 2·tall + 1, 2·wide + 1)
    length = filters.flatten(1).norm(dim=1)
    norms = (length[:, None] * length[None, :]).clamp(min=1e-300)
    found = (shifted.amax((2, 3)) / norms).numpy()
    return np.where(np.outer(length, length) > 0, found, 0.0)


def near_duplicates(like: np.ndarray, above: float) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of filters that are more alike than that, (n, 2), the most alike first; and how alike."""
    one, other = np.nonzero(np.triu(np.maximum(like, like.T) > above, 1))
    values = np.maximum(like, like.T)[one, other]
    order = np.argsort(-values, kind="stable")
    return np.stack([one, other], 1)[order].astype(np.int64), values[order]


def radial(power: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How much of the power of all spectra (K, n, n) lies at each distance from frequency 0: distances in cycles a
    pixel, (n / 2 + 1,), and the parts, which sum to 1 with what lies in the corners beyond 1/2."""
    side = power.shape[-1]
    ring = np.rint(radius(side) * side).astype(int)
    parts = np.bincount(ring.ravel(), power.sum(0).ravel(), side // 2 + 1)[: side // 2 + 1]
    whole = power.sum()
    return np.arange(side // 2 + 1) / side, parts / whole if whole > 0 else parts
