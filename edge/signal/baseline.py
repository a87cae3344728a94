"""The static paths: what stands still is removed (Eq. 2 of the paper, H_s) by comparing with the long-run mean.

Amplitude becomes its relative deviation from its own mean. The phase of the conjugate product is turned by the phase of
its mean, so that neither the antennas' cable lengths nor a restarted NIC (new PLL phases) shift it.

Both are then limited softly, tanh(gain * x): most deviations are a tenth or less, now and then one is ten times that,
and the network reads them in eight bits.
"""

import numpy as np
from numba import njit

from edge.arrays import Array

AMPLITUDE_GAIN = 3.0  # a walking body's 5 to 35 % fill 15 to 78 % of the range
PHASE_GAIN = 1.0  # per radian
MEMORY = 4500  # grid points (30 s): longer than anyone stands still between two steps, shorter than a door stays open


@njit(cache=True, nogil=True)
def deviations(rows: Array, known: Array, mean: Array, seen: int) -> tuple[Array, int]:
    """Image columns from amplitude and product, against means that are carried on.

    rows     (G, 3*K) float64: K amplitudes, K real, K imaginary parts
    known    (G,) bool; unknown points give zeros and teach the mean nothing
    mean     (3*K,) float64, updated: plain mean of the first MEMORY points, then exponential forgetting
    seen     points the mean has seen, at most MEMORY
    returns  (G, K, 2) float32 in (-1, 1): limited relative amplitude and phase; seen for the next call
    """
    n_subcarriers = rows.shape[1] // 3
    out = np.zeros((rows.shape[0], n_subcarriers, 2), np.float32)
    for g in range(rows.shape[0]):
        if not known[g]:
            continue
        seen = min(seen + 1, MEMORY)
        for v in range(mean.size):
            mean[v] += (rows[g, v] - mean[v]) / seen
        for k in range(n_subcarriers):
            if mean[k] > 0.0:
                out[g, k, 0] = np.tanh(AMPLITUDE_GAIN * (rows[g, k] / mean[k] - 1.0))
            re = rows[g, n_subcarriers + k]
            im = rows[g, 2 * n_subcarriers + k]
            mean_re = mean[n_subcarriers + k]
            mean_im = mean[2 * n_subcarriers + k]
            turned = np.arctan2(im * mean_re - re * mean_im, re * mean_re + im * mean_im)
            out[g, k, 1] = np.tanh(PHASE_GAIN * turned)
    return out, seen


def deviations_plain(rows: Array) -> Array:
    """The same as `deviations` from the beginning, over known points, in plain NumPy."""
    columns = []
    mean = np.zeros(rows.shape[1])
    for g, row in enumerate(rows):
        mean = mean + (row - mean) / min(g + 1, MEMORY)
        amplitude, re, im = np.split(row, 3)
        mean_amplitude, mean_re, mean_im = np.split(mean, 3)
        phase = np.angle((re + 1j * im) * (mean_re - 1j * mean_im))
        relative = np.divide(amplitude, mean_amplitude, out=np.ones_like(amplitude), where=mean_amplitude > 0) - 1
        columns.append(np.tanh(np.stack((AMPLITUDE_GAIN * relative, PHASE_GAIN * phase), axis=1)))
    return np.array(columns, np.float32)
