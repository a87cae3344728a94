"""What tests ask of a broker and of the publisher's log."""

import logging
import time
from collections.abc import Callable

import pytest
from paho.mqtt import publish

from edge.config import Mqtt
from edge.publish.live import LivePublisher
from tests.conftest import WAIT_S, Mosquitto

Start = Callable[..., LivePublisher]


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def mqtt_of(broker: Mosquitto, user: str = "", scheme: str = "mqtt") -> Mqtt:
    return Mqtt(address=f"{scheme}://{user}{broker.host}:{broker.port}")


def say(broker: Mosquitto, topic: str, payload: bytes, *, retain: bool = False) -> None:
    publish.single(topic, payload, qos=1, retain=retain, hostname=broker.host, port=broker.port)


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
