import numpy as np

from edge.arrays import Array
from edge.parse.subcarriers import INDEX_20_MHZ
from edge.signal.antennas import AMPLITUDES, BINS, GROUP, PRODUCTS, VALUES, array_values, array_values_plain
from tests.signal.test_phase import random_csi


def product(values: Array) -> Array:
    """(N, 2, 10) complex: the antenna products of `array_values`."""
    re, im = values[:, AMPLITUDES:].reshape(-1, 2, PRODUCTS, BINS).swapaxes(0, 1)
    return np.asarray(re + 1j * im)


def test_equals_its_plain_twin() -> None:
    csi = random_csi(50, seed=1)
    csi[7] = 0
    csi[8, 1] = 0
    fast = array_values(csi)
    assert fast.shape == (50, VALUES) == (50, 70)
    assert not fast[7].any()
    np.testing.assert_allclose(fast, array_values_plain(csi), rtol=0, atol=1e-12)


def test_known_values() -> None:
    """Mean power 2; antenna 2 hears nothing; antenna 1 differs in the subcarriers of the last group."""
    csi = np.zeros((1, 3, 30), np.complex64)
    csi[:, 0], csi[:, 1] = 2j, np.sqrt(2)
    csi[:, 1, -GROUP:] = -np.sqrt(2)
    values = array_values(csi)
    amplitude = values[0, :AMPLITUDES].reshape(3, BINS)
    np.testing.assert_allclose(amplitude, [[np.sqrt(2)] * BINS, [1] * BINS, [0] * BINS], atol=1e-6)
    np.testing.assert_allclose(product(values)[0], [[1j * np.sqrt(2)] * 9 + [-1j * np.sqrt(2)], [0] * BINS], atol=1e-6)


def test_what_a_packet_s_own_offsets_do_cancels() -> None:
    """Carrier phase, sampling slope and gain differ from packet to packet, and are common to the antennas."""
    rng = np.random.default_rng(2)
    csi = random_csi(40, seed=3)
    turn = rng.uniform(0, 2 * np.pi, (40, 1)) + rng.normal(0, 0.4, (40, 1)) * INDEX_20_MHZ
    spoiled = csi * (rng.uniform(0.1, 9.0, (40, 1)) * np.exp(1j * turn))[:, None]
    np.testing.assert_allclose(array_values(spoiled.astype(np.complex64)), array_values(csi), rtol=0, atol=1e-5)


def test_oscillator_phases_turn_each_product_as_a_whole() -> None:
    csi = random_csi(40, seed=4)
    phases = np.array([0.3, 1.7, -2.0])
    values, turned = array_values(csi), array_values((csi * np.exp(1j * phases)[:, None]).astype(np.complex64))
    np.testing.assert_allclose(turned[:, :AMPLITUDES], values[:, :AMPLITUDES], rtol=0, atol=1e-5)
    expected = product(values) * np.exp(-1j * np.diff(phases))[:, None]
    np.testing.assert_allclose(product(turned), expected, rtol=0, atol=1e-5)
