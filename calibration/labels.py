"""Where somebody was while they followed a guided walk: what the room's last layer is fitted to.

From the prompts alone (`walk.yaml`), or from joints that somebody knows: a simulation, or a camera.
"""

from dataclasses import dataclass

import numpy as np

from calibration.walk import Walk
from edge.arrays import Array
from edge.session import Truth
from edge.skeleton import ROOT

# Between a prompt and its being followed. People set out a third of a second after they are asked at the earliest, and
# by as much they are late at the end.
LATE_S = 0.3
EDGE_S = 0.3  # of either end of what they then do: not everybody is as quick
# Hips over the floor: captured people of 1.72 m stand with them at 0.88 m. Of a seat of 0.45 m, and what is between it
# and the joint, whoever sits on it.
HIPS_STANDING = 0.51
HIPS_SITTING_M = 0.55
LEG_S = 6.0  # of joints without prompts: about as long as a walk to a spot and the stop there
NOWHERE = -1


@dataclass(frozen=True, eq=False)
class Labels:
    """What is known of each moment. Where nothing is, segment is NOWHERE and the others mean nothing."""

    time_s: Array  # (N,) float64, on the session's clock
    root: Array  # (N, 3) float64 metres, room's frame
    joints: Array | None  # (N, 17, 3) float64 metres; None where only prompts say where somebody was
    segment: Array  # (N,) int64: a walk to a spot and the stop there share a number
    spot: Array  # (N,) int64, number of the spot, NOWHERE while walking
    spots: Array  # (S, 2) float64 metres

    @property
    def known(self) -> Array:
        """(N,) bool."""
        return np.asarray(self.segment != NOWHERE)


def of_walk(walk: Walk, time_s: Array) -> Labels:
    """From the prompts. time_s (N,) seconds on the session's clock, of each estimate."""
    spots = sorted({place for prompt in walk.prompts for place in (prompt.start_m, prompt.end_m)})
    root = np.zeros((len(time_s), 3))
    segment = np.full(len(time_s), NOWHERE)
    spot = np.full(len(time_s), NOWHERE)
    leg = 0
    for number, prompt in enumerate(walk.prompts):
        if number and prompt.pose == "walk":
            leg += 1
        done_s = time_s - LATE_S
        inside = (done_s >= prompt.start_s + EDGE_S) & (done_s <= prompt.end_s - EDGE_S)
        share = (done_s[inside, None] - prompt.start_s) / (prompt.end_s - prompt.start_s)
        root[inside, :2] = (1 - share) * prompt.start_m + share * prompt.end_m
        root[inside, 2] = HIPS_SITTING_M if prompt.pose == "sit" else HIPS_STANDING * walk.height_m
        segment[inside] = leg
        if prompt.pose != "walk":
            spot[inside] = spots.index(prompt.start_m)
    return Labels(time_s, root, None, segment, spot, np.array(spots))


def of_truth(truth: Truth, time_s: Array, walk: Walk | None = None) -> Labels:
    """From known joints, with the segments and spots of the walk where there was one."""
    at = [truth.at(time) for time in time_s.tolist()]
    known = np.array([joints is not None for joints in at])
    nobody = np.zeros(truth.joints.shape[1:])
    joints = np.array([nobody if one is None else one for one in at]).reshape(-1, *nobody.shape)
    if walk is None:
        segment = np.where(known, time_s // LEG_S, NOWHERE).astype(np.int64)
        spot, spots = np.full(len(time_s), NOWHERE), np.zeros((0, 2))
    else:
        asked = of_walk(walk, time_s)
        segment, spot, spots = np.where(known, asked.segment, NOWHERE), asked.spot, asked.spots
    return Labels(time_s, joints[:, ROOT], joints, segment, spot, spots)
