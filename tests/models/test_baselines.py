import numpy as np
import pytest

from edge.arrays import Array
from edge.skeleton import ROOT
from models import baselines
from models.baselines import KnnRegressor, MeanPoses
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


def told(count: int, seed: int) -> tuple[Array, Array]:
    """Inputs (N, 12) float32 that tell where somebody stands, and poses (N, 17, 3) m."""
    rng = np.random.default_rng(seed)
    place = rng.uniform(0, 4, (count, 1, 3))
    mix = np.random.default_rng(0).normal(size=(3, 12))
    features = place[:, 0] @ mix + rng.normal(0.0, 0.01, (count, 12)) + 100.0
    return features.astype(np.float32), (STANDING + place).astype(np.float32)


def test_neighbours_against_a_plain_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baselines, "BLOCK", 900)  # three windows at a time, and a rest
    features, joints = told(300, seed=7)
    asked, _ = told(10, seed=8)
    found = KnnRegressor.fit(features, joints, neighbours=5, components=12).predict(asked)
    for n, window in enumerate(asked):
        distance = np.linalg.norm(features.astype(np.float64) - window, axis=1)
        nearest = np.argsort(distance)[:5]
        np.testing.assert_allclose(found[n], joints[nearest].mean(axis=0), atol=1e-5)


def test_few_components_hold_what_varies() -> None:
    """Three numbers decide, so three components find where somebody is, and one does not."""
    features, joints = told(3000, seed=9)
    asked, truth = told(100, seed=10)
    regressor = KnnRegressor.fit(features, joints, components=3)
    assert regressor.inputs.shape == (3000, 3)
    np.testing.assert_allclose(regressor.components.T @ regressor.components, np.eye(3), atol=1e-5)
    assert pose_error(truth, regressor.predict(asked)).mpjpe_mm < 400.0
    assert pose_error(truth, KnnRegressor.fit(features, joints, components=1).predict(asked)).mpjpe_mm > 800.0


def test_the_only_neighbour_of_a_training_window_is_itself() -> None:
    features, joints = told(200, seed=11)
    np.testing.assert_array_equal(KnnRegressor.fit(features, joints, neighbours=1).predict(features), joints)


def test_neighbours_are_the_same_each_time_and_no_more_than_there_are() -> None:
    features, joints = told(10, seed=12)
    first, second = (KnnRegressor.fit(features, joints, neighbours=16).predict(features) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_allclose(first, np.broadcast_to(joints.mean(axis=0), joints.shape), atol=1e-6)
    assert KnnRegressor.fit(features, joints).predict(features[:0]).shape == (0, 17, 3)
