"""Phases for the ablations: what every packet's own line does to them, and what it does not."""

import numpy as np
import pytest

from edge.arrays import Array
from edge.errors import BundleMismatch
from edge.parse.subcarriers import INDEX_20_MHZ
from edge.signal.antennas import AMPLITUDES, array_values
from edge.signal.imagespec import KNOWN, PLUS_2, ImageSpec
from edge.signal.links import Links
from firmware_tools.phases import (
    FITTED_PHASE,
    RAW_PHASE,
    fitted_values,
    raw_values,
    single_deviations,
    spec_named,
    without_line,
)

LINKS = Links(reference=0, partner=2)
PACKETS = 40


@pytest.fixture
def csi() -> Array:
    """A channel of a few paths that hardly changes from packet to packet."""
    rng = np.random.default_rng(1)
    delays = rng.uniform(0.0, 100e-9, 8)
    paths = rng.normal(size=(3, 8)) + 1j * rng.normal(size=(3, 8))
    still = paths @ np.exp(-2j * np.pi * np.outer(delays, INDEX_20_MHZ) * 312.5e3)
    return np.asarray(20 * still * (1 + 0.01 * rng.normal(size=(PACKETS, 3, 30))))


@pytest.fixture
def lines() -> Array:
    """What carrier and sampling offsets do to each packet: (N, 1, 30)."""
    rng = np.random.default_rng(2)
    slope, offset = rng.uniform(-0.1, 0.1, (PACKETS, 1)), rng.uniform(-np.pi, np.pi, (PACKETS, 1))
    return np.asarray(np.exp(1j * (slope * INDEX_20_MHZ + offset)))[:, None]


def test_a_packet_s_line_is_in_the_raw_phase_alone(csi: Array, lines: Array) -> None:
    there, gone = (np.abs(values(csi * lines, LINKS) - values(csi, LINKS)) for values in (raw_values, fitted_values))
    assert there[:, AMPLITUDES:].max() > 0.5
    assert gone.max() < 1e-6


def test_what_is_left_is_the_channel(csi: Array, lines: Array) -> None:
    """The same line for all antennas: what is between them stays."""
    left = without_line(csi * lines)
    np.testing.assert_allclose(np.abs(left), np.abs(csi))
    np.testing.assert_allclose(left[:, 0] * left[:, 1].conj(), csi[:, 0] * csi[:, 1].conj(), atol=1e-9)
    again = left.sum(axis=(1, 2))
    assert np.abs(np.angle(again)).max() < 1e-9  # no offset is left


@pytest.mark.parametrize("spec", [RAW_PHASE, FITTED_PHASE], ids=lambda spec: spec.name)
def test_they_are_shown_as_plus_1_is(spec: ImageSpec, csi: Array) -> None:
    chosen = spec_named(spec.name)
    assert chosen.shape == PLUS_2.shape
    rows = chosen.values(csi, LINKS)
    np.testing.assert_allclose(rows[:, :AMPLITUDES], array_values(csi.astype(np.complex64))[:, :AMPLITUDES], rtol=1e-5)
    assert not np.isnan(chosen.values(np.zeros_like(csi), LINKS)).any()
    assert chosen.values(csi[:0], LINKS).shape == chosen.columns(rows[:0], rows[:0], np.ones(0, bool)).shape == (0, 70)
    assert chosen.name not in KNOWN  # no host runs it


def test_deviations_are_over_the_antenna_s_level() -> None:
    rng = np.random.default_rng(3)
    rows = rng.uniform(0.5, 1.5, (6, 70))
    means = np.ones((6, 70)) * 2.0
    known = np.arange(6) > 0
    made = single_deviations(rows, means, known)
    np.testing.assert_allclose(made[1:, :AMPLITUDES], np.tanh(3.0 * (rows[1:, :AMPLITUDES] - 2) / 2), rtol=1e-5)
    np.testing.assert_allclose(made[1:, AMPLITUDES:], np.tanh(2.0 * (rows[1:, AMPLITUDES:] - 2) / 2), rtol=1e-5)
    assert not made[0].any()


def test_other_specs_are_refused() -> None:
    with pytest.raises(BundleMismatch, match="'phase' is not known"):
        spec_named("phase")
