"""One room of this host: its packets come in here, its poses and how it fares go out."""

import logging
import time
from collections.abc import Callable, Sequence

from edge.capture.inbox import RECEIVERS, Chunk, Inbox
from edge.publish.message import Telemetry
from edge.service.announcer import Announcer, Audience
from edge.service.health import Health
from edge.service.host import Host
from edge.service.pause import Pause
from edge.track.tracker import Tracked, Tracker

log = logging.getLogger(__name__)


class Station:
    """All that is the room's own. Whatever its radio does, only this changes."""

    def __init__(
        self,
        number: int,
        host: Host,
        audience: Audience,
        pause: Pause,
        inbox: Inbox,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """number: of the room in the configuration, which its receivers' chunks bear. inbox: counts what it drops."""
        self.room = audience.publisher.room
        self.host = host
        self.audience = audience
        self._pause = pause
        self._inbox = inbox
        self._receivers = range(RECEIVERS * number, RECEIVERS * (number + 1))
        self._clock, self._wall = clock, wall
        self._tracker, self._health = Tracker(), Health(clock())
        self._known: Tracked | None = None  # what the last second of poses says
        self._announcer = Announcer(audience, clock())

    def turn(self, chunks: Sequence[Chunk]) -> None:
        """Make poses of what has come, and say what has changed, which may be that nothing comes."""
        now, wall = self._clock(), self._wall()
        host, pause = self.host, self._pause
        asked = self.audience.publisher.pause_asked
        if asked is not None and asked != pause.on:
            pause.set(asked)
            log.info("%s by the hub", "paused" if pause.on else "resumed")
        if pause.on:
            chunks = []  # not even looked at
        for made in host.push(chunks, now, wall):
            self.audience.tell(made.message)
            self._health.pose(self._clock() - chunks[-1].arrived)
            self._known = self._tracker.update(made.time_s, made.joints, made.message.confidence, made.message.present)
        problem = "paused" if pause.on else host.problem(now)
        if problem:
            self._known = None
            self._tracker.reset()
        self._announcer.say(host, self._known, problem, pause.on, now, wall)
        if self._health.due(now):
            self.audience.tell(self._report(problem, now, wall))

    def _report(self, problem: str, now: float, wall: float) -> Telemetry:
        host = self.host
        drops = self.audience.publisher.drops | {
            "chunks": self._inbox.dropped_of(*self._receivers), "late poses": host.skipped, "windows": host.withheld,
        }  # fmt: skip
        return self._health.report(host, drops, problem, host.estimator.labels.source, now, wall)
