"""Configuration of the service: built-in values < YAML file < WIMOSE_* environment < --set on the command line.

What each key means is written in `edge/service/config.example.yaml`, which the installer puts to /etc/wimose. A key
that is not known is an error that names the nearest one that is. Secrets are never in here: they are read from the
files that are named, or from `$CREDENTIALS_DIRECTORY`.
"""

import difflib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec

from edge.errors import ConfigError

DEFAULT_FILE = Path("/etc/wimose/config.yaml")
BUNDLE = "wimose-plus-rooms"  # trained in forty rooms: a house is none of those that the others know
ENVIRONMENT = "WIMOSE_"
NOT_KEYS = ("WIMOSE_DATA", "WIMOSE_TEST_")  # recordings, and what the tests are told
MAX_FILE_BYTES = 1 << 20  # a configuration has two pages; a wrong file is not read into memory

Origin = Literal["live", "replay", "simulated"]


class Mqtt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The broker."""

    address: str = "mqtt://localhost"
    password_file: str | None = None  # else $CREDENTIALS_DIRECTORY/mqtt-password
    ca_file: str | None = None  # else the system's authorities
    certificate_file: str | None = None  # with key_file: who we are, instead of a password or beside it
    key_file: str | None = None  # else $CREDENTIALS_DIRECTORY/mqtt-key
    websocket: str | None = None  # where browsers reach the same broker, such as ws://hub.local:9001


class Receiver(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One of the two receivers, and how its packets come here."""

    name: str
    source: Literal["netlink", "relay", "log"] = "netlink"
    path: str | None = None  # of `log`: a named pipe into which the 5300 tool's log_to_file writes
    antennas_m: list[tuple[float, float, float]] | None = None  # in the room, drawn by the page


class Relay(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `wimose relay` sends from this host to the one that runs the model."""

    receiver: str = "receiver2"
    source: Literal["netlink", "log"] = "netlink"
    path: str | None = None


class HomeAssistant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The smart-home hub."""

    discovery: bool = True
    prefix: str = "homeassistant"


class View(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The page that `--view` serves, to this host alone."""

    port: int = 8765  # 0 for any that is free


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole of it."""

    room: str = "room"
    bundle: str = BUNDLE
    profile: str | None = None  # what `wimose calibrate` wrote for this room
    poses_per_s: float = 30.0
    engine: Literal["litert", "tflite"] | None = None
    origin: Origin = "live"  # what messages say of where the packets came from; a rehearsal with recordings says replay
    room_size_m: tuple[float, float, float] | None = None
    transmitter_m: tuple[float, float, float] | None = None
    mqtt: Mqtt = Mqtt()
    receivers: tuple[Receiver, Receiver] = (Receiver("receiver1"), Receiver("receiver2", "relay"))
    relay: Relay = Relay()
    home_assistant: HomeAssistant = HomeAssistant()
    view: View = View()


def load_config(file: Path | None, environ: Mapping[str, str] = os.environ, sets: Sequence[str] = ()) -> Config:
    """Read the layers. Raises ConfigError that says which key of which layer to mend.

    file  None for DEFAULT_FILE, which need not exist; one that is named must
    sets  `mqtt.address=mqtt://hub.local`, from the command line
    """
    values = _read(file or DEFAULT_FILE, must_exist=file is not None)
    for name, text in environ.items():
        if name.startswith(ENVIRONMENT) and not name.startswith(NOT_KEYS):
            _put(values, _variable(name), text, f"environment {name}")
    for assignment in sets:
        key, equals, text = assignment.partition("=")
        if not equals:
            raise ConfigError(f"--set {assignment}: write KEY=VALUE, such as --set mqtt.address=mqtt://hub.local")
        _put(values, key.strip(), text, f"--set {key.strip()}")
    try:
        config = msgspec.convert(values, Config, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(f"configuration: {error}") from error
    return _checked(config)


def keys() -> list[str]:
    """Every key that takes one value, as `mqtt.address`; lists are set in the file alone."""
    return list(_leaves(Config, ""))


def _leaves(kind: type, before: str) -> Iterator[str]:
    for field in msgspec.structs.fields(kind):
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            yield from _leaves(field.type, f"{before}{field.name}.")
        elif field.name != "receivers":
            yield before + field.name


def _read(path: Path, must_exist: bool) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ConfigError(f"{path} is larger than any configuration; name another file with --config")
        values = msgspec.yaml.decode(path.read_bytes())
    except FileNotFoundError:
        if not must_exist:
            return {}
        raise ConfigError(f"{path}: no such file; write one (an example is installed in /etc/wimose)") from None
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; the service's user must be able to read it") from error
    except msgspec.DecodeError as error:
        raise ConfigError(f"{path}: not YAML ({error}); compare it with the example beside it") from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: write keys and values, such as `room: living-room`")
    _known(values, Config, "", str(path))
    return values


def _known(values: Mapping[Any, Any], kind: type, before: str, where: str) -> None:
    """Name the nearest key where one is not known; msgspec would only say that it is not."""
    fields = {field.name: field.type for field in msgspec.structs.fields(kind)}
    for key, value in values.items():
        if key not in fields:
            raise ConfigError(f"{where}: unknown key {before}{key}{_nearest(str(key), list(fields))}")
        inner = fields[key]
        if isinstance(inner, type) and issubclass(inner, msgspec.Struct) and isinstance(value, Mapping):
            _known(value, inner, f"{before}{key}.", where)
        elif key == "receivers" and isinstance(value, list):
            for number, entry in enumerate(value):
                if isinstance(entry, Mapping):
                    _known(entry, get_args(inner)[0], f"{before}{key}[{number}].", where)


def _variable(name: str) -> str:
    """The key that an environment variable sets: WIMOSE_MQTT_ADDRESS is mqtt.address."""
    names = {ENVIRONMENT + key.replace(".", "_").upper(): key for key in keys()}
    if name not in names:
        raise ConfigError(f"environment: unknown variable {name}{_nearest(name, list(names))}")
    return names[name]


def _put(values: dict[str, Any], key: str, text: str, where: str) -> None:
    if key not in keys():
        raise ConfigError(f"{where}: unknown key {key}{_nearest(key, keys())}")
    *groups, last = key.split(".")
    for group in groups:
        values = values.setdefault(group, {})
    try:
        values[last] = msgspec.yaml.decode(text.encode())
    except msgspec.DecodeError as error:
        raise ConfigError(f"{where}: {text!r} is not a value ({error})") from error


def _nearest(key: str, known: list[str]) -> str:
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    return f"; did you mean {near[0]}?" if near else f"; known are {', '.join(sorted(known))}"


def _checked(config: Config) -> Config:
    from edge.address import BrokerAddress, check_room
    from edge.signal.grid import stride_of

    check_room(config.room)
    for receiver in config.receivers:
        check_room(receiver.name)  # it stands in a topic, as a room does
    stride_of(config.poses_per_s)
    BrokerAddress.parse(config.mqtt.address)
    if config.receivers[0].name == config.receivers[1].name:
        raise ConfigError(f"receivers: both are named {config.receivers[0].name}; give each a name of its own")
    if [receiver.source for receiver in config.receivers].count("netlink") == 2:
        raise ConfigError("receivers: a host has one NIC to listen to; the other receiver comes by relay")
    for where, entry in (("receivers", config.receivers[0]), ("receivers", config.receivers[1]),
                         ("relay", config.relay)):  # fmt: skip
        if (entry.source == "log") != (entry.path is not None):
            raise ConfigError(f"{where}: path belongs to source: log, and source: log needs it")
    if (config.mqtt.certificate_file is None) and config.mqtt.key_file is not None:
        raise ConfigError("mqtt.key_file: name the certificate as well, in mqtt.certificate_file")
    return config
