import numpy as np
import pytest

from edge.arrays import Array
from edge.signal.antennas import AMPLITUDES, BINS, VALUES
from edge.signal.baseline import (
    AMPLITUDE_GAIN,
    MEMORY,
    PHASE_GAIN,
    PRODUCT_GAIN,
    array_deviations,
    array_deviations_plain,
    link_deviations,
    link_deviations_plain,
    running_mean,
    running_mean_plain,
)


def random_rows(count: int, subcarriers: int, seed: int) -> Array:
    """(G, 3*K): positive amplitudes, product parts about a mean that is not zero."""
    rng = np.random.default_rng(seed)
    amplitude = rng.uniform(0.5, 1.5, (count, subcarriers))
    return np.concatenate((amplitude, rng.normal(0.4, 0.5, (count, 2 * subcarriers))), axis=1)


def random_array_rows(count: int, seed: int) -> Array:
    """(G, 70), the same for all antennas."""
    rng = np.random.default_rng(seed)
    amplitude = rng.uniform(0.5, 1.5, (count, AMPLITUDES))
    return np.concatenate((amplitude, rng.normal(0.4, 0.5, (count, VALUES - AMPLITUDES))), axis=1)


def all_of(rows: Array) -> Array:
    return np.ones(len(rows), bool)


def means_of(rows: Array, known: Array, learning: Array | None = None) -> Array:
    return running_mean(rows, known, all_of(rows) if learning is None else learning, np.zeros(rows.shape[1]), 0)[0]


@pytest.mark.parametrize(("count", "values"), [(200, 90), (MEMORY + 500, 6)])
def test_the_mean_equals_its_plain_twin(count: int, values: int) -> None:
    rows = np.random.default_rng(1).standard_normal((count, values))
    np.testing.assert_allclose(means_of(rows, all_of(rows)), running_mean_plain(rows), rtol=0, atol=1e-9)


def test_deviations_of_a_pair_equal_their_plain_twin() -> None:
    rows, means = random_rows(200, 30, seed=1), random_rows(200, 30, seed=2)
    rows[:, 0] = means[:, 0] = 0.0  # a subcarrier that hears nothing
    np.testing.assert_allclose(
        link_deviations(rows, means, all_of(rows)), link_deviations_plain(rows, means), rtol=0, atol=1e-6
    )


def test_deviations_of_all_antennas_equal_their_plain_twin() -> None:
    rows, means = random_array_rows(200, seed=3), random_array_rows(200, seed=4)
    fast = array_deviations(rows, means, all_of(rows))
    assert fast.dtype == np.float32
    np.testing.assert_allclose(fast, array_deviations_plain(rows, means), rtol=0, atol=1e-6)


def test_known_values_of_a_pair() -> None:
    """The second of two points is compared with the mean of both."""
    rows = np.array([[1.0, 1.0, 0.0], [3.0, 0.0, 1.0]])
    out = link_deviations(rows, means_of(rows, all_of(rows)), all_of(rows))
    amplitude = np.tanh(AMPLITUDE_GAIN * 0.5)
    np.testing.assert_allclose(out[:, 0], [[0, 0], [amplitude, np.tanh(PHASE_GAIN * np.pi / 4)]], atol=1e-6)


def test_known_values_of_all_antennas() -> None:
    """Levels 1, 2 and 3; the product of the first two points along i, and moves by a tenth of their levels."""
    mean = np.zeros((1, VALUES))
    mean[0, :AMPLITUDES] = np.repeat([1.0, 2.0, 3.0], BINS)
    mean[0, AMPLITUDES + 2 * BINS :] = 1.0  # imaginary parts
    moved = mean.copy()
    moved[0, 2 * BINS] += 0.3  # antenna 2, first bin
    moved[0, AMPLITUDES] -= 0.2  # real part of the first product, first bin: across the mean
    moved[0, AMPLITUDES + 2 * BINS + 1] += 0.2  # imaginary part of its second bin: along
    expected = np.zeros((1, VALUES))
    expected[0, 2 * BINS] = np.tanh(AMPLITUDE_GAIN * 0.1)
    expected[0, AMPLITUDES + 2 * BINS] = np.tanh(PRODUCT_GAIN * 0.1)
    expected[0, AMPLITUDES + 1] = np.tanh(PRODUCT_GAIN * 0.1)
    np.testing.assert_allclose(array_deviations(moved, mean, np.ones(1, bool)), expected, atol=1e-6)


def test_an_antenna_that_hears_nothing_gives_zeros() -> None:
    rows, means = random_array_rows(20, seed=5), random_array_rows(20, seed=6)
    for values in (rows, means):
        values[:, 2 * BINS : AMPLITUDES] = 0.0
        values[:, AMPLITUDES:].reshape(20, 2, 2, BINS)[:, :, 1] = 0.0
    out = array_deviations(rows, means, all_of(rows))
    parts = out[:, AMPLITUDES:].reshape(20, 2, 2, BINS)
    assert not out[:, 2 * BINS : AMPLITUDES].any()
    assert not parts[:, :, 1].any()
    assert out[:, : 2 * BINS].all()
    assert parts[:, :, 0].all()


def test_unknown_points_are_zero_and_teach_nothing() -> None:
    known = np.random.default_rng(3).uniform(size=100) > 0.3
    for rows, columns in (
        (random_rows(100, 3, seed=2), link_deviations),
        (random_array_rows(100, 2), array_deviations),
    ):
        spoiled = np.where(known[:, None], rows, 1e9)
        means = means_of(spoiled, known)
        np.testing.assert_array_equal(means[known], means_of(rows[known], all_of(rows[known])))
        out = columns(spoiled, means, known)
        assert not out[~known].any()
        np.testing.assert_array_equal(out[known], columns(rows[known], means[known], known[known]))


def test_means_are_carried_from_call_to_call() -> None:
    rows = random_rows(50, 2, seed=4)
    mean, seen, pieces = np.zeros(6), 0, []
    for piece in np.split(rows, [1, 7, 30]):
        part, seen = running_mean(piece, all_of(piece), all_of(piece), mean, seen)
        pieces.append(part)
    assert seen == 50
    np.testing.assert_array_equal(np.concatenate(pieces), means_of(rows, all_of(rows)))


def test_the_mean_of_an_empty_room_stays() -> None:
    rows = random_rows(100, 2, seed=5)
    learning = np.arange(100) < 40
    means = means_of(rows, all_of(rows), learning)
    np.testing.assert_array_equal(means[:40], means_of(rows, all_of(rows))[:40])
    np.testing.assert_array_equal(means[40:], np.tile(means[39], (60, 1)))
    np.testing.assert_allclose(means[39], rows[:40].mean(axis=0))


def test_what_stands_still_long_enough_fades() -> None:
    """A step is forgotten exponentially once MEMORY points have been seen: 1/e is left after MEMORY more."""
    rows = np.ones((3 * MEMORY, 3))
    rows[MEMORY:, 0] = 2.0
    amplitude = link_deviations(rows, means_of(rows, all_of(rows)), all_of(rows))[:, 0, 0]
    left = np.exp(-1)
    assert np.arctanh(amplitude[2 * MEMORY]) / AMPLITUDE_GAIN == pytest.approx(2 / (2 - left) - 1, abs=1e-3)
