"""The signal path, packet to image. Live capture, replay and training all push packets through these two classes.

    values ─> Hampel ─> resample ─> low-pass ─> baseline ─> columns ─┐
    values ─> Hampel ─> resample ─> low-pass ─> baseline ─> columns ─┴─> window ─> CSI image

Every stage looks at single packets and grid points in order, so it makes no difference to any bit whether they are
pushed one by one or a whole file at once.
"""

from dataclasses import dataclass

import numpy as np

from edge.arrays import Array
from edge.parse.parts import in_order
from edge.signal import baseline, hampel, lowpass, resample
from edge.signal.grid import RATE_HZ, stride_of
from edge.signal.imagespec import WIMOSE_1, ImageSpec
from edge.signal.links import Links


@dataclass(frozen=True, eq=False)
class Packets:
    """Some packets of one receiver, in order."""

    time_us: Array  # (N,) float64, microseconds from the beginning of the session, on the session's clock
    csi: Array  # (N, 3, 30) complex64, counts

    def part(self, start: int, stop: int) -> "Packets":
        """Packets start to stop, without copying."""
        return Packets(self.time_us[start:stop], self.csi[start:stop])


@dataclass(frozen=True, eq=False)
class Columns:
    """Some grid points of one receiver, in order and without holes."""

    values: Array  # (G, ...) float32 in (-1, 1), half a column of the spec, see `baseline`
    known: Array  # (G,) bool, False inside a gap


@dataclass(frozen=True, eq=False)
class CsiImage:
    """One input of the network."""

    time_us: float  # of its last grid point, microseconds from the beginning of the session
    values: Array  # of the spec's shape, float32 in (-1, 1)


def _joined(some: list[Packets]) -> Packets:
    if len(some) == 1:
        return some[0]
    if not some:
        return NOTHING
    return Packets(np.concatenate([part.time_us for part in some]), np.concatenate([part.csi for part in some]))


# Packets of a receiver looked at together: what becomes of them on the way to the grid stays in the processor's cache,
# and the memory of one block serves the next. Fresh memory costs as much as a filter does.
BLOCK = 512
NOTHING = Packets(np.empty(0), np.empty((0, 3, 30), np.complex64))


class ReceiverPath:
    """Packets of one receiver in, columns of the session's grid out, from the grid's point 0 on."""

    def __init__(self, links: Links, spec: ImageSpec = WIMOSE_1, empty_us: float | None = None) -> None:
        """empty_us: the room was empty until then; its mean is what everything after is compared with."""
        self.links = links
        self.spec = spec
        self.late = 0  # packets left out because their clock did not advance
        self._empty_us = np.inf if empty_us is None else empty_us
        self._last_us = -np.inf
        self._values = spec.values(np.empty((0, 3, 30), np.complex64), links).shape[1]
        self._recent = np.empty((0, self._values))  # values the Hampel window still needs
        self._recent_us = np.empty(0)
        self._rows = np.empty((0, self._values))  # filtered values the resampler still needs
        self._rows_us = np.empty(0)
        self._next = 0  # grid point
        self._filter = np.zeros((2, self._values))
        self._filter_running = False
        self._mean = np.zeros(self._values)
        self._seen = 0

    def push(self, packets: Packets) -> Columns:
        """Take packets; return the columns that no later packet can change any more."""
        size = packets.time_us.size
        if size <= BLOCK:
            return self._push(packets)
        done = [self._push(packets.part(at, at + BLOCK)) for at in range(0, size, BLOCK)]
        return Columns(np.concatenate([part.values for part in done]), np.concatenate([part.known for part in done]))

    def _push(self, packets: Packets) -> Columns:
        time_us, csi = self._in_order(packets)
        values = self.spec.values(csi, self.links)
        values = np.concatenate((self._recent, values))
        time_us = np.concatenate((self._recent_us, time_us))
        self._recent = values[-2 * hampel.HALF_WIDTH :]
        self._recent_us = time_us[-2 * hampel.HALF_WIDTH :]

        clean = hampel.hampel(values, self.spec.amplitudes)
        clean_us = time_us[hampel.HALF_WIDTH : hampel.HALF_WIDTH + len(clean)]
        self._rows = np.concatenate((self._rows, clean))
        self._rows_us = np.concatenate((self._rows_us, clean_us))
        rows, known, grid_us = self._resample()
        if self.spec.lowpass_hz is not None:
            self._filter_running = lowpass.lowpass(rows, known, self._filter, self._filter_running)
        means, self._seen = baseline.running_mean(rows, known, grid_us < self._empty_us, self._mean, self._seen)
        return Columns(self.spec.columns(rows, means, known), known)

    def _in_order(self, packets: Packets) -> tuple[Array, Array]:
        """The packets whose clock advances; the others are counted."""
        before = np.maximum.accumulate(np.concatenate(([self._last_us], packets.time_us[:-1])))
        forward = packets.time_us > before
        if packets.time_us.size == 0 or forward.all():
            kept = packets.time_us, packets.csi
        else:
            self.late += int((~forward).sum())
            kept = packets.time_us[forward], packets.csi[forward]
        if kept[0].size:
            self._last_us = kept[0][-1]
        return kept

    def _resample(self) -> tuple[Array, Array, Array]:
        """Every grid point that lies SUPPORT_US before the newest packet, and forget what is no longer needed."""
        if self._rows_us.size == 0:
            return np.empty((0, self._values)), np.empty(0, bool), np.empty(0)
        decided = self._rows_us[-1] - resample.SUPPORT_US
        stop = max(int(np.floor(decided * RATE_HZ / 1e6)) + 1, self._next)
        grid_us = resample.grid_time_us(np.arange(self._next, stop))
        rows, known = resample.resample(self._rows_us, self._rows, grid_us)
        self._next = stop
        horizon = resample.grid_time_us(np.array(stop)) - resample.SUPPORT_US
        keep = max(int(np.searchsorted(self._rows_us, horizon, side="right")) - 1, 0)
        self._rows, self._rows_us = self._rows[keep:], self._rows_us[keep:]
        return rows, known, grid_us


class SignalPath:
    """Packets of both receivers in, CSI images out, one every `stride` grid points."""

    def __init__(
        self,
        links: tuple[Links, Links],
        poses_per_s: float = 30.0,
        spec: ImageSpec = WIMOSE_1,
        empty_us: float | None = None,
        threads: int = 1,
    ) -> None:
        """empty_us: the room was empty until then, see `ReceiverPath`.

        threads: 2 gives each receiver one, which is quicker for what comes in pieces of a second and more.
        """
        self.stride = stride_of(poses_per_s)
        self.spec = spec
        self.receivers = (ReceiverPath(links[0], spec, empty_us), ReceiverPath(links[1], spec, empty_us))
        self._threads = threads
        self.withheld = 0  # images not made because a gap lies in their window
        half = (*spec.column[:-1], spec.column[-1] // 2)
        self._waiting = [np.empty((0, *half), np.float32) for _ in links]
        self._waiting_known = [np.empty(0, bool) for _ in links]
        self._window = np.zeros((spec.packets, *spec.column), np.float32)
        self._window_known = np.zeros(spec.packets, bool)
        self._next = 0  # grid point after the window
        self._kept: tuple[list[Packets], list[Packets]] = ([], [])  # not looked at yet
        # The newest packets of each; the first of them is the last that Hampel's window is whole for.
        self._newest_us = [np.full(hampel.HALF_WIDTH + 1, -np.inf) for _ in links]

    @property
    def due_us(self) -> float:
        """What both receivers' packets must have passed for the next image, microseconds on the session's clock."""
        stop = (max(self._next, self.spec.whole - 1) // self.stride + 1) * self.stride
        return resample.GRID_US * (stop - 1) + resample.SUPPORT_US

    def push(self, packets: tuple[Packets, Packets]) -> list[CsiImage]:
        """Take packets of each receiver (either may be empty); return the images they complete.

        Packets that cannot complete the next image are only kept: a call costs as much for one packet as for a hundred.
        """
        for r, more in enumerate(packets):
            if more.time_us.size:
                self._kept[r].append(more)
                newest = np.concatenate((self._newest_us[r], more.time_us))
                newest.sort()
                self._newest_us[r] = newest[-hampel.HALF_WIDTH - 1 :]
        # A microsecond early, so that rounding cannot make it late.
        if min(newest[0] for newest in self._newest_us) < self.due_us - 1.0:
            return []
        packets = _joined(self._kept[0]), _joined(self._kept[1])
        self._kept = ([], [])
        joined, known = self.columns(packets)
        both = len(joined)
        size, whole = self.spec.packets, self.spec.whole
        window = np.concatenate((self._window, joined))
        window_known = np.concatenate((self._window_known, known))
        first = self._next - len(self._window)  # grid point of window[0]
        images = []
        for stop in range(self._next + 1, self._next + both + 1):
            if stop % self.stride or stop < whole:
                continue
            span = slice(stop - size - first, stop - first)
            if not window_known[span][-whole:].all():
                self.withheld += 1
                continue
            time_us = float(resample.grid_time_us(np.array(stop - 1)))
            images.append(CsiImage(time_us, np.ascontiguousarray(self.spec.image(window[span]))))
        self._next += both
        self._window, self._window_known = window[-size:], window_known[-size:]
        return images

    def columns(self, packets: tuple[Packets, Packets]) -> tuple[Array, Array]:
        """Take packets; return the columns both receivers have (G, ...) float32, and which are known (G,) bool."""
        work = zip(self.receivers, packets, strict=True)
        for r, columns in enumerate(in_order(self._threads, work, lambda item: item[0].push(item[1]))):
            self._waiting[r] = np.concatenate((self._waiting[r], columns.values))
            self._waiting_known[r] = np.concatenate((self._waiting_known[r], columns.known))
        both = min(len(self._waiting[0]), len(self._waiting[1]))
        joined = np.concatenate([waiting[:both] for waiting in self._waiting], axis=-1)
        known = self._waiting_known[0][:both] & self._waiting_known[1][:both]
        self._waiting = [waiting[both:] for waiting in self._waiting]
        self._waiting_known = [waiting[both:] for waiting in self._waiting_known]
        return joined, known
