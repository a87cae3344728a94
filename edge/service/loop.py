"""The service's loop: everything that happens between packets and the broker, once round.

One thread runs it. Captures fill the inbox from threads of their own, the publisher has its own; nothing here waits for
either. What makes poses also pings systemd's watchdog: a pipeline that hangs is restarted, a silent radio is not.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from edge.capture.inbox import Inbox
from edge.publish.live import LivePublisher
from edge.publish.message import Pose, State, Telemetry
from edge.service.health import Health
from edge.service.host import Host
from edge.service.notify import Notifier
from edge.track.tracker import Tracked, Tracker
from edge.view.feed import Feed

TICK_S = 0.25  # longest wait for packets: how soon silence, a signal or the pause switch is noticed
STATE_EVERY_S = 10.0
UNAVAILABLE_S = 10.0  # without a packet: then the hub shows its entities as unavailable

log = logging.getLogger(__name__)


@dataclass
class Signals:
    """What the outside world asks of the loop; set in signal handlers, looked at once round."""

    stop: threading.Event = field(default_factory=threading.Event)
    reload: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True)
class Audience:
    """Who hears the room: the hub, and the page where one is open."""

    publisher: LivePublisher
    page: Feed | None = None  # None too where the page listens to the hub's broker

    def tell(self, message: Pose | State | Telemetry) -> None:
        if isinstance(message, Pose):
            self.publisher.pose(message)
        elif isinstance(message, State):
            self.publisher.state(message)
        else:
            self.publisher.telemetry(message)
        if self.page is not None:
            self.page.tell(message)


class Pause:
    """The hub's switch, kept over restarts: who switched it off does not want to find it on after a power cut."""

    def __init__(self, folder: Path | None) -> None:
        """folder: where the service keeps its state; None forgets at the end."""
        self._file = folder / "paused" if folder else None
        self.on = self._file is not None and self._file.exists()

    def set(self, on: bool) -> None:
        self.on = on
        if self._file is None:
            return
        try:
            if on:
                self._file.touch()
            else:
                self._file.unlink(missing_ok=True)
        except OSError as error:
            log.warning("the pause switch will not outlast a restart: %s: %s", self._file, error.strerror)


def serve(
    host: Host,
    inbox: Inbox,
    audience: Audience,
    pause: Pause,
    notifier: Notifier,
    signals: Signals,
    reload: Callable[[], None],
    clock: Callable[[], float] = time.monotonic,
    wall: Callable[[], float] = time.time,
) -> None:
    """Make poses until `signals.stop`."""
    tracker, health = Tracker(), Health(clock())
    known: Tracked | None = None  # what the last second of poses says
    announcer = Announcer(audience, clock())
    publisher = audience.publisher
    while not signals.stop.is_set():
        chunks = inbox.take(TICK_S)
        now = clock()
        notifier.ping(now)
        if signals.reload.is_set():
            signals.reload.clear()
            reload()
        if publisher.pause_asked is not None and publisher.pause_asked != pause.on:
            pause.set(publisher.pause_asked)
            log.info("%s by the hub", "paused" if pause.on else "resumed")
        if pause.on:
            chunks = []  # not even looked at
        for made in host.push(chunks, now, wall()):
            audience.tell(made.message)
            health.pose(clock() - chunks[-1].arrived)
            known = tracker.update(made.time_s, made.joints, made.message.confidence, made.message.present)
        problem = "paused" if pause.on else host.problem(now)
        if problem:
            known = None
            tracker.reset()
        announcer.say(host, known, problem, pause.on, now, wall())
        if health.due(now):
            drops = publisher.drops | {"chunks": inbox.dropped, "late poses": host.skipped, "windows": host.withheld}
            audience.tell(health.report(host, drops, problem, host.estimator.labels.source, now, wall()))


class Announcer:
    """Says `state`, `receiving` and the pause switch when they change, and the state every STATE_EVERY_S."""

    def __init__(self, audience: Audience, now: float) -> None:
        self._audience = audience
        self._publisher = audience.publisher
        self._opened = now
        self._said_at = -float("inf")
        self._said: tuple[object, ...] = ()
        self._receiving: bool | None = None
        self._paused: bool | None = None

    def say(self, host: Host, known: Tracked | None, problem: str, paused: bool, now: float, wall: float) -> None:
        if paused != self._paused:
            self._paused = paused
            self._publisher.paused(paused)
        heard = [ear.arrived for ear in host.ears if ear.arrived is not None]
        receiving = now - max(heard, default=self._opened) <= UNAVAILABLE_S and not paused
        if receiving != self._receiving:
            self._receiving = receiving
            self._publisher.receiving(receiving)
        said = (known, problem, paused)
        if said == self._said and now - self._said_at < STATE_EVERY_S:
            return
        if not self._said or self._said[1] != problem:
            log.info("%s", problem or "poses")
        self._said, self._said_at = said, now
        labels = host.estimator.labels
        self._audience.tell(
            State(
                t=wall,
                present=known.present if known else None,
                posture=known.posture if known else None,
                position=known.position if known else None,
                frame=labels.frame,
                confidence=known.confidence if known else None,
                problem=problem,
                paused=paused,
                source=labels.source,
            )
        )
