"""How wrong a set of poses is. All lengths in, millimetres out.

MPJPE     mean distance of joints (Ionescu et al., Human3.6M, 2014)
root      distance of MidHip
relative  MPJPE after moving both roots to the origin
P-MPJPE   MPJPE after the best similarity transform of each pose (Procrustes; Martinez et al., 2017)
heading   angle between the two hip lines in the floor plane, degrees
"""

from dataclasses import dataclass

import numpy as np

from edge.arrays import Array
from edge.skeleton import LEFT_HIP, RIGHT_HIP, ROOT


@dataclass(frozen=True)
class PoseError:
    """Means over poses."""

    mpjpe_mm: float
    root_mm: float
    relative_mpjpe_mm: float
    p_mpjpe_mm: float
    heading_deg: float


def pose_error(truth: Array, joints: Array) -> PoseError:
    """Compare poses. truth, joints (N, 17, 3) metres."""
    root_truth, root = truth[:, ROOT : ROOT + 1], joints[:, ROOT : ROOT + 1]
    turn = np.angle(np.exp(1j * (heading(joints) - heading(truth))))
    return PoseError(
        mpjpe_mm=_mean_distance(truth, joints),
        root_mm=_mean_distance(root_truth, root),
        relative_mpjpe_mm=_mean_distance(truth - root_truth, joints - root),
        p_mpjpe_mm=_mean_distance(truth, procrustes(truth, joints)),
        heading_deg=float(np.degrees(np.abs(turn)).mean()),
    )


def heading(joints: Array) -> Array:
    """Which way a person faces: the hip line turned by a quarter. (..., 17, 3) to (...,) radians."""
    left = joints[..., LEFT_HIP, :2] - joints[..., RIGHT_HIP, :2]
    return np.asarray(np.arctan2(-left[..., 0], left[..., 1]))


def turned(joints: Array, angle: Array | float) -> Array:
    """Turn about the vertical through the origin. joints (..., 17, 3); angle radians, (...,) or a number."""
    angle = np.asarray(angle)[..., None]
    x, y = joints[..., 0], joints[..., 1]
    return np.stack((np.cos(angle) * x - np.sin(angle) * y, np.sin(angle) * x + np.cos(angle) * y, joints[..., 2]), -1)


def procrustes(truth: Array, joints: Array) -> Array:
    """Each pose moved, turned and scaled onto its truth as well as possible (Umeyama, 1991, without reflection).

    truth, joints  (N, 17, 3); returns (N, 17, 3)
    """
    truth_mean, mean = truth.mean(axis=1, keepdims=True), joints.mean(axis=1, keepdims=True)
    a, b = (truth - truth_mean).astype(np.float64), (joints - mean).astype(np.float64)
    u, s, vt = np.linalg.svd(np.einsum("nji,njk->nik", b, a))
    sign = np.sign(np.linalg.det(u @ vt))
    vt[:, 2] *= sign[:, None]
    s[:, 2] *= sign
    scale = s.sum(axis=1) / np.maximum((b**2).sum(axis=(1, 2)), 1e-12)
    return np.asarray(scale[:, None, None] * (b @ (u @ vt)) + truth_mean)


def _mean_distance(a: Array, b: Array) -> float:
    return float(np.linalg.norm(a - b, axis=-1).mean() * 1e3)
