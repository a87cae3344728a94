"""The service's publisher against a server that answers CONNECT as real brokers seldom do."""

import gc
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from paho.mqtt.client import Client

from edge.config import Mqtt
from edge.publish import connection, keeper
from tests.publish.brokers import Start, wait_until

pytestmark = pytest.mark.usefixtures("impatient")


LET_IN = {5: bytes.fromhex("2003000000"), 4: bytes.fromhex("20020000")}  # CONNACK, success; section 3.2


@contextmanager
def puppet(answer: Callable[[int, int], bytes | None]) -> Iterator[tuple[Mqtt, list[int]]]:
    """A server that answers the CONNECT of number n at protocol level l with these bytes; None: it hangs up.

    Yields its address and the levels that it was asked at.
    """
    levels: list[int] = []
    connections: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                peer, _ = server.accept()
                level = peer.recv(4096)[8]  # MQTT 5.0, section 3.1.2.2
            except (OSError, IndexError):
                return
            said = answer(len(levels), level)
            levels.append(level)
            if said is None:
                peer.close()
            else:
                peer.sendall(said)
                connections.append(peer)

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, daemon=True).start()
        yield Mqtt(address=f"mqtt://127.0.0.1:{server.getsockname()[1]}"), levels
        server.shutdown(socket.SHUT_RDWR)
        for peer in connections:
            peer.close()


def test_a_broker_of_mqtt_3_1_1(start: Start) -> None:
    refuse = b"\x20\x02\x00\x01"  # unacceptable protocol version; MQTT 3.1.1, table 3.1
    with puppet(lambda _, level: LET_IN[4] if level == 4 else refuse) as (mqtt, levels):
        publisher = start(mqtt)
        wait_until(lambda: publisher.connected)
        assert levels == [5, 4]


def test_a_broker_that_hangs_up_is_asked_in_the_other_version_until_one_is_known(start: Start) -> None:
    with puppet(lambda number, level: LET_IN[level] if number == 2 else None) as (mqtt, levels):
        publisher = start(mqtt)
        wait_until(lambda: publisher.connected)
        assert levels == [5, 4, 5]


def test_a_connection_on_which_nothing_is_confirmed_is_given_up(
    start: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It answers and is silent: as it would look, too, if paho's thread had died of a fault."""
    monkeypatch.setattr(keeper, "STALL_S", 0.1)
    monkeypatch.setattr(keeper, "POLL_S", 0.05)
    with puppet(lambda _, level: LET_IN[level]) as (mqtt, levels):
        start(mqtt)
        wait_until(lambda: len(levels) >= 3)
    assert "messages are not taken" in caplog.text


def test_a_subscription_that_is_refused_is_said(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    refuse_first = bytes.fromhex("9004 0001 00 87")  # SUBACK, not authorized; MQTT 5.0, section 3.9
    with puppet(lambda _, level: LET_IN[level] + refuse_first) as (mqtt, _):
        start(mqtt)
        wait_until(lambda: "allow anonymous clients to read it in its access list" in caplog.text)
        assert "lets us not hear wimose/lab/pause/set (Not authorized)" in caplog.text


def test_a_second_host_of_the_same_room_is_named_as_the_trouble(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    taken_over = bytes.fromhex("e0018e")  # DISCONNECT; MQTT 5.0, section 3.14
    with puppet(lambda _, level: LET_IN[level] + taken_over) as (mqtt, _):
        start(mqtt)
        wait_until(lambda: "does a second host publish for this room?" in caplog.text)


def test_a_month_of_lost_connections_leaves_no_sockets_open(
    start: Start, monkeypatch: pytest.MonkeyPatch, attempts: list[Client]
) -> None:
    monkeypatch.setattr(connection, "BACKOFF_MIN_S", 0.001)
    monkeypatch.setattr(connection, "BACKOFF_MAX_S", 0.001)

    def opened() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    gc.collect()
    gc.disable()
    try:
        with puppet(lambda *_: None) as (mqtt, levels):
            before = opened()
            publisher = start(mqtt)
            while len(levels) < 50:
                attempts.clear()
                time.sleep(0.001)
            assert opened() < before + 20
            publisher.close()
    finally:
        gc.enable()
