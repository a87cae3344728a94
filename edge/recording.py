"""Two logs of the same packets become two streams on one clock, ready for the signal path."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge.arrays import Array
from edge.errors import RecordingError
from edge.parse import bitstream
from edge.parse.intel5300 import CsiLog, read_logs
from edge.parse.parts import in_order
from edge.signal.clocks import ACQUIRE_US, Clocks, Line, acquire
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
    damaged: tuple[int, int] = (0, 0)  # places of each log where records are lost, a truncated tail among them
    empty_us: float | None = None  # the room was empty until then; None: nobody says so

    @property
    def seconds(self) -> float:
        return float(max(packets.time_us[-1] for packets in self.receivers)) * 1e-6


def usable(log: CsiLog) -> Array:
    """Records the signal path can take: three antennas whose order is known. (N,) bool."""
    return np.asarray((log.nrx == 3) & bitstream.is_permutation(log.antenna_sel))


def usable_packets(log: CsiLog) -> Packets:
    """What the signal path takes of a log: times int64 on the NIC's own clock, one transmit antenna as in the paper."""
    good = usable(log)
    time_us, csi = log.timestamp_us, log.csi[:, :, 0]
    if not good.all():
        time_us, csi = time_us[good], csi[good]
    return Packets(time_us.astype(np.int64), np.ascontiguousarray(csi))  # nearly always the log's own memory


def read_recording(
    paths: tuple[str | Path, str | Path],
    links: tuple[Links, Links] | None = None,
    empty_s: float | None = None,
    threads: int = 1,
) -> Recording:
    """Two log files put on one clock, see `align`. Raises ConfigError for one that cannot be read."""
    first, second = read_logs(paths, threads)
    return align((first, second), links, empty_s, threads)


def align(
    logs: tuple[CsiLog, CsiLog],
    links: tuple[Links, Links] | None = None,
    empty_s: float | None = None,
    threads: int = 1,
) -> Recording:
    """Put two receivers on one clock, by one line through all of their packets.

    links    the antennas kept with the session or the room profile; chosen from the whole recording if None
    empty_s  how long from the beginning the room is known to have been empty
    Raises RecordingError where the logs cannot be used together.
    """
    raw, pairing = _paired(logs)
    on_clock = (raw[0].time_us - pairing.origin_us, pairing.to_clock_a(raw[1].time_us) - pairing.origin_us)
    receivers = (Packets(on_clock[0], raw[0].csi), Packets(on_clock[1], raw[1].csi))
    if links is None:
        first, second = in_order(threads, receivers, lambda heard: select_links(heard.time_us, heard.csi))
        links = (first, second)
    return _recording(logs, receivers, links, pairing, empty_s)


def as_heard(
    logs: tuple[CsiLog, CsiLog], links: tuple[Links, Links] | None = None, empty_s: float | None = None
) -> Recording:
    """The same as the host would have heard it: clocks followed from the first seconds on, antennas chosen on them.

    The clocks differ from those of `align` by a tenth of a microsecond at most; a replay of this makes bit for bit the
    poses that `wimose run` made.
    """
    raw, pairing = _paired(logs)
    line = acquire(raw[0].time_us, raw[1].time_us, whole=True)
    if line is None:  # the whole pairs where the first half minute does not; the host would have gone on waiting
        line = Line(int(pairing.origin_us), pairing.offset_us, pairing.drift_ppm * 1e-6)
    receivers = Clocks(line).push(raw)
    if links is None:
        links = links_of_start(raw)
    return _recording(logs, receivers, links, pairing, empty_s)


def links_of_start(raw: tuple[Packets, Packets]) -> tuple[Links, Links]:
    """The antennas that the host keeps where no profile names them: by the first ACQUIRE_US of each receiver.

    raw  times int64 on each NIC's own clock
    """
    first, second = (
        select_links(packets.time_us[start], packets.csi[start])
        for packets in raw
        for start in [packets.time_us < packets.time_us[0] + ACQUIRE_US]
    )
    return first, second


def _paired(logs: tuple[CsiLog, CsiLog]) -> tuple[tuple[Packets, Packets], Pairing]:
    """Usable packets on each NIC's own clock (int64), and how they pair over the whole of both logs."""
    raw = []
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
        raw.append(usable_packets(log))
        if raw[-1].time_us.size == 0:
            raise RecordingError(
                f"receiver {number}: none of {len(log)} records has three antennas; look at it with `wimose inspect`"
            )
    return (raw[0], raw[1]), pair(raw[0].time_us, raw[1].time_us)


def _recording(
    logs: tuple[CsiLog, CsiLog], receivers: tuple[Packets, Packets], links: tuple[Links, Links], pairing: Pairing,
    empty_s: float | None,
) -> Recording:  # fmt: skip
    unusable = (int((~usable(logs[0])).sum()), int((~usable(logs[1])).sum()))
    first, second = (log.report.bad + log.report.truncated for log in logs)
    return Recording(receivers, links, pairing, unusable, (first, second), None if empty_s is None else empty_s * 1e6)


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
