"""Losses of the paper (Section IV-B) and of its baseline WiPose, on joints in metres."""

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


def smooth_loss(truth: Any, joints: Any) -> Any:
    """WiPose's second loss, as read here: Huber's function of the error of each step from pose to pose.

    truth, joints  (B, T, 17, 3) metres, T neighbours of one motion; returns a scalar
    """
    return huber_loss(truth[:, 1:] - truth[:, :-1], joints[:, 1:] - joints[:, :-1])


def wimose_loss(mean: Array, scale: Array) -> Callable[[Any, Any], Any]:
    """L = L_P + L_H, Eq. 7, for a network whose outputs are standardised.

    mean, scale  (51,) metres: joints = mean + scale * output
    """

    def loss(truth: Any, output: Any) -> Any:
        joints = ops.reshape(output * scale + mean, (-1, N_JOINTS, 3))
        truth = ops.reshape(truth, (-1, N_JOINTS, 3))
        return position_loss(truth, joints) + huber_loss(truth, joints)

    return loss


def wipose_loss(mean: Array, scale: Array) -> Callable[[Any, Any], Any]:
    """WiPose's position loss (its Eq. 2, the same as L_P) of independent windows, which have no step to be smooth in.

    mean, scale  (51,) metres: joints = mean + scale * output
    """

    def loss(truth: Any, output: Any) -> Any:
        joints = ops.reshape(output * scale + mean, (-1, N_JOINTS, 3))
        return position_loss(ops.reshape(truth, (-1, N_JOINTS, 3)), joints)

    return loss
