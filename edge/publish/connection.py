"""How everybody who publishes for a room connects: the name, the will, the secrets, and how often to try again."""

import logging
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ParamSpec

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from edge.address import BrokerAddress
from edge.config import Mqtt
from edge.errors import ConfigError

BACKOFF_MIN_S, BACKOFF_MAX_S = 1, 60  # a broker restarts within seconds; one that is off is not hammered
BACKOFF_SHARE = 1 / 6  # of the time it has been away: one that was gone for a minute is found within ten seconds

KEY_CREDENTIAL = "mqtt-key"  # the name to give in systemd's LoadCredential=

log = logging.getLogger(__name__)

P = ParamSpec("P")


def topic(room: str, name: str) -> str:
    return f"wimose/{room}/{name}"


def back_off(away_s: float) -> float:
    """How long to wait before the next attempt, in seconds, by how long the broker has been away."""
    return min(max(away_s * BACKOFF_SHARE, BACKOFF_MIN_S), BACKOFF_MAX_S)


def bare_client(
    name: str,
    address: BrokerAddress,
    password: str | None,
    protocol: MQTTProtocolVersion,
    tls: ssl.SSLContext | None = None,
    *,
    reconnects: bool = False,
) -> Client:
    """A paho client that is set up but not connected, without a will.

    tls         for an address with TLS; None for the system's authorities
    reconnects  False: the end of its connection is the end of its thread
    """
    client = Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=protocol, reconnect_on_failure=reconnects)
    if address.user is not None:
        client.username_pw_set(address.user, password)
    if address.tls:
        client.tls_set_context(tls or ssl.create_default_context())
    return client


def new_client(
    address: BrokerAddress,
    room: str,
    password: str | None,
    protocol: MQTTProtocolVersion,
    tls: ssl.SSLContext | None = None,
    *,
    reconnects: bool = True,
) -> Client:
    """The client of a room's publisher; its will says `offline` on the room's status."""
    # One fixed name per room: a publisher that lost power and starts again takes over its old
    # connection, whose will would otherwise say `offline` after the new one said `online`.
    client = bare_client(f"wimose-{room}", address, password, protocol, tls, reconnects=reconnects)
    client.will_set(topic(room, "status"), b"offline", qos=1, retain=True)
    client.reconnect_delay_set(BACKOFF_MIN_S, BACKOFF_MAX_S)
    return client


def tls_context(mqtt: Mqtt, address: BrokerAddress, environ: Mapping[str, str]) -> ssl.SSLContext | None:
    """Whom to trust and who we are, from the files of the configuration; None where the address has no TLS.

    The key comes from `mqtt.key_file`, else from `$CREDENTIALS_DIRECTORY/mqtt-key`, else from the certificate's file.
    """
    if not address.tls:
        if mqtt.ca_file is not None or mqtt.certificate_file is not None:
            raise ConfigError("mqtt.ca_file and mqtt.certificate_file belong to TLS: write mqtt.address as mqtts://")
        return None
    try:
        context = ssl.create_default_context(cafile=mqtt.ca_file)
    except (OSError, ValueError) as error:  # an SSLError, for a file that holds no certificate, is an OSError
        raise ConfigError(f"mqtt.ca_file {mqtt.ca_file}: {_why(error)}; name the authority's PEM file") from error
    if mqtt.certificate_file is not None:
        key = mqtt.key_file
        if key is None and "CREDENTIALS_DIRECTORY" in environ:
            credential = Path(environ["CREDENTIALS_DIRECTORY"]) / KEY_CREDENTIAL
            key = str(credential) if credential.exists() else None
        try:
            # A key with a passphrase would be asked for on the terminal, which a service does not have.
            context.load_cert_chain(mqtt.certificate_file, key, password=_no_passphrase)
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"mqtt.certificate_file {mqtt.certificate_file} with key {key or 'in the same file'}: {_why(error)}; "
                "both must be PEM, belong together, have no passphrase and be readable to this user"
            ) from error
    return context


def _no_passphrase() -> str:
    return ""


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return error.reason or "not usable"
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def guarded(callback: Callable[P, None]) -> Callable[P, None]:
    """An exception out of a callback would end paho's network thread without a word: say it and go on."""

    def call(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            callback(*args, **kwargs)
        except Exception:
            log.exception("fault in %s", getattr(callback, "__name__", callback))

    return call
