"""Keeps a connection to the broker for as long as the process runs, and sends on it what the outbox holds."""

import logging
import threading
import time
from collections.abc import Callable, Mapping

from paho.mqtt.client import Client
from paho.mqtt.enums import MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from edge.address import BrokerAddress
from edge.errors import ConfigError
from edge.publish import refusal
from edge.publish.connection import back_off
from edge.publish.link import Link
from edge.publish.outbox import Lane, Outbox

ANSWER_S = 10.0  # for the broker's answer to CONNECT: a stalled one that wakes up mostly finds us waiting
STALL_S = 15.0  # for a message to be taken: longer than the keepalive needs to see that a connection is dead
STEADY_S = 10.0  # a connection kept for this long was a good one: the next wait is again the shortest
POLL_S = 1.0  # how late a stall or a message that is due later may be noticed

MQTT_5, MQTT_3_1_1 = MQTTProtocolVersion.MQTTv5, MQTTProtocolVersion.MQTTv311

log = logging.getLogger(__name__)

Handlers = Mapping[str, Callable[[bytes], None]]


class Keeper:
    """Connects in a thread of its own, sends, listens, and connects again."""

    def __init__(
        self,
        address: BrokerAddress,
        outbox: Outbox,
        new_client: Callable[[MQTTProtocolVersion], Client],
        handlers: Handlers,
        farewell: tuple[str, bytes],
    ) -> None:
        """handlers: topic to what is called with its payloads, in paho's thread. farewell: topic, payload."""
        self.connected = False
        self._address = address
        self._outbox = outbox
        self._news = outbox.news
        self._new_client = new_client
        self._handlers = handlers
        self._farewell = farewell
        self._protocol = MQTT_5
        self._known = False  # the broker has answered in this protocol
        self._closing = False
        self._close_by = 0.0
        self._confirmed = False  # the farewell
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="wimose-mqtt", daemon=True)
        self._trouble = ""  # of the connection, as last logged
        self._refusals: set[str] = set()  # of topics, as logged

    def start(self) -> None:
        self._thread.start()

    def close(self, timeout_s: float) -> bool:
        """Say farewell and leave. True where the broker has confirmed it; else the will says it in our place."""
        with self._news:
            self._closing = True
            self._close_by = time.monotonic() + timeout_s
            self._news.notify_all()
        if self.connected:  # else there is nobody to say it to
            self._over.wait(timeout_s)
        return self._confirmed

    # What follows runs in the keeper's own thread.

    def _run(self) -> None:
        away_since = time.monotonic()
        while not self._closing:
            begun = time.monotonic()
            try:
                served = self._connection()
            except ConfigError as error:
                served = False
                self._say_trouble(str(error))
            except Exception as error:  # a fault of ours may cost a connection, never the publisher
                served = False
                if self._say_trouble(f"fault in the connection to {self._address}: {error!r}"):
                    log.exception("where it was")
            if served and time.monotonic() - begun > STEADY_S:
                away_since = time.monotonic()
            with self._news:
                self._news.wait_for(lambda: self._closing, back_off(time.monotonic() - away_since))
        self._over.set()

    def _connection(self) -> bool:
        """One connection from beginning to end. Raises ConfigError where none comes about."""
        link = Link(self._new_client(self._protocol), self._news, self._heard)
        try:
            link.open(self._address.host, self._address.port)
        except OSError as error:
            raise refusal.unreachable(self._address, error, refusal.CONFIG) from error
        try:
            if not self._let_in(link):
                return False
            if self._trouble or not self._known:
                log.info("connected to %s", self._address)
            self._trouble, self._known, self.connected = "", True, True
            self._serve(link)
        finally:
            self.connected = False
            self._outbox.closed()
            if self._confirmed:
                link.leave()
            else:
                link.cut()
        if not self._closing:
            self._say_trouble(refusal.lost(self._address, link.ended), logging.WARNING)
        return True

    def _let_in(self, link: Link) -> bool:
        """Wait for the broker's answer. Raises ConfigError where that is no, or none."""
        with self._news:
            self._news.wait_for(lambda: link.answer is not None or link.ended is not None or self._closing, ANSWER_S)
        if link.answer is None:
            if self._closing:
                return False
            if not self._known:  # old brokers hang up on MQTT 5, or say nothing, instead of refusing it
                self._protocol = MQTT_3_1_1 if self._protocol is MQTT_5 else MQTT_5
            raise refusal.unanswered(self._address, link.ended)
        if not link.answer.is_failure:
            return True
        error = refusal.refused(self._address, link.answer, refusal.CONFIG)
        if isinstance(error, refusal.ProtocolError) and self._protocol is MQTT_5:
            log.info("%s does not speak MQTT 5; using MQTT 3.1.1", self._address)
            self._protocol = MQTT_3_1_1
            return False
        raise error

    def _serve(self, link: Link) -> None:
        """Send what the outbox holds until the connection ends or the keeper closes."""
        asked = {link.subscribe(topic, qos=1): topic for topic in self._handlers}
        self._outbox.opened()
        on_way: dict[int, tuple[Lane, float]] = {}  # by number: the topic's lane, and when it left
        refused: set[str] = set()  # on this connection
        while True:
            with self._news:
                self._news.wait_for(lambda: link.has_news or self._closing or self._outbox.ready(), POLL_S)
                for mid, reason in link.take_confirmed():
                    if mid in on_way:
                        lane, _ = on_way.pop(mid)
                        lane.done()
                        if reason.is_failure:
                            refused.add(self._refusal(lane, reason))
                subscribed = link.take_subscribed()
                now = time.monotonic()
                due = self._outbox.take(now)
            for mid, reason in subscribed:
                if reason.is_failure:
                    refused.add(str(refusal.not_heard(self._address, asked[mid], reason)))
            for lane, payload in due:
                number = link.publish(lane.topic.name, payload, lane.topic.qos, lane.topic.retain)
                on_way[number] = (lane, now)
            self._say_refusals(refused, settled=not on_way)
            if link.ended is not None:
                return
            if self._closing:
                self._confirmed = self._part(link)
                return
            if any(now - left > STALL_S for _, left in on_way.values()):
                link.ended = "messages are not taken"
                return

    def _part(self, link: Link) -> bool:
        number = link.publish(*self._farewell, qos=1, retain=True)
        with self._news:
            self._news.wait_for(
                lambda: link.ended is not None or any(mid == number for mid, _ in link.confirmed),
                max(self._close_by - time.monotonic(), 0.0),
            )
            return any(mid == number and not reason.is_failure for mid, reason in link.confirmed)

    def _refusal(self, lane: Lane, reason: ReasonCode) -> str:
        """One sentence for all topics of a kind: `wimose/<room>/#`, `homeassistant/#`."""
        first, second, *_ = lane.topic.name.split("/")
        kind = f"{first}/{second}/#" if first == "wimose" else f"{first}/#"
        return str(refusal.not_allowed(self._address, kind, reason))

    def _say_trouble(self, sentence: str, level: int = logging.ERROR) -> bool:
        """Log what is wrong with the connection, once for as long as it stays the same."""
        new = sentence != self._trouble
        if new:
            log.log(level, "%s", sentence)
        self._trouble = sentence
        return new

    def _say_refusals(self, refused: set[str], *, settled: bool) -> None:
        """Log which topics are refused, once until a whole announcement has been taken."""
        for sentence in sorted(refused - self._refusals):
            log.error("%s", sentence)
        self._refusals = set(refused) if settled else self._refusals | refused

    def _heard(self, topic: str, payload: bytes, retained: bool) -> None:
        """In paho's thread. A command that somebody retained would be obeyed on every connect: only news count."""
        if not retained and topic in self._handlers:
            self._handlers[topic](payload)
