"""Losses of the paper (Section IV-B), on joints in metres."""

from collections.abc import Callable
from typing import Any

from keras import ops

from edge.arrays import Array
from edge.skeleton import N_JOINTS

HUBER_DELTA = 0.75  # m


def position_loss(truth: Any, joints: Any) -> Any:
    """L_P, Eq. 3: mean Euclidean distance. (B, 17, 3) metres to a scalar, metres."""
    # The small constant keeps the gradient finite where a joint is hit exactly.
    return ops.mean(ops.sqrt(ops.sum(ops.square(joints - truth), axis=-1) + 1e-9))


def huber_loss(truth: Any, joints: Any) -> Any:
    """L_H, Eq. 4 to 6: Huber's function of each coordinate's error, averaged.

    Eq. 6 as printed compares x, not |x|, with delta and leaves a jump at delta = 0.75. Read here as Huber's own
    function, 0.5 x^2 within delta and delta * (|x| - delta / 2) outside.
    """
    error = ops.abs(joints - truth)
    return ops.mean(ops.where(error < HUBER_DELTA, 0.5 * ops.square(error), HUBER_DELTA * (error - 0.5 * HUBER_DELTA)))


def wimose_loss(mean: Array, scale: Array) -> Callable[[Any, Any], Any]:
    """L = L_P + L_H, Eq. 7, for a network whose outputs are standardised.

    mean, scale  (51,) metres: joints = mean + scale * output
    """

    def loss(truth: Any, output: Any) -> Any:
        joints = ops.reshape(output * scale + mean, (-1, N_JOINTS, 3))
        truth = ops.reshape(truth, (-1, N_JOINTS, 3))
        return position_loss(truth, joints) + huber_loss(truth, joints)

    return loss
