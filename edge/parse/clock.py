"""The NIC's own clock: 1 MHz, 32 bits, wraps every 71.6 minutes."""

import numpy as np

from edge.arrays import Array

WRAP_US = 1 << 32


def unwrap(timestamp_low: Array) -> tuple[Array, Array]:
    """Undo the wraps of a 32-bit microsecond clock.

    A step is read modulo 2^32 as the shorter way round: forward by less than 35.8 minutes is time passing (with a
    wrap where the number fell), backward is a clock that was set back or a second recording appended to the first.

    timestamp_low  (N,) uint32, microseconds
    returns        (N,) uint64, microseconds, and the indices of the packets that lie before their predecessor
    """
    low = timestamp_low.astype(np.int64)
    if low.size == 0:
        return low.astype(np.uint64), np.empty(0, np.int64)
    step = (np.diff(low) + WRAP_US // 2) % WRAP_US - WRAP_US // 2
    time = low[0] + np.concatenate(([0], np.cumsum(step)))
    if time.min() < 0:  # set back through zero: move all by whole wraps, the low 32 bits stay those of the record
        time += WRAP_US * (1 + (-time.min() - 1) // WRAP_US)
    return time.astype(np.uint64), np.flatnonzero(step < 0) + 1


class RunningClock:
    """The same while packets come: times (N,) int64 microseconds that go on from the last packet's."""

    def __init__(self) -> None:
        self._last: int | None = None

    def unwrap(self, timestamp_low: Array) -> Array:
        low = timestamp_low.astype(np.int64)
        if low.size == 0:
            return low
        before = low[0] if self._last is None else self._last
        steps = np.diff(low, prepend=before % WRAP_US)
        time = before + np.cumsum((steps + WRAP_US // 2) % WRAP_US - WRAP_US // 2)
        self._last = int(time[-1])
        return np.asarray(time)
