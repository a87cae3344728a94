import numpy as np
import pytest

from edge.arrays import Array
from edge.skeleton import EDGES, JOINTS, ROOT
from firmware_tools.simulate.gait import find_gaits, walk_along
from firmware_tools.simulate.motion import Clip
from models.metrics import heading
from tests.simulate.stickman import FRAMES_PER_S, STANDING, SWING, walk

SPEED, CYCLE_S = 1.1, 1.2  # of the made-up walk
RATE_HZ = 200.0
LEGS = [JOINTS.index(name) for name in ("LKnee", "LAnkle", "RKnee", "RAnkle")]


def straight_walk(towards: float, label: str = "walk") -> Clip:
    """Straight on at SPEED: each foot stands for half of the cycle and swings for the other half."""
    time_s = np.arange(round(3.0 * FRAMES_PER_S) + 1) / FRAMES_PER_S
    joints = np.repeat(STANDING[None], time_s.size, axis=0)
    for name, reach in SWING.items():
        joints[:, JOINTS.index(name), 0] += 0.5 * reach * np.cos(2 * np.pi * time_s / CYCLE_S)
        if name.endswith("Ankle"):
            lift = -np.sign(reach) * np.sin(2 * np.pi * time_s / CYCLE_S)
            joints[:, JOINTS.index(name), 2] += 0.1 * lift.clip(0.0)
    joints[..., 0] += SPEED * time_s[:, None]
    x, y = joints[..., 0], joints[..., 1]
    joints = np.stack((np.cos(towards) * x - np.sin(towards) * y, np.sin(towards) * x + np.cos(towards) * y,
                       joints[..., 2]), axis=-1)  # fmt: skip
    return Clip("stickman", "stickman", f"straight {towards:g}", label, joints.astype(np.float32), FRAMES_PER_S)


def line(speed: float, seconds: float) -> tuple[Array, Array]:
    """Along y, and the heading that goes with it."""
    along = speed * np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return np.stack((np.zeros_like(along), along), axis=1), np.full(along.size, np.pi / 2)


@pytest.mark.parametrize("towards", [0.0, 2.5])
def test_a_cycle_is_found_in_a_straight_walk(towards: float) -> None:
    (gait,) = find_gaits([straight_walk(towards)])
    assert gait.speed == pytest.approx(SPEED, rel=0.01)
    assert gait.stride_m == pytest.approx(SPEED * CYCLE_S, rel=0.01)
    assert heading(gait.cycle) == pytest.approx(0.0, abs=1e-3)  # turned to walk along x
    # Nothing is left of the advance, and the last frame leads into the first.
    assert np.abs(gait.cycle[:, ROOT, :2]).max() < 0.01
    steps = np.linalg.norm(np.diff(gait.cycle, axis=0, append=gait.cycle[:1]), axis=2).max(axis=1)
    assert steps[-1] < 1.2 * steps.max()


def test_neither_a_curve_nor_another_motion_is_a_gait() -> None:
    assert find_gaits([walk(6.0)]) == []
    assert find_gaits([straight_walk(0.0, label="march of the pirates")]) == []


@pytest.mark.parametrize("speed", [0.4, 0.8, 1.2])
def test_steps_fit_the_speed(speed: float) -> None:
    """Cadence and length of the step share a change of speed, and limbs keep their lengths."""
    (gait,) = find_gaits([straight_walk(0.0)])
    root, towards = line(speed, 12.0)
    joints = walk_along(gait, root, towards, RATE_HZ)
    assert np.abs(joints[:, ROOT, :2] - root).max() < 0.02
    assert np.abs(heading(joints) - np.pi / 2).max() < 0.01
    ankle = joints[:, JOINTS.index("LAnkle"), 1] - root[:, 1]
    spectrum = np.abs(np.fft.rfft(ankle - ankle.mean(), 1 << 14))
    cadence = np.fft.rfftfreq(1 << 14, 1 / RATE_HZ)[spectrum.argmax()]
    assert cadence == pytest.approx(np.sqrt(speed / SPEED) / CYCLE_S, rel=0.05)
    for (a, b), length in zip(EDGES, gait.limbs_m, strict=True):
        assert np.linalg.norm(joints[:, a] - joints[:, b], axis=1) == pytest.approx(length, abs=1e-9)


def test_who_does_not_advance_stands() -> None:
    (gait,) = find_gaits([straight_walk(0.0)])
    root, towards = np.zeros((100, 2)), np.zeros(100)
    joints = walk_along(gait, root, towards, RATE_HZ)
    assert np.ptp(joints, axis=0).max() < 1e-9
    assert np.ptp(joints[0, LEGS, 0]) < 0.05  # both legs under the hips
    assert joints[0, LEGS, 2].min() == pytest.approx(gait.cycle[:, LEGS, 2].min(), abs=1e-9)  # on the floor
