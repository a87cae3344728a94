"""Publishers of tests, which are closed at the end."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from paho.mqtt.client import Client

from edge.config import Mqtt
from edge.publish import connection, link
from edge.publish.live import LivePublisher
from tests.publish.brokers import Start
from tests.publish.test_mqtt import INFO


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(connection, "BACKOFF_MIN_S", 0.05)
    caplog.set_level(logging.INFO)


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a publisher, which is closed at the end."""
    running: list[LivePublisher] = []

    def run(mqtt: Mqtt, **options: Any) -> LivePublisher:
        running.append(LivePublisher(mqtt, "lab", INFO, **options))
        running[-1].start()
        return running[-1]

    yield run
    for publisher in running:
        publisher.close(0.1)


@pytest.fixture
def attempts(monkeypatch: pytest.MonkeyPatch) -> list[Client]:
    """The clients of all connections that were tried."""
    clients: list[Client] = []
    init = link.Link.__init__

    def note(self: link.Link, client: Client, *rest: Any) -> None:
        clients.append(client)
        init(self, client, *rest)

    monkeypatch.setattr(link.Link, "__init__", note)
    return clients
