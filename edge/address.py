"""Where to publish: `mqtt://[user@]host[:port]` or `mqtts://...`, the secret to it, and the room's name."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import SplitResult, unquote, urlsplit

from edge.errors import ConfigError

DEFAULT_PORTS = {"mqtt": 1883, "mqtts": 8883}  # IANA: mqtt, secure-mqtt

MAX_ROOM = 64  # characters; a hub shows the name in one line

CREDENTIAL = "mqtt-password"  # the name to give in systemd's LoadCredential=


@dataclass(frozen=True)
class BrokerAddress:
    """A broker without its secret, so that it can be logged and printed."""

    host: str  # name, IPv4, or IPv6 without brackets
    port: int  # 1 to 65535
    tls: bool
    user: str | None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an address as the user types it; ConfigError says what to type instead."""
        url = _split(text)
        if url.password is not None:
            raise ConfigError(
                "the MQTT address holds a password, which every process on this host can read: "
                "leave it out and put it into a file named with --mqtt-password-file, or by mqtt.password_file"
            )
        if url.scheme not in DEFAULT_PORTS or url.path not in ("", "/") or url.query or url.fragment:
            raise _malformed(text)
        if not url.hostname or url.username == "" or url.port == 0:
            raise _malformed(text)
        return cls(
            host=url.hostname,
            port=DEFAULT_PORTS[url.scheme] if url.port is None else url.port,
            tls=url.scheme == "mqtts",
            user=None if url.username is None else unquote(url.username),
        )

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.tls else 'mqtt'}://{host}:{self.port}"


def check_room(room: str) -> str:
    """A room's name stands in topics: no separator, no wildcard, nothing invisible."""
    if not room.strip() or len(room) > MAX_ROOM or not room.isprintable() or set("/+#") & set(room):
        raise ConfigError(
            f"{room!r} cannot name a room: use 1 to {MAX_ROOM} printable characters without '/', '+' and '#'"
        )
    return room


def read_password(file: Path | None, environ: Mapping[str, str]) -> str | None:
    """The broker's password, from `file`, else from `$CREDENTIALS_DIRECTORY/mqtt-password`, else None.

    A trailing line end is not part of it; a line end within it or an empty file is a ConfigError.
    """
    if file is None:
        if "CREDENTIALS_DIRECTORY" not in environ:
            return None
        file = Path(environ["CREDENTIALS_DIRECTORY"]) / CREDENTIAL
        if not file.exists():  # a unit may load other credentials and not this one
            return None
    try:
        password = file.read_bytes().decode().rstrip("\r\n")
    except OSError as error:
        raise ConfigError(f"cannot read the MQTT password file {file}: {error.strerror}") from error
    except UnicodeDecodeError:
        # `from None`: the decoding error carries the file's bytes into a traceback.
        raise ConfigError(f"the MQTT password file {file} is not UTF-8 text") from None
    if not password or "\n" in password:
        raise ConfigError(f"the MQTT password file {file} must hold the password alone, on one line")
    return password


def _split(text: str) -> SplitResult:
    """Split the address; what urllib would quietly repair, or raises later, is refused here."""
    if any(sign.isspace() or not sign.isprintable() for sign in text):
        raise _malformed(text)
    try:
        url = urlsplit(text)
        _ = url.port  # raises where it is no number up to 65535
        (url.hostname or "").encode("idna")  # the resolver's own check; it raises past OSError
    except ValueError:
        raise _malformed(text) from None  # urllib's message may repeat what stands before the @
    return url


def _malformed(text: str) -> ConfigError:
    # What stands before the @ may be a password, whatever else is wrong with the address.
    shown = f"...@{text.rpartition('@')[2]}" if "@" in text else text
    return ConfigError(
        f"not an MQTT address: {shown!r}; write mqtt://HOST, mqtt://USER@HOST:PORT or mqtts://HOST "
        "(an IPv6 address in brackets)"
    )
