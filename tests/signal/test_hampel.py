import numpy as np

from edge.signal.hampel import HALF_WIDTH, WIDTH, hampel, hampel_plain


def test_equals_its_plain_twin() -> None:
    rng = np.random.default_rng(1)
    rows = rng.standard_normal((400, 5)) + np.where(rng.uniform(size=(400, 5)) < 0.05, 10.0, 0.0)
    rows[:, 4] = np.round(rows[:, 4])  # many equal values: median deviations of zero
    replaced = hampel(rows) != rows[HALF_WIDTH:-HALF_WIDTH]
    assert 0.05 < replaced.mean() < 0.5
    np.testing.assert_array_equal(hampel(rows), hampel_plain(rows))


def test_a_packet_that_stands_out_becomes_its_neighbours_median() -> None:
    rows = np.arange(30.0)[:, None].repeat(2, axis=1)
    clean = rows.copy()
    rows[15, 0] = 1000.0
    clean[15, 0] = 16.0  # median of 12, 13, 14, 16, 17, 18, 1000
    np.testing.assert_array_equal(hampel(rows), clean[HALF_WIDTH:-HALF_WIDTH])


def test_packets_without_a_whole_window_are_left_out() -> None:
    for count in range(WIDTH + 2):
        rows = np.ones((count, 3))
        expected = max(count - 2 * HALF_WIDTH, 0), 3
        assert hampel(rows).shape == hampel_plain(rows).shape == expected
