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


@njit(cache=True, nogil=True)
def array_values(csi: Array) -> Array:
    """Amplitudes and neighbour products of each packet, over the packet's mean power.

    csi      (N, 3, 30) complex64, counts
    returns  (N, 70) float64, no unit: per antenna and bin the mean |H_a| / sqrt(P); then per pair and bin the real,
             then the imaginary part of the mean H_a * conj(H_a+1) / P
    """
    values = np.zeros((csi.shape[0], VALUES))
    re = np.empty((ANTENNAS, GROUP * BINS))
    im = np.empty((ANTENNAS, GROUP * BINS))
    for n in range(csi.shape[0]):
        power = 0.0
        for a in range(ANTENNAS):
            for k in range(GROUP * BINS):
                re[a, k] = csi[n, a, k].real
                im[a, k] = csi[n, a, k].imag
                power += re[a, k] * re[a, k] + im[a, k] * im[a, k]
        power /= ANTENNAS * GROUP * BINS
        if power == 0.0:
            continue
        level = np.sqrt(power)
        for a in range(ANTENNAS):
            for k in range(GROUP * BINS):
                size = np.sqrt(re[a, k] * re[a, k] + im[a, k] * im[a, k])
                values[n, a * BINS + k // GROUP] += size / (GROUP * level)
        for p in range(PRODUCTS):
            at = AMPLITUDES + p * BINS
            for k in range(GROUP * BINS):
                along = re[p, k] * re[p + 1, k] + im[p, k] * im[p + 1, k]
                across = im[p, k] * re[p + 1, k] - re[p, k] * im[p + 1, k]
                values[n, at + k // GROUP] += along / (GROUP * power)
                values[n, at + PRODUCTS * BINS + k // GROUP] += across / (GROUP * power)
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
