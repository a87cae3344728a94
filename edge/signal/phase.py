"""What is kept of a packet: the reference antenna's amplitude, and its conjugate product with a partner.

All antennas of a receiver share one oscillator and one sampling clock, so the carrier and sampling offsets that make
the raw phase random are the same in both factors of H_ref * conj(H_partner) and cancel (Li et al., IndoTrack, 2017;
the paper's own denoising is not printed).
"""

import numpy as np
from numba import njit

from edge.arrays import Array

VALUES = 90  # 30 amplitudes, 30 real and 30 imaginary parts of the product


@njit(cache=True, nogil=True, error_model="numpy")  # see `hampel`
def packet_values(csi: Array, reference: int, partner: int) -> Array:
    """Amplitude and conjugate product of each packet, over the packet's mean power.

    csi      (N, 3, 30) complex64, counts
    returns  (N, 90) float64, no unit: |H_ref| / sqrt(P), then Re and Im of H_ref * conj(H_partner) / P
    """
    n_packets, n_antennas, n_subcarriers = csi.shape
    values = np.zeros((n_packets, 3 * n_subcarriers))
    for n in range(n_packets):
        power = np.float64(0.0)
        for antenna in range(n_antennas):
            for k in range(n_subcarriers):
                h = csi[n, antenna, k]
                power += np.float64(h.real) * np.float64(h.real) + np.float64(h.imag) * np.float64(h.imag)
        power /= n_antennas * n_subcarriers
        if power == 0.0:
            continue
        level = np.sqrt(power)
        for k in range(n_subcarriers):
            ref_re = np.float64(csi[n, reference, k].real)
            ref_im = np.float64(csi[n, reference, k].imag)
            other_re = np.float64(csi[n, partner, k].real)
            other_im = np.float64(csi[n, partner, k].imag)
            values[n, k] = np.sqrt(ref_re * ref_re + ref_im * ref_im) / level
            values[n, n_subcarriers + k] = (ref_re * other_re + ref_im * other_im) / power
            values[n, 2 * n_subcarriers + k] = (ref_im * other_re - ref_re * other_im) / power
    return values


def packet_values_plain(csi: Array, reference: int, partner: int) -> Array:
    """The same as `packet_values`, in plain NumPy."""
    csi = csi.astype(np.complex128)
    power = (np.abs(csi) ** 2).mean(axis=(1, 2))
    power[power == 0] = np.inf
    product = csi[:, reference] * csi[:, partner].conj() / power[:, None]
    amplitude = np.abs(csi[:, reference]) / np.sqrt(power)[:, None]
    return np.concatenate((amplitude, product.real, product.imag), axis=1)
