"""The NIC's own clock: 1 MHz, 32 bits, wraps every 71.6 minutes."""

import numpy as np
from numba import njit

from edge.arrays import Array

WRAP_US = 1 << 32


def unwrap(timestamp_low: Array) -> tuple[Array, Array]:
    """Undo the wraps of a 32-bit microsecond clock.

    A step is read modulo 2^32 as the shorter way round: forward by less than 35.8 minutes is time passing (with a
    wrap where the number fell), backward is a clock that was set back or a second recording appended to the first.

    timestamp_low  (N,) uint32, microseconds
    returns        (N,) uint64, microseconds, and the indices of the packets that lie before their predecessor
    """
    if timestamp_low.size == 0:
        return timestamp_low.astype(np.uint64), np.empty(0, np.int64)
    time, backward, lowest = follow(timestamp_low.astype(np.int64), int(timestamp_low[0]))
    if lowest < 0:  # set back through zero: move all by whole wraps, the low 32 bits stay those of the record
        time += WRAP_US * (1 + (-lowest - 1) // WRAP_US)
    return time.view(np.uint64), backward


class RunningClock:
    """The same while packets come: times (N,) int64 microseconds that go on from the last packet's."""

    def __init__(self) -> None:
        self._last: int | None = None

    def unwrap(self, timestamp_low: Array) -> Array:
        low = timestamp_low.astype(np.int64)
        if low.size == 0:
            return low
        time, _, _ = follow(low, int(low[0]) if self._last is None else self._last)
        self._last = int(time[-1])
        return time


@njit(cache=True, nogil=True)
def follow(low: Array, before: int) -> tuple[Array, Array, int]:
    """Times that go on from `before`, each step the shorter way round.

    low      (N,) int64, microseconds of the 32-bit clock
    returns  (N,) int64 microseconds; which packets (B,) int64 lie before their predecessor; the least time
    """
    time = np.empty(low.size, np.int64)
    backward = np.empty(low.size, np.int64)
    count = 0
    lowest = before
    for n in range(low.size):
        step = (low[n] - before) & (WRAP_US - 1)
        if step >= WRAP_US // 2:
            step -= WRAP_US
            backward[count] = n
            count += 1
        before += step
        lowest = min(lowest, before)
        time[n] = before
    return time, backward[:count].copy(), lowest


def follow_plain(low: Array, before: int) -> tuple[Array, Array, int]:
    """The same as `follow`, in plain NumPy."""
    steps = (np.diff(low, prepend=before % WRAP_US) + WRAP_US // 2) % WRAP_US - WRAP_US // 2
    time = before + np.cumsum(steps)
    return time, np.flatnonzero(steps < 0), int(time.min(initial=before))
