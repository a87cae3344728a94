import numpy as np
import pytest

from edge.arrays import Array
from edge.errors import RecordingError
from edge.signal import links
from edge.signal.links import (
    MIN_S,
    Links,
    amplitude_series,
    amplitude_series_plain,
    dynamic_response,
    normalised_power,
    select_links,
)
from tests.signal.conftest import Walk

TIME_US = np.arange(1500) / 150 * 1e6


def body(strength: tuple[float, float, float], noise: tuple[float, float, float], seed: int) -> Array:
    """(1500, 3, 30) complex64: a channel of 20 counts, motion at 8 Hz that all subcarriers share, noise they do not."""
    rng = np.random.default_rng(seed)
    motion = np.sin(2 * np.pi * 8e-6 * TIME_US)[:, None, None] * np.reshape(strength, (3, 1))
    white = rng.standard_normal((1500, 3, 30)) * np.reshape(noise, (3, 1))
    turn = np.exp(2j * np.pi * rng.uniform(size=(1, 3, 30)))
    return np.asarray(20.0 * (1.0 + motion + white) * turn).astype(np.complex64)


def test_noise_is_not_mistaken_for_motion() -> None:
    """The noisy antenna has by far the largest plain variance, which is the paper's own criterion."""
    csi = body(strength=(0.05, 0.20, 0.10), noise=(0.6, 0.02, 0.02), seed=1)
    assert np.abs(csi).var(axis=0).mean(axis=1).argmax() == 0
    assert select_links(TIME_US, csi) == Links(reference=1, partner=2)


def test_a_dead_antenna_is_not_chosen() -> None:
    csi = body(strength=(0.3, 0.1, 0.3), noise=(0.02, 0.02, 0.02), seed=2)
    csi[:, 2] = 0
    assert dynamic_response(TIME_US, csi)[2] == 0.0
    assert select_links(TIME_US, csi) == Links(reference=0, partner=1)


def test_motion_outside_the_band_of_people_does_not_count() -> None:
    drift = 1.0 + 0.3 * np.sin(2 * np.pi * 0.3e-6 * TIME_US)
    csi = body(strength=(0.0, 0.02, 0.01), noise=(0.02, 0.02, 0.02), seed=3)
    csi[:, 0] *= drift[:, None].astype(np.float32)
    assert select_links(TIME_US, csi).reference == 1


def test_a_packet_s_own_gain_does_not_count() -> None:
    csi = body(strength=(0.1, 0.2, 0.05), noise=(0.02, 0.02, 0.02), seed=4)
    gain = np.random.default_rng(5).uniform(0.5, 2.0, (1500, 1, 1)).astype(np.float32)
    np.testing.assert_allclose(dynamic_response(TIME_US, csi * gain), dynamic_response(TIME_US, csi), rtol=1e-4)


def test_a_long_recording_is_judged_by_its_middle(monkeypatch: pytest.MonkeyPatch) -> None:
    csi = body(strength=(0.1, 0.2, 0.05), noise=(0.02, 0.02, 0.02), seed=7)
    middle = dynamic_response(TIME_US[450:1050], csi[450:1050])
    monkeypatch.setattr(links, "MAX_PACKETS", 600)
    np.testing.assert_array_equal(dynamic_response(TIME_US, csi), middle)


def test_a_clock_that_leaps_is_not_followed() -> None:
    """Ten years at 150 Hz would be 47 thousand million grid points."""
    csi = body(strength=(0.1, 0.2, 0.05), noise=(0.02, 0.02, 0.02), seed=8)
    time_us = TIME_US + np.where(np.arange(1500) < 1000, 0.0, 3e14)
    assert np.isfinite(dynamic_response(time_us, csi)).all()


def test_power_of_an_empty_packet_is_one() -> None:
    csi = np.zeros((2, 3, 30), np.complex64)
    csi[1] = 3 + 4j
    np.testing.assert_array_equal(normalised_power(csi), [1.0, 25.0])


def test_too_short_a_stretch_is_refused() -> None:
    csi = body(strength=(0.1, 0.2, 0.1), noise=(0.02, 0.02, 0.02), seed=6)
    enough = round(MIN_S * 150) + 1
    select_links(TIME_US[:enough], csi[:enough])
    for count in (0, 1, enough - 1):
        with pytest.raises(RecordingError, match="record longer"):
            select_links(TIME_US[:count], csi[:count])


def test_receiver_2_s_noisy_antenna_2_is_never_used(wivelo_walks: list[Walk]) -> None:
    assert len(wivelo_walks) == 12
    for walk in wivelo_walks:
        first, second = walk.links
        assert {second.reference, second.partner} == {0, 1}, walk.name
        assert first.reference != first.partner


def test_fast_and_plain_amplitudes_agree() -> None:
    csi = body((0.3, 0.1, 0.0), (0.1, 0.1, 0.2), seed=4)
    csi[7] = 0
    for together, packet in ((1, np.arange(1500)), (7, np.minimum(np.arange(1700) // 2 * 2, 1499))):
        np.testing.assert_allclose(
            amplitude_series(csi, packet, together), amplitude_series_plain(csi, packet, together), rtol=1e-12
        )


def test_a_fast_sender_s_packets_are_averaged_and_tell_the_same() -> None:
    """A thousand packets/s of the same room: six of them make a grid point, and the motion is all there."""
    time_us = np.arange(10_000) * 1e3
    rng = np.random.default_rng(9)
    motion = np.sin(2 * np.pi * 8e-6 * time_us)[:, None, None] * np.reshape((0.05, 0.2, 0.02), (3, 1))
    white = 0.1 * rng.standard_normal((10_000, 3, 30))
    csi = (20.0 * (1.0 + motion + white)).astype(np.complex64)
    slow, fast = dynamic_response(time_us[::6], csi[::6]), dynamic_response(time_us, csi)
    assert fast.argmax() == slow.argmax() == 1
    np.testing.assert_allclose((fast / slow)[:2], 6.0, rtol=0.2)  # of the noise, a sixth is left
