"""What waits to be sent: per topic one message with the broker and few behind it; a new one replaces the oldest.

Whoever has something to say lays it down and goes on; the keeper of the connection takes it from here. What a
connection had not sent when it ended is dropped and counted with it; `again` topics say their last on the next one.
"""

import threading
import time
from collections import deque
from dataclasses import dataclass

FOLLOW_S = 2.0  # a hub that reads an entity's discovery subscribes within a second, and state is not retained


@dataclass(frozen=True)
class Topic:
    """How messages of a topic are sent."""

    name: str
    qos: int = 0
    retain: bool = False
    again: bool = False  # what was said last is said again on a new connection, and when a hub asks
    depth: int = 1  # messages that may wait


class Lane:
    """One topic's way out. Not for several threads at once: the outbox has the lock."""

    def __init__(self, topic: Topic) -> None:
        self.topic = topic
        self.dropped = 0  # messages that a newer one replaced, or that came while there was no connection
        self.said: bytes | None = None  # last
        self._waiting: deque[bytes] = deque()
        self._open = False
        self._on_way = False

    @property
    def ready(self) -> bool:
        """Whether a message may go now."""
        return self._open and not self._on_way and bool(self._waiting)

    def offer(self, payload: bytes) -> None:
        self.said = payload
        if not self._open:
            self.dropped += 1
            return
        self._waiting.append(payload)
        if len(self._waiting) > self.topic.depth:
            self._waiting.popleft()
            self.dropped += 1

    def repeat(self) -> None:
        """What was said last, unless that waits already."""
        if self._open and self.topic.again and self.said is not None and not self._waiting:
            self._waiting.append(self.said)

    def take(self) -> bytes:
        """The next message; the one after it waits until this one is `done`."""
        self._on_way = True
        return self._waiting.popleft()

    def done(self) -> None:
        """The socket has it (QoS 0), or the broker (QoS 1)."""
        self._on_way = False

    def opened(self) -> None:
        """A new connection."""
        self._open = True
        self.repeat()

    def closed(self) -> None:
        """The connection is gone, and what was on its way with it."""
        self.dropped += len(self._waiting) + self._on_way
        self._open = self._on_way = False
        self._waiting.clear()


class Outbox:
    """The lanes of all topics, in the order in which they are sent, and the news that there is something to do."""

    def __init__(self) -> None:
        self.news = threading.Condition()  # guards everything here; paho is never called under it
        self._lanes: dict[str, Lane] = {}
        self._open = False
        self._follow_at = float("inf")

    def add(self, topic: Topic) -> None:
        with self.news:
            if topic.name not in self._lanes:
                self._lanes[topic.name] = Lane(topic)
                if self._open:
                    self._lanes[topic.name].opened()

    def offer(self, topic: str, payload: bytes, *, changed: bool = False) -> None:
        """Lay a message down; with `changed` only where it differs from the last."""
        with self.news:
            lane = self._lanes[topic]
            if not changed or lane.said != payload:
                lane.offer(payload)
                self.news.notify_all()

    def dropped(self, topic: str) -> int:
        with self.news:
            return self._lanes[topic].dropped

    def repeat(self) -> None:
        """Say again what a hub has to know that comes anew, and a moment later again what it could not hear yet."""
        with self.news:
            for lane in self._lanes.values():
                lane.repeat()
            self._follow_at = time.monotonic() + FOLLOW_S
            self.news.notify_all()

    def opened(self) -> None:
        with self.news:
            self._open = True
            for lane in self._lanes.values():
                lane.opened()
        self.repeat()

    def closed(self) -> None:
        with self.news:
            self._open = False
            for lane in self._lanes.values():
                lane.closed()

    # Under `news`, by the one who sends:

    def ready(self) -> bool:
        return any(lane.ready for lane in self._lanes.values())

    def take(self, now: float) -> list[tuple[Lane, bytes]]:
        """What may go now."""
        if now >= self._follow_at:
            self._follow_at = float("inf")
            for lane in self._lanes.values():
                if not lane.topic.retain:
                    lane.repeat()
        return [(lane, lane.take()) for lane in self._lanes.values() if lane.ready]
