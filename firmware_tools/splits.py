"""Which motion is for training and which is kept away, so that a figure means something.

train    clips of known people that training sees
clip     other clips of the same people
subject  people training never sees: an HDM05 actor and CMU groups
"""

from typing import Literal
from zlib import crc32

import numpy as np

from edge.arrays import Array
from edge.errors import ConfigError
from firmware_tools.simulate.motion import Clip

HELD_OUT_GROUPS = ("hdm_dg", "cmu86", "cmuX_zombie")
CAPPED = {"cmu60", "cmu61"}  # salsa partners recorded together, nearly half of all frames: one split, little weight
SHARES = {"household": 0.80, "dance": 0.12, "capped": 0.08}  # of what is drawn, where a split has all of them
SPLITS = ("train", "clip", "subject")

# Words in the label or name of what nobody does at home every day: dance, acrobatics, martial forms, playgrounds.
DANCE = (
    "dance", "salsa", "lambada", "charleston", "pirouette", "ballet", "cartwheel", "acrobat", "flip", "heian", "karate",
    "swordplay", "playground",
)  # fmt: skip


def split_of(clip: Clip) -> str:
    """The split a clip belongs to; by name, so that it never changes when clips are added."""
    if clip.group in HELD_OUT_GROUPS:
        return "subject"
    if clip.person not in CAPPED and crc32(f"{clip.person}/{clip.name}".encode()) % 7 == 0:
        return "clip"
    return "train"


def kind_of(clip: Clip) -> Literal["household", "dance"]:
    """Dance and acrobatics are reported apart from household motion, which includes gymnastics on the spot."""
    text = f"{clip.label} {clip.name}".lower()
    return "dance" if any(word in text for word in DANCE) else "household"


def draw_weights(clips: list[Clip], max_take_s: float) -> Array:
    """How often each clip is drawn: evenly over motion time within each of SHARES. (N,) sums to 1."""
    if not clips:
        raise ConfigError("no motion is left for this split; give --motion a folder with more people")
    weights = np.array([max(1.0, clip.seconds / max_take_s) for clip in clips])
    groups = np.array(["capped" if clip.person in CAPPED else kind_of(clip) for clip in clips])
    for group, share in SHARES.items():
        if (groups == group).any():
            weights[groups == group] *= share / weights[groups == group].sum()
    return np.asarray(weights / weights.sum())
