import numpy as np
import pytest

from edge.arrays import Array
from edge.signal.grid import RATE_HZ
from edge.signal.resample import MAX_GAP_US, SUPPORT_US, grid_time_us, resample, resample_plain

GRID_US = grid_time_us(np.arange(2, 298))


def packets_with_gap(gap_us: float, rng: np.random.Generator) -> Array:
    """(N,) us: 500 packets/s over two seconds, without those of a stretch at 0.9 s; both edges are heard."""
    time = np.sort(rng.uniform(0.0, 2e6, 1000))
    time = time[(time < 0.9e6) | (time > 0.9e6 + gap_us)]
    return np.sort(np.append(time, (0.9e6, 0.9e6 + gap_us)))


@pytest.mark.parametrize("packets_per_s", [60, 150, 1000])
def test_equals_its_plain_twin(packets_per_s: int) -> None:
    """Irregular packets: lines through many, through two, and gaps; the grid begins before and ends after them."""
    rng = np.random.default_rng(packets_per_s)
    time = np.cumsum(rng.exponential(1e6 / packets_per_s, 2 * packets_per_s))
    rows = rng.standard_normal((time.size, 3))
    grid_us = grid_time_us(np.arange(-3, 330))
    values, known = resample(time, rows, grid_us)
    plain_values, plain_known = resample_plain(time, rows, grid_us)
    np.testing.assert_array_equal(known, plain_known)
    assert 0.5 < known.mean() < 1.0
    np.testing.assert_allclose(values, plain_values, rtol=0, atol=1e-8)


@pytest.mark.parametrize("frequency", [1.0, 10.0, 29.0, 50.0, 120.0, 151.0])
def test_frequencies_pass_as_the_hann_kernel_lets_them(frequency: float) -> None:
    """At 1000 packets/s: a sine comes through without delay, times the Fourier transform of the Hann window."""
    time = np.arange(2000) * 1000.0
    signal = np.stack((np.cos(2e-6 * np.pi * frequency * time), np.sin(2e-6 * np.pi * frequency * time)), axis=1)
    values, known = resample(time, signal, GRID_US)
    assert known.all()
    span = 2e-6 * SUPPORT_US * frequency
    response = np.sinc(span) / (1 - span**2) if span != 1.0 else 0.5
    turned = (values[:, 0] + 1j * values[:, 1]) * np.exp(-2e-6j * np.pi * frequency * GRID_US)
    np.testing.assert_allclose(turned, response, rtol=0, atol=0.01)


def test_motion_survives_and_what_would_alias_does_not() -> None:
    time = np.arange(2000) * 1000.0

    def amplitude(frequency: float) -> float:
        values, _ = resample(time, np.sin(2e-6 * np.pi * frequency * time)[:, None], GRID_US)
        return float(np.sqrt(2) * values.std())

    assert amplitude(29.0) > 0.78
    assert amplitude(120.0) < 0.03  # 30 Hz on the grid, were it sampled


def test_gap_up_to_50_ms_is_a_straight_line() -> None:
    rng = np.random.default_rng(1)
    time = packets_with_gap(MAX_GAP_US, rng)
    rows = rng.standard_normal((time.size, 2))
    values, known = resample(time, rows, GRID_US)
    assert known.all()
    inside = (GRID_US > 0.9e6) & (GRID_US < 0.9e6 + MAX_GAP_US)
    assert inside.sum() >= 7
    lines = np.stack([np.interp(GRID_US[inside], time, row) for row in rows.T], axis=1)
    np.testing.assert_allclose(values[inside], lines, rtol=0, atol=1e-9)


def test_nothing_is_invented_in_a_longer_gap() -> None:
    rng = np.random.default_rng(2)
    time = packets_with_gap(MAX_GAP_US + 1.0, rng)
    values, known = resample(time, np.ones((time.size, 2)), GRID_US)
    inside = (GRID_US >= 0.9e6) & (GRID_US < 0.9e6 + MAX_GAP_US + 1.0)
    np.testing.assert_array_equal(known, ~inside)
    assert not values[inside].any()
    np.testing.assert_allclose(values[~inside], 1.0, rtol=0, atol=1e-9)


def test_a_line_is_kept_as_it_is() -> None:
    """Local regression has no bias on a slope, however unevenly the packets lie."""
    time = np.sort(np.random.default_rng(3).uniform(0.0, 2.1e6, 900))
    values, known = resample(time, (3.0 + 2e-6 * time)[:, None], GRID_US)
    np.testing.assert_allclose(values[known, 0], 3.0 + 2e-6 * GRID_US[known], rtol=0, atol=1e-9)


def test_grid_is_150_hz_from_zero() -> None:
    assert RATE_HZ == 150
    np.testing.assert_allclose(grid_time_us(np.array([0, 1, 150])), [0.0, 6666.666667, 1e6])
