"""Standing, sitting, lying or moving, from the joints of the last second.

Three numbers say it, whatever the body's size and wherever its floor is:

speed    of the hips along the floor, m/s
upright  how far the head is above the hips, by their distance: 1 upright, 0 level, negative head down
legs     how far the hips are above the ankles, by the legs' length: 1 straight, 0.5 on a chair, 0 on the floor

Measured on motion capture: walking has a speed of 0.5 or more, gymnastics on the spot up to 0.5 for moments; standing
and walking have legs from 0.9; a high stool gives 0.8; who lies has upright below 0.3 with legs below 0.2, who bends
to the floor has legs above 0.7. Between the two thresholds of each, what was said last holds.
"""

from dataclasses import dataclass

import numpy as np

from edge.arrays import Array
from edge.publish.message import Posture
from edge.skeleton import JOINTS, ROOT

MOVING = (0.30, 0.45)  # m/s; slow steps through a room are 0.5
LYING = (0.40, 0.60)  # upright; half is 60 degrees from the vertical, further than any armchair leans
LOW = (0.40, 0.50)  # legs; without them a bow would be lying
SITTING = (0.84, 0.88)  # legs
HOLD_S = 1.5  # a posture that is gone sooner was a squat, something picked up, or an error

HEAD = JOINTS.index("Head")
LEGS = [[JOINTS.index(side + joint) for joint in ("Hip", "Knee", "Ankle")] for side in "LR"]


@dataclass(frozen=True)
class Figure:
    """What of a body decides about its posture."""

    speed: float
    upright: float
    legs: float


def figure(joints: Array, speed: float) -> Figure:
    """joints (17, 3) metres, z up, best the mean of several poses; speed m/s."""
    body = joints[HEAD] - joints[ROOT]
    upright = body[2] / max(float(np.linalg.norm(body)), 1e-6)
    hip, knee, ankle = (joints[[leg[part] for leg in LEGS]] for part in range(3))  # (2, 3) each
    length = np.linalg.norm(hip - knee, axis=1) + np.linalg.norm(knee - ankle, axis=1)
    return Figure(speed, float(upright), float((hip - ankle)[:, 2].sum() / max(float(length.sum()), 1e-6)))


class PostureJudge:
    """Thresholds with hysteresis, and a change only after HOLD_S of the same."""

    def __init__(self) -> None:
        self._posture: Posture | None = None
        self._next: Posture | None = None
        self._next_since = 0.0
        self._low = self._level = self._bent = self._quick = False

    def update(self, time_s: float, seen: Figure) -> Posture:
        self._quick = _above(seen.speed, MOVING, self._quick)
        self._level = not _above(seen.upright, LYING, not self._level)
        self._low = not _above(seen.legs, LOW, not self._low)
        self._bent = not _above(seen.legs, SITTING, not self._bent)
        now = self._now()
        if now == self._posture or self._posture is None:
            self._posture, self._next = now, None
        elif now != self._next:
            self._next, self._next_since = now, time_s
        elif time_s - self._next_since >= HOLD_S:
            self._posture, self._next = now, None
        return self._posture

    def _now(self) -> Posture:
        if self._level and self._low:
            return "lying"
        if self._quick:
            return "moving"
        return "sitting" if self._bent else "standing"


def _above(value: float, thresholds: tuple[float, float], was: bool) -> bool:
    low, high = thresholds
    return value > (low if was else high)
