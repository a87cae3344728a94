"""Which subcarriers the 30 reported groups stand for (IEEE 802.11n-2009, Table 7-25f: grouping Ng = 2 and 4)."""

import numpy as np

from edge.arrays import Array

SPACING_HZ = 312_500.0

INDEX_20_MHZ = np.array([*range(-28, -1, 2), -1, *range(1, 28, 2), 28])
INDEX_40_MHZ = np.arange(-58, 59, 4)

_HT40_FLAG = 1 << 11  # RATE_MCS_HT40_MSK in the driver's rate_n_flags


def is_40_mhz(rate: Array) -> Array:
    """Whether each record (N,) was sent on 40 MHz, from its `rate` field (the driver's rate_n_flags)."""
    return np.asarray((rate & _HT40_FLAG) != 0)
