"""Fits and their mean: what segments left out say of each, and that every place counts alike."""

import numpy as np
import pytest

from calibration import mixture, ridge
from calibration.ridge import Ridge
from edge.arrays import Array

STRENGTHS = len(mixture.STRENGTHS)


class Made:
    """A walk of segments of a second at 10/s, through inputs that hold the place, or do not."""

    def __init__(self, segments: int, noise: float, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.segment = np.repeat(np.arange(segments), 10)
        self.root = np.repeat(rng.normal(size=(segments, 3)), 10, axis=0) + 0.1 * rng.normal(size=(10 * segments, 3))
        mix = np.random.default_rng(0).normal(size=(3, 12))
        self.inputs = self.root @ mix + noise * rng.normal(size=(10 * segments, 12))
        self.counts, self.trust = np.linspace(0.5, 1.5, len(self.root)), np.ones(12)
        self.pairs = ridge.left_out(self.segment, 0.1 * np.arange(len(self.root)), 0.05)
        self.exact = Ridge(np.linalg.pinv(mix), np.zeros(3))  # says the truth, but for the noise
        self.foreign = Ridge(rng.normal(size=(12, 3)), np.ones(3))

    def fits(self, shipped: Ridge) -> mixture.Fits:
        return mixture.every_fit(self.inputs, self.root, shipped, self.pairs, self.counts, self.trust)

    def mixed(self, shipped: Ridge) -> mixture.Mixture:
        return mixture.mixed(self.fits(shipped), self.root, self.counts, self.segment)


def test_the_family_goes_from_the_middle_of_the_walk_to_the_shipped_root() -> None:
    made = Made(12, 0.1, 1)
    fits = made.fits(made.foreign)
    middle, offset, shipped = fits.roots[STRENGTHS - 1], fits.roots[3 * STRENGTHS - 1], fits.roots[-1]
    assert not middle.weights.any()
    mean = np.average(made.root, axis=0, weights=made.counts)
    np.testing.assert_allclose(middle.bias, mean)
    np.testing.assert_array_equal(shipped.weights, made.foreign.weights)
    np.testing.assert_allclose(offset.weights, made.foreign.weights)  # and only moved
    np.testing.assert_allclose(np.average(offset(made.inputs), axis=0, weights=made.counts), mean)
    np.testing.assert_allclose(fits.said[-1], made.foreign(made.inputs), rtol=1e-12)  # to the order of a sum
    assert fits.share.tolist() == [0.0] * STRENGTHS + [0.5] * STRENGTHS + [1.0] * (STRENGTHS + 1)


def test_what_is_said_of_a_row_does_not_know_its_target() -> None:
    made = Made(12, 0.5, 2)
    fits = made.fits(made.foreign)
    own = made.foreign(made.inputs)
    for kept, out in made.pairs:
        left = ridge.fits(made.inputs[kept], (made.root - 0.5 * own)[kept], mixture.STRENGTHS, made.counts[kept])
        for number, fit in enumerate(left):
            said = fit(made.inputs[out]) + 0.5 * own[out]
            np.testing.assert_allclose(fits.said[STRENGTHS + number, out], said, atol=1e-9)


def test_the_mean_is_one_layer() -> None:
    made = Made(12, 0.5, 3)
    fits = made.fits(made.foreign)
    chosen = np.zeros(len(fits.roots))
    chosen[[2, -1]] = 3.0, 1.0
    mean = mixture.mixed(fits, made.root, made.counts, made.segment, lambda *_: chosen)
    wanted = 0.75 * fits.roots[2](made.inputs) + 0.25 * made.foreign(made.inputs)
    np.testing.assert_allclose(mean.root(made.inputs), wanted)
    np.testing.assert_allclose(mean.said, 0.75 * fits.said[2] + 0.25 * fits.said[-1])
    assert mean.share == 0.25


def test_a_shipped_root_that_is_right_is_kept_and_a_foreign_one_forgotten() -> None:
    made = Made(20, 0.3, 4)
    right, foreign = made.mixed(made.exact), made.mixed(made.foreign)
    assert right.share > 0.8
    assert foreign.share < 0.3
    said = np.linalg.norm(right.said - made.root, axis=1).mean()
    assert said < 1.1 * np.linalg.norm(made.exact(made.inputs) - made.root, axis=1).mean()


def test_fits_count_by_their_loss_over_its_standard_error() -> None:
    size = np.array([1.0, 1.0, 2.0, 2.0])
    rng = np.random.default_rng(5)
    hard = rng.uniform(0.5, 5.0, 4)  # some segments are hard for all: that is no doubt about which fit is better
    errors = hard + np.array([[0.0, 0, 0, 0], [0.1, 0.1, 0.1, 0.1], [0.5, -0.3, 0.4, -0.3], [0.0, 0, 0, 0]])
    loss, deviation = mixture.losses(errors, size)
    np.testing.assert_allclose(loss, [0.0, 0.1, 0.4 / 6, 0.0], atol=1e-12)
    shares = size / 6
    spread = ((errors[2] - hard - loss[2]) ** 2 * shares**2).sum() * 4 / 3
    np.testing.assert_allclose(deviation, [0.0, 0.0, np.sqrt(spread), 0.0], atol=1e-12)
    weights = mixture.by_evidence(errors, size)
    np.testing.assert_allclose(weights, [1.0, 0.0, np.exp(-0.5 * loss[2] ** 2 / spread), 1.0], atol=1e-12)


def test_standard_error_of_segments_alike_is_that_of_a_mean() -> None:
    more = np.random.default_rng(6).normal(0.2, 0.1, 9)
    _, deviation = mixture.losses(np.stack((np.ones(9), 1 + more)), np.ones(9))
    assert deviation[1] == pytest.approx(more.std(ddof=1) / 3)


def test_more_segments_more_confidence() -> None:
    def share_of_best(segments: int) -> float:
        rng = np.random.default_rng(7)
        errors = np.stack([rng.normal(1.0, 0.2, segments), rng.normal(1.1, 0.2, segments)])
        weights = mixture.by_evidence(errors, np.ones(segments))
        return float(weights[0] / weights.sum())

    assert share_of_best(400) > 0.95
    assert 0.3 < share_of_best(4) < 0.8


def test_every_place_counts_alike() -> None:
    stood: Array = np.repeat([[1.0, 1.0]], 80, axis=0)
    walked = np.column_stack((np.linspace(3.0, 8.0, 100), np.full(100, 4.0)))
    counts = mixture.evenly(np.concatenate((stood, walked)))
    assert counts.mean() == pytest.approx(1.0)
    assert counts[:80].max() < 0.3 * counts[80:].min()
    assert counts[80:].sum() > 4 * counts[:80].sum(), "five metres against one place"
    np.testing.assert_allclose(mixture.evenly(stood), 1.0)


def test_a_place_that_was_hardly_met_does_not_outweigh_all() -> None:
    walked = np.column_stack((np.linspace(0.0, 8.0, 800), np.zeros(800)))
    counts = mixture.evenly(np.concatenate((walked, [[20.0, 20.0]])))
    assert counts[-1] == pytest.approx(mixture.RARE * np.median(counts))
