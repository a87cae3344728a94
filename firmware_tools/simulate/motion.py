"""Motion capture in the `mocap17` format: one .npz per person, clips of 17 joints at 30 frames/s, metres, z up."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.interpolate import CubicSpline

from edge.arrays import Array
from edge.errors import ConfigError
from edge.skeleton import JOINTS, N_JOINTS

# Left and right exchanged, for mirrored motion.
MIRROR = np.array([JOINTS.index(name.replace("L", "_").replace("R", "L", 1).replace("_", "R", 1)
                                if name[0] in "LR" else name) for name in JOINTS])  # fmt: skip


@dataclass(frozen=True, eq=False)
class Clip:
    """One take of one person."""

    person: str
    group: str  # people that may be the same one share a group
    name: str
    label: str
    joints: Array  # (T, 17, 3) float32, metres, floor at z = 0, centred in x and y
    frames_per_s: float

    @property
    def seconds(self) -> float:
        return (len(self.joints) - 1) / self.frames_per_s

    def mirrored(self) -> "Clip":
        """The same motion by a left-handed twin."""
        joints = self.joints[:, MIRROR] * np.array([-1.0, 1.0, 1.0], np.float32)
        return Clip(self.person, self.group, self.name + "~", self.label, joints, self.frames_per_s)

    def at(self, time_s: Array) -> Array:
        """Joints at any time within the clip: (N,) seconds to (N, 17, 3) float64 metres, by cubic spline."""
        frames = np.arange(len(self.joints)) / self.frames_per_s
        return np.asarray(CubicSpline(frames, self.joints.reshape(len(frames), -1))(time_s)).reshape(-1, N_JOINTS, 3)


def default_folder() -> Path:
    """Where the motion lies: $WIMOSE_DATA/mocap17, else ../shared/data/mocap17 beside the checkout."""
    data = os.environ.get("WIMOSE_DATA")
    return (Path(data) if data else Path(__file__).parents[3] / "shared" / "data") / "mocap17"


def load_clips(folder: Path) -> list[Clip]:
    """Every clip in the folder, ordered by person and name. Raises ConfigError where there is none."""
    index = folder / "index.json"
    if not index.is_file():
        raise ConfigError(
            f"{folder} holds no index.json; give a folder of motion in the mocap17 format, or WIMOSE_DATA"
        )
    entries = json.loads(index.read_text())["index"]
    clips = []
    for person in sorted({entry["subject"] for entry in entries}):
        with np.load(folder / f"{person}.npz") as arrays:
            rate = float(arrays["fps"])
            for entry in sorted((e for e in entries if e["subject"] == person), key=lambda e: str(e["clip"])):
                joints = arrays[f"clip_{entry['clip']}"].astype(np.float32)
                clips.append(Clip(person, entry["group"], entry["clip"], entry["label"], joints, rate))
    return clips
