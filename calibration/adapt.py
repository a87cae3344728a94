"""A last layer for one room, fitted to a guided walk.

Only where somebody is changes: the root is refitted by ridges (`ridge`), held towards shares of the shipped weights,
from none, which is always the middle of the walk, to all of them, more or less firmly. What is used is the mean of all
of these and of the shipped root itself, in which each counts by what segments left out say of it (`mixture`): in the
room a model was trained in it keeps its weights, in a room like no other it forgets most of them.

What a model knows of headings and limbs it keeps: a few minutes of walking make headings worse. Nor is the shipped
place put right by an affine map: another room is not an affine picture of the one that was trained in. `wimose rooms`
measures these beside this.
"""

from dataclasses import dataclass

import numpy as np

from calibration import mixture, ridge
from calibration.labels import Labels
from calibration.ridge import Ridge
from calibration.samples import Samples
from edge.arrays import Array
from edge.errors import RecordingError
from edge.inference.bundle import Bundle
from edge.inference.engine import Engine
from edge.inference.head import Head
from edge.inference.head import inputs as head_inputs
from edge.pose import ROOT_OUT, SIZE_OUT, SPREAD_OUT, joints_of
from edge.skeleton import EDGES, N_JOINTS, ROOT

LEAST_S = 10.0  # of labelled windows; less does not say where anything is
LEAST_SEGMENTS = 3
# Swings are trusted twice as much as the network's features, which are about other rooms: after two minutes in four
# simulated rooms (valid-0 to valid-3) roots are then 782 mm off instead of 804.
SWINGS = 2.0
# Of people captured, stature over the sum of shank, thigh and the two limbs of the trunk: 1.72 m over 1.376 m.
STATURE = 1.25
UPRIGHT = [EDGES.index(limb) for limb in ((1, 2), (2, 3), (0, 7), (7, 8))]
LARGEST_SIZE = 0.25  # natural logarithm: 1.32 to 2.18 m; nobody was simulated beyond 1.9 m
BODY_M = 0.25  # how far joints are off the hips' error; what a mean pose is off


@dataclass(frozen=True, eq=False)
class Adaptation:
    """A room's last layer, and what it gains where it was not fitted."""

    head: Head
    share: float  # of the shipped weights that the root keeps
    size: float  # natural logarithm of the person's size over the mean body's
    seconds: float  # of windows fitted on
    segments: int
    # (N, 17, 3) float64 metres: each place by fits that were kept from the window's segment. How much each fit counts
    # follows from these very segments, which flatters a little.
    held_out: Array


def adapt(samples: Samples, labels: Labels, bundle: Bundle, engine: Engine, height_m: float | None) -> Adaptation:
    """Fit. Raises RecordingError where the walk is too short to.

    labels    of every sample
    height_m  of the person, None where nobody measured it
    """
    known = labels.known
    seconds = float(known.sum() * np.median(np.diff(samples.time_s)))
    segments = int(np.unique(labels.segment[known]).size)
    if seconds < LEAST_S or segments < LEAST_SEGMENTS:
        raise RecordingError(
            f"{seconds:.0f} s of {segments} walks between spots can be used, {LEAST_S:.0f} s of {LEAST_SEGMENTS} are "
            "needed: walk again, a minute at least"
        )
    inputs, root = samples.features[known], labels.root[known]
    shipped, size = engine.last_layer(), 0.0
    if height_m is not None and bundle.description.outputs == "split-1":
        size = size_of(height_m, bundle.limb_m)
        shipped = _sized(shipped, inputs, size)

    pairs = ridge.left_out(labels.segment[known], samples.time_s[known], samples.context_s)
    counts = mixture.evenly(root[:, :2])
    own = Ridge(shipped.weights[:, ROOT_OUT], shipped.bias[ROOT_OUT])
    fits = mixture.every_fit(inputs, root, own, pairs, counts, trust_of(bundle))
    found = mixture.mixed(fits, root, counts, labels.segment[known])
    head = _head(shipped, found.root.weights, found.root.bias, bundle.description.outputs)
    joints = joints_of(head(samples.features), bundle.description.outputs, bundle.limb_m)
    held_out = joints - joints[:, ROOT : ROOT + 1]
    held_out[known] += found.said[:, None]
    held_out[~known] += joints[~known, ROOT : ROOT + 1]
    if bundle.description.outputs == "split-1":
        head = _wide(head, float(np.linalg.norm(found.said - root, axis=1).mean()))
    return Adaptation(head, found.share, size, seconds, segments, held_out)


def size_of(height_m: float, limb_m: Array) -> float:
    """Natural logarithm of a person's size over the mean body's; limb_m (16,) metres."""
    size = float(np.log(height_m / (STATURE * limb_m[UPRIGHT].sum())))
    if abs(size) > LARGEST_SIZE:
        raise RecordingError(f"a person of {height_m:g} m: give the height in metres, 1.4 to 2.1")
    return size


def trust_of(bundle: Bundle, features: float = 1.0, swings: float = SWINGS) -> Array:
    """(F,) float64, of `ridge.fits`: of the network's features and of the swings behind them."""
    count = bundle.description.features
    return np.repeat([features, swings], [count, head_inputs(bundle) - count])


def _head(shipped: Head, root: Array, root_bias: Array, form: str) -> Head:
    """The shipped layer with another root, (F, 3) and (3,); in coordinates, everybody's joints move with it."""
    weights, bias = shipped.weights.copy(), shipped.bias.copy()
    if form == "split-1":
        weights[:, ROOT_OUT], bias[ROOT_OUT] = root, root_bias
    else:
        weights += np.tile(root - shipped.weights[:, :3], N_JOINTS)
        bias += np.tile(root_bias - shipped.bias[:3], N_JOINTS)
    return Head(weights, bias)


def _sized(head: Head, inputs: Array, size: float) -> Head:
    """Of the measured size in the mean over the walk; from pose to pose the model goes on telling sizes apart."""
    bias = head.bias.copy()
    bias[SIZE_OUT] += size - head(inputs)[:, SIZE_OUT].mean()
    return Head(head.weights, bias)


def _wide(head: Head, error_m: float) -> Head:
    """Spreads as wide as this room's own errors: a model's are what it was off in the rooms it was trained in."""
    weights, bias = head.weights.copy(), head.bias.copy()
    weights[:, SPREAD_OUT] = 0.0
    bias[SPREAD_OUT] = np.log(np.hypot(error_m, BODY_M))
    return Head(weights, bias)
