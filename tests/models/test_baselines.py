import numpy as np
import pytest

from edge.arrays import Array
from edge.skeleton import ROOT
from models.baselines import MeanPoses
from models.metrics import heading, pose_error, turned
from tests.simulate.stickman import STANDING, walk


def turned_copies(count: int, seed: int) -> Array:
    """(N, 17, 3) m: the same step, at any place and heading."""
    rng = np.random.default_rng(seed)
    poses = np.broadcast_to(STANDING, (count, 17, 3))
    return np.asarray(turned(poses, rng.uniform(-np.pi, np.pi, count)) + rng.uniform(1, 5, (count, 1, 3)))


def test_the_mean_pose_is_the_mean() -> None:
    poses = turned_copies(50, seed=1)
    guess = MeanPoses.of(poses).guesses(poses)["mean pose"]
    assert guess.shape == poses.shape
    np.testing.assert_allclose(guess[7], poses.mean(axis=0))


def test_each_baseline_is_told_what_its_name_says() -> None:
    means = MeanPoses.of(turned_copies(50, seed=2))
    truth = turned_copies(20, seed=3)
    mean, at_root, canonical = means.guesses(truth).values()
    assert pose_error(truth, mean).root_mm > 100.0
    assert pose_error(truth, at_root).root_mm == pytest.approx(0.0, abs=1e-6)
    assert pose_error(truth, at_root).heading_deg > 30.0
    assert pose_error(truth, canonical).root_mm == pytest.approx(0.0, abs=1e-6)
    assert pose_error(truth, canonical).heading_deg == pytest.approx(0.0, abs=1e-6)


def test_canonical_knows_turned_copies_of_one_pose() -> None:
    """Who only turns is described by root and heading; the mean at the root is smeared over all headings."""
    means = MeanPoses.of(turned_copies(200, seed=4))
    truth = turned_copies(50, seed=5)
    _, at_root, canonical = (pose_error(truth, guess) for guess in means.guesses(truth).values())
    assert canonical.mpjpe_mm == pytest.approx(0.0, abs=1e-6)
    assert at_root.mpjpe_mm > 100.0
    assert at_root.p_mpjpe_mm > canonical.p_mpjpe_mm + 10.0


def test_canonical_beats_the_mean_at_the_true_root_on_a_walk() -> None:
    joints = walk(20.0).joints.astype(np.float64)
    train, test = joints[::2], joints[1::2]
    _, at_root, canonical = (pose_error(test, guess) for guess in MeanPoses.of(train).guesses(test).values())
    assert canonical.mpjpe_mm < 0.75 * at_root.mpjpe_mm
    assert canonical.p_mpjpe_mm < at_root.p_mpjpe_mm


def test_canonical_faces_along_x_at_the_origin() -> None:
    means = MeanPoses.of(turned_copies(50, seed=6))
    np.testing.assert_allclose(means.canonical[ROOT], 0.0, atol=1e-12)
    assert heading(means.canonical) == pytest.approx(0.0, abs=1e-9)
    np.testing.assert_allclose(means.canonical, STANDING - STANDING[ROOT], atol=1e-9)
