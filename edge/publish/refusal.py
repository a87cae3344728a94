"""Why a broker does not take our messages, in sentences that say what to do.

Reason codes: MQTT 5.0, section 2.4; paho gives the return codes of MQTT 3.1.1 the same names.
"""

import socket
import ssl

from paho.mqtt.reasoncodes import ReasonCode

from edge.errors import ConfigError
from edge.publish.address import BrokerAddress


class ProtocolError(ConfigError):
    """The broker does not speak the MQTT version it was asked in."""


def unreachable(address: BrokerAddress, error: OSError) -> ConfigError:
    """No connection came about, or no answer came in time."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return ConfigError(
            f"the certificate of {address} is not trusted ({error.verify_message}): "
            "set SSL_CERT_FILE to the file of the authority that signed it"
        )
    if isinstance(error, ssl.SSLError):
        return ConfigError(f"{address} does not speak TLS: write mqtt:// for a broker without it, or another port")
    if isinstance(error, socket.gaierror):
        return ConfigError(f"the host name {address.host!r} is unknown: correct --mqtt, or give the IP address")
    if isinstance(error, ConnectionRefusedError):
        return ConfigError(f"no MQTT broker listens at {address}: start it, or correct --mqtt")
    if isinstance(error, ConnectionError):
        return hung_up(address)
    if isinstance(error, TimeoutError):
        return ConfigError(f"{address} does not answer: check the host, the port and the firewall")
    return ConfigError(f"cannot reach {address} ({error.strerror or error}): check the network and --mqtt")


def hung_up(address: BrokerAddress) -> ConfigError:
    """The connection was closed instead of an answer: a TLS port that got plain MQTT, or no broker at all."""
    return ConfigError(f"{address} closed the connection: check that mqtt:// or mqtts:// fits the port")


def refused(address: BrokerAddress, reason: ReasonCode) -> ConfigError:
    """The broker answered, and the answer was no."""
    if reason == "Unsupported protocol version":
        return ProtocolError(f"{address} speaks neither MQTT 5 nor MQTT 3.1.1: use another broker")
    if reason not in ("Not authorized", "Bad user name or password"):
        return ConfigError(f"{address} refuses the connection ({reason}): see the broker's log")
    if address.user is None:
        return ConfigError(
            f"{address} wants a user: write --mqtt as mqtt://USER@HOST and name the file of the password "
            "with --mqtt-password-file"
        )
    return ConfigError(f"{address} refuses user {address.user!r}: correct the user in --mqtt, or the password file")


def not_allowed(address: BrokerAddress, topic: str, reason: ReasonCode) -> ConfigError:
    """Connected, but a message was refused. Only MQTT 5 says so."""
    who = "anonymous clients" if address.user is None else f"user {address.user!r}"
    return ConfigError(f"{address} does not take messages ({reason}): allow {who} to write {topic} in its access list")
