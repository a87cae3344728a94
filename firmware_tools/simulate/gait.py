"""Walking at any speed along any path, from captured straight walks.

Of a clip of somebody walking straight on, one cycle is kept: turned to walk along x, its steady advance taken away,
its end joined to its beginning. Between standing and the captured speed the step shortens and quickens alike: length
and rate of the step both grow about as the square root of speed (Grieve, Gait patterns and the speed of walking,
Biomedical Engineering 3, 1968).
"""

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline

from edge.arrays import Array
from edge.skeleton import EDGES, JOINTS, N_JOINTS, ROOT
from firmware_tools.simulate.motion import Clip
from models.metrics import turned

CYCLE_S = (0.8, 1.7)  # two steps: brisk to slow
MAX_BEND_M = 0.15  # off the straight line, of which hips sway a few centimetres; a curve cannot be looped
MIN_SPEED = 0.7  # m/s, below that people in the motion capture do something beside walking
MAX_REACH = 1.15  # of the captured swing
MAX_MISMATCH_M = 0.06  # mean over joints, between the cycle's end and its beginning
ANKLES = (JOINTS.index("LAnkle"), JOINTS.index("RAnkle"))


@dataclass(frozen=True, eq=False)
class Gait:
    """Two steps of one person, walking along x."""

    person: str
    clip: str
    stride_m: float  # advance in one cycle
    speed: float  # m/s, as captured
    cycle: Array  # (T, 17, 3) float64 metres, floor at z = 0, root near x = y = 0; frame T would be frame 0 again
    limbs_m: Array  # (16,) float64, lengths of skeleton.EDGES

    def poses(self, phase: Array, reach: Array) -> Array:
        """The body at a phase of its cycle.

        phase    (N,) cycles, any real number
        reach    (N,) size of the swing, 0 standing, 1 as captured
        returns  (N, 17, 3) float64 metres, facing along x
        """
        closed = np.concatenate((self.cycle, self.cycle[:1])).reshape(len(self.cycle) + 1, -1)
        spline = CubicSpline(np.linspace(0.0, 1.0, len(closed)), closed, bc_type="periodic")
        swung = spline(phase % 1.0).reshape(-1, N_JOINTS, 3)
        standing = self.cycle.mean(axis=0)
        blended = standing + reach[:, None, None] * (swung - standing)
        out = blended.copy()
        for (parent, child), length in zip(EDGES, self.limbs_m, strict=True):  # a mean of poses has shorter limbs
            limb = blended[:, child] - blended[:, parent]
            out[:, child] = out[:, parent] + limb * (length / np.linalg.norm(limb, axis=1))[:, None]
        # The lower foot is as far above the floor as when captured; a standing one stands.
        floor = self.cycle[:, ANKLES, 2].min()
        wanted = floor + reach * (swung[:, ANKLES, 2].min(axis=1) - floor)
        out[..., 2] += (wanted - out[:, ANKLES, 2].min(axis=1))[:, None]
        return np.asarray(out)


def find_gaits(clips: list[Clip]) -> list[Gait]:
    """Every clip labelled as a walk out of which a clean cycle can be cut."""
    gaits = (_find_cycle(clip) for clip in clips if "walk" in clip.label.lower())
    return [gait for gait in gaits if gait is not None]


def _find_cycle(clip: Clip) -> Gait | None:
    root = clip.joints[:, ROOT, :2].astype(np.float64)
    advance = root[-1] - root[0]
    length = float(np.linalg.norm(advance))
    if length / clip.seconds < MIN_SPEED:
        return None
    across = np.array([-advance[1], advance[0]]) / length
    if np.abs((root - root[0]) @ across).max() > MAX_BEND_M:
        return None
    joints = turned(clip.joints.astype(np.float64), -np.arctan2(advance[1], advance[0]))
    body = joints - joints[:, ROOT : ROOT + 1] * (1.0, 1.0, 0.0)
    best = (MAX_MISMATCH_M, 0, 0)
    low, high = (round(seconds * clip.frames_per_s) for seconds in CYCLE_S)
    for start in range(len(body) - low):
        for stop in range(start + low, min(start + high + 1, len(body))):
            best = min(best, (float(np.linalg.norm(body[stop] - body[start], axis=1).mean()), start, stop))
    _, start, stop = best
    if stop == 0:
        return None
    cycle = joints[start : stop + 1]
    share = np.arange(stop - start + 1)[:, None, None] / (stop - start)
    stride = float(cycle[-1, ROOT, 0] - cycle[0, ROOT, 0])
    cycle = (cycle - share * (cycle[-1] - cycle[0]))[:-1]  # advance and mismatch go with time, evenly
    cycle[..., :2] -= cycle[:, ROOT, :2].mean(axis=0)
    limbs = np.array([np.linalg.norm(clip.joints[0, a] - clip.joints[0, b]) for a, b in EDGES])
    seconds = (stop - start) / clip.frames_per_s
    return Gait(clip.person, clip.name, stride, stride / seconds, cycle, limbs)


def walk_along(gait: Gait, root: Array, heading: Array, rate_hz: float) -> Array:
    """Walk where a path leads.

    root     (N, 2) float64 metres, at rate_hz; heading (N,) radians
    returns  (N, 17, 3) float64 metres
    """
    speed = np.linalg.norm(np.gradient(root, axis=0), axis=1) * rate_hz
    reach = np.sqrt(speed / gait.speed)
    reach = np.minimum(reach, MAX_REACH)
    rate = speed / (gait.stride_m * np.maximum(reach, 1e-3))  # cycles/s; a standing person has none
    phase = np.cumsum(rate) / rate_hz
    joints = turned(gait.poses(phase, reach), heading)
    joints[..., :2] += root[:, None]
    return joints
