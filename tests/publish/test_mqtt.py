"""Against a real mosquitto, heard by a client that shares no code with the publisher."""

import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest
from paho.mqtt.enums import MQTTProtocolVersion

from edge.errors import ConfigError
from edge.publish import mqtt
from edge.publish.address import BrokerAddress
from edge.publish.message import Info, Pose, encode
from edge.publish.mqtt import MqttPublisher
from tests.conftest import Listen, Mosquitto, Received
from tests.publish.test_message import a_pose

INFO = Info(version="0.1.0", bundle="wi-mose@0123abcd", room_profile="lab")

STATUS, POSE, INFO_TOPIC = "wimose/lab/status", "wimose/lab/pose", "wimose/lab/info"


def publisher_to(broker: Mosquitto, user: str | None = None, password: str | None = None) -> MqttPublisher:
    return MqttPublisher(BrokerAddress(broker.host, broker.port, tls=False, user=user), "lab", INFO, password)


def numbered(seq: int) -> Pose:
    return a_pose(np.full((17, 3), seq / 1000), seq=seq)


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
        while publisher.dropped == 0:  # the loss is noticed by the network thread, milliseconds later
            publisher.publish(numbered(0))
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
    with publisher_to(mosquitto).connect() as publisher:
        mosquitto.freeze()
        seq = 0
        while publisher.dropped == 0:  # the kernel takes some megabytes before the socket is full
            publisher.publish(numbered(seq))
            assert len(publisher._in_flight) < mqtt.MAX_IN_FLIGHT
            seq += 1
        assert publisher.dropped <= mqtt.MAX_IN_FLIGHT + 1
        mosquitto.thaw()
        heard = listen(mosquitto.host, mosquitto.port, "wimose/#")
        heard.wait(lambda h: h.payloads(STATUS)[-1:] == [b"online"])


def test_closing_towards_a_stalled_broker_ends_and_leaves_the_will(
    mosquitto: Mosquitto, listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mqtt, "CLOSE_S", 0.5)
    publisher = publisher_to(mosquitto).connect()
    mosquitto.freeze()
    publisher.close()
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
