"""Ridge regression on standardised inputs, and which rows it is kept away from.

Inputs outnumber what a minute's walk can tell apart, so they are held towards the mean of the targets: minimise
sum_n v_n |z_n B - (y_n - mean)|^2 + strength |B|^2, v being the rows' shares of the weight and z the inputs less their
means over their deviations (Hoerl and Kennard, Ridge regression, Technometrics 1970).
"""

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from edge.arrays import Array

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


def fits(
    inputs: Array, targets: Array, strengths: tuple[float, ...], counts: Array | None = None, trust: Array | None = None
) -> list[Ridge]:
    """One for each strength, of one decomposition; an infinite one leaves the mean of the targets.

    inputs   (N, F), targets (N, T), any units
    counts   (N,) how much each row counts; None: all alike
    trust    (F,) what standardised inputs are multiplied by: twice as much is held back a quarter as hard, 0 is not
             used at all; None: all alike
    """
    shares = np.full(len(inputs), 1 / len(inputs)) if counts is None else counts / counts.sum()
    mean, centre = shares @ inputs, shares @ targets
    deviation = np.sqrt(shares @ (inputs - mean) ** 2)
    deviation = np.maximum(deviation, LEAST_DEVIATION * np.sqrt((deviation**2).mean()) + 1e-12)
    gain = (1.0 if trust is None else trust) / deviation
    standard = (inputs - mean) * gain
    weighted = standard.T * shares
    values, axes = linalg.eigh(weighted @ standard)
    turned = axes.T @ (weighted @ (targets - centre))
    found = []
    for strength in strengths:
        weights = axes @ (turned / (values + strength)[:, None]) * gain[:, None]
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
