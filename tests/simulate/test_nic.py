from dataclasses import replace

import numpy as np
import pytest

from edge.arrays import Array
from edge.parse.subcarriers import INDEX_20_MHZ, SPACING_HZ
from firmware_tools.simulate.nic import SLOPE_DEVIATION_NS, SLOPE_MEAN_NS, Nic, RawRecords, draw_nic, receive

TIME_S = np.arange(2000) / 150 + 3.0


def flat(nic: Nic) -> tuple[RawRecords, int]:
    """What it makes of a channel that is the same everywhere."""
    return receive(np.full((2000, 3, 30), 1e-3, np.complex128), TIME_S, nic, np.random.default_rng(1))


@pytest.fixture
def nic() -> Nic:
    """A receiver that adds nothing that can be left out."""
    drawn = draw_nic(np.random.default_rng(2))
    return replace(drawn, noise=0.0, loss=0.0, burst=0.0, offsets=np.ones(3, complex), level=40.0)


def test_lost_packets_are_lost(nic: Nic) -> None:
    records, first = flat(replace(nic, loss=0.3))
    assert records.timestamp_low.size / 2000 == pytest.approx(0.7, abs=0.04)
    assert first == int(np.argmax(np.random.default_rng(1).uniform(size=2000) >= 0.3))


def test_its_clock_runs_as_drawn(nic: Nic) -> None:
    records, _ = flat(replace(nic, clock_offset_us=(1 << 32) - 5_000_000, clock_ppm=100.0))
    ticks = np.unwrap(records.timestamp_low.astype(np.float64), period=1 << 32)
    expected = (1 << 32) - 5e6 + 3e6 + (TIME_S - 3.0) * 1e6 * (1 + 100e-6)
    np.testing.assert_allclose(ticks, expected, atol=4.0)


def test_raw_phase_is_random_and_slopes_as_measured(nic: Nic) -> None:
    records, _ = flat(nic)
    h = records.iq[..., 0] + 1j * records.iq[..., 1]
    np.testing.assert_array_equal(h[:, 0], h[:, 1])  # common to the antennas
    assert np.abs(np.exp(1j * np.angle(h[:, 0, 0])).mean()) < 0.1
    steps = np.angle(h[:, 0, 1:] * h[:, 0, :-1].conj()) / np.diff(INDEX_20_MHZ)
    delay_ns = -steps.mean(axis=1) / (2 * np.pi * SPACING_HZ) * 1e9
    assert delay_ns.mean() == pytest.approx(SLOPE_MEAN_NS, abs=3.0)
    assert delay_ns.std() == pytest.approx(SLOPE_DEVIATION_NS, abs=3.0)


def test_noise_is_relative_to_the_channel(nic: Nic) -> None:
    quiet, loud = (counts(flat(replace(nic, noise=noise))[0]) for noise in (0.0, 0.1))
    assert np.sqrt(np.mean(np.abs(loud - quiet) ** 2) / np.mean(np.abs(quiet) ** 2)) == pytest.approx(0.1, abs=0.01)


def test_counts_saturate_at_eight_bits(nic: Nic) -> None:
    loud, louder = (counts(flat(replace(nic, level=level))[0]) for level in (50.0, 500.0))
    clipped = np.stack((loud.real, loud.imag)) * 10
    np.testing.assert_allclose(np.stack((louder.real, louder.imag)), clipped.clip(-128, 127), atol=6.0)
    assert louder.real.max() == 127
    assert louder.real.min() == -128


def test_agc_keeps_the_counts_and_says_so() -> None:
    """20 dB less signal, 20 dB more gain: the same counts."""
    nic = replace(draw_nic(np.random.default_rng(3)), agc_target_dbm=-20.0)
    strong, weak = (
        receive(np.full((50, 3, 30), level, complex), TIME_S[:50], nic, np.random.default_rng(1))[0]
        for level in (1e-3, 1e-4)
    )
    np.testing.assert_array_equal(strong.iq, weak.iq)
    assert (weak.agc.astype(int) - strong.agc == 20).all()


def counts(records: RawRecords) -> Array:
    return np.asarray(records.iq[..., 0] + 1j * records.iq[..., 1])
