"""Hampel filter: a packet that stands out from its neighbours is interference, not motion (Davies and Gather, 1993).

Amplitudes are judged as they are. The complex products are judged along and across the mean direction of their own
window, so that it makes no difference which way a restarted NIC's phases happen to turn them.
"""

import numpy as np
from numba import njit

from edge.arrays import Array

HALF_WIDTH = 3  # packets on either side; a body does not move visibly in the 7 ms this spans at 1000 packets/s
THRESHOLD = 3.0 * 1.4826  # deviations; 1.4826 makes the median deviation that of a normal distribution
WIDTH = 2 * HALF_WIDTH + 1
LANES = 8  # float64 of the widest vector registers


@njit(cache=True, nogil=True, error_model="numpy")  # no test for a zero divisor, which would keep loops scalar
def hampel(rows: Array, amplitudes: int) -> Array:
    """Replace values further than THRESHOLD median deviations from the median of their window by that median.

    rows     (N, A + 2*M) float64, packets in order: A amplitudes, then M real and M imaginary parts of products
    returns  (N - 2 * HALF_WIDTH, A + 2*M) float64: the packets that have a whole window
    """
    n_out = max(rows.shape[0] - 2 * HALF_WIDTH, 0)
    products = (rows.shape[1] - amplitudes) // 2
    out = np.empty((n_out, rows.shape[1]))
    # Amplitudes, then products along and across; as wide as whole vectors are, for what is over runs one by one.
    window = np.zeros((WIDTH, -(-rows.shape[1] // LANES) * LANES))
    judged = np.empty(window.shape[1])
    mean_re = np.empty(products)
    mean_im = np.empty(products)
    along = window[:, amplitudes : amplitudes + products]
    across = window[:, amplitudes + products : amplitudes + 2 * products]
    for n in range(n_out):
        re = rows[n : n + WIDTH, amplitudes : amplitudes + products]
        im = rows[n : n + WIDTH, amplitudes + products :]
        for i in range(WIDTH):
            for k in range(amplitudes):
                window[i, k] = rows[n + i, k]
        for k in range(products):  # short loops, each of which runs several values at a time
            x = re[0, k] + re[1, k] + re[2, k] + re[3, k] + re[4, k] + re[5, k] + re[6, k]
            y = im[0, k] + im[1, k] + im[2, k] + im[3, k] + im[4, k] + im[5, k] + im[6, k]
            length = np.sqrt(x * x + y * y)
            mean_re[k] = x / length if length > 0.0 else 1.0
            mean_im[k] = y / length if length > 0.0 else 0.0
        for i in range(WIDTH):
            for k in range(products):
                along[i, k] = re[i, k] * mean_re[k] + im[i, k] * mean_im[k]
                across[i, k] = im[i, k] * mean_re[k] - re[i, k] * mean_im[k]
        _judge(window, judged)
        for k in range(amplitudes):
            out[n, k] = judged[k]
        for k in range(products):
            u, v = judged[amplitudes + k], judged[amplitudes + products + k]
            out[n, amplitudes + k] = u * mean_re[k] - v * mean_im[k]
            out[n, amplitudes + products + k] = u * mean_im[k] + v * mean_re[k]
    return out


@njit(inline="always")
def _judge(window: Array, out: Array) -> None:
    """One packet of K real series, each by itself: window (WIDTH, K), out (K,)."""
    for k in range(out.size):  # straight-line code without branches, so that it runs several values at a time
        a, b, c, value = window[0, k], window[1, k], window[2, k], window[3, k]
        d, e, f = window[4, k], window[5, k], window[6, k]
        median = _median(a, b, c, value, d, e, f)
        limit = THRESHOLD * _median(
            abs(a - median), abs(b - median), abs(c - median), abs(value - median),
            abs(d - median), abs(e - median), abs(f - median),
        )  # fmt: skip
        out[k] = value if abs(value - median) <= limit else median


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


def hampel_plain(rows: Array, amplitudes: int) -> Array:
    """The same as `hampel`, in plain NumPy."""
    if rows.shape[0] < WIDTH:
        return np.empty((0, rows.shape[1]))
    windows = np.lib.stride_tricks.sliding_window_view(rows, WIDTH, axis=0)
    amplitude, (re, im) = windows[:, :amplitudes], np.split(windows[:, amplitudes:], 2, axis=1)
    product = re + 1j * im  # (N, K, WIDTH)
    total = product.sum(axis=2)
    direction = np.where(total == 0, 1.0, total / np.maximum(np.abs(total), 1e-300))
    turned = product * direction.conj()[..., None]
    clean = (_judge_plain(turned.real) + 1j * _judge_plain(turned.imag)) * direction
    return np.concatenate((_judge_plain(amplitude), clean.real, clean.imag), axis=1)


def _judge_plain(windows: Array) -> Array:
    """(N, K, WIDTH) to (N, K)."""
    median = np.median(windows, axis=2)
    limit = THRESHOLD * np.median(np.abs(windows - median[..., None]), axis=2)
    centre = windows[..., HALF_WIDTH]
    return np.where(np.abs(centre - median) <= limit, centre, median)
