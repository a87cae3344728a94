"""One connection to a broker, from the first packet to the last: what paho calls back becomes notes for its owner."""

import socket
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.reasoncodes import ReasonCode

from edge.publish.connection import guarded

CONNECT_S = 5.0  # for the TCP connection and for the TLS handshake
KEEPALIVE_S = 5  # paho notices a broker that stalls after two of these; the broker one of us after one and a half
SEND_BUFFER = 32 << 10  # bytes; the kernel's own choice holds minutes of poses that nobody reads

Note = tuple[int, ReasonCode]  # number of a message, and what the broker said to it


class Link:
    """A client of its own for every connection: what paho still held for the last one is gone with it."""

    def __init__(
        self, client: Client, news: threading.Condition, heard: Callable[[str, bytes, bool], None] | None = None
    ) -> None:
        """news is notified with every note; heard(topic, payload, retained) is called in paho's thread."""
        self.answer: ReasonCode | None = None  # to our CONNECT
        self.ended: str | None = None  # why
        self.confirmed: deque[Note] = deque()  # bounded by what the owner sends
        self.subscribed: deque[Note] = deque()
        self._client = client
        self._news = news
        self._heard = heard
        client.connect_timeout = CONNECT_S
        client.on_socket_open = self._on_socket_open
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message

    def open(self, host: str, port: int) -> None:
        """Raises OSError where there is no connection; the broker's answer comes as a note."""
        try:
            self._client.connect(host, port, keepalive=KEEPALIVE_S)
        except BaseException:
            self._release()
            raise
        self._client.loop_start()

    def publish(self, topic: str, payload: bytes, qos: int, retain: bool) -> int:
        """The message's number, which `confirmed` will name unless the connection ends first."""
        return self._client.publish(topic, payload, qos, retain).mid

    def subscribe(self, topic: str, qos: int) -> int | None:
        return self._client.subscribe(topic, qos)[1]

    # Under `news`:

    @property
    def has_news(self) -> bool:
        return bool(self.ended is not None or self.confirmed or self.subscribed)

    def take_confirmed(self) -> list[Note]:
        notes = list(self.confirmed)
        self.confirmed.clear()
        return notes

    def take_subscribed(self) -> list[Note]:
        notes = list(self.subscribed)
        self.subscribed.clear()
        return notes

    # Not under `news`:

    def leave(self) -> None:
        """Say goodbye, after which the broker forgets the will."""
        self._client.disconnect()
        self._client.loop_stop()
        self._release()

    def cut(self) -> None:
        """Go without a word: the broker publishes the will."""
        connection = self._client.socket()
        if isinstance(connection, socket.socket):
            with suppress(OSError):  # it is gone already, which is what we want
                connection.shutdown(socket.SHUT_RDWR)
        self._client.loop_stop()
        self._release()

    def _release(self) -> None:
        """Part client and link, which know each other: its sockets are closed now, not when memory is next swept."""
        client = self._client
        client.on_socket_open = client.on_connect = client.on_disconnect = None
        client.on_publish = client.on_subscribe = client.on_message = None

    # The callbacks below run in paho's thread, which may hold locks of its own: they only leave notes.

    @guarded
    def _on_socket_open(self, _client: Client, _data: Any, connection: Any) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)

    @guarded
    def _on_connect(self, _client: Client, _data: Any, _flags: Any, reason: ReasonCode, _: Any) -> None:
        with self._news:
            self.answer = reason
            self._news.notify_all()

    @guarded
    def _on_disconnect(self, _client: Client, _data: Any, _flags: Any, reason: ReasonCode, _: Any) -> None:
        with self._news:
            self.ended = self.ended or str(reason)  # whoever gave it up first knows why
            self._news.notify_all()

    @guarded
    def _on_publish(self, _client: Client, _data: Any, mid: int, reason: ReasonCode, _: Any) -> None:
        with self._news:
            self.confirmed.append((mid, reason))
            self._news.notify_all()

    @guarded
    def _on_subscribe(self, _client: Client, _data: Any, mid: int, reasons: list[ReasonCode], _: Any) -> None:
        with self._news:
            self.subscribed.extend((mid, reason) for reason in reasons)
            self._news.notify_all()

    @guarded
    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        if self._heard is not None:
            self._heard(message.topic, bytes(message.payload), message.retain)
