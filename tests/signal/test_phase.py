import numpy as np

from edge.arrays import Array
from edge.parse.subcarriers import INDEX_20_MHZ
from edge.signal.phase import VALUES, packet_values, packet_values_plain


def random_csi(count: int, seed: int) -> Array:
    """(N, 3, 30) complex64, whole counts."""
    rng = np.random.default_rng(seed)
    return rng.integers(-128, 128, (count, 3, 30, 2)).astype(np.float32).view(np.complex64)[..., 0]


def test_equals_its_plain_twin() -> None:
    csi = random_csi(50, seed=1)
    csi[7] = 0
    for reference, partner in ((0, 1), (2, 0), (1, 2)):
        fast = packet_values(csi, reference, partner)
        assert fast.shape == (50, VALUES)
        assert not fast[7].any()
        np.testing.assert_allclose(fast, packet_values_plain(csi, reference, partner), rtol=0, atol=1e-12)


def test_known_values() -> None:
    csi = np.zeros((1, 3, 30), np.complex64)
    csi[:, 0], csi[:, 1], csi[:, 2] = 2j, 1, 1  # mean power 2
    values = packet_values(csi, 0, 1).reshape(3, 30)
    np.testing.assert_allclose(values, [[np.sqrt(2)] * 30, [0] * 30, [1] * 30], atol=1e-12)


def test_what_a_packet_s_own_offsets_do_cancels() -> None:
    """Carrier phase, sampling slope and gain differ from packet to packet, and are common to the antennas."""
    rng = np.random.default_rng(2)
    csi = random_csi(40, seed=3)
    turn = rng.uniform(0, 2 * np.pi, (40, 1)) + rng.normal(0, 0.4, (40, 1)) * INDEX_20_MHZ
    spoiled = csi * (rng.uniform(0.1, 9.0, (40, 1)) * np.exp(1j * turn))[:, None]
    np.testing.assert_allclose(
        packet_values(spoiled.astype(np.complex64), 2, 1), packet_values(csi, 2, 1), rtol=0, atol=1e-5
    )
