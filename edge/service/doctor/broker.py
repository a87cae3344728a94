"""Does the broker let us in? Connects under a name of its own, so that a service that runs is not put off its
connection, and publishes nothing."""

import ssl
import stat
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from paho.mqtt.client import Client
from paho.mqtt.enums import MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from edge.address import CREDENTIAL, BrokerAddress, read_password
from edge.config import Mqtt
from edge.errors import ConfigError
from edge.publish import refusal
from edge.publish.connection import KEY_CREDENTIAL, bare_client, tls_context
from edge.service.doctor.finding import Check, Finding

ANSWER_S = 5.0  # a broker in the house answers within milliseconds


def broker(mqtt: Mqtt, environ: Mapping[str, str], timeout_s: float = ANSWER_S) -> Finding:
    """Connect as the service does, and leave.

    environ  where $CREDENTIALS_DIRECTORY holds the password and the key, as for the service
    """
    check = Check("broker")
    address = BrokerAddress.parse(mqtt.address)
    try:
        password = read_password(Path(mqtt.password_file) if mqtt.password_file else None, environ)
        tls = tls_context(mqtt, address, environ)
        version = _version(address, password, tls, timeout_s)
    except ConfigError as error:
        found, _, remedy = str(error).partition(": ")
        return check.fail(found, remedy) if remedy else check.fail(found, "see `mqtt` in the configuration")
    loose = next((path for path in _secrets(mqtt, environ) if _open_to_all(path)), None)
    if loose is not None:
        return check.warn(f"{address} lets us in, but everybody on this host can read {loose}", f"chmod 600 {loose}")
    who = "" if address.user is None else f" as {address.user}"
    return check.ok(f"{address} lets us in{who} (MQTT {version})")


def _version(address: BrokerAddress, password: str | None, tls: ssl.SSLContext | None, timeout_s: float) -> str:
    try:
        _connect(address, password, tls, MQTTProtocolVersion.MQTTv5, timeout_s)
    except refusal.ProtocolError:
        _connect(address, password, tls, MQTTProtocolVersion.MQTTv311, timeout_s)
        return "3.1.1"
    return "5"


def _connect(
    address: BrokerAddress, password: str | None, tls: ssl.SSLContext | None, protocol: MQTTProtocolVersion,
    timeout_s: float,
) -> None:  # fmt: skip
    """Raises ConfigError where the broker does not answer, or not with yes."""
    answer: list[ReasonCode] = []
    ended = threading.Event()

    def on_connect(_client: Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
        answer.append(reason)
        ended.set()

    def on_disconnect(*_: Any) -> None:
        ended.set()

    client = bare_client("", address, password, protocol, tls)
    client.on_connect, client.on_disconnect = on_connect, on_disconnect
    client.connect_timeout = timeout_s
    try:
        client.connect(address.host, address.port)
        client.loop_start()
        if not ended.wait(timeout_s):
            raise TimeoutError
    except OSError as error:
        raise refusal.unreachable(address, error, refusal.CONFIG) from error
    finally:
        client.disconnect()
        client.loop_stop()
    if not answer:
        raise refusal.hung_up(address)
    if answer[0].is_failure:
        raise refusal.refused(address, answer[0], refusal.CONFIG)


def _secrets(mqtt: Mqtt, environ: Mapping[str, str]) -> list[Path]:
    named = [Path(file) for file in (mqtt.password_file, mqtt.key_file) if file]
    folder = environ.get("CREDENTIALS_DIRECTORY")
    return named + ([Path(folder) / name for name in (CREDENTIAL, KEY_CREDENTIAL)] if folder else [])


def _open_to_all(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & stat.S_IROTH)
    except OSError:
        return False
