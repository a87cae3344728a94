"""Bytes of two receivers in, poses out: the whole of Fig. 1 of the paper, for as long as the host runs.

    chunks ─> parse ─> usable packets ─> clocks ─> signal path ─> estimator ─> poses

Until the receivers' clocks are known against each other (`clocks.acquire`) packets are kept, then all of them are gone
through: what has settled by then is the same as for a replay of the same packets, bit for bit. A NIC that begins anew,
or receivers that no longer hear the same packets, begin a new session.
"""

import logging
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np

from edge.capture.inbox import RECEIVERS, Chunk
from edge.estimate import Estimated, Estimator, Labels
from edge.inference.engine import Engine
from edge.parse.clock import RunningClock
from edge.parse.intel5300 import CsiLog, parse_log
from edge.recording import links_of_start, usable_packets
from edge.signal.clocks import ACQUIRE_MAX_US, ACQUIRE_STEP_US, Clocks, acquire
from edge.signal.links import Links
from edge.signal.motion import PRESENT_LEVEL
from edge.signal.path import CsiImage, Packets, SignalPath
from edge.signal.resample import GRID_US

SILENT_S = 2.0  # twenty beacons of an access point; a scan for other channels takes less
RESTART_S = 10.0  # of silence: then the clocks are found anew, and no more packets of the other receiver are kept
STALE_US = 2e5  # poses this far behind the newest packets are worth nothing to a hub
LEAP_US = 60_000_000  # forward in one step: a NIC that began anew, or a record whose stamp was damaged
STARTED_MEMORY = 30  # blocks of BLOCK_S whose earliest arrival tells when the session began by the host's clock
BLOCK_S = 10.0
DELAYS = 64  # images whose least delay tells when the next can be complete: two seconds
KNOWN = 8  # of them before it is believed
REST_S = 0.25  # longest that packets may wait before they are pushed, whatever is expected
EARLY_S = 0.001  # it is looked for so much earlier: a delay that becomes less is found out, a millisecond an image

NOTHING = Packets(np.empty(0, np.int64), np.empty((0, 3, 30), np.complex64))

log = logging.getLogger(__name__)


@dataclass
class Ear:
    """What is known of one receiver since the start."""

    name: str
    clock: RunningClock = field(default_factory=RunningClock)
    last_us: int | None = None  # NIC's clock
    arrived: float | None = None  # s, monotonic, of its last packet
    packets: int = 0
    unusable: int = 0  # records without three known antennas
    damaged: int = 0  # stretches of bytes that hold no record
    missed: int = 0  # messages or datagrams lost on the way
    restarts: int = 0  # times its clock leapt


class Host:
    """The state of one room."""

    def __init__(
        self, names: tuple[str, str], engine: Engine, labels: Labels, poses_per_s: float = 30.0,
        links: tuple[Links, Links] | None = None, present_level: float = PRESENT_LEVEL,
    ) -> None:  # fmt: skip
        """links: the antennas that the room profile keeps; chosen from the first seconds if None."""
        self.ears = (Ear(names[0]), Ear(names[1]))
        self.estimator = Estimator(engine, labels, present_level)
        self.sessions = 0  # times the clocks have been found
        self.skipped = 0  # images too old to be worth a pose
        self.links = links
        self._rate = poses_per_s
        self._early: list[tuple[Packets, Packets]] = []  # until the clocks are known
        self._early_us: list[tuple[int, int] | None] = [None, None]  # first and last of each receiver, its own clock
        self._kept_since: float | None = None  # s, monotonic
        self._tried_us = 0  # of them, in vain
        self._pushed = 0.0  # s, monotonic, when packets came last
        self._clocks: Clocks | None = None
        self._path: SignalPath | None = None
        self._started: deque[tuple[int, float]] = deque(maxlen=STARTED_MEMORY)
        self._delays: deque[float] = deque(maxlen=DELAYS)  # s, monotonic clock of completion less `SignalPath.due_us`

    @property
    def clocks(self) -> Clocks | None:
        """None while they are being found."""
        return self._clocks

    @property
    def withheld(self) -> int:
        """Images not made because packets were missing in their window, in this session."""
        return self._path.withheld if self._path else 0

    def due(self) -> float:
        """From when on the next pose can be complete, seconds by the clock of `push`: packets are best kept until then.

        Packets do not come evenly, receivers not equally fast, and Hampel's window waits for some more of them: how
        soon the last images were complete tells it all. While the clocks are being found packets are only gathered.
        """
        longest = self._pushed + REST_S
        if self._path is None:
            return longest
        if len(self._delays) < KNOWN:
            return 0.0  # which is always past: every packet at once
        return min(self._path.due_us * 1e-6 + min(self._delays) - EARLY_S, longest)

    def push(self, chunks: Iterable[Chunk], now: float, wall: float) -> list[Estimated]:
        """Take what has come; return the poses that are worth telling.

        now, wall  seconds by the monotonic clock of the chunks' arrival, and unix seconds at the same moment
        """
        self._notice_silence(now)
        packets = self._packets(chunks)
        if any(more.time_us.size for more in packets):
            self._pushed = now
        if self._clocks is None:
            packets = self._keep(packets, now)
        if self._clocks is None or self._path is None:
            return []
        self._notice_start(packets[0], now, wall)
        images = self._completed(self._path, self._clocks.push(packets))
        if self._clocks.lost:
            log.warning("the receivers no longer hear the same packets: finding their clocks anew")
            self._begin_anew()
            return []
        newest_us = images[-1].time_us if images else 0.0
        fresh = [image for image in images if image.time_us >= newest_us - STALE_US]
        self.skipped += len(images) - len(fresh)
        return [self.estimator(image) for image in fresh]

    def _completed(self, path: SignalPath, packets: tuple[Packets, Packets]) -> list[CsiImage]:
        """The images that these packets complete, and when that was."""
        before = path.due_us
        images = path.push(packets)
        if path.due_us != before:
            arrived = max(ear.arrived for ear in self.ears if ear.arrived is not None)
            last_us = path.due_us - path.stride * GRID_US
            self._delays.append(arrived - last_us * 1e-6)
        return images

    def exchange(
        self, engine: Engine, labels: Labels, links: tuple[Links, Links] | None, present_level: float = PRESENT_LEVEL
    ) -> None:
        """Another model or profile from the next packet on. The signal path begins anew where its input changes."""
        changed = links != self.links or engine.spec is not self.estimator.engine.spec
        started = self.estimator.labels.started
        self.estimator.exchange(engine, replace(labels, started=started), present_level)
        self.links = links
        if changed and self._clocks is not None:
            self._begin_anew()

    def problem(self, now: float) -> str:
        """Why no poses come, for people; empty where they should."""
        silent = [ear.name for ear in self.ears if ear.arrived is None or now - ear.arrived > SILENT_S]
        if silent:
            return "no packets from " + ("either receiver" if len(silent) == 2 else silent[0])
        if self._clocks is None:
            return "listening to both receivers to compare their clocks"
        return ""

    def _packets(self, chunks: Iterable[Chunk]) -> tuple[Packets, Packets]:
        """Parse what came of each receiver in one go."""
        bodies: tuple[list[bytes], list[bytes]] = ([], [])
        for chunk in chunks:
            receiver = chunk.receiver % RECEIVERS
            ear = self.ears[receiver]
            bodies[receiver].append(chunk.log)
            ear.missed += chunk.missed
            ear.arrived = chunk.arrived
        first, second = (
            self._of(ear, parse_log(b"".join(body))) if body else NOTHING
            for ear, body in zip(self.ears, bodies, strict=True)
        )
        return first, second

    def _of(self, ear: Ear, parsed: CsiLog) -> Packets:
        good = usable_packets(parsed)
        ear.damaged += parsed.report.bad + parsed.report.truncated
        ear.unusable += len(parsed) - good.time_us.size
        ear.packets += len(parsed)
        time_us = ear.clock.unwrap(good.time_us % (1 << 32))
        if time_us.size == 0:
            return NOTHING
        steps = np.diff(time_us, prepend=time_us[0] if ear.last_us is None else ear.last_us)
        ear.last_us = int(time_us[-1])
        if (steps < 0).any() or (steps > LEAP_US).any():
            ear.restarts += 1
            log.warning("the clock of %s leapt: finding the receivers' clocks anew", ear.name)
            self._begin_anew()
            return NOTHING
        return Packets(time_us, good.csi)

    def _keep(self, packets: tuple[Packets, Packets], now: float) -> tuple[Packets, Packets]:
        """Keep packets until the clocks can be told; then hand on all of them."""
        if not any(more.time_us.size for more in packets):
            return NOTHING, NOTHING
        if self._kept_since is None:
            self._kept_since = now
        self._early.append(packets)
        for r, more in enumerate(packets):
            if more.time_us.size:
                self._early_us[r] = (self._early_us[r] or (int(more.time_us[0]), 0))[0], int(more.time_us[-1])
        shorter, longer = sorted(last - first for first, last in (span or (0, 0) for span in self._early_us))
        if shorter < self._tried_us + ACQUIRE_STEP_US:
            return NOTHING, NOTHING
        first, second = (_joined([kept[r] for kept in self._early]) for r in (0, 1))
        self._tried_us = shorter
        line = acquire(first.time_us, second.time_us)
        if line is None:
            if longer > ACQUIRE_MAX_US:
                log.warning("the receivers do not seem to hear the same packets; trying again")
                self._begin_anew()
            return NOTHING, NOTHING
        links = self.links or links_of_start((first, second))
        self.sessions += 1
        self._clocks = Clocks(line)
        self._path = SignalPath(links, self._rate, self.estimator.engine.spec)
        self.estimator.forget()
        self._forget_early()
        log.info("the receivers' clocks are %.2f ppm apart; session %d begins", line.slope * 1e6, self.sessions)
        return first, second

    def _notice_silence(self, now: float) -> None:
        """Nothing is kept of one receiver while the other says nothing for long."""
        if self._clocks is not None:
            over = any(ear.arrived is not None and now - ear.arrived > RESTART_S for ear in self.ears)
        else:
            waited = self._kept_since is not None and now - self._kept_since > SILENT_S
            over = waited and any(ear.arrived is None or now - ear.arrived > SILENT_S for ear in self.ears)
        if over:
            self._begin_anew()

    def _begin_anew(self) -> None:
        self._clocks = self._path = None
        self._forget_early()
        self._started.clear()
        self._delays.clear()

    def _forget_early(self) -> None:
        self._early, self._early_us = [], [None, None]
        self._tried_us, self._kept_since = 0, None

    def _notice_start(self, packets: Packets, now: float, wall: float) -> None:
        """When the session began by the host's clock: what arrived with the least delay of late tells."""
        if packets.time_us.size == 0 or self._clocks is None:
            return
        arrived = self.ears[0].arrived
        assert arrived is not None  # these packets have just come
        age = now - arrived
        began = wall - age - float(packets.time_us[-1] - self._clocks.line.origin_us) * 1e-6
        block = int(now / BLOCK_S)
        if self._started and self._started[-1][0] == block:
            block, before = self._started.pop()
            began = min(began, before)
        self._started.append((block, began))
        earliest = min(began for _, began in self._started)
        self.estimator.labels = replace(self.estimator.labels, started=earliest)


def _joined(parts: list[Packets]) -> Packets:
    return Packets(np.concatenate([part.time_us for part in parts]), np.concatenate([part.csi for part in parts]))
