"""A last layer for one room: what calibration found in place of the one that was trained (`calibration.adapt`)."""

from dataclasses import dataclass

import numpy as np

from edge.arrays import Array
from edge.inference.bundle import Bundle


@dataclass(frozen=True, eq=False)
class Head:
    """Outputs of the bundle's form (`edge.pose`), in their own units, from what stands before the last layer.

    Inputs are the features that the bundle's own last layer reads, and behind them the image's `signal.swings`.
    """

    weights: Array  # (F, O) float64
    bias: Array  # (O,) float64

    def __call__(self, features: Array) -> Array:
        """(..., F) to (..., O) float64."""
        return features @ self.weights + self.bias


def inputs(bundle: Bundle) -> int:
    """How many numbers a room's last layer reads; 0 where the bundle does not give its features."""
    features = bundle.description.features
    return features + int(np.prod(bundle.spec.column)) if features else 0
