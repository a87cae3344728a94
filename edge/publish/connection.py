"""How every publisher of a room connects: its name, its will, its secrets, and how often it tries again."""

import logging
import ssl
from collections.abc import Callable
from typing import ParamSpec

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from edge.publish.address import BrokerAddress

BACKOFF_MIN_S, BACKOFF_MAX_S = 1, 60  # a broker restarts within seconds; one that is off is not hammered

log = logging.getLogger(__name__)

P = ParamSpec("P")


def topic(room: str, name: str) -> str:
    return f"wimose/{room}/{name}"


def new_client(address: BrokerAddress, room: str, password: str | None, protocol: MQTTProtocolVersion) -> Client:
    """A paho client that is set up but not connected; its will says `offline` on the room's status."""
    # One fixed name per room: a publisher that lost power and starts again takes over its old
    # connection, whose will would otherwise say `offline` after the new one said `online`.
    client = Client(CallbackAPIVersion.VERSION2, client_id=f"wimose-{room}", protocol=protocol)
    client.will_set(topic(room, "status"), b"offline", qos=1, retain=True)
    client.reconnect_delay_set(BACKOFF_MIN_S, BACKOFF_MAX_S)
    if address.user is not None:
        client.username_pw_set(address.user, password)
    if address.tls:
        client.tls_set_context(ssl.create_default_context())
    return client


def guarded(callback: Callable[P, None]) -> Callable[P, None]:
    """An exception out of a callback would end paho's network thread without a word: say it and go on."""

    def call(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            callback(*args, **kwargs)
        except Exception:
            log.exception("fault in %s", callback.__name__)

    return call
