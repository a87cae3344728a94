"""How wrong a set of poses is. All lengths in, millimetres out.

MPJPE     mean distance of joints (Ionescu et al., Human3.6M, 2014)
root      distance of MidHip
relative  MPJPE after moving both roots to the origin
P-MPJPE   MPJPE after the best similarity transform of each pose (Procrustes; Martinez et al., 2017)
heading   angle between the two hip lines in the floor plane, degrees
PCK       share of joints within 50, 100 and 150 mm, percent; "relative" with both roots at the origin, which is the
          usual 3DPCK (Mehta et al., MPI-INF-3DHP, 2017). The root counts as a joint, always right in the relative ones.
jitter    mean length of the error of a joint's acceleration, mm/s^2; "relative" with both roots at the origin is the
          "Accel" of HMMR (Kanazawa et al., 2019) and VIBE (Kocabas et al., 2020). What never moves scores the mean
          acceleration of the truth. Noise of s mm in each pose counts as about 4 s / step^2, so compare equal rates.
"""

from dataclasses import dataclass

import numpy as np

from edge.arrays import Array
from edge.skeleton import LEFT_HIP, RIGHT_HIP, ROOT

PCK_MM = (50, 100, 150)
MAX_STEP_S = 0.2  # between neighbours of a sequence; the paper's own rate is one pose in 0.133 s


@dataclass(frozen=True, eq=False)
class Moments:
    """When poses were, for what only a sequence shows. Any order."""

    sequence: Array  # (N,) integer; poses of one unbroken motion share a number
    time_s: Array  # (N,) float64, seconds on a clock of the sequence


@dataclass(frozen=True)
class PoseError:
    """Means over poses."""

    mpjpe_mm: float
    root_mm: float
    relative_mpjpe_mm: float
    p_mpjpe_mm: float
    heading_deg: float
    pck: tuple[float, ...]  # percent of joints within each of PCK_MM
    relative_pck: tuple[float, ...]
    per_joint_mm: tuple[float, ...]  # (17,) MPJPE of each joint
    relative_per_joint_mm: tuple[float, ...]
    p_per_joint_mm: tuple[float, ...]  # as Table II of the paper
    jitter_mm_s2: float | None  # None where no moments were given, or no three poses in a row
    relative_jitter_mm_s2: float | None


def pose_error(truth: Array, joints: Array, moments: Moments | None = None) -> PoseError:
    """Compare poses. truth, joints (N, 17, 3) metres; moments, where the poses are of a time, give the jitter."""
    truth, joints = truth.astype(np.float64), joints.astype(np.float64)
    body_truth, body = truth - truth[:, ROOT : ROOT + 1], joints - joints[:, ROOT : ROOT + 1]
    absolute, relative = _distances(truth, joints), _distances(body_truth, body)
    aligned = _distances(truth, procrustes(truth, joints))
    turn = np.angle(np.exp(1j * (heading(joints) - heading(truth))))
    return PoseError(
        mpjpe_mm=float(absolute.mean()),
        root_mm=float(absolute[:, ROOT].mean()),
        relative_mpjpe_mm=float(relative.mean()),
        p_mpjpe_mm=float(aligned.mean()),
        heading_deg=float(np.degrees(np.abs(turn)).mean()),
        pck=_pck(absolute),
        relative_pck=_pck(relative),
        per_joint_mm=_per_joint(absolute),
        relative_per_joint_mm=_per_joint(relative),
        p_per_joint_mm=_per_joint(aligned),
        jitter_mm_s2=jitter(truth, joints, moments) if moments else None,
        relative_jitter_mm_s2=jitter(body_truth, body, moments) if moments else None,
    )


def jitter(truth: Array, joints: Array, moments: Moments) -> float | None:
    """Mean |acceleration of joints - acceleration of truth|, mm/s^2, over every three neighbours of a sequence.

    Neighbours are at most MAX_STEP_S apart; None where there are no three.

    truth, joints  (N, 17, 3) metres
    """
    order = np.lexsort((moments.time_s, moments.sequence))
    time_s, sequence = moments.time_s[order], moments.sequence[order]
    before, after = np.diff(time_s)[:-1], np.diff(time_s)[1:]
    near = (np.minimum(before, after) > 0) & (np.maximum(before, after) <= MAX_STEP_S)
    middle = 1 + np.flatnonzero(near & (sequence[:-2] == sequence[2:]))
    if not middle.size:
        return None
    error = (joints - truth)[order]  # acceleration is linear: that of the error is the error of the acceleration
    before, after = before[middle - 1, None, None], after[middle - 1, None, None]
    change = (error[middle + 1] - error[middle]) / after - (error[middle] - error[middle - 1]) / before
    return float(np.linalg.norm(2 * change / (before + after), axis=-1).mean() * 1e3)


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


def _distances(a: Array, b: Array) -> Array:
    """(N, 17, 3) metres to (N, 17) millimetres."""
    return np.asarray(np.linalg.norm(a - b, axis=-1) * 1e3)


def _pck(distances: Array) -> tuple[float, ...]:
    return tuple(float((distances <= limit).mean() * 100) for limit in PCK_MM)


def _per_joint(distances: Array) -> tuple[float, ...]:
    return tuple(distances.mean(axis=0).tolist())
