"""Two logs of the same packets become two streams on one clock, ready for the signal path."""

from dataclasses import dataclass

import numpy as np

from edge.arrays import Array
from edge.errors import RecordingError
from edge.parse import bitstream
from edge.parse.intel5300 import CsiLog
from edge.signal.links import Links, select_links
from edge.signal.pairing import Pairing, pair
from edge.signal.path import Packets


@dataclass(frozen=True, eq=False)
class Recording:
    """What two receivers heard. The session's clock is receiver 1's, from its first usable packet."""

    receivers: tuple[Packets, Packets]
    links: tuple[Links, Links]
    pairing: Pairing
    unusable: tuple[int, int]  # records without three known antennas, left out

    @property
    def seconds(self) -> float:
        return float(max(packets.time_us[-1] for packets in self.receivers)) * 1e-6


def usable(log: CsiLog) -> Array:
    """Records the signal path can take: three antennas whose order is known. (N,) bool."""
    return np.asarray((log.nrx == 3) & bitstream.is_permutation(log.antenna_sel))


def align(logs: tuple[CsiLog, CsiLog], links: tuple[Links, Links] | None = None) -> Recording:
    """Put two receivers on one clock.

    links  the antennas kept with the session or the room profile; chosen from the whole recording if None
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
    return Recording(receivers, links, pairing, unusable)


def slices(recording: Recording, every_us: float) -> list[tuple[float, tuple[Packets, Packets]]]:
    """The recording as it would have come in: (time in us, packets of each receiver) every `every_us`."""
    end = recording.seconds * 1e6
    edges = np.arange(every_us, end + 2 * every_us, every_us)
    cuts = [np.searchsorted(packets.time_us, edges) for packets in recording.receivers]
    pieces = []
    start = [0, 0]
    for n, at in enumerate(edges):
        piece = tuple(
            Packets(packets.time_us[start[r] : cuts[r][n]], packets.csi[start[r] : cuts[r][n]])
            for r, packets in enumerate(recording.receivers)
        )
        start = [int(cuts[0][n]), int(cuts[1][n])]
        pieces.append((float(at), (piece[0], piece[1])))
    return pieces
