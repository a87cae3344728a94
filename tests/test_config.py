"""Configuration in layers, and mistakes that name what to mend."""

from pathlib import Path

import pytest

from edge.config import MAX_ROOMS, Config, Mqtt, Receiver, keys, load_config, load_rooms
from edge.errors import ConfigError


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    return path


def test_later_layers_win(tmp_path: Path) -> None:
    file = written(tmp_path, "room: attic\nmqtt: {address: 'mqtt://file'}\nposes_per_s: 15\n")
    assert load_config(file, {}).mqtt.address == "mqtt://file"
    environ = {"WIMOSE_MQTT_ADDRESS": "mqtt://environment", "WIMOSE_VIEW_PORT": "0"}
    config = load_config(file, environ, ["mqtt.address=mqtt://flag"])
    assert (config.room, config.mqtt.address, config.poses_per_s, config.view.port) == ("attic", "mqtt://flag", 15.0, 0)
    assert load_config(file, environ).mqtt.address == "mqtt://environment"


def test_nothing_given_is_the_built_in_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.config.DEFAULT_FILE", tmp_path / "none.yaml")
    assert load_config(None, {"HOME": "/root", "WIMOSE_DATA": "/data", "WIMOSE_TEST_HA": "1"}) == Config()
    assert load_config(written(tmp_path, ""), {}) == Config()


def test_every_plain_key_can_come_from_the_environment(tmp_path: Path) -> None:
    values = {"relay.source": "netlink", "room": "hall", "profile": "p.yaml", "mqtt.ca_file": "ca.pem"}
    environ = {"WIMOSE_" + key.replace(".", "_").upper(): text for key, text in values.items()}
    config = load_config(written(tmp_path, ""), environ)
    assert (config.room, config.profile, config.mqtt.ca_file) == ("hall", "p.yaml", "ca.pem")
    assert len({key.replace(".", "_").upper() for key in keys()}) == len(keys())  # no two share a variable


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("romo: attic", r"unknown key romo; did you mean room\?"),
        ("mqtt: {adress: x}", r"unknown key mqtt.adress; did you mean address\?"),
        ("receivers: [{nam: a}, {name: b, source: relay}]", r"unknown key receivers\[0\].nam; did you mean name\?"),
        ("zzz: 1", "unknown key zzz; known are bundle, "),
        ("- a list", "write keys and values"),
        ("room: [", "not YAML"),
        ("room: a/b", "cannot name a room"),
        ("poses_per_s: 7", "not a whole part of"),
        ("mqtt: {address: 'http://hub'}", "not an MQTT address"),
        ("mqtt: {address: 'mqtt://me:secret@hub'}", "holds a password"),
        ("mqtt: {key_file: k.pem}", "name the certificate"),
        ("receivers: [{name: a}, {name: a, source: relay}]", "both are named a"),
        ("receivers: [{name: a}, {name: b}]", "one NIC"),
        (
            "receivers: [{name: a, source: log, path: /p}, {name: b, source: log, path: /p}]",
            "two receivers read /p; a pipe has one reader",
        ),
        ("receivers: [{name: a, source: log}, {name: b, source: relay}]", "source: log needs it"),
        ("receivers: [{name: a}]", "length"),
        ("engine: onnx", "engine"),
    ],
)
def test_mistakes_in_the_file(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        load_config(written(tmp_path, text), {})


def test_mistakes_elsewhere(tmp_path: Path) -> None:
    file = written(tmp_path, "")
    with pytest.raises(ConfigError, match=r"WIMOSE_ROM; did you mean WIMOSE_ROOM\?"):
        load_config(file, {"WIMOSE_ROM": "x"})
    with pytest.raises(ConfigError, match=r"unknown key rom; did you mean room\?"):
        load_config(file, {}, ["rom=x"])
    with pytest.raises(ConfigError, match="write KEY=VALUE"):
        load_config(file, {}, ["room"])
    with pytest.raises(ConfigError, match="no such file"):
        load_config(tmp_path / "other.yaml", {})
    with pytest.raises(ConfigError, match="is larger than any configuration"):
        load_config(written(tmp_path, "#" * (1 << 21)), {})


TWO = """
poses_per_s: 15
mqtt: {address: 'mqtt://hub'}
rooms:
- {room: kitchen, profile: k.yaml, room_size_m: [4, 3, 2.5]}
- {room: hall 2.0, receivers: [{name: receiver1, source: relay}, {name: b, source: log, path: /p}]}
"""
FAR = "receivers: [{name: a, source: relay}, {name: b, source: relay}]"


def test_each_room_has_its_own_and_what_all_share(tmp_path: Path) -> None:
    kitchen, hall = load_rooms(written(tmp_path, TWO), {"WIMOSE_VIEW_PORT": "0"}, ["engine=tflite"])
    assert (kitchen.room, kitchen.profile, kitchen.room_size_m) == ("kitchen", "k.yaml", (4.0, 3.0, 2.5))
    assert kitchen.receivers == Config().receivers
    assert (hall.room, hall.profile, hall.room_size_m) == ("hall 2.0", None, None)
    assert hall.receivers == (Receiver("receiver1", "relay"), Receiver("b", "log", "/p"))
    for room in (kitchen, hall):
        assert (room.poses_per_s, room.mqtt, room.view.port, room.engine) == (15.0, Mqtt("mqtt://hub"), 0, "tflite")


def test_one_room_is_a_list_of_one(tmp_path: Path) -> None:
    plain = f"room: attic\nprofile: a.yaml\nengine: litert\n{FAR}\n"
    listed = f"engine: litert\nrooms:\n- {{room: attic, profile: a.yaml, {FAR}}}\n"
    assert load_rooms(written(tmp_path, plain), {}) == (load_config(written(tmp_path, listed), {}),)


def test_a_room_is_chosen_by_its_name(tmp_path: Path) -> None:
    file = written(tmp_path, TWO)
    assert load_config(file, {}, room="hall 2.0").room == "hall 2.0"
    with pytest.raises(ConfigError, match=r"which room\? This host has kitchen, hall 2.0: name one with --room"):
        load_config(file, {})
    with pytest.raises(ConfigError, match=r"--room kichen: there is no such room; did you mean kitchen\?"):
        load_config(file, {}, room="kichen")
    with pytest.raises(ConfigError, match="there is no such room; known are room"):
        load_config(written(tmp_path, ""), {}, room="attic")


def test_a_room_s_key_on_the_command_line(tmp_path: Path) -> None:
    file = written(tmp_path, TWO)
    kitchen, hall = load_rooms(file, {}, ["rooms.hall 2.0.profile=h.yaml", "rooms.kitchen.room=lab"])
    assert (kitchen.room, hall.profile) == ("lab", "h.yaml")
    for key, says in (
        ("rooms.hall.profile", r"NAME as in the file; did you mean hall 2.0\?"),
        ("rooms.kitchen.profil", r"unknown key profil; did you mean profile\?"),
        ("rooms.kitchen.engine", "unknown key engine; known are profile, room"),
        ("profile", "profile: of one room, beside `rooms`.*--set rooms.NAME.KEY=VALUE"),
    ):
        with pytest.raises(ConfigError, match=says):
            load_rooms(file, {}, [f"{key}=x"])
    with pytest.raises(ConfigError, match="room: of one room, beside `rooms`"):
        load_rooms(file, {"WIMOSE_ROOM": "attic"})
    with pytest.raises(ConfigError, match=r"unknown key rooms.room.profile; did you mean"):
        load_rooms(written(tmp_path, ""), {}, ["rooms.room.profile=x"])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("rooms: attic", "write a list, each entry with a `room`"),
        ("rooms: [attic]", "write a list, each entry with a `room`"),
        ("rooms: []", "0 of them; write 1 to 32"),
        (f"rooms: [{', '.join(f'{{room: r{n}}}' for n in range(MAX_ROOMS + 1))}]", "33 of them; write 1 to 32"),
        ("rooms: [{profile: p}]", r"rooms\[0\]: give it a name"),
        (f"room: a\nprofile: null\nrooms: [{{room: b, {FAR}}}]", "room, profile: of one room, beside `rooms`; move it"),
        ("rooms: [{room: a}, {room: b, profil: p}]", r"unknown key rooms\[1\].profil; did you mean profile\?"),
        ("rooms: [{room: a, receivers: [{nam: a}]}]", r"unknown key rooms\[0\].receivers\[0\].nam; did you mean name"),
        ("rooms: [{room: a, mqtt: {}}]", r"rooms\[0\].mqtt: all rooms share it; write it at the top"),
        ("rooms: [{room: a}, {room: b/c}]", r"rooms\[1\]: 'b/c' cannot name a room"),
        ("rooms: [{room: a, room_size_m: [1, 2]}]", r"rooms\[0\]: .*length 3, got 2 - at `\$.room_size_m`"),
        ("rooms: [{room: a}, {room: b}]", "one NIC to listen to"),
        (f"rooms: [{{room: a}}, {{room: a, {FAR}}}]", "two rooms are named a"),
        (f"rooms: [{{room: a, profile: p}}, {{room: b, profile: p, {FAR}}}]", "two rooms have the profile p"),
        (
            "rooms: [{room: a, receivers: [{name: a, source: log, path: /p}, {name: b, source: relay}]}, "
            "{room: b, receivers: [{name: a, source: log, path: /p}, {name: b, source: relay}]}]",
            "two receivers read /p",
        ),
        (
            f"rooms: [{{room: a}}, {{room: b, {FAR.replace('name: b', 'name: a')}}}]",
            r"rooms\[1\]: receivers: both are named a",
        ),
    ],
)
def test_mistakes_among_rooms(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        load_rooms(written(tmp_path, text), {})
