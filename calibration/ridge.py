"""Ridge regression on standardised inputs, its strength chosen by segments that are left out.

Inputs outnumber what a minute's walk can tell apart, so they are held towards the mean of the targets: minimise
|Z B - (Y - mean)|^2 / N + strength |B|^2, Z being the inputs less their means over their deviations (Hoerl and Kennard,
Ridge regression, Technometrics 1970).
"""

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from edge.arrays import Array

STRENGTHS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
FOLDS = 10  # groups of segments, each left out once
# An input that hardly moved during the walk may move later: its deviation is taken to be this share of all inputs'.
LEAST_DEVIATION = 0.1


@dataclass(frozen=True, eq=False)
class Ridge:
    """Targets = inputs @ weights + bias."""

    weights: Array  # (F, T) float64
    bias: Array  # (T,) float64

    def __call__(self, inputs: Array) -> Array:
        """(N, F) to (N, T)."""
        return np.asarray(inputs @ self.weights + self.bias)


def fit(inputs: Array, targets: Array, strength: float) -> Ridge:
    """inputs (N, F), targets (N, T), any units."""
    return fits(inputs, targets, (strength,))[0]


def fits(inputs: Array, targets: Array, strengths: tuple[float, ...]) -> list[Ridge]:
    """One for each strength, of one decomposition."""
    mean, centre = inputs.mean(axis=0), targets.mean(axis=0)
    deviation = inputs.std(axis=0)
    deviation = np.maximum(deviation, LEAST_DEVIATION * np.sqrt((deviation**2).mean()) + 1e-12)
    standard = (inputs - mean) / deviation
    values, axes = linalg.eigh(standard.T @ standard / len(inputs))
    turned = axes.T @ (standard.T @ (targets - centre) / len(inputs))
    found = []
    for strength in strengths:
        weights = axes @ (turned / (values + strength)[:, None]) / deviation[:, None]
        found.append(Ridge(weights, centre - mean @ weights))
    return found


def left_out(segment: Array, time_s: Array, context_s: float, folds: int = FOLDS) -> list[tuple[Array, Array]]:
    """Pairs (rows to fit on, rows left out), each (N,) bool; every row is left out once.

    Segments are left out whole, and of the others the windows that reach into them: neighbours share packets.

    segment    (N,) integer; time_s (N,) seconds, of each window's end
    context_s  how far back a window reaches
    """
    numbers = np.unique(segment)
    pairs = []
    for fold in range(min(folds, numbers.size)):
        out = np.isin(segment, numbers[fold::folds])
        near = np.zeros(len(segment), bool)
        for number in numbers[fold::folds]:
            times = time_s[segment == number]
            near |= (time_s > times.min() - context_s) & (time_s < times.max() + context_s)
        if not near.all():
            pairs.append((~near, out))
    return pairs


def choose(inputs: Array, targets: Array, pairs: list[tuple[Array, Array]]) -> tuple[float, Array]:
    """The strength whose mean distance from the targets is least where segments are left out, the strongest of equals.

    returns  the strength, and what its fits say of the rows that they were kept from (N, T); the mean of all targets
             where no fit was
    """
    said = np.tile(targets.mean(axis=0), (len(STRENGTHS), len(targets), 1))
    for kept, out in pairs:
        for number, ridge in enumerate(fits(inputs[kept], targets[kept], STRENGTHS)):
            said[number, out] = ridge(inputs[out])
    errors = np.linalg.norm(said - targets, axis=2).mean(axis=1)
    best = len(STRENGTHS) - 1 - int(np.argmin(errors[::-1]))
    return STRENGTHS[best], said[best]
