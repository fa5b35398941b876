"""What is wrong with a network's first layer, and with what follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zfwidgets.experiments.diagnosis.filters import dominance, radial, spectrum
from zfwidgets.experiments.result import Result
from zfwidgets.experiments.schema import Bool, Float32, Float64, Int64, check, within

if TYPE_CHECKING:
    import pandas

DOMINATING = 5.0  # times the median RMS
ALIKE = 0.95  # normalised cross-correlation
EXTREME = 0.5  # middle frequencies less than so many times those of the layer as it was initialised
BEYOND = 0.25  # of the maps' power that the stride cannot keep


@dataclass(frozen=True)
class Verdict:
    """One measure, in plain words."""

    name: str
    fault: bool
    words: str
    remedy: str  # what the paper did about it


@dataclass(frozen=True, eq=False)
class Diagnosis(Result):
    """What a network's first layer looks like (Fig. 6), beside the same layer with new random weights."""

    layer: str
    title: str
    stride: tuple[int, int]
    filters: Float32[np.ndarray, "filters C h w"]
    rms: Float64[np.ndarray, "filters"]  # √(mean w²)
    dead_by_weights: Bool[np.ndarray, "filters"]  # all weights below 1 % of the layer's largest
    active: Int64[np.ndarray, "filters"]  # images in which the map is positive anywhere
    count: int  # images
    bands: Float64[
        np.ndarray, "filters 3"
    ]  # parts of the power (squared FFT) below 1/8, between, above 1/4 cycles a pixel
    bands_without_mean: Float64[np.ndarray, "filters 3"]  # the same, each channel's mean removed
    beyond: Float64[np.ndarray, "filters"]  # part of the power above the layer's own Nyquist frequency, 1/(2·stride)
    aliased: Float64[np.ndarray, "filters"]  # part of the power of its maps at stride 1 above that frequency
    duplicates: Int64[np.ndarray, "pairs 2"]  # filters that are alike up to a shift
    likeness: Float64[np.ndarray, "pairs"]  # of these: the largest normalised cross-correlation
    consistency: Float64[np.ndarray, "shifts"]  # share of answers that a shift by 1, 2, … pixels leaves; or none
    random_rms: Float64[np.ndarray, "random_filters"]  # of the layer with new weights (He), as all random ones
    random_active: Int64[np.ndarray, "random_filters"]
    random_bands: Float64[np.ndarray, "random_filters 3"]  # without the mean
    random_beyond: Float64[np.ndarray, "random_filters"]
    random_aliased: Float64[np.ndarray, "random_filters"]
    random_duplicates: int
    second: str  # the layer above, whose projections show blocks where the first one aliases; "" where there is none
    projections: Float32[np.ndarray, "maps C2 height width"]  # of its maps' strongest units

    def verify(self) -> None:
        """Raise ValueError where fields contradict each other."""
        parts = ("bands", "bands_without_mean", "beyond", "aliased")
        for name in (*parts, "consistency", "random_bands", "random_beyond", "random_aliased"):
            check(within(getattr(self, name), -1e-9, 1 + 1e-9), f"{name} are parts, from 0 to 1")
        for active in (self.active, self.random_active):
            check(within(active, 0, self.count), "there are maps that are active in more images than there are")

    @property
    def dead_on_data(self) -> np.ndarray:
        """Filters whose map no image made positive, (K,) bool: in fewer than 3/count of all images, with 95 %
        confidence."""
        return self.active == 0

    @property
    def dominance(self) -> float:
        """The largest RMS over the median one."""
        return dominance(self.rms)

    @property
    def profile(self) -> tuple[np.ndarray, np.ndarray]:
        """Of the power of all filters without their means, the part at each frequency from 0 to 1/2 cycles a pixel:
        frequencies and parts."""
        return radial(spectrum(self.filters, keep_mean=False))

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """Each measure in plain words, and what the paper did about it."""
        return tuple(judge(self) for judge in (_strengths, _dead, _frequencies, _aliasing, _alike))

    def to_pandas(self) -> pandas.DataFrame:
        """A table with a row a filter. Needs pandas."""
        import pandas

        low, middle, high = self.bands_without_mean.T
        return pandas.DataFrame(
            {"filter": range(len(self.rms)), "rms": self.rms, "dead_by_weights": self.dead_by_weights}
            | {"active": self.active, "low": low, "middle": middle, "high": high}
            | {"beyond": self.beyond, "aliased": self.aliased}
        )

    def __repr__(self) -> str:
        lines = [f"Diagnosis of {self.title} ({len(self.rms)} filters, stride {self.stride[0]}, {self.count} images)"]
        return "\n".join([*lines, *(f"  {'✗' if one.fault else '✓'} {one.words}" for one in self.verdicts)])


def _strengths(found: Diagnosis) -> Verdict:
    largest = found.dominance
    fault = largest >= DOMINATING
    usual = dominance(found.random_rms)
    words = f"The strongest filter has {largest:.1f} times the RMS of the median one (new weights: {usual:.1f})"
    return Verdict(
        "dominance", fault, f"{words}: it drowns the others." if fault else f"{words}.",
        "§3: after each step, filters whose RMS exceeds 0.1 were scaled back to it (zf.clip_rms).",
    )  # fmt: skip


def _dead(found: Diagnosis) -> Verdict:
    weights, data = int(found.dead_by_weights.sum()), int(found.dead_on_data.sum())
    bound, usual = min(3 / found.count, 1.0), int((found.random_active == 0).sum())
    words = (
        f"{weights} of {len(found.rms)} filters are dead by their weights; {data} were active in none of {found.count} "
        f"images (new weights: {usual}; if any image makes them so, fewer than {bound:.1%} do)."
    )
    return Verdict(
        "dead filters", bool(weights or data), words, "Fig. 6: AlexNet's dead filters went with 7×7 at stride 2."
    )


def _frequencies(found: Diagnosis) -> Verdict:
    alive = ~found.dead_by_weights
    low, middle, high = found.bands_without_mean[alive].mean(0) if alive.any() else np.zeros(3)
    finer = found.beyond[alive].mean() if alive.any() else 0.0
    usual = found.random_bands[:, 1].mean()
    fault = bool(middle < EXTREME * usual)
    hardly = ": hardly any middle frequencies" if fault else ""
    words = (
        f"Without their means, {low:.0%} of the filters' power is low, {middle:.0%} middle and {high:.0%} high "
        f"(new weights: {usual:.0%} middle){hardly}; with them, {finer:.0%} is finer than stride {found.stride[0]} can "
        f"keep (new weights: {found.random_beyond.mean():.0%})."
    )
    return Verdict(
        "frequencies", fault, words, "Fig. 6: filters of 11×11 had few middle frequencies; 7×7 was the remedy."
    )


def _aliasing(found: Diagnosis) -> Verdict:
    part, usual = float(np.median(found.aliased)), float(np.median(found.random_aliased))
    fault = max(found.stride) > 1 and part > BEYOND
    words = (
        f"Of the maps' power at stride 1, {part:.0%} lies beyond what stride {found.stride[0]} can keep "
        f"(new weights: {usual:.0%})"
    )
    if len(found.consistency):
        words += f"; a shift by one pixel leaves {found.consistency[0]:.0%} of the answers"
    return Verdict(
        "aliasing", fault, f"{words}: fine structure comes back as blocks." if fault else f"{words}.",
        "Fig. 6: stride 4 made blocks in layer 2; stride 2 did not.",
    )  # fmt: skip


def _alike(found: Diagnosis) -> Verdict:
    count = len(found.duplicates)
    words = (
        f"{count} pair{'' if count == 1 else 's'} of filters are the same up to a shift (correlation above {ALIKE}; "
        f"new weights: {found.random_duplicates})"
    )
    if count:
        one, other = found.duplicates[0].tolist()
        words += f", such as {one} and {other}"
    return Verdict("near-duplicates", count > 0, f"{words}.", "The paper counts none; fewer filters, or more data.")
