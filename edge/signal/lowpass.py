"""Causal low-pass on the grid: second-order Butterworth, 40 Hz at 150 Hz.

A limb at 2 m/s changes a path by up to 4 m/s, 78 Hz at 5.8 GHz; the body's own share lies under 40 Hz, and what is
above is mostly noise. The coefficients stand here as numbers so that the host need not load scipy.signal (75 MB); a
test designs them again and compares.
"""

import numpy as np
from numba import njit

from edge.arrays import Array

CUTOFF_HZ = 40.0
B0, B1, B2 = 0.3242446420921885, 0.648489284184377, 0.3242446420921885
A1, A2 = 0.12274122501251895, 0.1742373433562354


@njit(cache=True, nogil=True)
def lowpass(rows: Array, known: Array, state: Array, running: bool) -> bool:
    """Filter in place, sample after sample; after an unknown sample it begins anew at rest on the next known one.

    rows     (G, V) float64; known (G,) bool
    state    (2, V) float64, carried from call to call (transposed direct form II)
    running  whether the state is that of the sample just before
    returns  running, for the next call
    """
    for g in range(rows.shape[0]):
        if not known[g]:
            running = False
            continue
        for v in range(rows.shape[1]):
            x = rows[g, v]
            if not running:  # the state that a constant x would have led to
                state[0, v] = (1.0 - B0) * x
                state[1, v] = (B2 - A2) * x
            y = B0 * x + state[0, v]
            state[0, v] = B1 * x - A1 * y + state[1, v]
            state[1, v] = B2 * x - A2 * y
            rows[g, v] = y
        running = True
    return running


def lowpass_plain(rows: Array) -> Array:
    """The same as `lowpass` over known samples only, from the difference equation."""
    padded = np.concatenate((rows[:1], rows[:1], rows))
    out = padded.copy()
    for g in range(2, padded.shape[0]):
        out[g] = B0 * padded[g] + B1 * padded[g - 1] + B2 * padded[g - 2] - A1 * out[g - 1] - A2 * out[g - 2]
    return np.asarray(out[2:])
