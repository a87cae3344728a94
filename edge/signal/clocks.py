"""Two receivers' clocks while packets come: found once, then followed.

`pairing` looks at a whole stretch. Live there is no end to wait for: the first seconds are paired as a whole, which
gives a line (offset and drift), and from then on the packets of each second move it. A packet is placed by the line
that was known two blocks before it, so that its place does not depend on what has arrived by then: streams pushed
packet by packet or as whole files get the same times bit for bit, and a replay hears what the host heard.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np

from edge.arrays import Array
from edge.errors import RecordingError
from edge.signal.pairing import (
    MIN_CORRELATION,
    MIN_PAIRS,
    MIN_SHARE,
    TOLERANCE_US,
    fit_line,
    jitter_correlation,
    match,
    pair,
    share,
)
from edge.signal.path import Packets

ACQUIRE_US = 5_000_000  # a sender every millisecond tells one packet from the next by its jitter in no less
ACQUIRE_STEP_US = 2_500_000  # more is waited for where that was not enough
ACQUIRE_MAX_US = 30_000_000  # then begin again: whatever spoiled it may be over
BLOCK_US = 1_000_000.0  # of the first receiver's clock
AHEAD = 2  # blocks that a line is used past the ones it was fitted on: how far one receiver may lag behind
MEMORY = 30  # blocks the line is fitted on: 0.02 us of noise, while a crystal's drift moves by less than that
SETTLED = 5  # blocks before their line is better than the one found at first
MAX_APART_US = 15e6  # one receiver ahead of the other, by their own clocks; more than a silence that is waited out
LOST = 5  # blocks in a row in which both hear packets, but not the same


@dataclass(frozen=True)
class Line:
    """time_b = time_a + offset_us + slope * (time_a - origin_us), all in microseconds of the NICs' clocks."""

    origin_us: int  # the session's beginning on the first receiver's clock
    offset_us: float
    slope: float

    def to_a(self, time_b: Array) -> Array:
        """B's times (N,) int64 as microseconds since the origin, float64."""
        return (time_b - self.origin_us - self.offset_us) / (1.0 + self.slope)

    def to_b(self, since_us: float) -> float:
        """B's clock at a time since the origin."""
        return self.origin_us + since_us * (1.0 + self.slope) + self.offset_us


@dataclass(frozen=True)
class Heard:
    """One closed block."""

    packets: tuple[int, int]
    pairs: int
    residual_us: float  # standard deviation of the pairs about their line; 0 where there are too few


def acquire(a: Array, b: Array, whole: bool = False) -> Line | None:
    """The first line, from the first seconds of both.

    a, b     (N,), (M,) int64 microseconds of each NIC's clock, increasing
    whole    nothing more will come: take what there is
    returns  None while more is needed
    """
    if min(a.size, b.size) == 0:
        return None
    for span in range(ACQUIRE_US, ACQUIRE_MAX_US + 1, ACQUIRE_STEP_US):
        complete = a[-1] - a[0] >= span and b[-1] - b[0] >= span
        if not complete and not whole:
            return None
        try:
            found = pair(a[a < a[0] + span].astype(np.uint64), b[b < b[0] + span].astype(np.uint64))
        except RecordingError:
            if not complete:
                return None
            continue
        return Line(int(a[0]), found.offset_us, found.drift_ppm * 1e-6)
    return None


class Clocks:
    """Packets of both receivers, each on its own clock, onto the session's clock, which is the first one's."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.lost = False  # the two no longer hear the same packets, or one lags far behind: acquire again
        self.heard: deque[Heard] = deque(maxlen=10)  # the last closed blocks
        self._first = line
        self._closed = 0  # blocks
        self._bad = 0  # closed blocks in a row that did not pair
        self._good: deque[Array] = deque(maxlen=MEMORY)  # of every good block, see `_moments`
        self._a: list[Array] = []  # times that blocks still to be closed need, none of them empty
        self._b: list[Array] = []
        self._lines = deque([(line.to_b(AHEAD * BLOCK_US), line)])  # with B's clock up to which each holds
        self._waiting = Packets(np.empty(0, np.int64), np.empty((0, 3, 30), np.complex64))

    def push(self, packets: tuple[Packets, Packets]) -> tuple[Packets, Packets]:
        """Take packets whose times are int64 on their own NIC's clock; return those whose place is known by now."""
        a, b = packets
        for times, more in ((self._a, a), (self._b, b)):
            if more.time_us.size:
                times.append(more.time_us)
        while self._close():
            pass
        if (
            self._a
            and self._b
            and abs(self._a[-1][-1] - self.line.origin_us - self.line.to_a(self._b[-1][-1])) > MAX_APART_US
        ):
            self.lost = True
        return Packets((a.time_us - self.line.origin_us).astype(np.float64), a.csi), self._placed(b)

    def _placed(self, b: Packets) -> Packets:
        """B's packets up to the last edge, each by the line of its own stretch."""
        if self._waiting.time_us.size == 0:
            edge, line = self._lines[0]
            if b.time_us.size == 0 or b.time_us[-1] < edge:  # nearly always: packets that come one by one
                return Packets(line.to_a(b.time_us), b.csi)
        self._waiting = Packets(
            np.concatenate((self._waiting.time_us, b.time_us)), np.concatenate((self._waiting.csi, b.csi))
        )
        edges = np.array([edge for edge, _ in self._lines])
        stretch = np.searchsorted(edges, self._waiting.time_us, side="right")
        count = int(np.searchsorted(stretch, len(edges)))
        now, self._waiting = self._waiting.part(0, count), self._waiting.part(count, len(stretch))
        time_us = np.empty(count)
        for number, (_, line) in enumerate(self._lines):
            mine = stretch[:count] == number
            time_us[mine] = line.to_a(now.time_us[mine])
        while len(self._lines) > 1 and len(stretch) and stretch[-1] > 0:
            self._lines.popleft()
            stretch = stretch - 1
        return Packets(time_us, now.csi)

    def _close(self) -> bool:
        """Close the next block if both receivers are past its end."""
        end = (self._closed + 1) * BLOCK_US
        a_end, b_end = self.line.origin_us + end, self.line.to_b(end)
        if not self._a or not self._b or self._a[-1][-1] < a_end or self._b[-1][-1] < b_end + TOLERANCE_US:
            return False
        a, b = np.concatenate(self._a), np.concatenate(self._b)
        a_count, b_count = int(np.searchsorted(a, a_end)), int(np.searchsorted(b, b_end))
        self._learn(a[:a_count], b[: int(np.searchsorted(b, b_end + TOLERANCE_US))], b_count)
        self._a, self._b = [a[a_count:]], [b[b_count:]]  # the packets past the end are still there
        self._closed += 1
        if self._closed >= SETTLED and self._good:
            self.line = self._fitted()
        self._lines.append((self.line.to_b((self._closed + AHEAD) * BLOCK_US), self.line))
        return True

    def _learn(self, a: Array, b: Array, b_count: int) -> None:
        since_a = (a - self.line.origin_us).astype(np.float64)
        since_b = (b - self.line.origin_us - round(self.line.offset_us)).astype(np.float64)
        rest = self.line.offset_us - round(self.line.offset_us)
        index_a, index_b = match(since_a, since_b, rest, self.line.slope, TOLERANCE_US)
        heard = (a.size, b_count)
        if index_a.size < MIN_PAIRS:
            self.heard.append(Heard(heard, index_a.size, 0.0))
            self._bad += min(heard) >= MIN_PAIRS
        else:
            x, y = since_a[index_a], since_b[index_b]
            offset, slope, residual = fit_line(x, y)
            self.heard.append(Heard(heard, index_a.size, residual))
            good = share(index_a, index_b) >= MIN_SHARE and jitter_correlation(x, y) >= MIN_CORRELATION
            self._bad = 0 if good else self._bad + 1
            if good:
                from_first = y - x + round(self.line.offset_us) - self._first.offset_us - self._first.slope * x
                keep = np.abs(y - x - offset - slope * x) <= max(4.0 * residual, 4.0)
                self._good.append(_moments(x[keep], from_first[keep]))
        self.lost = self._bad >= LOST

    def _fitted(self) -> Line:
        """Least squares over the good blocks, as a correction of the first line."""
        count, mean_x, mean_y, xx, xy = np.array(self._good).T
        x, y = (np.average(mean, weights=count) for mean in (mean_x, mean_y))
        within, between = xy.sum(), (count * (mean_x - x) * (mean_y - y)).sum()
        slope = (within + between) / (xx.sum() + (count * (mean_x - x) ** 2).sum())
        first = self._first
        return Line(first.origin_us, float(first.offset_us + y - slope * x), float(first.slope + slope))


def _moments(x: Array, y: Array) -> Array:
    """Count, means, and sums of squares and products about the means: exact after months, which plain sums are not."""
    mean_x, mean_y = x.mean(), y.mean()
    return np.array([x.size, mean_x, mean_y, ((x - mean_x) ** 2).sum(), ((x - mean_x) * (y - mean_y)).sum()])
