"""Hampel filter: a packet that stands out from its neighbours is interference, not motion (Davies and Gather, 1993)."""

import numpy as np
from numba import njit

from edge.arrays import Array

HALF_WIDTH = 3  # packets on either side; a body does not move visibly in the 7 ms this spans at 1000 packets/s
THRESHOLD = 3.0 * 1.4826  # deviations; 1.4826 makes the median deviation that of a normal distribution
WIDTH = 2 * HALF_WIDTH + 1


@njit(cache=True, nogil=True)
def hampel(rows: Array) -> Array:
    """Replace values further than THRESHOLD median deviations from the median of their window by that median.

    rows     (N, V) float64, packets in order
    returns  (N - 2 * HALF_WIDTH, V) float64: the packets that have a whole window
    """
    n_out = max(rows.shape[0] - 2 * HALF_WIDTH, 0)
    out = np.empty((n_out, rows.shape[1]))
    window = np.empty(WIDTH)
    for n in range(n_out):
        for v in range(rows.shape[1]):
            for i in range(WIDTH):
                window[i] = rows[n + i, v]
            median = _median(window)
            value = rows[n + HALF_WIDTH, v]
            for i in range(WIDTH):
                window[i] = abs(rows[n + i, v] - median)
            limit = THRESHOLD * _median(window)
            out[n, v] = value if abs(value - median) <= limit else median
    return out


@njit(cache=True, nogil=True)
def _median(window: Array) -> float:
    """Middle of an odd number of values, by insertion; sorts in place."""
    for i in range(1, window.size):
        value = window[i]
        j = i - 1
        while j >= 0 and window[j] > value:
            window[j + 1] = window[j]
            j -= 1
        window[j + 1] = value
    return float(window[window.size // 2])


def hampel_plain(rows: Array) -> Array:
    """The same as `hampel`, in plain NumPy."""
    if rows.shape[0] < WIDTH:
        return np.empty((0, rows.shape[1]))
    windows = np.lib.stride_tricks.sliding_window_view(rows, WIDTH, axis=0)
    median = np.median(windows, axis=2)
    limit = THRESHOLD * np.median(np.abs(windows - median[..., None]), axis=2)
    centre = rows[HALF_WIDTH:-HALF_WIDTH]
    return np.where(np.abs(centre - median) <= limit, centre, median)
