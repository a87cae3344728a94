import numpy as np
import pytest

from edge.errors import BundleMismatch
from edge.signal import antennas, phase
from edge.signal.imagespec import KNOWN, PLUS_1, PLUS_2, WIMOSE_1, ImageSpec, columns_of, known_spec
from edge.signal.links import Links
from tests.signal.test_phase import random_csi


def test_the_first_spec_stays_what_bundles_were_trained_on() -> None:
    """Changing any of these figures makes another spec, with another name."""
    assert known_spec("wimose-1") is WIMOSE_1
    assert WIMOSE_1.shape == (30, 20, 4)
    assert (WIMOSE_1.rate_hz, WIMOSE_1.support_ms, WIMOSE_1.max_gap_ms) == (150, 10.0, 50.0)
    assert (WIMOSE_1.lowpass_hz, WIMOSE_1.baseline_s) == (40.0, 30.0)
    assert WIMOSE_1.gains == (3.0, 1.0)


def test_so_does_the_spec_of_all_antennas() -> None:
    assert known_spec("plus-1") is PLUS_1
    assert PLUS_1.shape == (325, 140)
    assert (PLUS_1.rate_hz, PLUS_1.support_ms, PLUS_1.max_gap_ms) == (150, 10.0, 50.0)
    assert (PLUS_1.lowpass_hz, PLUS_1.baseline_s) == (None, 30.0)
    assert PLUS_1.gains == (3.0, 2.0)
    assert known_spec("plus-2") is PLUS_2
    assert (PLUS_2.shape, PLUS_2.whole) == ((645, 140), PLUS_1.packets)
    assert [columns_of(name) for name in KNOWN] == ["wimose-1", "plus-1", "plus-1"]


def test_an_unknown_spec_is_refused() -> None:
    with pytest.raises(BundleMismatch, match=r"'wimose-9' is not known .*wimose-1, plus-1, plus-2.* update wimose"):
        known_spec("wimose-9")


@pytest.mark.parametrize("spec", KNOWN.values(), ids=KNOWN)
def test_an_image_has_the_spec_s_shape_alone_and_in_batches(spec: ImageSpec) -> None:
    windows = np.random.default_rng(1).uniform(size=(3, spec.packets, *spec.column))
    assert spec.image(windows).shape == (3, *spec.shape)
    np.testing.assert_array_equal(spec.image(windows)[1], spec.image(windows[1]))


def test_layouts_of_an_image() -> None:
    """The paper's is [subcarrier, packet, channel]; that of all antennas stays [packet, value]."""
    window = np.arange(20 * 30 * 4).reshape(20, 30, 4)
    assert WIMOSE_1.image(window)[7, 11, 2] == window[11, 7, 2]
    columns = np.arange(325 * 140).reshape(325, 140)
    np.testing.assert_array_equal(PLUS_1.image(columns), columns)


def test_amplitudes_of_an_image() -> None:
    image = np.zeros(WIMOSE_1.shape)
    image[..., 0], image[..., 2] = 1.0, 2.0
    np.testing.assert_array_equal(WIMOSE_1.amplitude(image)[3, 5], [1.0, 2.0])

    columns = np.full(PLUS_1.shape, -1.0)
    for receiver in range(2):
        for antenna in range(3):
            for number in range(10):
                columns[:, 70 * receiver + 10 * antenna + number] = 100 * receiver + 10 * antenna + number
    amplitude = PLUS_1.amplitude(columns)
    assert amplitude.shape == (10, 325, 6)
    np.testing.assert_array_equal(amplitude[4, 17], [4, 14, 24, 104, 114, 124])


def test_the_values_of_a_packet_are_those_of_its_stage() -> None:
    csi, links = random_csi(9, seed=1), Links(reference=2, partner=1)
    np.testing.assert_array_equal(WIMOSE_1.values(csi, links), phase.packet_values(csi, 2, 1))
    np.testing.assert_array_equal(PLUS_1.values(csi, links), antennas.array_values(csi))
    assert (WIMOSE_1.amplitudes, PLUS_1.amplitudes) == (30, 30)
