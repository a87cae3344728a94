"""Is somebody moving? What neighbouring subcarriers share is the room's doing, what they do not share is noise.

Judged on the amplitude channels, whose values are deviations from the long-run mean: a person who stands still fades
into that mean within `baseline.MEMORY`. A threshold per room is calibration's business; this one is for any room.
"""

from dataclasses import dataclass

import numpy as np

from edge.arrays import Array
from edge.signal.baseline import AMPLITUDE_GAIN
from edge.signal.imagespec import WIMOSE_1, ImageSpec

PRESENT_LEVEL = 0.03  # relative amplitude; an empty or sleeping room shows 0.02, sitting 0.13, walking 0.05 to 0.35
WINDOW = WIMOSE_1.packets  # 0.13 s, whatever the network's own context
HOLD_US = 2e6  # between two steps a walker can be quiet for a second


@dataclass(frozen=True)
class Motion:
    """What one CSI image shows."""

    level: float  # rms relative amplitude deviation shared by neighbouring subcarriers, mean over receivers
    confidence: float  # 0..1, share of the deviations' power that is shared: 0 is noise alone, 1 is no noise


def motion(image: Array, spec: ImageSpec = WIMOSE_1) -> Motion:
    """Measure motion in the last WINDOW grid points of an image of the spec's shape."""
    amplitude = spec.amplitude(image)[:, -WINDOW:].astype(np.float64)  # (subcarriers, grid points, channels)
    deviation = np.arctanh(amplitude.clip(-0.999, 0.999)) / AMPLITUDE_GAIN
    shared = (deviation[1:] * deviation[:-1]).mean(axis=(0, 1)).clip(min=0.0)
    total = (deviation**2).mean(axis=(0, 1))
    share = np.divide(shared, total, out=np.zeros_like(shared), where=total > 0)
    return Motion(float(np.sqrt(shared).mean()), float(share.mean().clip(0.0, 1.0)))


class Presence:
    """Present while motion has been seen within the last HOLD_US."""

    def __init__(self, level: float = PRESENT_LEVEL) -> None:
        self.level = level
        self._seen_us = -np.inf

    def update(self, time_us: float, level: float) -> bool:
        if level >= self.level:
            self._seen_us = time_us
        return bool(time_us - self._seen_us <= HOLD_US)
