"""On motion capture of real people, clean and with the joints of a bad estimate."""

from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from edge.arrays import Array
from edge.publish.message import Posture
from edge.skeleton import JOINTS
from edge.track.posture import HOLD_S, LYING, MOVING, Figure, PostureJudge, figure
from edge.track.tracker import Tracker
from firmware_tools.simulate.motion import Clip, load_clips

POSES_PER_S = 10  # every third frame
STEP = 3
STILL = 2 * POSES_PER_S  # how long the first and last pose of a short take are held

MOVING_TAKES = {"walk", "slow walk", "brisk walk", "walk on uneven terrain", "jogLeftCircle4StepsRstart"}
ON_THE_SPOT = {
    "rotateArmsBothBackward1Reps", "elbowToKnee1RepsLelbowStart", "grabHighR", "throwBasketball", "depositFloorR",
    "squat1Reps", "wash self", "punch/strike",
}  # fmt: skip
SEATED = "86_09"  # the one take of somebody who sits on a seat, from second 12 to 25


@cache
def clips(folder: Path) -> list[Clip]:
    return load_clips(folder)


def held(joints: Array, before: int, after: int) -> Array:
    return np.concatenate([np.repeat(joints[:1], before, 0), joints, np.repeat(joints[-1:], after, 0)])


def takes(folder: Path) -> Iterator[tuple[Posture, Array, slice]]:
    """What a take shows, its joints at POSES_PER_S, and the part of it that shows that."""
    for clip in clips(folder / "mocap17"):
        joints = clip.joints[::STEP]
        if clip.label in MOVING_TAKES:
            yield "moving", joints, slice(0, None)
        elif clip.label in ON_THE_SPOT:
            yield "standing", held(joints, STILL, STILL), slice(0, None)
        elif clip.label == "lieDownFloor":
            yield "lying", held(joints, 0, 2 * STILL), slice(-STILL, None)
        elif clip.name == SEATED:
            yield "sitting", joints, slice(13 * POSES_PER_S, 25 * POSES_PER_S)


def confusion(folder: Path, noise_m: float) -> dict[Posture, Counter[Posture]]:
    """How often each posture was called what, by pose."""
    generator = np.random.default_rng(1)
    table: dict[Posture, Counter[Posture]] = {}
    for truth, joints, part in takes(folder):
        tracker = Tracker()
        noisy = joints + generator.normal(0, noise_m, joints.shape)
        said = [tracker.update(k / POSES_PER_S, pose, 0.8, True).posture for k, pose in enumerate(noisy)]
        table.setdefault(truth, Counter()).update(posture for posture in said[part] if posture is not None)
    return table


@pytest.mark.parametrize(
    ("noise_m", "bounds"),
    [
        (0.0, {"moving": 0.95, "standing": 0.95, "lying": 0.99, "sitting": 0.99}),
        (0.1, {"moving": 0.93, "standing": 0.85, "lying": 0.99, "sitting": 0.95}),
    ],
)
def test_confusion_on_motion_capture(data: Path, noise_m: float, bounds: dict[Posture, float]) -> None:
    """Share of the poses that get the right name.

    The noise is of every joint of every pose and independent, which a network's errors are not: it shows that a
    posture holds on shaky joints, not how right it is on real estimates.
    """
    table = confusion(data, noise_m)
    right = {truth: calls[truth] / calls.total() for truth, calls in table.items()}
    print(f"noise {noise_m} m:", {truth: dict(calls) for truth, calls in table.items()})
    assert set(right) == set(bounds)
    assert all(right[truth] >= bound for truth, bound in bounds.items()), (right, table)


def on_a_chair(standing: Array) -> Array:
    """The same body with level thighs and upright shanks: built from a real one, as nobody was recorded on a chair."""
    joints = standing.copy()
    left, right = (JOINTS.index(name) for name in ("LHip", "RHip"))
    across = joints[right, :2] - joints[left, :2]
    forward = np.array([-across[1], across[0], 0.0]) / np.linalg.norm(across)
    for side in "LR":
        hip, knee, ankle = (JOINTS.index(side + name) for name in ("Hip", "Knee", "Ankle"))
        thigh, shank = (np.linalg.norm(standing[a] - standing[b]) for a, b in ((hip, knee), (knee, ankle)))
        joints[knee] = joints[hip] + thigh * forward
        joints[ankle] = joints[knee] - shank * np.array([0.0, 0.0, 1.0])
    return joints


def test_everybody_recorded_stands_on_their_feet_and_sits_on_a_chair(data: Path) -> None:
    people = {
        clip.person: clip.joints[0] for clip in clips(data / "mocap17") if clip.label in ON_THE_SPOT | MOVING_TAKES
    }
    assert len(people) >= 7
    for person, standing in people.items():
        assert PostureJudge().update(0.0, figure(standing, 0.0)) == "standing", person
        assert PostureJudge().update(0.0, figure(on_a_chair(standing), 0.0)) == "sitting", person


def test_a_figure_is_the_same_in_any_place_direction_and_size(data: Path) -> None:
    joints = clips(data / "mocap17")[0].joints[0].astype(np.float64)
    turned = joints @ np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]) * 1.3 + [3.0, -2.0, 0.7]
    first, second = figure(joints, 0.1), figure(turned, 0.1)
    np.testing.assert_allclose((first.upright, first.legs), (second.upright, second.legs), atol=1e-9)


STANDING = Figure(speed=0.0, upright=1.0, legs=0.95)


def judged(judge: PostureJudge, begin: float, seconds: float, seen: Figure) -> list[Posture]:
    return [judge.update(begin + k / 10, seen) for k in range(round(seconds * 10))]


def test_a_squat_is_not_sitting_down() -> None:
    judge = PostureJudge()
    squat = Figure(speed=0.0, upright=1.0, legs=0.5)
    assert set(judged(judge, 0.0, 1.0, STANDING) + judged(judge, 1.0, 0.9 * HOLD_S, squat)) == {"standing"}
    assert set(judged(judge, 3.0, 1.0, STANDING)) == {"standing"}
    assert judged(judge, 4.0, 2 * HOLD_S, squat)[-1] == "sitting"


@pytest.mark.parametrize(
    ("inside", "between", "outside", "posture"),
    [
        (Figure(MOVING[1] + 0.1, 1.0, 0.95), Figure(sum(MOVING) / 2, 1.0, 0.95), STANDING, "moving"),
        (Figure(0.0, LYING[0] - 0.1, 0.1), Figure(0.0, sum(LYING) / 2, 0.1), Figure(0.0, 1.0, 0.1), "lying"),
        (Figure(0.0, 1.0, 0.5), Figure(0.0, 1.0, 0.86), STANDING, "sitting"),
    ],
)
def test_between_the_thresholds_what_was_said_holds(
    inside: Figure, between: Figure, outside: Figure, posture: Posture
) -> None:
    judge = PostureJudge()
    assert set(judged(judge, 0.0, 5.0, inside)) == {posture}
    assert set(judged(judge, 5.0, 60.0, between)) == {posture}
    assert judged(judge, 65.0, 5.0, outside)[-1] != posture
    assert posture not in judged(judge, 70.0, 60.0, between)


def test_a_bow_is_not_lying() -> None:
    assert PostureJudge().update(0.0, Figure(speed=0.0, upright=-0.2, legs=0.86)) != "lying"
