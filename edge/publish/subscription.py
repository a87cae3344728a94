"""Hears topics for as long as a command runs; who serves a room for months has `keeper` for that."""

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from edge.address import BrokerAddress, read_password
from edge.config import Mqtt
from edge.errors import ConfigError
from edge.publish import refusal
from edge.publish.connection import bare_client, guarded, tls_context

CONNECT_S = 10.0  # a broker on the same network answers within milliseconds, over TLS within one second
KEEPALIVE_S = 10


@contextmanager
def subscribed(mqtt: Mqtt, name: str, handlers: Mapping[str, Callable[[bytes], None]]) -> Iterator[None]:
    """Connect as `name`, call each topic's handler with its payloads, in paho's thread, and subscribe again on every
    connect. Raises ConfigError where the broker does not let us hear them all.
    """
    address = BrokerAddress.parse(mqtt.address)
    password = read_password(Path(mqtt.password_file) if mqtt.password_file else None, os.environ)
    # MQTT 3.1.1 says which subscriptions are refused, and every broker speaks it.
    client = bare_client(
        name, address, password, MQTTProtocolVersion.MQTTv311, tls_context(mqtt, address, os.environ), reconnects=True
    )
    heard: Future[None] = Future()  # all topics, or why not
    waiting: dict[int | None, str] = {}

    @guarded
    def on_connect(client: Client, _data: Any, _flags: Any, reason: ReasonCode, _: Any) -> None:
        if reason.is_failure:
            _fail(heard, refusal.refused(address, reason, refusal.CONFIG))
            return
        waiting.clear()
        waiting.update((client.subscribe(topic)[1], topic) for topic in handlers)

    @guarded
    def on_subscribe(_client: Client, _data: Any, mid: int, reasons: list[ReasonCode], _: Any) -> None:
        topic = waiting.pop(mid, "")
        if any(reason.is_failure for reason in reasons):
            _fail(heard, refusal.not_heard(address, topic, reasons[0]))
        elif not waiting and not heard.done():
            heard.set_result(None)

    @guarded
    def on_message(_client: Client, _data: Any, message: MQTTMessage) -> None:
        handlers[message.topic](bytes(message.payload))

    @guarded
    def on_disconnect(_client: Client, _data: Any, _flags: Any, _reason: ReasonCode, _: Any) -> None:
        _fail(heard, refusal.hung_up(address))

    client.on_connect, client.on_subscribe, client.on_message = on_connect, on_subscribe, on_message
    client.on_disconnect = on_disconnect
    client.connect_timeout = CONNECT_S
    try:
        client.connect(address.host, address.port, keepalive=KEEPALIVE_S)
        client.loop_start()
        heard.result(CONNECT_S)
        yield
    except OSError as error:  # a TimeoutError, from waiting for the answer, is one
        if heard.done():
            raise  # not ours: the caller's
        raise refusal.unreachable(address, error, refusal.CONFIG) from error
    finally:
        client.disconnect()
        client.loop_stop()


def _fail(heard: Future[None], error: ConfigError) -> None:
    if not heard.done():
        heard.set_exception(error)
