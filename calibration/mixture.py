"""Many fits of where somebody is, and their mean, in which each counts by how it does on segments left out.

A minute's walk has six segments: which of the fits is least off there is little more than chance, and may be far off
everywhere else. The mean of all that the segments can hardly tell from the best is better than the best, and better
than the most cautious of them (the rule of one standard error; Hastie, Tibshirani and Friedman, The Elements of
Statistical Learning, 7.10). All are linear in the same inputs, so their mean is one layer again. That the error of a
difference decides how much a fit counts is after Yao, Vehtari, Simpson and Gelman (Using stacking to average Bayesian
predictive distributions, Bayesian Analysis 2018), with segments for data points. `wimose rooms` measures the others
beside it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from calibration import ridge
from calibration.ridge import Ridge
from edge.arrays import Array

STRENGTHS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, np.inf)
SHARES = (0.0, 0.5, 1.0)  # of the shipped root that a fit is held towards
PLACE_M = 0.4  # standard deviation of what counts as one place
CELL_M = 0.1
RARE = 3.0  # times what a moment counts in the median; a place that was hardly met is not known any better for that
TINY_M = 1e-9  # two fits that say the same differ without error

# How much each of C fits counts, (C,): from how far off each is in each of S segments, (C, S) metres, and how much each
# segment counts, (S,).
Weigh = Callable[[Array, Array], Array]


@dataclass(frozen=True, eq=False)
class Fits:
    """C ways to tell the root from the inputs, the shipped one last."""

    roots: list[Ridge]
    said: Array  # (C, N, 3) float64 metres: of each row by a fit that was kept away from its segment
    share: Array  # (C,) float64, of the shipped weights that each was held towards


@dataclass(frozen=True, eq=False)
class Mixture:
    """The mean of fits."""

    root: Ridge
    said: Array  # (N, 3) float64 metres, as in Fits
    share: float  # of the shipped weights


def every_fit(
    inputs: Array, root: Array, shipped: Ridge, pairs: list[tuple[Array, Array]], counts: Array, trust: Array,
    shares: tuple[float, ...] = SHARES,
) -> Fits:  # fmt: skip
    """inputs (N, F), root (N, 3) metres, pairs of `ridge.left_out`, counts (N,) and trust (F,) of `ridge.fits`."""
    own = shipped(inputs)
    left = np.concatenate([root - share * own for share in shares], axis=1)  # for all shares one decomposition

    def fitted(rows: Array) -> list[Ridge]:
        found = ridge.fits(inputs[rows], left[rows], STRENGTHS, counts[rows], trust)
        return [*(_held(fit, number, share, shipped) for number, share in enumerate(shares) for fit in found), shipped]

    roots = fitted(np.ones(len(root), bool))
    said = np.tile(np.average(root, axis=0, weights=counts), (len(roots), len(root), 1))
    for kept, out in pairs:
        said[:, out] = [fit(inputs[out]) for fit in fitted(kept)]
    return Fits(roots, said, np.array([*np.repeat(shares, len(STRENGTHS)), 1.0]))


def mixed(fits: Fits, root: Array, counts: Array, segment: Array, weigh: Weigh | None = None) -> Mixture:
    """root (N, 3) metres, counts (N,), segment (N,) integer. weigh: `by_evidence` if None."""
    off = np.linalg.norm(fits.said - root, axis=2)
    _, number = np.unique(segment, return_inverse=True)
    size = np.bincount(number, counts)
    errors = np.stack([np.bincount(number, counts * one) for one in off]) / size
    weights = (weigh or by_evidence)(errors, size)
    weights = weights / weights.sum()
    return Mixture(
        Ridge(
            np.asarray(sum(weight * fit.weights for weight, fit in zip(weights, fits.roots, strict=True))),
            np.asarray(sum(weight * fit.bias for weight, fit in zip(weights, fits.roots, strict=True))),
        ),
        np.einsum("c,cnt->nt", weights, fits.said),
        float(weights @ fits.share),
    )


def by_evidence(errors: Array, size: Array) -> Array:
    """exp(-(d / s)^2 / 2), d being how much farther off a fit is than the best, s the standard error of d."""
    loss, deviation = losses(errors, size)
    return np.asarray(np.exp(-0.5 * (loss / np.maximum(deviation, TINY_M)) ** 2))


def losses(errors: Array, size: Array) -> tuple[Array, Array]:
    """How much farther off than the best each fit is, and the standard error of that: (C,) each.

    Differences are paired, segment by segment: some are hard for all fits.
    """
    shares = size / size.sum()
    more = errors - errors[np.argmin(errors @ shares)]
    loss = more @ shares
    count = len(size)
    return loss, np.sqrt(count / (count - 1) * ((more - loss[:, None]) ** 2 @ shares**2))


def evenly(place: Array) -> Array:
    """How much each moment counts if every place is to count alike: one over how often somebody was near it.

    Otherwise it is the spots that a layer is fitted to, where somebody stands for half of the time.

    place    (N, 2) metres
    returns  (N,) float64, 1 in the mean
    """
    cell = np.floor((place - place.min(axis=0)) / CELL_M).astype(np.int64)
    there = np.zeros(cell.max(axis=0) + 1)
    np.add.at(there, tuple(cell.T), 1.0)
    rarity = 1 / gaussian_filter(there, PLACE_M / CELL_M, mode="constant")[tuple(cell.T)]
    rarity = np.minimum(rarity, RARE * np.median(rarity))
    return np.asarray(rarity / rarity.mean())


def _held(fit: Ridge, number: int, share: float, shipped: Ridge) -> Ridge:
    """Of the fits to what shares of the shipped root leave, one, with that share."""
    mine = slice(3 * number, 3 * number + 3)
    return Ridge(fit.weights[:, mine] + share * shipped.weights, fit.bias[mine] + share * shipped.bias)
