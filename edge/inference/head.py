"""A last layer for one room: what calibration found in place of the one that was trained (`calibration.adapt`)."""

from dataclasses import dataclass

from edge.arrays import Array


@dataclass(frozen=True, eq=False)
class Head:
    """Outputs of the bundle's form (`edge.pose`), in their own units, from the features before the last layer."""

    weights: Array  # (F, O) float64
    bias: Array  # (O,) float64

    def __call__(self, features: Array) -> Array:
        """(..., F) to (..., O) float64."""
        return features @ self.weights + self.bias
