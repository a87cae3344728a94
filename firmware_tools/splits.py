"""Which motion is for training and which is kept away, so that a figure means something.

train    clips of known people that training sees
clip     other clips of the same people
subject  people training never sees: an HDM05 actor and CMU groups
"""

from zlib import crc32

import numpy as np

from edge.arrays import Array
from edge.errors import ConfigError
from firmware_tools.simulate.motion import Clip

HELD_OUT_GROUPS = ("hdm_dg", "cmu86", "cmuX_zombie")
CAPPED = {"cmu60", "cmu61"}  # salsa partners recorded together, nearly half of all frames: one split, little weight
CAP_SHARE = 0.08
SPLITS = ("train", "clip", "subject")


def split_of(clip: Clip) -> str:
    """The split a clip belongs to; by name, so that it never changes when clips are added."""
    if clip.group in HELD_OUT_GROUPS:
        return "subject"
    if clip.person not in CAPPED and crc32(f"{clip.person}/{clip.name}".encode()) % 7 == 0:
        return "clip"
    return "train"


def draw_weights(clips: list[Clip], max_take_s: float) -> Array:
    """How often each clip is drawn: evenly over motion time, the capped ones CAP_SHARE of all. (N,) sums to 1."""
    if not clips:
        raise ConfigError("no motion is left for this split; give --motion a folder with more people")
    weights = np.ones(len(clips)) * [max(1.0, clip.seconds / max_take_s) for clip in clips]
    capped = np.array([clip.person in CAPPED for clip in clips])
    if capped.any() and not capped.all():
        weights[capped] *= CAP_SHARE / (1 - CAP_SHARE) * weights[~capped].sum() / weights[capped].sum()
    return np.asarray(weights / weights.sum())
