"""What is kept of a packet where all antennas are used: every amplitude, and the products of neighbouring antennas.

As in `phase`, carrier and sampling offsets cancel in H_a * conj(H_b). Neighbouring subcarriers are averaged in groups
of three: 2 MHz apart, a group still holds every delay up to 500 ns, and a third of the noise's power is left.
"""

import numpy as np
from numba import njit

from edge.arrays import Array

GROUP = 3  # subcarriers averaged
BINS = 10  # groups
ANTENNAS = 3
PRODUCTS = 2  # antenna 0 with 1, 1 with 2; 0 with 2 would follow from them
AMPLITUDES = ANTENNAS * BINS
VALUES = AMPLITUDES + 2 * PRODUCTS * BINS


@njit(cache=True, nogil=True, error_model="numpy")  # see `hampel`
def array_values(csi: Array) -> Array:
    """Amplitudes and neighbour products of each packet, over the packet's mean power.

    csi      (N, 3, 30) complex64, counts
    returns  (N, 70) float64, no unit: per antenna and bin the mean |H_a| / sqrt(P); then per pair and bin the real,
             then the imaginary part of the mean H_a * conj(H_a+1) / P
    """
    values = np.empty((csi.shape[0], VALUES))
    re = np.empty((ANTENNAS, GROUP * BINS))
    im = np.empty((ANTENNAS, GROUP * BINS))
    single = np.empty((VALUES // BINS, GROUP * BINS))  # of every subcarrier, in the order of the values
    along = single[ANTENNAS : ANTENNAS + PRODUCTS]
    across = single[ANTENNAS + PRODUCTS :]
    for n in range(csi.shape[0]):
        power = 0.0
        for a in range(ANTENNAS):
            for k in range(GROUP * BINS):
                re[a, k] = csi[n, a, k].real
                im[a, k] = csi[n, a, k].imag
                power += re[a, k] * re[a, k] + im[a, k] * im[a, k]
        power /= ANTENNAS * GROUP * BINS
        if power == 0.0:
            values[n] = 0.0
            continue
        level = np.sqrt(power)
        for a in range(ANTENNAS):
            for k in range(GROUP * BINS):
                single[a, k] = np.sqrt(re[a, k] * re[a, k] + im[a, k] * im[a, k]) / (GROUP * level)
        for p in range(PRODUCTS):
            for k in range(GROUP * BINS):
                along[p, k] = (re[p, k] * re[p + 1, k] + im[p, k] * im[p + 1, k]) / (GROUP * power)
                across[p, k] = (im[p, k] * re[p + 1, k] - re[p, k] * im[p + 1, k]) / (GROUP * power)
        for s in range(single.shape[0]):
            for k in range(BINS):
                values[n, s * BINS + k] = single[s, GROUP * k] + single[s, GROUP * k + 1] + single[s, GROUP * k + 2]
    return values


def array_values_plain(csi: Array) -> Array:
    """The same as `array_values`, in plain NumPy."""
    csi = csi.astype(np.complex128)
    power = (np.abs(csi) ** 2).mean(axis=(1, 2))
    power[power == 0] = np.inf
    amplitude = np.abs(csi) / np.sqrt(power)[:, None, None]
    product = csi[:, :-1] * csi[:, 1:].conj() / power[:, None, None]
    grouped = [part.reshape(*part.shape[:2], BINS, GROUP).mean(axis=3) for part in (amplitude, product)]
    flat = [part.reshape(len(csi), -1) for part in grouped]
    return np.concatenate((flat[0], flat[1].real, flat[1].imag), axis=1)
