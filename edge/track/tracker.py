"""From poses, thirty a second, to what a household's entities show, a few a second at most."""

import math
from collections import deque
from dataclasses import dataclass

import numpy as np

from edge.arrays import Array
from edge.publish.message import Posture
from edge.skeleton import LEFT_HIP, RIGHT_HIP, ROOT
from edge.track.posture import PostureJudge, figure
from edge.track.presence import Presence

WINDOW_S = 1.0  # of poses that are averaged; a step takes half of it
ENOUGH_S = 0.8  # of them before a posture is said: of the first pose alone it would be a guess, and held for a second
MAX_POSES = 256  # in it, whatever the rate
GAP_S = 2.0  # without poses; what was known before means nothing after it
MOVED_M = 0.25  # below what any estimate is right to
SURER = 0.1  # of confidence
PAUSE_S = 0.5  # between changes of position or confidence

HIPS = [ROOT, LEFT_HIP, RIGHT_HIP]  # their mean is where somebody is: three errors are smaller than one


@dataclass(frozen=True)
class Tracked:
    """What entities show. Equal to the last one unless something changed that is worth a message."""

    present: bool
    posture: Posture | None = None  # null where nobody is there, and in the first second of somebody
    position: tuple[float, float] | None = None  # m, of the hips
    confidence: float | None = None  # 0 to 1, mean of the last second


@dataclass(frozen=True, eq=False)
class _Seen:
    time_s: float
    joints: Array  # (17, 3) float64 metres
    place: tuple[float, float]  # of the hips on the floor
    confidence: float


class Tracker:
    """Smooths, judges and keeps small changes to itself. The poses themselves are published as they are."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything: packets were missing, or the room profile is another."""
        self._presence = Presence()
        self._judge = PostureJudge()
        self._seen: deque[_Seen] = deque(maxlen=MAX_POSES)
        self._updated_s = -math.inf
        self._shown = Tracked(present=False)
        self._shown_s = -math.inf

    def update(self, time_s: float, joints: Array, confidence: float, present: bool) -> Tracked:
        """One pose.

        time_s  of the pose, on any clock that goes forward
        joints  (17, 3) metres, z up; not looked at where nobody is present
        """
        if not 0.0 <= time_s - self._updated_s <= GAP_S:
            self.reset()
        self._updated_s = time_s
        if not self._presence.update(time_s, present):
            self._seen.clear()
            self._judge = PostureJudge()
            self._shown = Tracked(present=False)
            return self._shown
        if present:
            place_x, place_y = joints[HIPS, :2].mean(axis=0)
            self._seen.append(_Seen(time_s, joints, (float(place_x), float(place_y)), confidence))
        while self._seen and time_s - self._seen[0].time_s > WINDOW_S:
            self._seen.popleft()
        if self._seen:  # else somebody is held to be there who does not move: as last seen
            self._shown = self._changed(time_s)
        return self._shown

    def _changed(self, time_s: float) -> Tracked:
        mean = np.mean([seen.joints for seen in self._seen], axis=0)
        posture = self._shown.posture
        if time_s - self._seen[0].time_s >= ENOUGH_S:
            posture = self._judge.update(time_s, figure(mean, self._speed(time_s)))
        sure, x, y = _mean([(seen.confidence, *seen.place) for seen in self._seen])
        confidence, x, y = round(sure, 2), round(x, 2), round(y, 2)
        shown = self._shown
        if shown.position is None or shown.confidence is None:
            self._shown_s = time_s
            return Tracked(True, posture, (x, y), confidence)
        moved = math.dist((x, y), shown.position) > MOVED_M
        surer = abs(confidence - shown.confidence) > SURER
        if (moved or surer) and time_s - self._shown_s >= PAUSE_S:
            self._shown_s = time_s
            return Tracked(True, posture, (x, y), confidence)
        return Tracked(True, posture, shown.position, shown.confidence)

    def _speed(self, time_s: float) -> float:
        """Of the hips along the floor, m/s: how far the means of the window's halves are apart."""
        middle = time_s - WINDOW_S / 2
        halves = [s for s in self._seen if s.time_s <= middle], [s for s in self._seen if s.time_s > middle]
        if not all(halves):
            return 0.0
        before, after = (_mean([(seen.time_s, *seen.place) for seen in half]) for half in halves)
        return math.dist(before[1:], after[1:]) / max(after[0] - before[0], 1e-3)


def _mean(rows: list[tuple[float, float, float]]) -> tuple[float, float, float]:
    first, second, third = (math.fsum(column) / len(rows) for column in zip(*rows, strict=True))
    return first, second, third
