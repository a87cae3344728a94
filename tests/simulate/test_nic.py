from dataclasses import replace

import numpy as np
import pytest

from edge.arrays import Array
from edge.parse.subcarriers import INDEX_20_MHZ, SPACING_HZ
from firmware_tools.simulate.nic import LOSS_RUN, Nic, RawRecords, draw_nic, receive

TIME_S = np.arange(2000) / 150 + 3.0
LONG_S = np.arange(20_000) / 1000


def flat(nic: Nic, time_s: Array = TIME_S, gains: tuple[float, ...] = (1.0, 1.0, 1.0)) -> tuple[RawRecords, int]:
    """What it makes of a channel that is the same everywhere, but for each antenna's gain."""
    channel = np.full((time_s.size, 3, 30), 1e-3, np.complex128) * np.array(gains)[:, None]
    return receive(channel, time_s, nic, np.random.default_rng(1))


@pytest.fixture
def nic() -> Nic:
    """A receiver that adds nothing that can be left out."""
    return replace(
        draw_nic(np.random.default_rng(2)),
        noise=0.0, error=0.0, loss=0.0, burst=0.0, agc_jitter_db=0.0, offsets=np.ones(3, complex),
        response=np.ones(30), level=40.0,
    )  # fmt: skip


def test_packets_are_lost_in_runs(nic: Nic) -> None:
    records, first = flat(replace(nic, loss=0.3, clock_offset_us=0, clock_ppm=0.0), LONG_S)
    heard = np.round(records.timestamp_low / 1e3).astype(int)
    assert heard.size / LONG_S.size == pytest.approx(0.7, abs=0.02)
    assert first == heard[0]
    missing = np.diff(heard) - 1
    assert missing[missing > 0].mean() == pytest.approx(LOSS_RUN, abs=0.1)


def test_its_clock_runs_as_drawn(nic: Nic) -> None:
    records, _ = flat(replace(nic, clock_offset_us=(1 << 32) - 5_000_000, clock_ppm=100.0))
    ticks = np.unwrap(records.timestamp_low.astype(np.float64), period=1 << 32)
    expected = (1 << 32) - 5e6 + 3e6 + (TIME_S - 3.0) * 1e6 * (1 + 100e-6)
    np.testing.assert_allclose(ticks, expected, atol=4.0)


def test_raw_phase_is_random_and_slopes_as_drawn(nic: Nic) -> None:
    records, _ = flat(replace(nic, slope_ns=224.0, slope_deviation_ns=20.0))
    h = counts(records)
    np.testing.assert_array_equal(h[:, 0], h[:, 1])  # common to the antennas
    assert np.abs(np.exp(1j * np.angle(h[:, 0, 0])).mean()) < 0.1
    steps = np.angle(h[:, 0, 1:] * h[:, 0, :-1].conj()) / np.diff(INDEX_20_MHZ)
    delay_ns = -steps.mean(axis=1) / (2 * np.pi * SPACING_HZ) * 1e9
    assert delay_ns.mean() == pytest.approx(224.0, abs=3.0)
    assert delay_ns.std() == pytest.approx(20.0, abs=3.0)


def test_noise_is_the_same_for_a_weak_antenna(nic: Nic) -> None:
    gains = (1.0, 1.0, 0.1)
    added = added_noise(replace(nic, noise=0.1), nic, gains)
    rms = np.sqrt(np.mean(np.abs(counts(flat(nic, gains=gains)[0])) ** 2))
    np.testing.assert_allclose(added / rms, 0.1, atol=0.01)


def test_error_grows_with_the_antenna(nic: Nic) -> None:
    gains = (1.0, 0.5, 0.25)
    added = added_noise(replace(nic, error=0.1), nic, gains)
    own = np.sqrt(np.mean(np.abs(counts(flat(nic, gains=gains)[0])) ** 2, axis=(0, 2)))
    np.testing.assert_allclose(added / own, 0.1, atol=0.02)


def test_interference_comes_in_bursts(nic: Nic) -> None:
    """Several packets in a row, as long and as often as drawn."""
    amplitude = np.abs(counts(flat(replace(nic, noise=0.03, burst=0.2, burst_s=0.03), LONG_S)[0]))
    strength = (amplitude / amplitude.mean(axis=(1, 2), keepdims=True)).std(axis=(1, 2))
    noisy = strength > 2 * np.median(strength)
    starts = np.count_nonzero(np.diff(noisy.astype(int)) == 1)
    assert noisy.mean() == pytest.approx(0.2, abs=0.06)
    assert noisy.sum() / starts == pytest.approx(30, rel=0.3)  # packets, 1 ms apart


def test_filters_are_those_of_the_receiver(nic: Nic) -> None:
    response = np.linspace(0.5, 1.5, 30)
    h = np.abs(counts(flat(replace(nic, response=response))[0])).mean(axis=0)
    for antenna in h:
        np.testing.assert_allclose(antenna / antenna.mean(), response / response.mean(), atol=0.02)


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


def test_agc_moves_only_past_its_hysteresis(nic: Nic) -> None:
    """A signal that goes 3 dB up and down: followed with 1 dB of hysteresis, ignored with 4."""
    swing = 10 ** (1.5 * np.sin(2 * np.pi * TIME_S) / 20)[:, None, None] * np.full((2000, 3, 30), 1e-4)
    moved = [
        np.ptp(receive(swing + 0j, TIME_S, replace(nic, agc_hysteresis_db=db), np.random.default_rng(1))[0].agc)
        for db in (1.0, 4.0)
    ]
    assert moved[0] >= 2
    assert moved[1] == 0


def test_receivers_differ_as_real_ones() -> None:
    drawn = [draw_nic(np.random.default_rng(seed)) for seed in range(300)]
    imbalance = [np.ptp(20 * np.log10(np.abs(nic.offsets))) for nic in drawn]
    assert 0.5 < np.quantile(imbalance, 0.05) < 2.0
    assert 9.0 < np.quantile(imbalance, 0.95) < 14.0
    edges = [20 * np.log10(nic.response[[0, -1]].mean() / nic.response[13:17].mean()) for nic in drawn]
    assert -4.0 < np.median(edges) < -1.5


def test_same_seed_same_records() -> None:
    first, second = (receive(np.ones((300, 3, 30), complex), TIME_S[:300], draw_nic(rng), rng)[0]
                     for rng in (np.random.default_rng(7), np.random.default_rng(7)))  # fmt: skip
    np.testing.assert_array_equal(first.iq, second.iq)
    np.testing.assert_array_equal(first.timestamp_low, second.timestamp_low)


def added_noise(noisy: Nic, quiet: Nic, gains: tuple[float, ...]) -> Array:
    """(3,) counts rms, per antenna."""
    apart = counts(flat(noisy, gains=gains)[0]) - counts(flat(quiet, gains=gains)[0])
    return np.asarray(np.sqrt(np.mean(np.abs(apart) ** 2, axis=(0, 2))))


def counts(records: RawRecords) -> Array:
    return np.asarray(records.iq[..., 0] + 1j * records.iq[..., 1])
