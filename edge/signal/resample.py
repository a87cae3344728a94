"""Packets come when they come; the image needs a uniform 150 Hz grid.

Each grid point is a local linear regression over the packets within SUPPORT_US of it, weighted by a Hann window
(Cleveland, 1979, with a Hann kernel): at 1000 packets/s that is an anti-aliasing filter (-6 dB at 50 Hz, null at
100 Hz, no delay), at 150 packets/s it is a gentle interpolation. Where packets are further apart than that it is a
straight line between the two neighbours, up to MAX_GAP_US; beyond, the point is marked, not invented.
"""

import numpy as np
from numba import njit

from edge.arrays import Array
from edge.signal.grid import RATE_HZ

SUPPORT_US = 10_000.0
MAX_GAP_US = 50_000.0
GRID_US = 1e6 / RATE_HZ


def grid_time_us(index: Array) -> Array:
    """Time of grid points, float64 microseconds from the beginning of the session."""
    return np.asarray(index * GRID_US)


@njit(cache=True, nogil=True)
def resample(time_us: Array, rows: Array, grid_us: Array) -> tuple[Array, Array]:
    """Values at the grid points from the packets around them.

    time_us  (N,) float64, not decreasing; reaches SUPPORT_US beyond the last grid point
    rows     (N, V) float64
    grid_us  (G,) float64, increasing
    returns  (G, V) float64, and whether each point is known (G,) bool; unknown ones are zero
    """
    n_values = rows.shape[1]
    out = np.zeros((grid_us.size, n_values))
    known = np.zeros(grid_us.size, np.bool_)
    first = 0  # first packet within the support
    after = 0  # first packet later than the grid point
    for g in range(grid_us.size):
        at = grid_us[g]
        while first < time_us.size and time_us[first] <= at - SUPPORT_US:
            first += 1
        while after < time_us.size and time_us[after] <= at:
            after += 1
        if after == 0 or after == time_us.size:
            continue
        gap = time_us[after] - time_us[after - 1]
        if gap > MAX_GAP_US:
            continue
        known[g] = True
        s0 = 0.0
        s1 = 0.0
        s2 = 0.0
        n = first
        while n < time_us.size and time_us[n] < at + SUPPORT_US:
            d = (time_us[n] - at) / SUPPORT_US
            w = 0.5 + 0.5 * np.cos(np.pi * d)
            s0 += w
            s1 += w * d
            s2 += w * d * d
            n += 1
        determinant = s0 * s2 - s1 * s1
        if n - first >= 3 and gap <= SUPPORT_US and determinant > 1e-6 * s0 * s0:
            for i in range(first, n):
                d = (time_us[i] - at) / SUPPORT_US
                w = (0.5 + 0.5 * np.cos(np.pi * d)) * (s2 - s1 * d) / determinant
                for v in range(n_values):
                    out[g, v] += w * rows[i, v]
        else:
            share = (at - time_us[after - 1]) / gap
            for v in range(n_values):
                out[g, v] = (1.0 - share) * rows[after - 1, v] + share * rows[after, v]
    return out, known


def resample_plain(time_us: Array, rows: Array, grid_us: Array) -> tuple[Array, Array]:
    """The same as `resample`, one least-squares line a grid point."""
    out = np.zeros((grid_us.size, rows.shape[1]))
    known = np.zeros(grid_us.size, bool)
    for g, at in enumerate(grid_us):
        after = int(np.searchsorted(time_us, at, side="right"))
        if after in (0, time_us.size) or time_us[after] - time_us[after - 1] > MAX_GAP_US:
            continue
        known[g] = True
        near = np.abs(time_us - at) < SUPPORT_US
        d = (time_us[near] - at) / SUPPORT_US
        w = 0.5 + 0.5 * np.cos(np.pi * d)
        spread = w.sum() * (w * d * d).sum() - (w * d).sum() ** 2
        if near.sum() >= 3 and time_us[after] - time_us[after - 1] <= SUPPORT_US and spread > 1e-6 * w.sum() ** 2:
            line = np.linalg.lstsq(np.sqrt(w)[:, None] * np.stack([np.ones_like(d), d], 1),
                                   np.sqrt(w)[:, None] * rows[near], rcond=None)[0]  # fmt: skip
            out[g] = line[0]
        else:
            share = (at - time_us[after - 1]) / (time_us[after] - time_us[after - 1])
            out[g] = (1 - share) * rows[after - 1] + share * rows[after]
    return out, known
