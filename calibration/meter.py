"""What is heard right now of one receiver: packets a second, how much moves, and the time on its own clock.

For the person in front of the screen, and to know when a receiver is lost; figures that count are made afterwards, from
the recording.
"""

from collections import deque

import numpy as np

from edge.parse.clock import RunningClock
from edge.parse.intel5300 import parse_log
from edge.recording import usable_packets
from edge.signal.imagespec import WIMOSE_1
from edge.signal.links import Links
from edge.signal.motion import WINDOW, motion
from edge.signal.path import Packets, ReceiverPath

SILENT_S = 2.0  # twenty beacons of an access point; a scan for other channels takes less
RATE_OVER_S = 1.0
LEAP_US = 60_000_000  # forward in one step, or any step backward: a NIC that began anew


class Meter:
    """One receiver. Times `now` are seconds of whatever clock the listener goes by."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.level: float | None = None  # relative amplitude, see `signal.motion`; None: not known yet
        self.heard: float | None = None  # `now` of the last packets
        self.began: float | None = None  # `now` of the first packet, as what came with least delay tells
        self._clock = RunningClock()
        self._first_us: int | None = None
        self._last_us = 0
        self._counts: deque[tuple[float, int]] = deque()
        self._path = ReceiverPath(Links(0, 1))
        self._columns = np.empty((0, 30, 2), np.float32)

    def push(self, log: bytes, now: float) -> bool:
        """Take what came. False: the receiver's clock leapt, and this does not belong to what came before."""
        packets = usable_packets(parse_log(log))
        if packets.time_us.size == 0:
            return True
        time_us = self._clock.unwrap(packets.time_us % (1 << 32))
        steps = np.diff(time_us, prepend=time_us[0] if self._first_us is None else self._last_us)
        if (steps < 0).any() or (steps > LEAP_US).any():
            return False
        if self._first_us is None:
            self._first_us = int(time_us[0])
        self._last_us = int(time_us[-1])
        self.heard = now
        began = now - self.seconds
        self.began = began if self.began is None else min(self.began, began)
        self._counts.append((now, time_us.size))
        self._look(Packets((time_us - self._first_us).astype(np.float64), packets.csi))
        return True

    @property
    def seconds(self) -> float:
        """First to last packet, by the receiver's clock."""
        return 0.0 if self._first_us is None else (self._last_us - self._first_us) * 1e-6

    def packets_per_s(self, now: float) -> float:
        """Over the last RATE_OVER_S."""
        while len(self._counts) > 1 and self._counts[1][0] <= now - RATE_OVER_S:
            self._counts.popleft()
        if not self._counts or now - self._counts[-1][0] > RATE_OVER_S:
            return 0.0
        since = max(now - self._counts[0][0], RATE_OVER_S / 2)  # the first came before that
        return sum(count for _, count in list(self._counts)[1:]) / since

    def silent_s(self, now: float) -> float | None:
        """Since the last packets; None: nothing has come yet."""
        return None if self.heard is None else max(now - self.heard, 0.0)

    def _look(self, packets: Packets) -> None:
        columns = self._path.push(packets)
        self._columns = np.concatenate((self._columns, columns.values))[-WINDOW:]
        if len(self._columns) == WINDOW:
            both = np.concatenate((self._columns, self._columns), axis=-1)  # one receiver in both places
            self.level = motion(WIMOSE_1.image(both)).level
