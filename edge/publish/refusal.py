"""Why a broker does not take our messages, in sentences that say what to do.

Reason codes: MQTT 5.0, section 2.4; paho gives the return codes of MQTT 3.1.1 the same names.
"""

import socket
import ssl
from dataclasses import dataclass

from paho.mqtt.reasoncodes import ReasonCode

from edge.address import BrokerAddress
from edge.errors import ConfigError


class ProtocolError(ConfigError):
    """The broker does not speak the MQTT version it was asked in."""


@dataclass(frozen=True)
class Words:
    """Where whoever reads the sentence named the broker, and so has to correct it."""

    address: str
    password: str
    authority: str


FLAGS = Words("--mqtt", "--mqtt-password-file", "set SSL_CERT_FILE to the file of the authority that signed it")
CONFIG = Words("mqtt.address", "mqtt.password_file", "name the file of the authority that signed it in mqtt.ca_file")


def unreachable(address: BrokerAddress, error: OSError, words: Words = FLAGS) -> ConfigError:
    """No connection came about, or no answer came in time."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return ConfigError(f"the certificate of {address} is not trusted ({error.verify_message}): {words.authority}")
    if isinstance(error, ssl.SSLError):
        return ConfigError(f"{address} does not speak TLS: write mqtt:// for a broker without it, or another port")
    if isinstance(error, socket.gaierror):
        return ConfigError(
            f"the host name {address.host!r} is unknown: correct {words.address}, or give the IP address"
        )
    if isinstance(error, ConnectionRefusedError):
        return ConfigError(f"no MQTT broker listens at {address}: start it, or correct {words.address}")
    if isinstance(error, ConnectionError):
        return hung_up(address)
    if isinstance(error, TimeoutError):
        return ConfigError(f"{address} does not answer: check the host, the port and the firewall")
    return ConfigError(f"cannot reach {address} ({error.strerror or error}): check the network and {words.address}")


def hung_up(address: BrokerAddress) -> ConfigError:
    """The connection was closed instead of an answer: a TLS port that got plain MQTT, or no broker at all."""
    certificate = "; it may also ask for a client certificate" if address.tls else ""
    return ConfigError(f"{address} closed the connection: check that mqtt:// or mqtts:// fits the port{certificate}")


def unanswered(address: BrokerAddress, ended: str | None) -> ConfigError:
    """There was a connection and no answer on it: `ended` is why it went, None where it is still there."""
    if ended in (None, "Keep alive timeout"):  # paho gave up, not the broker
        return unreachable(address, TimeoutError())
    return hung_up(address)


def lost(address: BrokerAddress, ended: str | None) -> str:
    """A connection that had been good is gone; no error, as the next one will come."""
    if ended == "Session taken over":
        return f"{address} gave our place to another of the same name: does a second host publish for this room?"
    # paho's words for what it was not told: an end of the stream, and no answer to its pings.
    why = {"Unspecified error": "it was closed", "Keep alive timeout": "the broker stalls"}.get(ended or "", ended)
    return f"connection to {address} lost ({why}); trying again"


def refused(address: BrokerAddress, reason: ReasonCode, words: Words = FLAGS) -> ConfigError:
    """The broker answered, and the answer was no."""
    if reason == "Unsupported protocol version":
        return ProtocolError(f"{address} speaks neither MQTT 5 nor MQTT 3.1.1: use another broker")
    if reason not in ("Not authorized", "Bad user name or password"):
        return ConfigError(f"{address} refuses the connection ({reason}): see the broker's log")
    if address.user is None:
        return ConfigError(
            f"{address} wants a user: write {words.address} as mqtt://USER@HOST and name the file of the password "
            f"with {words.password}"
        )
    return ConfigError(
        f"{address} refuses user {address.user!r}: correct the user in {words.address}, or the password file"
    )


def not_allowed(address: BrokerAddress, topic: str, reason: ReasonCode) -> ConfigError:
    """Connected, but a message was refused. Only MQTT 5 says so."""
    return ConfigError(
        f"{address} does not take messages ({reason}): allow {_who(address)} to write {topic} in its access list"
    )


def not_heard(address: BrokerAddress, topic: str, reason: ReasonCode) -> ConfigError:
    """Connected, but a subscription was refused."""
    return ConfigError(
        f"{address} lets us not hear {topic} ({reason}): allow {_who(address)} to read it in its access list"
    )


def _who(address: BrokerAddress) -> str:
    return "anonymous clients" if address.user is None else f"user {address.user!r}"
