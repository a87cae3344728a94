import numpy as np
import pytest

from edge.arrays import Array
from edge.signal.baseline import AMPLITUDE_GAIN, MEMORY, PHASE_GAIN, deviations, deviations_plain


def random_rows(count: int, subcarriers: int, seed: int) -> Array:
    """(G, 3*K): positive amplitudes, product parts about a mean that is not zero."""
    rng = np.random.default_rng(seed)
    amplitude = rng.uniform(0.5, 1.5, (count, subcarriers))
    return np.concatenate((amplitude, rng.normal(0.4, 0.5, (count, 2 * subcarriers))), axis=1)


def columns(rows: Array, known: Array) -> Array:
    return deviations(rows, known, np.zeros(rows.shape[1]), 0)[0]


@pytest.mark.parametrize(("count", "subcarriers"), [(200, 30), (MEMORY + 500, 2)])
def test_equals_its_plain_twin(count: int, subcarriers: int) -> None:
    rows = random_rows(count, subcarriers, seed=1)
    rows[:, 0] = 0.0  # a subcarrier that hears nothing
    np.testing.assert_allclose(columns(rows, np.ones(count, bool)), deviations_plain(rows), rtol=0, atol=1e-6)


def test_known_values() -> None:
    """The second of two points is compared with the mean of both."""
    rows = np.array([[1.0, 1.0, 0.0], [3.0, 0.0, 1.0]])
    amplitude = np.tanh(AMPLITUDE_GAIN * 0.5)
    np.testing.assert_allclose(
        columns(rows, np.ones(2, bool))[:, 0], [[0, 0], [amplitude, np.tanh(PHASE_GAIN * np.pi / 4)]], atol=1e-6
    )


def test_unknown_points_are_zero_and_teach_nothing() -> None:
    rows = random_rows(100, 3, seed=2)
    known = np.random.default_rng(3).uniform(size=100) > 0.3
    spoiled = np.where(known[:, None], rows, 1e9)
    out = columns(spoiled, known)
    assert not out[~known].any()
    np.testing.assert_array_equal(out[known], columns(rows[known], np.ones(known.sum(), bool)))


def test_means_are_carried_from_call_to_call() -> None:
    rows = random_rows(50, 2, seed=4)
    known = np.ones(50, bool)
    mean, seen, pieces = np.zeros(6), 0, []
    for piece in np.split(rows, [1, 7, 30]):
        part, seen = deviations(piece, known[: len(piece)], mean, seen)
        pieces.append(part)
    assert seen == 50
    np.testing.assert_array_equal(np.concatenate(pieces), columns(rows, known))


def test_what_stands_still_long_enough_fades() -> None:
    """A step is forgotten exponentially once MEMORY points have been seen: 1/e is left after MEMORY more."""
    rows = np.ones((3 * MEMORY, 3))
    rows[MEMORY:, 0] = 2.0
    amplitude = columns(rows, np.ones(len(rows), bool))[:, 0, 0]
    left = np.exp(-1)
    assert np.arctanh(amplitude[2 * MEMORY]) / AMPLITUDE_GAIN == pytest.approx(2 / (2 - left) - 1, abs=1e-3)
