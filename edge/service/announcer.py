"""Who hears of a room, and what is said when something changes."""

import logging
from dataclasses import dataclass

from edge.publish.live import LivePublisher
from edge.publish.message import Pose, State, Telemetry
from edge.service.host import Host
from edge.track.tracker import Tracked
from edge.view.feed import Feed

STATE_EVERY_S = 10.0
UNAVAILABLE_S = 10.0  # without a packet: then the hub shows its entities as unavailable

log = logging.getLogger(__name__)


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
