"""Against a real mosquitto, heard by a client that shares no code with the publisher."""

import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
from paho.mqtt.enums import MQTTProtocolVersion

from edge.address import BrokerAddress
from edge.errors import ConfigError
from edge.publish import mqtt
from edge.publish.message import Info, Pose, encode
from edge.publish.mqtt import MqttPublisher
from tests.conftest import WAIT_S, Listen, Mosquitto, Received
from tests.publish.test_message import a_pose

INFO = Info(version="0.1.0", bundle="wi-mose@0123abcd", room_profile="lab")

STATUS, POSE, INFO_TOPIC = "wimose/lab/status", "wimose/lab/pose", "wimose/lab/info"


def publisher_to(broker: Mosquitto, user: str | None = None, password: str | None = None) -> MqttPublisher:
    return MqttPublisher(BrokerAddress(broker.host, broker.port, tls=False, user=user), "lab", INFO, password)


def numbered(seq: int) -> Pose:
    return a_pose(np.full((17, 3), seq / 1000), seq=seq)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def publish_until_dropped(publisher: MqttPublisher) -> None:
    deadline = time.monotonic() + WAIT_S
    while publisher.dropped == 0:
        publisher.publish(numbered(0))
        assert len(publisher._in_flight) < mqtt.MAX_IN_FLIGHT
        assert time.monotonic() < deadline


def test_what_a_room_says_from_start_to_end(mosquitto: Mosquitto, listen: Listen) -> None:
    heard = listen(mosquitto.host, mosquitto.port, "wimose/#")
    pose = numbered(1)
    with publisher_to(mosquitto).connect() as publisher:
        publisher.publish(pose)
    heard.wait(lambda h: b"offline" in h.payloads(STATUS))
    assert heard.messages == [
        Received(STATUS, b"online", qos=1, retain=False),
        Received(INFO_TOPIC, encode(INFO), qos=1, retain=False),
        Received(POSE, encode(pose), qos=0, retain=False),
        Received(STATUS, b"offline", qos=1, retain=False),
    ]
    late = listen(mosquitto.host, mosquitto.port, "wimose/#")
    late.wait(lambda h: len(h.messages) == 2)
    assert sorted((m.topic, m.payload) for m in late.messages) == [(INFO_TOPIC, encode(INFO)), (STATUS, b"offline")]
    assert all(m.retain for m in late.messages)


def test_every_pose_arrives_in_order_however_fast(mosquitto: Mosquitto, listen: Listen) -> None:
    heard = listen(mosquitto.host, mosquitto.port, POSE)
    with publisher_to(mosquitto).connect() as publisher:
        for seq in range(2000):
            publisher.publish(numbered(seq))
            assert len(publisher._in_flight) < mqtt.MAX_IN_FLIGHT
    heard.wait(lambda h: len(h.messages) == 2000)
    assert [msgspec.json.decode(m.payload, type=Pose).seq for m in heard.messages] == list(range(2000))
    assert publisher.dropped == 0


def test_the_will_speaks_for_a_killed_publisher(mosquitto: Mosquitto, listen: Listen) -> None:
    heard = listen(mosquitto.host, mosquitto.port, STATUS)
    script = (
        "import time\n"
        "from tests.publish.test_mqtt import *\n"
        f"address = BrokerAddress.parse('mqtt://{mosquitto.host}:{mosquitto.port}')\n"
        "MqttPublisher(address, 'lab', INFO).connect()\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], cwd=Path(__file__).parents[2]) as process:
        try:
            heard.wait(lambda h: h.payloads(STATUS) == [b"online"])
        finally:
            process.send_signal(signal.SIGKILL)
    heard.wait(lambda h: h.payloads(STATUS) == [b"online", b"offline"])
    late = listen(mosquitto.host, mosquitto.port, STATUS)
    late.wait(lambda h: h.messages == [Received(STATUS, b"offline", qos=1, retain=True)])


def test_a_broker_that_lost_its_memory_is_told_again(mosquitto: Mosquitto, listen: Listen) -> None:
    with publisher_to(mosquitto).connect() as publisher:
        mosquitto.kill()
        publish_until_dropped(publisher)  # the network thread notices milliseconds later
        publisher.publish(numbered(1))  # counts what was in flight, too
        dropped = publisher.dropped
        publisher.publish(numbered(1))
        assert publisher.dropped == dropped + 1

        mosquitto.start()
        heard = listen(mosquitto.host, mosquitto.port, "wimose/#")
        heard.wait(lambda h: b"online" in h.payloads(STATUS) and encode(INFO) in h.payloads(INFO_TOPIC))
        late = listen(mosquitto.host, mosquitto.port, "wimose/#")
        late.wait(lambda h: len(h.messages) == 2)
        assert all(m.retain for m in late.messages)
        assert late.payloads(STATUS) == [b"online"]

        publisher.publish(numbered(2))
        heard.wait(lambda h: bool(h.payloads(POSE)))
        assert heard.payloads(POSE) == [encode(numbered(2))], "what was published meanwhile must not come late"


def test_a_stalled_broker_costs_poses_and_neither_memory_nor_the_caller(
    mosquitto: Mosquitto, listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mqtt, "KEEPALIVE_S", 1)
    heard = listen(mosquitto.host, mosquitto.port, "wimose/#")
    with publisher_to(mosquitto).connect() as publisher:
        mosquitto.freeze()
        publish_until_dropped(publisher)  # the kernel takes some megabytes before the socket is full
        publisher.publish(numbered(-1))
        assert publisher.dropped <= mqtt.MAX_IN_FLIGHT + 1

        # The kernel accepts the next connection in the frozen broker's name; nobody has let us in yet.
        wait_until(lambda: publisher._client is not None and publisher._client.socket() is not None)
        publisher.publish(numbered(-2))
        mosquitto.thaw()
        heard.wait(lambda h: b"offline" in h.payloads(STATUS) and h.payloads(STATUS)[-1] == b"online")
        publisher.publish(numbered(-3))
        heard.wait(lambda h: h.payloads(POSE)[-1:] == [encode(numbered(-3))])
        assert encode(numbered(-1)) not in heard.payloads(POSE)
        assert encode(numbered(-2)) not in heard.payloads(POSE)


def test_closing_towards_a_stalled_broker_ends_and_leaves_the_will(
    mosquitto: Mosquitto, listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mqtt, "CLOSE_S", 0.5)
    monkeypatch.setattr(mqtt, "KEEPALIVE_S", 600)  # not what ends it
    publisher = publisher_to(mosquitto).connect()
    mosquitto.freeze()
    closing = threading.Thread(target=publisher.close, daemon=True)
    closing.start()
    closing.join(WAIT_S)
    assert not closing.is_alive()
    mosquitto.thaw()
    heard = listen(mosquitto.host, mosquitto.port, STATUS)
    heard.wait(lambda h: h.payloads(STATUS)[-1:] == [b"offline"])


def test_a_restarted_publisher_is_not_declared_offline_by_its_own_will(mosquitto: Mosquitto, listen: Listen) -> None:
    heard = listen(mosquitto.host, mosquitto.port, STATUS)
    lost = publisher_to(mosquitto).connect()  # stands for the connection of a host that lost power
    again = publisher_to(mosquitto).connect()
    heard.wait(lambda h: h.payloads(STATUS)[:3] == [b"online", b"offline", b"online"])
    lost.close()
    again.close()


def test_a_callback_that_raises_does_not_end_the_connection(
    mosquitto: Mosquitto, listen: Listen, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a fault in a callback")

    monkeypatch.setattr(mqtt.log, "warning", broken)  # called when the connection is lost
    with publisher_to(mosquitto).connect():
        mosquitto.kill()
        mosquitto.start()
        heard = listen(mosquitto.host, mosquitto.port, STATUS)
        heard.wait(lambda h: b"online" in h.payloads(STATUS))
    assert "a fault in a callback" in caplog.text


def test_announcements_do_not_pile_up_where_nobody_confirms_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt, "CLOSE_S", 0.1)
    let_in = bytes.fromhex("2003000000")  # CONNACK, success; MQTT 5.0, section 3.2
    confirm_both = bytes.fromhex("40020001 40020002")  # PUBACK of the first two messages; section 3.4
    heard: list[bytes] = []

    def serve(server: socket.socket) -> None:
        for answer in (let_in + confirm_both, let_in, let_in):
            connection, _ = server.accept()
            with connection, connection.makefile("rb") as stream:
                connection.sendall(answer)
                heard.append(b"")
                while encode(INFO) not in heard[-1]:
                    heard[-1] += stream.read1()
        third.set()

    with socket.create_server(("127.0.0.1", 0)) as server:
        third = threading.Event()
        threading.Thread(target=serve, args=(server,), daemon=True).start()
        host, port = server.getsockname()
        with MqttPublisher(BrokerAddress(host, port, tls=False, user=None), "lab", INFO).connect():
            assert third.wait(WAIT_S)
    assert [said.count(b"online") for said in heard] == [1, 1, 1]


def test_publishing_before_connect_and_after_close_is_counted(mosquitto: Mosquitto) -> None:
    publisher = publisher_to(mosquitto)
    publisher.publish(numbered(0))
    publisher.connect().close()
    publisher.publish(numbered(1))
    publisher.close()
    assert publisher.dropped == 2


def test_a_room_that_no_topic_can_hold() -> None:
    with pytest.raises(ConfigError, match="cannot name a room"):
        MqttPublisher(BrokerAddress("hub", 1883, tls=False, user=None), "a/b", INFO)


def test_mqtt_3_1_1_on_request(mosquitto: Mosquitto, listen: Listen) -> None:
    heard = listen(mosquitto.host, mosquitto.port, POSE)
    address = BrokerAddress(mosquitto.host, mosquitto.port, tls=False, user=None)
    with MqttPublisher(address, "lab", INFO, protocol=MQTTProtocolVersion.MQTTv311).connect() as publisher:
        publisher.publish(numbered(5))
    heard.wait(lambda h: h.payloads(POSE) == [encode(numbered(5))])
