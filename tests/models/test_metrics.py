import numpy as np
import pytest

from edge.arrays import Array
from edge.skeleton import LEFT_HIP, RIGHT_HIP, ROOT
from models.metrics import heading, pose_error, procrustes, turned
from tests.simulate.stickman import STANDING


def people(count: int, seed: int) -> Array:
    """(N, 17, 3) m: limbs anyhow, all facing somewhere."""
    rng = np.random.default_rng(seed)
    bodies = STANDING + rng.normal(0.0, 0.1, (count, 17, 3))
    return np.asarray(turned(bodies, rng.uniform(-np.pi, np.pi, count)) + rng.uniform(1, 5, (count, 1, 3)))


def rotation(rng: np.random.Generator) -> Array:
    q, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    return np.asarray(q * np.sign(np.linalg.det(q)))


def test_procrustes_removes_place_turn_and_size() -> None:
    rng = np.random.default_rng(1)
    truth = people(20, seed=2)
    moved = np.stack([0.3 * pose @ rotation(rng).T + rng.normal(size=3) for pose in truth])
    np.testing.assert_allclose(procrustes(truth, moved), truth, atol=1e-9)


def test_procrustes_does_not_remove_a_reflection() -> None:
    truth = people(20, seed=3)
    mirrored = truth * (-1.0, 1.0, 1.0)
    left = np.linalg.norm(procrustes(truth, mirrored) - truth, axis=-1).mean(axis=1)
    assert left.min() > 0.02


@pytest.mark.parametrize("mirror", [1.0, -1.0])
def test_procrustes_is_the_best_transform(mirror: float) -> None:
    """No small change of turn, size or place comes closer in the sum of squares."""
    rng = np.random.default_rng(4)
    truth, joints = people(5, seed=5), people(5, seed=6) * (1.0, 1.0, mirror)
    best = procrustes(truth, joints)
    least = ((best - truth) ** 2).sum(axis=(1, 2))
    centred = best - truth.mean(axis=1, keepdims=True)
    assert (centred * truth).sum(axis=(1, 2)) == pytest.approx((centred**2).sum(axis=(1, 2)))  # of any size
    for _ in range(50):
        skew = rng.normal(0.0, 0.02, (3, 3))
        change = np.eye(3) * (1 + rng.normal(0.0, 0.02)) + skew - skew.T
        centre = best.mean(axis=1, keepdims=True)
        other = (best - centre) @ change.T + centre + rng.normal(0.0, 0.02, 3)
        assert (((other - truth) ** 2).sum(axis=(1, 2)) > least).all()


def test_a_shifted_pose() -> None:
    truth = people(10, seed=7)
    error = pose_error(truth, truth + np.array([0.3, 0.0, 0.4]))
    assert error.mpjpe_mm == pytest.approx(500.0)
    assert error.root_mm == pytest.approx(500.0)
    assert error.relative_mpjpe_mm == pytest.approx(0.0, abs=1e-6)
    assert error.p_mpjpe_mm == pytest.approx(0.0, abs=1e-6)
    assert error.heading_deg == pytest.approx(0.0, abs=1e-6)


def test_a_turned_pose() -> None:
    """About the root: where it stands is right, the way it faces is not."""
    truth = people(10, seed=8)
    root = truth[:, ROOT : ROOT + 1]
    error = pose_error(truth, turned(truth - root, np.radians(150.0)) + root)
    radius = np.linalg.norm((truth - root)[..., :2], axis=-1).mean() * 1e3
    assert error.heading_deg == pytest.approx(150.0)
    assert error.root_mm == pytest.approx(0.0, abs=1e-6)
    assert error.mpjpe_mm == pytest.approx(2 * np.sin(np.radians(75.0)) * radius)
    assert error.relative_mpjpe_mm == pytest.approx(error.mpjpe_mm)
    assert error.p_mpjpe_mm == pytest.approx(0.0, abs=1e-6)


def test_one_wrong_joint() -> None:
    truth = people(4, seed=9)
    joints = truth.copy()
    joints[:, 16, 2] += 0.17
    error = pose_error(truth, joints)
    assert error.mpjpe_mm == pytest.approx(10.0)
    assert error.relative_mpjpe_mm == pytest.approx(10.0)
    assert error.root_mm == 0.0
    assert 0.0 < error.p_mpjpe_mm < 20.0
    joints = truth.copy()
    joints[:, ROOT, 2] += 0.17  # the root alone: seen from it, all others are wrong
    assert pose_error(truth, joints).root_mm == pytest.approx(170.0)
    assert pose_error(truth, joints).relative_mpjpe_mm == pytest.approx(160.0)


@pytest.mark.parametrize("degrees", [0.0, 90.0, -90.0, 135.0, 179.0])
def test_heading_is_where_the_nose_points(degrees: float) -> None:
    pose = turned(STANDING, np.radians(degrees))
    assert np.degrees(heading(pose)) == pytest.approx(degrees)
    nose = pose[9] - pose[8]
    assert np.degrees(np.arctan2(nose[1], nose[0])) == pytest.approx(degrees)
    assert pose[LEFT_HIP, 1] != pose[RIGHT_HIP, 1] or abs(degrees) == 90.0


def test_heading_error_goes_the_short_way_round() -> None:
    truth = turned(STANDING, np.radians(175.0))[None]
    assert pose_error(truth, turned(STANDING, np.radians(-175.0))[None]).heading_deg == pytest.approx(10.0)


def test_turning_keeps_height_and_lengths() -> None:
    pose = people(1, seed=10)[0]
    by_quarter = turned(pose, np.pi / 2)
    np.testing.assert_allclose(by_quarter[:, 0], -pose[:, 1], atol=1e-12)
    np.testing.assert_allclose(by_quarter[:, 1], pose[:, 0], atol=1e-12)
    np.testing.assert_array_equal(by_quarter[:, 2], pose[:, 2])
