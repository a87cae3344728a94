"""Browsers at the embedded broker, played by a client that speaks MQTT over WebSocket, and by hostile ones."""

import asyncio
import socket
import threading
from typing import Any

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from edge.publish import websocket
from edge.publish.broker import HOST, EmbeddedBroker, embedded_broker
from tests.conftest import WAIT_S

pytest.importorskip("amqtt")
sync: Any = pytest.importorskip("websockets.sync.client")


def port_of(broker: EmbeddedBroker) -> int:
    return int(broker.websocket_url.rstrip("/").rpartition(":")[2])


def browser(broker: EmbeddedBroker, origin: str | None = None) -> Any:
    return sync.connect(broker.websocket_url, origin=origin, subprotocols=["mqtt"], compression=None)


def connect_packet(name: str) -> bytes:
    """MQTT 3.1.1, section 3.1: clean session, keep-alive 60 s."""
    body = b"\x00\x04MQTT\x04\x02\x00\x3c" + len(name).to_bytes(2, "big") + name.encode()
    return bytes([0x10, len(body)]) + body


def subscribe_packet(topic: str) -> bytes:
    """MQTT 3.1.1, section 3.8: packet 1, QoS 0."""
    body = b"\x00\x01" + len(topic).to_bytes(2, "big") + topic.encode() + b"\x00"
    return bytes([0x82, len(body)]) + body


def test_messages_reach_it_whole_and_in_order() -> None:
    got: list[bytes] = []
    subscribed, done = threading.Event(), threading.Event()

    def take(_client: Client, _data: object, message: MQTTMessage) -> None:
        got.append(bytes(message.payload))
        if len(got) == 200:
            done.set()

    with embedded_broker() as broker:
        client = Client(CallbackAPIVersion.VERSION2, transport="websockets", protocol=MQTTProtocolVersion.MQTTv311)
        client.ws_set_options(path="/")
        client.on_subscribe = lambda *_: subscribed.set()
        client.on_message = take
        client.connect(HOST, port_of(broker))
        client.loop_start()
        client.subscribe("wimose/#")
        assert subscribed.wait(WAIT_S)
        sent = [bytes([number % 256]) * (1 + 97 * number % 9000) for number in range(200)]
        for number, payload in enumerate(sent):
            broker.put(f"wimose/lab/{number}", payload)
        assert done.wait(WAIT_S)
        client.disconnect()
        client.loop_stop()
    assert got == sent


def test_what_is_written_while_another_waits_is_sent_once() -> None:
    """amqtt sends to one client from several tasks."""
    sent: list[bytes] = []

    class Slow:
        async def send(self, data: bytes) -> None:
            sent.append(data)
            await asyncio.sleep(0.01)

    async def talk() -> None:
        writer = websocket.Writer(Slow())
        writer.write(b"first")
        waiting = asyncio.create_task(writer.drain())
        await asyncio.sleep(0)
        writer.write(b"second")
        await writer.drain()
        await waiting

    asyncio.run(talk())
    assert sent == [b"first", b"second"]


def test_packets_may_be_cut_anywhere() -> None:
    """MQTT 3.1.1, section 6: a message of the WebSocket may hold parts of packets, or several."""
    stream = connect_packet("cut") + subscribe_packet("wimose/#")
    with embedded_broker() as broker, browser(broker) as page:
        for number in range(len(stream)):
            page.send(stream[number : number + 1])
        assert page.recv(WAIT_S) == b"\x20\x02\x00\x00"  # CONNACK
        assert page.recv(WAIT_S) == b"\x90\x03\x00\x01\x00"  # SUBACK


@pytest.mark.parametrize("origin", ["https://evil.example", "http://127.0.0.1.evil.example", "null"])
def test_pages_from_elsewhere_are_not_let_in(origin: str) -> None:
    from websockets.exceptions import InvalidStatus

    with embedded_broker() as broker, pytest.raises(InvalidStatus, match="403"):
        browser(broker, origin)


@pytest.mark.parametrize("origin", ["http://127.0.0.1:8765", "http://localhost:1", None])
def test_pages_of_this_host_are(origin: str | None) -> None:
    with embedded_broker() as broker, browser(broker, origin) as page:
        page.send(connect_packet("ours"))
        assert page.recv(WAIT_S) == b"\x20\x02\x00\x00"


def test_who_leaves_within_a_packet_takes_nothing_along() -> None:
    """amqtt's own reader would spin for ever here, and no other client would be served."""
    with embedded_broker() as broker:
        with browser(broker) as page:
            page.send(connect_packet("torn")[:5])
        with browser(broker) as page:
            page.send(connect_packet("next"))
            assert page.recv(WAIT_S) == b"\x20\x02\x00\x00"


def test_a_frozen_browser_does_not_hold_up_the_end() -> None:
    with embedded_broker() as broker:
        frozen = socket.create_connection((HOST, port_of(broker)), timeout=WAIT_S)
        frozen.sendall(
            b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n"
        )
        assert frozen.recv(4096).startswith(b"HTTP/1.1 101")
    frozen.close()  # a broker that waited for it would have raised TimeoutError


def test_a_frozen_browser_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that what waits for it stays small."""
    monkeypatch.setattr(websocket, "PING_S", 0.2)
    with embedded_broker() as broker:
        frozen = socket.create_connection((HOST, port_of(broker)), timeout=WAIT_S)
        frozen.sendall(
            b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n"
        )
        while frozen.recv(4096):  # ends where the broker hangs up
            pass
        frozen.close()
