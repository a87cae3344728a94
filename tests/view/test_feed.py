"""Straight into the embedded broker: never waiting, the newest of each topic."""

import json
import threading
import time

import msgspec
import pytest
from paho.mqtt.enums import MQTTProtocolVersion

from edge.publish.broker import HOST, embedded_broker
from edge.publish.message import TruthMessage, encode
from edge.view.feed import Feed
from tests.conftest import Listen
from tests.publish.test_mqtt import INFO, INFO_TOPIC, POSE, STATUS, numbered

MQTT_3_1_1 = MQTTProtocolVersion.MQTTv311

pytest.importorskip("amqtt")


def test_everything_it_is_told_and_that_it_came_and_went(listen: Listen) -> None:
    with embedded_broker() as broker:
        heard = listen(HOST, broker.port, "wimose/#", MQTT_3_1_1)
        with Feed(broker, "lab") as feed:
            feed.tell(INFO)
            feed.publish(numbered(1))
            feed.tell(TruthMessage(seq=1, joints=[[0.0, 0.0, 0.0]] * 17))
            heard.wait(lambda h: len(h.messages) == 4)
            late = listen(HOST, broker.port, "wimose/#", MQTT_3_1_1)
            late.wait(lambda h: len(h.messages) >= 2)  # amqtt may say it twice
            assert {(m.topic, m.payload) for m in late.messages} == {(STATUS, b"online"), (INFO_TOPIC, encode(INFO))}
        heard.wait(lambda h: h.payloads(STATUS) == [b"online", b"offline"])
        assert heard.payloads(POSE) == [encode(numbered(1))]
        assert json.loads(heard.payloads("wimose/lab/truth")[0])["seq"] == 1


def test_offline_is_said_even_where_the_broker_ends_with_it(listen: Listen) -> None:
    with embedded_broker() as broker, Feed(broker, "lab"):
        heard = listen(HOST, broker.port, STATUS, MQTT_3_1_1)
    heard.wait(lambda h: h.payloads(STATUS)[-1:] == [b"offline"])


def test_a_broker_that_hangs_costs_neither_time_nor_memory(listen: Listen) -> None:
    with embedded_broker() as broker:
        heard = listen(HOST, broker.port, POSE, MQTT_3_1_1)
        feed = Feed(broker, "lab")
        busy = threading.Event()

        def hang() -> None:
            busy.set()
            time.sleep(1.0)

        broker._loop.call_soon_threadsafe(hang)
        busy.wait()
        for seq in range(5000):
            feed.publish(numbered(seq))
        assert len(broker._waiting) <= 2
        assert feed.dropped >= 4990
        heard.wait(lambda h: bool(h.payloads(POSE)))
        assert msgspec.json.decode(heard.payloads(POSE)[-1])["seq"] == 4999
    feed.publish(numbered(5000))  # it has ended: no error
