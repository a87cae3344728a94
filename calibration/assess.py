"""What a calibration gained where it was not fitted, and whether that is worth installing.

Every figure is of segments that the layer which made it never saw. Beside it stands what knows nothing of the CSI: the
middle of the walk, with the mean body of its poses where there is truth.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from calibration.labels import NOWHERE, Labels
from edge.arrays import Array
from edge.metrics import heading, pose_error, turned
from edge.skeleton import ROOT

# Of the error of always guessing the middle of the walk. In five simulated rooms (valid-0 to valid-4) two bundles reach
# 0.29 to 0.67 after two minutes or five, and 0.36 to 0.88 after one, spots met row by row: who is above walked too
# little, or hears too little.
PASS_SHARE = 0.6
# Of the uncalibrated error: a room that is already known gains little, and need not.
GAIN_SHARE = 0.95

Verdict = Literal["pass", "weak", "fail"]


@dataclass(frozen=True)
class Errors:
    """Means over what was held out, millimetres and degrees. None where there is no truth to tell."""

    name: str
    root_mm: float  # to where somebody was known to be
    spot_mm: float | None  # on the floor, from each stop's median place to the spot; None: no stops
    mpjpe_mm: float | None = None
    relative_mm: float | None = None
    p_mpjpe_mm: float | None = None
    heading_deg: float | None = None


@dataclass(frozen=True)
class Assessment:
    """Before and after, the baselines, and what to make of it."""

    before: Errors
    after: Errors
    baselines: tuple[Errors, ...]
    presence: float | None  # share of moments, half of them empty and half of them not, that are told right
    seconds: float  # that were held out, one after another
    verdict: Verdict
    why: str


def assess(before: Array, after: Array, labels: Labels, seconds: float, presence: float | None = None) -> Assessment:
    """Compare estimates with what is known.

    before, after  (N, 17, 3) metres, of the model as it ships, and held out (`Adaptation.held_out`)
    seconds        that the labelled estimates stand for
    presence       see `presence_accuracy`
    """
    known = labels.known
    middle = labels.root[known].mean(axis=0)
    guesses = {"middle of the walk": _at(before, middle)}
    if labels.joints is not None:
        body = labels.joints - labels.joints[:, ROOT : ROOT + 1]
        facing = heading(labels.joints)
        canonical = turned(body[known], -facing[known]).mean(axis=0)
        guesses = {
            "mean pose": np.broadcast_to(labels.joints[known].mean(axis=0), before.shape),
            "canonical: mean pose, told the true root and heading": turned(
                np.broadcast_to(canonical, before.shape), facing
            ) + labels.joints[:, ROOT : ROOT + 1],
        }  # fmt: skip
    baselines = tuple(_errors(name, guess, labels) for name, guess in guesses.items())
    was, now = _errors("uncalibrated", before, labels), _errors("calibrated", after, labels)
    verdict, why = judge(was.root_mm, now.root_mm, baselines[0].root_mm)
    return Assessment(was, now, baselines, presence, seconds, verdict, why)


def judge(before_mm: float, after_mm: float, middle_mm: float) -> tuple[Verdict, str]:
    """pass, weak or fail, of three root errors on segments held out, and the reason."""
    off = f"{after_mm:.0f} mm off on segments that were kept away"
    if after_mm >= before_mm:
        return "fail", f"{off}, {before_mm:.0f} mm uncalibrated: nothing was gained"
    if after_mm >= middle_mm:
        return "fail", f"{off}, {middle_mm:.0f} mm is always guessing the middle of the walk"
    if after_mm > PASS_SHARE * middle_mm:
        return "weak", f"{off}, little better than the {middle_mm:.0f} mm of always guessing the middle of the walk"
    if after_mm > GAIN_SHARE * before_mm:
        return "weak", f"{off}, {before_mm:.0f} mm uncalibrated: little was gained"
    return "pass", f"{off}, {before_mm:.0f} mm uncalibrated, {middle_mm:.0f} mm for always guessing the middle"


def presence_accuracy(
    time_s: Array, level: Array, presence_level: float, empty_s: tuple[float, float], labels: Labels
) -> float | None:
    """Share of moments told right; an empty and an inhabited moment count alike. None where either is missing.

    time_s, level  (N,) seconds and `signal.motion` levels of single windows
    """
    empty = (time_s > empty_s[0]) & (time_s < empty_s[1])
    if not empty.any() or not labels.known.any():
        return None
    present = level >= presence_level
    return float(((~present)[empty].mean() + present[labels.known].mean()) / 2)


def spot_errors(joints: Array, labels: Labels) -> Array:
    """(S, 3) float64: of each stop the spot's number, and how far the median place is off it in x and in y, metres."""
    stops = []
    for segment in np.unique(labels.segment[labels.known]):
        inside = (labels.segment == segment) & (labels.spot != NOWHERE)
        for spot in np.unique(labels.spot[inside]):
            place = np.median(joints[inside & (labels.spot == spot), ROOT, :2], axis=0)
            stops.append((spot, *(place - labels.spots[spot])))
    return np.array(stops, np.float64).reshape(-1, 3)


def _errors(name: str, joints: Array, labels: Labels) -> Errors:
    known = labels.known
    root = float(np.linalg.norm(joints[known, ROOT] - labels.root[known], axis=1).mean() * 1e3)
    stops = spot_errors(joints, labels)
    spot = float(np.linalg.norm(stops[:, 1:], axis=1).mean() * 1e3) if len(stops) else None
    if labels.joints is None:
        return Errors(name, root, spot)
    error = pose_error(labels.joints[known], joints[known])
    return Errors(
        name, root, spot, error.mpjpe_mm, error.relative_mpjpe_mm, error.p_mpjpe_mm, error.heading_deg
    )  # fmt: skip


def _at(joints: Array, place: Array) -> Array:
    """The same bodies, all with their hips in one place."""
    return np.asarray(joints - joints[:, ROOT : ROOT + 1] + place)
