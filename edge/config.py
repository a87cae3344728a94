"""Configuration of the service: built-in values < YAML file < WIMOSE_* environment < --set on the command line.

What each key means is written in `edge/service/config.example.yaml`, which the installer puts to /etc/wimose. A key
that is not known is an error that names the nearest one that is. Secrets are never in here: they are read from the
files that are named, or from `$CREDENTIALS_DIRECTORY`.

A host has one room or several, and the program knows one way only: every room has a `Config` of its own, in which what
all rooms share is the same. Several stand under `rooms:`; without it the file describes a list of one.
"""

import difflib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec

from edge.errors import ConfigError
from edge.geometry import Geometry, known_geometry

DEFAULT_FILE = Path("/etc/wimose/config.yaml")
BUNDLE = "wimose-plus-rooms"  # trained in many rooms: a house is none of those that the others know
ENVIRONMENT = "WIMOSE_"
NOT_KEYS = ("WIMOSE_DATA", "WIMOSE_TEST_")  # recordings, and what the tests are told
MAX_FILE_BYTES = 1 << 20  # a configuration has two pages; a wrong file is not read into memory
ROOM_KEYS = ("room", "profile", "receivers", "room_size_m", "transmitter_m")  # what stands in an entry of `rooms`
MAX_ROOMS = 32  # more than a core makes poses for; each has two threads and a connection to the broker

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
    room: str | None = None  # which of `rooms`; needless where there is one


class HomeAssistant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The smart-home hub."""

    discovery: bool = True
    prefix: str = "homeassistant"


class View(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The page that `--view` serves, to this host alone."""

    port: int = 8765  # 0 for any that is free


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that is to know of one room: ROOM_KEYS are its own, the others the same for every room of this host."""

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

    @property
    def geometry(self) -> Geometry | None:
        """Where the radios are; None where not all of it is known."""
        first, second = (receiver.antennas_m for receiver in self.receivers)
        return known_geometry(self.room_size_m, self.transmitter_m, first, second)


def load_rooms(
    file: Path | None, environ: Mapping[str, str] = os.environ, sets: Sequence[str] = ()
) -> tuple[Config, ...]:
    """Read the layers: every room, in the order of the file. Raises ConfigError that says which key of which to mend.

    file  None for DEFAULT_FILE, which need not exist; one that is named must
    sets  `mqtt.address=mqtt://hub.local` or `rooms.NAME.profile=hall.yaml`, from the command line
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
    entries = _entries(values)
    shared = {key: value for key, value in values.items() if key not in ROOM_KEYS}
    _check_shared(_converted(shared, ""))
    rooms = tuple(_converted(shared | entry, where) for where, entry in entries.items())
    for where, room in zip(entries, rooms, strict=True):
        _check_room(room, where)
    _check_together(rooms)
    return rooms


def load_config(
    file: Path | None, environ: Mapping[str, str] = os.environ, sets: Sequence[str] = (), room: str | None = None
) -> Config:
    """Of one room. Raises ConfigError where `room` names none, or names none of several."""
    return room_of(load_rooms(file, environ, sets), room, "--room")


def room_of(rooms: Sequence[Config], name: str | None, where: str) -> Config:
    """The one of that name; None for the only one. Raises ConfigError that lists them.

    where  what the user writes the name after
    """
    known = {config.room: config for config in rooms}
    if name is None and len(known) == 1:
        return rooms[0]
    if name is None:
        raise ConfigError(f"which room? This host has {', '.join(known)}: name one with {where}")
    if name not in known:
        raise ConfigError(f"{where} {name}: there is no such room{_nearest(name, list(known))}")
    return known[name]


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
    fields = _fields(Config)
    entries = values.get("rooms", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ConfigError(f"{path}: rooms: write a list, each entry with a `room` (its name) and its `receivers`")
    for number, entry in enumerate(entries):
        where = f"rooms[{number}]."
        if misplaced := [key for key in entry if key in fields and key not in ROOM_KEYS]:
            raise ConfigError(f"{path}: {where}{misplaced[0]}: all rooms share it; write it at the top of the file")
        _known(entry, {key: fields[key] for key in ROOM_KEYS}, where, str(path))
    _known(values, fields | {"rooms": list}, "", str(path))
    return values


def _fields(kind: type) -> dict[str, Any]:
    """Of a struct, their types by their names."""
    return {field.name: field.type for field in msgspec.structs.fields(kind)}


def _known(values: Mapping[Any, Any], fields: Mapping[str, Any], before: str, where: str) -> None:
    """Name the nearest key where one is not known; msgspec would only say that it is not."""
    for key, value in values.items():
        if key not in fields:
            raise ConfigError(f"{where}: unknown key {before}{key}{_nearest(str(key), list(fields))}")
        inner = fields[key]
        if isinstance(inner, type) and issubclass(inner, msgspec.Struct) and isinstance(value, Mapping):
            _known(value, _fields(inner), f"{before}{key}.", where)
        elif key == "receivers" and isinstance(value, list):
            for number, entry in enumerate(value):
                if isinstance(entry, Mapping):
                    _known(entry, _fields(get_args(inner)[0]), f"{before}{key}[{number}].", where)


def _entries(values: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What each room has of its own, by what to say before a mistake in it. Takes `rooms` out of the values."""
    at_the_top = {key: values[key] for key in ROOM_KEYS if key in values}
    if "rooms" not in values:
        return {"": at_the_top}
    entries: list[dict[str, Any]] = values.pop("rooms")
    if at_the_top:
        raise ConfigError(
            f"{', '.join(at_the_top)}: of one room, beside `rooms`; move it into an entry of `rooms`, or take it away "
            "(on the command line: --set rooms.NAME.KEY=VALUE)"
        )
    if not 1 <= len(entries) <= MAX_ROOMS:
        raise ConfigError(f"rooms: {len(entries)} of them; write 1 to {MAX_ROOMS}, and more on another host")
    for number, entry in enumerate(entries):
        if "room" not in entry:
            raise ConfigError(f"rooms[{number}]: give it a name, such as `room: kitchen`")
    return {f"rooms[{number}]: ": entry for number, entry in enumerate(entries)}


def _variable(name: str) -> str:
    """The key that an environment variable sets: WIMOSE_MQTT_ADDRESS is mqtt.address."""
    names = {ENVIRONMENT + key.replace(".", "_").upper(): key for key in keys()}
    if name not in names:
        raise ConfigError(f"environment: unknown variable {name}{_nearest(name, list(names))}")
    return names[name]


def _put(values: dict[str, Any], key: str, text: str, where: str) -> None:
    group, _, rest = key.partition(".")
    if group == "rooms" and "rooms" in values:
        name, _, key = rest.rpartition(".")
        entries = {str(entry.get("room")): entry for entry in values["rooms"]}
        if name not in entries:
            raise ConfigError(f"{where}: write rooms.NAME.KEY, NAME as in the file{_nearest(name, list(entries))}")
        values, known = entries[name], [known for known in keys() if known in ROOM_KEYS]
    else:
        known = keys()
    if key not in known:
        raise ConfigError(f"{where}: unknown key {key}{_nearest(key, known)}")
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


def _converted(values: dict[str, Any], where: str) -> Config:
    try:
        return msgspec.convert(values, Config, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(f"configuration: {where}{error}") from error


def _check_shared(config: Config) -> None:
    from edge.address import BrokerAddress
    from edge.signal.grid import stride_of

    stride_of(config.poses_per_s)
    BrokerAddress.parse(config.mqtt.address)
    _check_path(config.relay, "relay")
    if (config.mqtt.certificate_file is None) and config.mqtt.key_file is not None:
        raise ConfigError("mqtt.key_file: name the certificate as well, in mqtt.certificate_file")


def _check_room(config: Config, where: str) -> None:
    from edge.address import check_room

    try:
        check_room(config.room)
        for receiver in config.receivers:
            check_room(receiver.name)  # it stands in a topic, as a room does
            _check_path(receiver, "receivers")
        if config.receivers[0].name == config.receivers[1].name:
            raise ConfigError(f"receivers: both are named {config.receivers[0].name}; give each a name of its own")
    except ConfigError as error:
        raise ConfigError(f"{where}{error}") from error


def _check_path(entry: Receiver | Relay, where: str) -> None:
    if (entry.source == "log") != (entry.path is not None):
        raise ConfigError(f"{where}: path belongs to source: log, and source: log needs it")


def _check_together(rooms: Sequence[Config]) -> None:
    """What this host has once is used once. Topics hold room and receiver: no two are the same if no two rooms are."""
    receivers = [receiver for room in rooms for receiver in room.receivers]
    if [receiver.source for receiver in receivers].count("netlink") > 1:
        raise ConfigError("receivers: a host has one NIC to listen to; every other receiver comes by relay")
    for what, names in (
        ("two rooms are named {}; give each a name of its own", [room.room for room in rooms]),
        ("two receivers read {}; a pipe has one reader, so give each its own", [entry.path for entry in receivers]),
        ("two rooms have the profile {}; calibrate each by itself", [room.profile for room in rooms]),
    ):
        given = [name for name in names if name is not None]
        if twice := [name for name in given if given.count(name) > 1]:
            raise ConfigError(what.format(twice[0]))
