"""33 landmarks to 17 joints, against bodies of the motion capture whose faces and feet were added by anatomy."""

from pathlib import Path

import numpy as np
import pytest

from calibration.landmarks import (
    DERIVED,
    DIRECT,
    Landmarks,
    joints_of_landmarks,
    load_landmarks,
    visibility_of_joints,
    write_landmarks,
)
from edge.errors import ConfigError
from edge.skeleton import JOINTS
from tests.calibration.filming import landmarks_of_joints


def test_every_joint_has_a_source_and_one_only() -> None:
    assert sorted([*DIRECT, *DERIVED]) == sorted(JOINTS)


@pytest.mark.parametrize("subject, clip", [("cmu86", "86_09"), ("cmu61", "61_09"), ("cmu07", "07_01")])
def test_the_mapping_is_off_by_little_and_only_where_joints_are_derived(data: Path, subject: str, clip: str) -> None:
    joints = np.load(data / "mocap17" / f"{subject}.npz")[f"clip_{clip}"].astype(np.float64)
    mapped = joints_of_landmarks(landmarks_of_joints(joints))
    off_mm = 1e3 * np.linalg.norm(mapped - (joints - joints[:, :1]), axis=2).mean(axis=0)
    for name in DIRECT:
        assert off_mm[JOINTS.index(name)] < 1e-3, name  # the files hold float32
    limits = {"MidHip": 1.0, "Back": 40.0, "Neck": 40.0, "Head": 60.0}
    for name, limit in limits.items():
        assert off_mm[JOINTS.index(name)] < limit, name
    assert off_mm.mean() < 8.0


def test_the_back_bulges_backward_and_the_head_is_up() -> None:
    """Somebody upright who faces along x, left along y."""
    points = np.zeros((33, 3))
    points[11], points[12] = (0, 0.2, 0.5), (0, -0.2, 0.5)
    points[23], points[24] = (0, 0.1, 0), (0, -0.1, 0)
    points[7], points[8] = (0, 0.07, 0.65), (0, -0.07, 0.65)
    points[[0, 2, 5]] = (0.11, 0, 0.65)
    joints = joints_of_landmarks(points)
    assert joints[JOINTS.index("Back")] == pytest.approx((-0.015, 0, 0.3225))
    assert joints[JOINTS.index("Head")] == pytest.approx((0, 0, 0.78))
    assert joints[JOINTS.index("Neck")] == pytest.approx((0, 0, 0.53))


def test_a_derived_joint_is_seen_as_well_as_its_landmarks() -> None:
    visibility = np.ones(33)
    visibility[11] = 0.2
    seen = visibility_of_joints(visibility)
    assert seen[JOINTS.index("LShoulder")] == pytest.approx(0.2)
    assert seen[JOINTS.index("Neck")] == pytest.approx(0.8)
    assert seen[JOINTS.index("MidHip")] == 1.0


def test_landmarks_are_kept_in_a_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    marks = Landmarks(
        np.arange(5) / 30, rng.normal(size=(5, 33, 3)), rng.uniform(size=(5, 33, 2)), rng.uniform(size=(5, 33)), 1.5
    )
    write_landmarks(tmp_path / "landmarks.npz", marks)
    again = load_landmarks(tmp_path / "landmarks.npz")
    assert again.aspect == 1.5
    np.testing.assert_allclose(again.points, marks.points, atol=1e-6)
    np.testing.assert_allclose(again.image, marks.image, atol=1e-6)
    assert [path.name for path in tmp_path.iterdir()] == ["landmarks.npz"]


@pytest.mark.parametrize("damage", ["text", "backward", "shape"])
def test_a_damaged_file_says_what_to_do(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "landmarks.npz"
    time_s = np.array([0.0, 0.2, 0.1]) if damage == "backward" else np.arange(3) / 30
    points = np.zeros((3, 17 if damage == "shape" else 33, 3))
    write_landmarks(path, Landmarks(time_s, points, np.zeros((3, 33, 2)), np.zeros((3, 33)), 1.0))
    if damage == "text":
        path.write_text("landmarks")
    with pytest.raises(ConfigError, match="film the walk again"):
        load_landmarks(path)
