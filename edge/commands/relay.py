"""`wimose relay`: the packets of this host's receiver, over the broker to the host that runs the model.

| topic, under `wimose/<room>/csi/` | QoS | retained | content                                                         |
|-----------------------------------|-----|----------|-----------------------------------------------------------------|
| `<receiver>`                      | 0   | no       | batches of records, see `capture.relay`                         |
| `<receiver>/status`               | 1   | yes      | `online` on every connect, `offline` at the end and as the will |
"""

import argparse
import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

from paho.mqtt.client import Client
from paho.mqtt.enums import MQTTProtocolVersion

from edge import __version__
from edge.address import BrokerAddress, read_password
from edge.capture.inbox import Inbox
from edge.capture.relay import RelaySender
from edge.capture.sources import relay_capture
from edge.config import Config, load_rooms, room_of
from edge.errors import ConfigError
from edge.publish.connection import bare_client, tls_context, topic
from edge.publish.keeper import Keeper
from edge.publish.outbox import Outbox, Topic
from edge.service.journal import log_to_journal
from edge.service.notify import Notifier

TICK_S = 0.25  # longest wait for packets: how soon a signal is noticed
CLOSE_S = 4.0  # for the broker to confirm `offline`; systemd is told that we stop within 5
WAITING = 8  # batches, 0.4 s, while the broker is slow; then the oldest goes: what is older helps nobody
TELL_EVERY_S = 60.0  # how often lost batches are worth a line

log = logging.getLogger("wimose")


def run(arguments: argparse.Namespace) -> int:
    log_to_journal()
    rooms = load_rooms(Path(arguments.config) if arguments.config else None, sets=arguments.set)
    config = room_of(rooms, rooms[0].relay.room, "relay.room")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    inbox, notifier = Inbox(), Notifier()
    capture = relay_capture(config.relay, inbox)
    publisher = RelayPublisher(config)
    capture.open()
    log.info("wimose %s, listening: %s", __version__, capture.name)
    publisher.start()
    notifier.ready(f"relaying {config.relay.receiver} of room {config.room}")
    relay(inbox, publisher, notifier, stop)
    notifier.stopping()
    log.info("stopping")
    capture.close()
    if not publisher.close():
        log.warning("the broker did not confirm `offline`; it will say so by the will")
    return 0


class RelayPublisher:
    """The relay's connection to its broker: never waits, and nothing piles up in it."""

    def __init__(self, config: Config) -> None:
        """Raises ConfigError where the address, the secret or a certificate's file cannot be used."""
        address = BrokerAddress.parse(config.mqtt.address)
        password_file = config.mqtt.password_file
        password = read_password(Path(password_file) if password_file else None, os.environ)
        if password is not None and address.user is None:
            raise ConfigError(f"a password for {address} without a user: write mqtt.address as mqtt://USER@HOST")
        tls = tls_context(config.mqtt, address, os.environ)
        self._csi = topic(config.room, f"csi/{config.relay.receiver}")
        status = f"{self._csi}/status"
        self._outbox = Outbox()
        self._outbox.add(Topic(status, qos=1, retain=True, again=True))
        self._outbox.add(Topic(self._csi, depth=WAITING))
        self._outbox.offer(status, b"online")
        # One fixed name, as of the room's publisher: after a power cut it takes over its old connection and its will.
        name = f"wimose-relay-{config.room}-{config.relay.receiver}"

        def new_client(protocol: MQTTProtocolVersion) -> Client:
            client = bare_client(name, address, password, protocol, tls)
            client.will_set(status, b"offline", qos=1, retain=True)
            return client

        self._keeper = Keeper(address, self._outbox, new_client, handlers={}, farewell=(status, b"offline"))

    @property
    def dropped(self) -> int:
        """Messages that were not sent since the start: the broker was away, or slow."""
        return self._outbox.dropped(self._csi)

    def start(self) -> None:
        self._keeper.start()

    def send(self, message: bytes) -> None:
        self._outbox.offer(self._csi, message)

    def close(self) -> bool:
        return self._keeper.close(CLOSE_S)


def relay(
    inbox: Inbox,
    publisher: RelayPublisher,
    notifier: Notifier,
    stop: threading.Event,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Send what comes until `stop`."""
    sender = RelaySender()
    overrun = told = 0
    told_at = clock()
    while not stop.is_set():
        now = clock()
        notifier.ping(now)
        wait_s = sender.wait_s(now)
        for chunk in inbox.take(TICK_S if wait_s is None else min(wait_s, TICK_S)):
            for message in sender.add(chunk):
                publisher.send(message)
        sender.lost(inbox.dropped - overrun)
        overrun = inbox.dropped
        for message in sender.due(clock()):
            publisher.send(message)
        if publisher.dropped > told and now - told_at > TELL_EVERY_S:
            log.warning("%d batches not sent so far: the broker was away, or too slow", publisher.dropped)
            told, told_at = publisher.dropped, now
