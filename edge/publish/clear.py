"""Forget a room: empty retained messages on every topic that its publisher retains, so that no hub shows a ghost."""

import os
import threading

from edge.address import BrokerAddress
from edge.config import Config
from edge.errors import ConfigError
from edge.publish import discovery, refusal
from edge.publish.connection import bare_client, tls_context, topic
from edge.publish.keeper import ANSWER_S, MQTT_3_1_1, MQTT_5
from edge.publish.link import Link

RETAINED = ("status", "info", "receiving", "pause")


def retained_topics(config: Config) -> list[str]:
    """Every topic that the service with this configuration retains."""
    receivers = [receiver.name for receiver in config.receivers]
    relays = [topic(config.room, f"csi/{name}/status") for name in {*receivers, config.relay.receiver}]
    entities = discovery.cleared(config.home_assistant.prefix, config.room, receivers)
    return [*entities, *(topic(config.room, name) for name in RETAINED), *sorted(relays)]


def clear(config: Config, password: str | None = None) -> list[str]:
    """Clear these topics and wait until the broker has confirmed it; returns them.

    Raises ConfigError where the broker cannot be reached, lets us not in, or takes a message not. The service must
    not run: it would say everything again.
    """
    address = BrokerAddress.parse(config.mqtt.address)
    tls = tls_context(config.mqtt, address, os.environ)
    for protocol in (MQTT_5, MQTT_3_1_1):
        news = threading.Condition()
        link = Link(bare_client(f"wimose-{config.room}-clear", address, password, protocol, tls), news)
        try:
            link.open(address.host, address.port)
        except OSError as error:
            raise refusal.unreachable(address, error, refusal.CONFIG) from error
        try:
            return _clear(config, address, link, news)
        except refusal.ProtocolError:
            if protocol is MQTT_3_1_1:
                raise
        finally:
            link.leave()
    raise AssertionError("the last protocol returns or raises")


def _clear(config: Config, address: BrokerAddress, link: Link, news: threading.Condition) -> list[str]:
    with news:
        news.wait_for(lambda: link.answer is not None or link.ended is not None, ANSWER_S)
    if link.answer is None:
        raise refusal.unanswered(address, link.ended)
    if link.answer.is_failure:
        raise refusal.refused(address, link.answer, refusal.CONFIG)
    sent = {link.publish(name, b"", qos=1, retain=True): name for name in retained_topics(config)}
    with news:
        news.wait_for(lambda: len(link.confirmed) >= len(sent) or link.ended is not None, ANSWER_S)
        said = dict(link.take_confirmed())
    for number, name in sent.items():
        if number not in said:
            raise ConfigError(f"{address} did not confirm that {name} is cleared: try again")
        if said[number].is_failure:
            raise refusal.not_allowed(address, name, said[number])
    return list(sent.values())
