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
    for n in range(n_out):
        for v in range(rows.shape[1]):  # straight-line code without branches, so that it runs several values at a time
            a, b, c, value = rows[n, v], rows[n + 1, v], rows[n + 2, v], rows[n + 3, v]
            d, e, f = rows[n + 4, v], rows[n + 5, v], rows[n + 6, v]
            median = _median(a, b, c, value, d, e, f)
            limit = THRESHOLD * _median(
                abs(a - median), abs(b - median), abs(c - median), abs(value - median),
                abs(d - median), abs(e - median), abs(f - median),
            )  # fmt: skip
            out[n, v] = value if abs(value - median) <= limit else median
    return out


@njit(inline="always")
def _low(a: float, b: float) -> float:
    return a if a < b else b


@njit(inline="always")
def _high(a: float, b: float) -> float:
    return b if a < b else a


@njit(inline="always")
def _median(a: float, b: float, c: float, d: float, e: float, f: float, g: float) -> float:
    """Middle of seven by a sorting network (Devillard, Fast median search, 1998, opt_med7)."""
    a, f = _low(a, f), _high(a, f)
    a, d = _low(a, d), _high(a, d)
    b, g = _low(b, g), _high(b, g)
    c, e = _low(c, e), _high(c, e)
    a, b = _low(a, b), _high(a, b)
    d, f = _low(d, f), _high(d, f)
    c, g = _low(c, g), _high(c, g)
    c, d = _low(c, d), _high(c, d)
    d, g = _low(d, g), _high(d, g)
    e, f = _low(e, f), _high(e, f)
    b, e = _low(b, e), _high(b, e)
    b, d = _low(b, d), _high(b, d)
    return _low(d, e)


def hampel_plain(rows: Array) -> Array:
    """The same as `hampel`, in plain NumPy."""
    if rows.shape[0] < WIDTH:
        return np.empty((0, rows.shape[1]))
    windows = np.lib.stride_tricks.sliding_window_view(rows, WIDTH, axis=0)
    median = np.median(windows, axis=2)
    limit = THRESHOLD * np.median(np.abs(windows - median[..., None]), axis=2)
    centre = rows[HALF_WIDTH:-HALF_WIDTH]
    return np.where(np.abs(centre - median) <= limit, centre, median)
