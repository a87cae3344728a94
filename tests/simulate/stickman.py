"""A made-up person, for tests that must run without motion capture."""

import numpy as np

from edge.parse.intel5300 import parse_log
from edge.recording import Recording, align
from edge.skeleton import JOINTS
from firmware_tools.simulate.motion import Clip
from firmware_tools.simulate.room import BASIC
from firmware_tools.simulate.scene import SimulatedLogs, record, single_take

FRAMES_PER_S = 30.0
# Standing, facing along x, left along y; metres.
STANDING = np.array(
    [
        (0, 0, 1.0), (0, 0.1, 1.0), (0, 0.1, 0.5), (0, 0.1, 0.08), (0, -0.1, 1.0), (0, -0.1, 0.5), (0, -0.1, 0.08),
        (0, 0, 1.25), (0, 0, 1.5), (0.1, 0, 1.6), (0, 0, 1.7),
        (0, 0.2, 1.45), (0, 0.22, 1.15), (0, 0.22, 0.9), (0, -0.2, 1.45), (0, -0.22, 1.15), (0, -0.22, 0.9),
    ]
)  # fmt: skip
SWING = {  # m, forward at the height of a step
    "LKnee": 0.2, "LAnkle": 0.4, "RKnee": -0.2, "RAnkle": -0.4,
    "LElbow": -0.15, "LWrist": -0.35, "RElbow": 0.15, "RWrist": 0.35,
}  # fmt: skip


def walk(seconds: float) -> Clip:
    """Along a circle of 1 m at 1 m/s, a step a second."""
    time_s = np.arange(round(seconds * FRAMES_PER_S) + 1) / FRAMES_PER_S
    joints = np.repeat(STANDING[None], time_s.size, axis=0)
    for name, reach in SWING.items():
        joints[:, JOINTS.index(name), 0] += reach * np.sin(np.pi * time_s)
    x, y = joints[..., 0], joints[..., 1] - 1.0
    cos, sin = np.cos(time_s)[:, None], np.sin(time_s)[:, None]
    joints = np.stack((cos * x - sin * y, sin * x + cos * y, joints[..., 2]), axis=-1)
    return Clip("stickman", "stickman", "walk", "walk", joints.astype(np.float32), FRAMES_PER_S)


def simulated_logs(seconds: float, seed: int, packets_per_s: float = 150.0) -> SimulatedLogs:
    """What the two receivers of the basic room log of the walk."""
    rng = np.random.default_rng(seed)
    return record(BASIC, single_take(BASIC, walk(seconds), seconds, rng, packets_per_s), rng)


def simulated_recording(seconds: float, seed: int) -> Recording:
    """The same, parsed and on one clock."""
    first, second = simulated_logs(seconds, seed).logs
    return align((parse_log(first), parse_log(second)), BASIC.links)
