import numpy as np

from edge.arrays import Array
from edge.signal.hampel import HALF_WIDTH, WIDTH, hampel, hampel_plain


def random_rows(count: int, seed: int) -> Array:
    """(N, 3*4): four subcarriers' amplitudes, real and imaginary parts, one value in twenty far off."""
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((count, 12)) + np.where(rng.uniform(size=(count, 12)) < 0.05, 10.0, 0.0)
    rows[:, [1, 5, 9]] = np.round(rows[:, [1, 5, 9]])  # many equal values: median deviations of zero
    rows[:, [6, 10]] = 0.0  # a partner that heard nothing
    return np.asarray(rows)


def test_equals_its_plain_twin() -> None:
    rows = random_rows(400, seed=1)
    clean = hampel(rows, 4)
    replaced = ~np.isclose(clean, rows[HALF_WIDTH:-HALF_WIDTH])
    assert 0.05 < replaced[:, [0, 2, 3, 4, 7, 8, 11]].mean() < 0.5
    np.testing.assert_allclose(clean, hampel_plain(rows, 4), rtol=0, atol=1e-12)


def test_amplitudes_and_products_need_not_be_as_many() -> None:
    """As with all antennas, 30 amplitudes and 20 products."""
    rows = np.ascontiguousarray(random_rows(400, seed=3)[:, [0, 2, 3, 4, 7, 8, 9, 11]])
    for amplitudes in (0, 2, 6, 8):
        clean = hampel(rows, amplitudes)
        np.testing.assert_allclose(clean, hampel_plain(rows, amplitudes), rtol=0, atol=1e-12)
        np.testing.assert_array_equal(clean[:, :amplitudes], hampel(rows, 8)[:, :amplitudes])


def test_an_amplitude_that_stands_out_becomes_its_neighbours_median() -> None:
    rows = np.arange(30.0)[:, None].repeat(3, axis=1)
    clean = rows.copy()
    rows[15, 0] = 1000.0
    clean[15, 0] = 16.0  # median of 12, 13, 14, 16, 17, 18, 1000
    np.testing.assert_allclose(hampel(rows, 1), clean[HALF_WIDTH:-HALF_WIDTH], rtol=0, atol=1e-12)


def test_limit_is_three_deviations_of_a_normal_distribution() -> None:
    """Median 1 and median deviation 2: the limit is 3 * 1.4826 * 2 = 8.8956."""
    rows = np.array([-1.0, -1.0, -1.0, 0.0, 1.0, 1.0, 1.0])[:, None].repeat(3, axis=1)
    for value, expected in ((9.89, 9.89), (9.90, 1.0)):
        rows[3, 0] = value
        assert hampel(rows, 1)[0, 0] == expected


def test_turning_the_products_turns_the_result() -> None:
    rows = random_rows(200, seed=2)
    rows[:, 5] += rows[:, 4]  # no ties, which rounding would decide
    turn = np.exp(0.7j)
    product = (rows[:, 4:8] + 1j * rows[:, 8:]) * turn
    clean, turned = hampel(rows, 4), hampel(np.concatenate((rows[:, :4], product.real, product.imag), axis=1), 4)
    np.testing.assert_array_equal(turned[:, :4], clean[:, :4])
    expected = (clean[:, 4:8] + 1j * clean[:, 8:]) * turn
    np.testing.assert_allclose(turned[:, 4:8] + 1j * turned[:, 8:], expected, rtol=0, atol=1e-12)


def test_packets_without_a_whole_window_are_left_out() -> None:
    for count in range(WIDTH + 2):
        rows = np.ones((count, 3))
        expected = max(count - 2 * HALF_WIDTH, 0), 3
        assert hampel(rows, 1).shape == hampel_plain(rows, 1).shape == expected
