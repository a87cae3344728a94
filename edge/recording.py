"""Two logs of the same packets become two streams on one clock, ready for the signal path."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from edge.arrays import Array
from edge.errors import RecordingError
from edge.parse import bitstream
from edge.parse.intel5300 import CsiLog
from edge.signal.links import Links, select_links
from edge.signal.pairing import Pairing, pair
from edge.signal.path import Packets

MAX_PAUSE_US = 600_000_000  # nobody goes on recording after ten minutes of silence; a clock that leaps must not either


@dataclass(frozen=True, eq=False)
class Recording:
    """What two receivers heard. The session's clock is receiver 1's, from its first usable packet."""

    receivers: tuple[Packets, Packets]
    links: tuple[Links, Links]
    pairing: Pairing
    unusable: tuple[int, int]  # records without three known antennas, left out
    empty_us: float | None = None  # the room was empty until then; None: nobody says so

    @property
    def seconds(self) -> float:
        return float(max(packets.time_us[-1] for packets in self.receivers)) * 1e-6


def usable(log: CsiLog) -> Array:
    """Records the signal path can take: three antennas whose order is known. (N,) bool."""
    return np.asarray((log.nrx == 3) & bitstream.is_permutation(log.antenna_sel))


def align(
    logs: tuple[CsiLog, CsiLog], links: tuple[Links, Links] | None = None, empty_s: float | None = None
) -> Recording:
    """Put two receivers on one clock.

    links    the antennas kept with the session or the room profile; chosen from the whole recording if None
    empty_s  how long from the beginning the room is known to have been empty
    Raises RecordingError where the logs cannot be used together.
    """
    times = []
    csi = []
    for number, log in enumerate(logs, start=1):
        if log.report.backward:
            raise RecordingError(
                f"receiver {number}: the clock jumps backward at record {log.report.backward[0]}: these are several "
                "recordings in one file; split them there"
            )
        pause = np.diff(log.timestamp_us).max(initial=0)
        if pause > MAX_PAUSE_US:
            raise RecordingError(
                f"receiver {number}: {pause * 1e-6:.0f} s without a packet: these are several recordings in one file; "
                "split them there"
            )
        good = usable(log)
        if not good.any():
            raise RecordingError(
                f"receiver {number}: none of {len(log)} records has three antennas; look at it with `wimose inspect`"
            )
        times.append(log.timestamp_us[good])
        csi.append(np.ascontiguousarray(log.csi[good, :, 0]))  # one transmit antenna, as in the paper
    pairing = pair(times[0], times[1])
    begin = pairing.origin_us
    on_clock = (times[0].astype(np.float64) - begin, pairing.to_clock_a(times[1]) - begin)
    receivers = (Packets(on_clock[0], csi[0]), Packets(on_clock[1], csi[1]))
    if links is None:
        links = (select_links(on_clock[0], csi[0]), select_links(on_clock[1], csi[1]))
    unusable = (len(logs[0]) - times[0].size, len(logs[1]) - times[1].size)
    return Recording(receivers, links, pairing, unusable, None if empty_s is None else empty_s * 1e6)


def slices(recording: Recording, every_us: float) -> Iterator[tuple[float, tuple[Packets, Packets]]]:
    """The recording as it would have come in: (time in us, packets of each receiver) every `every_us`."""
    first, second = recording.receivers
    end = recording.seconds * 1e6
    start = (0, 0)
    for n in range(1, int(end / every_us) + 2):
        at = n * every_us
        stop = (int(np.searchsorted(first.time_us, at)), int(np.searchsorted(second.time_us, at)))
        yield at, (first.part(start[0], stop[0]), second.part(start[1], stop[1]))
        start = stop
