import numpy as np
import pytest

from edge.arrays import Array
from edge.skeleton import LEFT_HIP, RIGHT_HIP, ROOT
from models.metrics import MAX_STEP_S, Moments, heading, jitter, pose_error, procrustes, turned
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


def test_shares_within_50_100_and_150_mm() -> None:
    """Joints 1 to 16 are off by 30, 70, 120 and 400 mm, four each; the root is right."""
    truth = people(3, seed=11)
    joints = truth.copy()
    joints[:, 1:, 2] += np.repeat((0.03, 0.07, 0.12, 0.4), 4)
    error = pose_error(truth, joints)
    assert error.pck == pytest.approx([100 * n / 17 for n in (5, 9, 13)])
    assert error.relative_pck == error.pck
    shifted = pose_error(truth, joints + np.array([0.6, 0.0, 0.0]))
    assert shifted.pck == (0.0, 0.0, 0.0)
    assert shifted.relative_pck == pytest.approx(error.pck)


def test_the_error_of_each_joint() -> None:
    truth = people(6, seed=12)
    off_mm = np.arange(17) * 10.0 + 5.0
    joints = truth.copy()
    joints[..., 0] += off_mm / 1e3
    error = pose_error(truth, joints)
    assert error.per_joint_mm == pytest.approx(off_mm)
    assert error.relative_per_joint_mm == pytest.approx(off_mm - 5.0)
    assert len(error.p_per_joint_mm) == 17
    for each, mean in (
        (error.per_joint_mm, error.mpjpe_mm),
        (error.relative_per_joint_mm, error.relative_mpjpe_mm),
        (error.p_per_joint_mm, error.p_mpjpe_mm),
    ):
        assert np.mean(each) == pytest.approx(mean)
    assert error.per_joint_mm[ROOT] == pytest.approx(error.root_mm)


def accelerating(time_s: Array, mm_s2: float) -> Array:
    """(N, 17, 3) m: a pose that speeds up along y."""
    return np.asarray(STANDING + np.array([0.0, 0.5e-3 * mm_s2, 0.0]) * np.square(time_s)[:, None, None])


def test_jitter_is_the_error_of_the_acceleration() -> None:
    """At any spacing of the poses, as long as it is close."""
    time_s = np.cumsum(np.random.default_rng(13).uniform(0.02, MAX_STEP_S, 40))
    moments = Moments(np.zeros(40, int), time_s)
    truth, joints = accelerating(time_s, 300.0), accelerating(time_s, 800.0)
    assert jitter(truth, joints, moments) == pytest.approx(500.0)
    assert jitter(truth, np.broadcast_to(STANDING, truth.shape), moments) == pytest.approx(300.0)
    steady = truth + time_s[:, None, None] * 0.7 + 2.0
    assert jitter(truth, steady, moments) == pytest.approx(0.0, abs=1e-6)


def test_jitter_of_one_frame_that_jumps() -> None:
    """1 mm at 10 poses/s: 100, 200 and 100 mm/s^2 in the three triples that hold it, nothing in the other five."""
    time_s = np.arange(10) / 10
    truth = np.broadcast_to(STANDING, (10, 17, 3))
    joints = truth + 1e-3 * (np.arange(10) == 4)[:, None, None] * np.array([0.0, 0.0, 1.0])
    error = pose_error(truth, joints, Moments(np.zeros(10, int), time_s))
    assert error.jitter_mm_s2 == pytest.approx(400.0 / 8)
    assert error.relative_jitter_mm_s2 == pytest.approx(0.0, abs=1e-6)  # all joints jump together


def test_jitter_does_not_reach_across_a_cut_or_a_gap() -> None:
    late = np.arange(16) >= 8
    truth = np.broadcast_to(STANDING, (16, 17, 3))
    joints = truth + np.where(late, 5.0, 0.0)[:, None, None]
    cut = Moments(np.where(late, 5, 3), np.arange(16) * 0.1)
    assert jitter(truth, joints, cut) == pytest.approx(0.0, abs=1e-6)
    gap = Moments(np.zeros(16, int), np.arange(16) * 0.1 + np.where(late, MAX_STEP_S, 0.0))
    assert jitter(truth, joints, gap) == pytest.approx(0.0, abs=1e-6)
    whole = Moments(np.zeros(16, int), np.arange(16) * 0.1)
    assert jitter(truth, joints, whole) == pytest.approx(2 / 14 * 5e3 * np.sqrt(3) * 100)


def test_jitter_needs_three_in_a_row_and_no_order() -> None:
    time_s = np.arange(12) * 0.1
    truth, joints = accelerating(time_s, 0.0), accelerating(time_s, 70.0)
    order = np.random.default_rng(14).permutation(12)
    assert jitter(truth[order], joints[order], Moments(np.zeros(12, int), time_s[order])) == pytest.approx(70.0)
    assert jitter(truth, joints, Moments(np.arange(12) // 2, time_s)) is None
    assert jitter(truth[:2], joints[:2], Moments(np.zeros(2, int), time_s[:2])) is None
    assert pose_error(truth, joints).jitter_mm_s2 is None
