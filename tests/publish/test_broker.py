import logging
import socket
import sys
import threading

import pytest
from paho.mqtt.enums import MQTTProtocolVersion

from edge.address import BrokerAddress
from edge.errors import MissingDependency
from edge.publish.broker import HOST, embedded_broker
from edge.publish.message import encode
from edge.publish.mqtt import MqttPublisher
from tests.conftest import WAIT_S, Listen
from tests.publish.test_mqtt import INFO, POSE, STATUS, numbered

MQTT_3_1_1 = MQTTProtocolVersion.MQTTv311


def test_round_trip_through_the_embedded_broker(listen: Listen) -> None:
    pytest.importorskip("amqtt")
    with embedded_broker() as broker:
        heard = listen(HOST, broker.port, "wimose/#", MQTT_3_1_1)
        address = BrokerAddress(HOST, broker.port, tls=False, user=None)
        with MqttPublisher(address, "lab", INFO, protocol=MQTT_3_1_1).connect() as publisher:
            for seq in range(100):
                publisher.publish(numbered(seq))
        heard.wait(lambda h: b"offline" in h.payloads(STATUS))
        assert heard.payloads(STATUS) == [b"online", b"offline"]
        assert heard.payloads(POSE) == [encode(numbered(seq)) for seq in range(100)]


def test_nothing_is_left_of_it_and_nothing_said(caplog: pytest.LogCaptureFixture) -> None:
    pytest.importorskip("amqtt")
    threads = threading.active_count()
    with pytest.raises(RuntimeError, match="the demo failed"), embedded_broker() as broker:
        with socket.create_connection((HOST, broker.port), timeout=WAIT_S) as stranger:
            stranger.shutdown(socket.SHUT_WR)  # not even a CONNECT
            assert stranger.recv(1) == b""
        raise RuntimeError("the demo failed")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((HOST, broker.port))
    assert threading.active_count() == threads
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_it_stops_in_the_middle_of_the_traffic() -> None:
    pytest.importorskip("amqtt")

    def talk(port: int) -> None:
        address = BrokerAddress(HOST, port, tls=False, user=None)
        with MqttPublisher(address, "lab", INFO, protocol=MQTT_3_1_1).connect() as publisher:
            talking.set()
            while publisher.dropped == 0:
                publisher.publish(numbered(0))

    for _ in range(3):
        talking = threading.Event()
        with embedded_broker() as broker:
            talker = threading.Thread(target=talk, args=(broker.port,), daemon=True)
            talker.start()
            assert talking.wait(WAIT_S)
        talker.join(WAIT_S)
        assert not talker.is_alive()


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "amqtt.broker", None)
    with pytest.raises(MissingDependency, match=r"pip install 'wimose\[demo\]', or pass --mqtt"), embedded_broker():
        pass
