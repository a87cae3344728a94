"""Somebody who follows the prompts of a calibration, late and not exactly."""

from pathlib import Path

import numpy as np
import pytest

from calibration.labels import of_truth, of_walk
from calibration.walk import Prompt, Walk, load_walk
from edge.arrays import Array
from edge.cli import main
from edge.session import load_session
from edge.skeleton import EDGES, JOINTS, ROOT
from firmware_tools.simulate.gait import Gait, find_gaits
from firmware_tools.simulate.guided import HIPS_ON_CHAIR_M, TOWARDS, guided_scene, guided_walk, height_of, posed
from firmware_tools.simulate.nic import draw_nic, restarted
from firmware_tools.simulate.rooms import room_named
from models.metrics import heading
from tests.simulate.stickman import STANDING
from tests.simulate.test_gait import straight_walk

RATE_HZ = 100.0
A, B = (1.0, 1.0), (3.0, 1.0)
WALK = Walk(
    1,
    1.75,
    [
        Prompt(5.0, 10.0, "stand", A, A, 90.0),
        Prompt(10.0, 14.0, "walk", A, B),
        Prompt(14.0, 19.0, "sit", B, B),
        Prompt(19.0, 24.0, "arms-up", B, B),
    ],
    (0.0, 5.0),
)


@pytest.fixture(scope="module")
def gait() -> Gait:
    return find_gaits([straight_walk(0.0)])[0]


def joint(joints: Array, name: str) -> Array:
    return np.asarray(joints[:, JOINTS.index(name)])


def took(pose: str) -> Array:
    """A stickman in a posture, fully and without a stir."""
    shares = {name: np.array([float(name == pose)]) for name in TOWARDS}
    return posed(STANDING[None].astype(np.float64), shares, np.zeros((1, len(EDGES), 3)), 1.0)


@pytest.mark.parametrize("pose", [*TOWARDS, "stand"])
def test_no_posture_stretches_a_limb_or_lifts_both_feet(pose: str) -> None:
    joints = took(pose)[0]
    for parent, child in EDGES:
        length = np.linalg.norm(STANDING[child] - STANDING[parent])
        assert np.linalg.norm(joints[child] - joints[parent]) == pytest.approx(length)
    if pose != "sit":
        assert joints[[JOINTS.index("LAnkle"), JOINTS.index("RAnkle")], 2].min() == pytest.approx(0.08)


def test_postures_are_what_they_are_called() -> None:
    up, wide, sitting = took("arms-up"), took("arms-wide"), took("sit")
    assert (joint(up, "LWrist")[:, 2] > joint(up, "Head")[:, 2]).all()
    assert (joint(wide, "LWrist")[:, 1] - joint(wide, "RWrist")[:, 1] > 1.4).all()
    assert joint(wide, "LWrist")[0, 2] == pytest.approx(joint(wide, "LShoulder")[0, 2])
    assert sitting[0, ROOT, 2] == pytest.approx(HIPS_ON_CHAIR_M)
    assert (joint(sitting, "LKnee")[:, 0] > 0.4).all()


def test_prompts_are_followed_late_and_nearly(gait: Gait) -> None:
    scene = guided_scene(WALK, gait, 1.05, np.random.default_rng(1), RATE_HZ)
    assert len(scene.joints) == len(scene.time_s) == round(24 * RATE_HZ)
    assert (scene.take[: round(5 * RATE_HZ)] == -1).all()
    assert (scene.take[round(5 * RATE_HZ) :] == 0).all()

    def place(time_s: float) -> Array:
        return np.asarray(scene.joints[round(time_s * RATE_HZ) - 1, ROOT])

    for time_s, spot in ((9.5, A), (16.0, B), (23.9, B)):
        assert 0.0 < np.linalg.norm(place(time_s)[:2] - spot) < 0.3
    assert place(12.0)[0] < 2.0  # half the way comes after half the time
    assert place(12.6)[0] == pytest.approx(2.0, abs=0.4)
    assert place(18.0)[2] == pytest.approx(HIPS_ON_CHAIR_M, abs=0.03)
    assert place(9.0)[2] > 0.9
    turned = np.degrees(heading(scene.joints))
    assert turned[round(8 * RATE_HZ)] == pytest.approx(90.0, abs=15.0)
    assert turned[round(12.5 * RATE_HZ)] == pytest.approx(0.0, abs=25.0)
    wrist = joint(scene.joints, "LWrist") - joint(scene.joints, "Head")
    assert wrist[round(22 * RATE_HZ), 2] > 0.0 > wrist[round(8 * RATE_HZ), 2]


def test_nobody_stands_quite_still(gait: Gait) -> None:
    scene = guided_scene(WALK, gait, 1.0, np.random.default_rng(2), RATE_HZ)
    standing = slice(round(7 * RATE_HZ), round(9.5 * RATE_HZ))
    assert 0.002 < scene.joints[standing, ROOT, :2].std(axis=0).max() < 0.05
    assert joint(scene.joints, "LWrist")[standing].std(axis=0).max() > 0.003


def test_a_session_is_labelled_by_its_prompts(data: Path, tmp_path: Path) -> None:
    arguments = ["--guided", "--room", "test-1", "--seconds", "25", "--motion", str(data / "mocap17"), "--seed", "3"]
    assert main(["simulate", str(tmp_path), *arguments]) == 0
    session, walk = load_session(tmp_path), load_walk(tmp_path)
    assert walk is not None
    assert session.truth is not None
    assert session.file.source == "simulated"
    assert walk.empty_s == (0.0, session.file.empty_s)
    assert session.truth.time_s[0] == pytest.approx(walk.empty_s[1], abs=0.1)
    time_s = np.arange(30.0, 54.0, 0.1)
    asked, true = of_walk(walk, time_s), of_truth(session.truth, time_s, walk)
    both = true.known
    assert both.sum() > 100
    off = np.linalg.norm(asked.root - true.root, axis=1)[both]
    assert 0.01 < off.mean() < 0.2
    assert walk.height_m == pytest.approx(1.7, abs=0.25)


@pytest.mark.parametrize("more", [("--clip", "86_09"), ("--empty", "3"), ("--seconds", "5")])
def test_what_does_not_go_with_a_guided_walk(tmp_path: Path, more: tuple[str, str]) -> None:
    assert main(["simulate", str(tmp_path / "out"), "--guided", "--seconds", "30", *more]) == 2
    assert not (tmp_path / "out").exists()


def test_heights_go_with_the_person(gait: Gait) -> None:
    assert height_of(gait, 1.1) - height_of(gait, 1.0) == pytest.approx(0.17, abs=0.02)
    walk = guided_walk(room_named("test-0"), 60.0, 1.7)
    assert 50.0 < walk.prompts[-1].end_s - walk.prompts[0].start_s <= 60.0


def test_a_restarted_receiver_is_the_same_but_for_phases_and_clock() -> None:
    rng = np.random.default_rng(4)
    nic = draw_nic(rng)
    again = restarted(nic, rng)
    np.testing.assert_allclose(np.abs(again.offsets), np.abs(nic.offsets))
    assert np.abs(np.angle(again.offsets / nic.offsets)).max() > 0.1
    assert again.clock_offset_us != nic.clock_offset_us
    assert (again.noise, again.loss, again.antenna_sel) == (nic.noise, nic.loss, nic.antenna_sel)
