"""Configuration in layers, and mistakes that name what to mend."""

from pathlib import Path

import pytest

from edge.config import Config, keys, load_config
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
        ("rooms: attic", r"unknown key rooms; did you mean room\?"),
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
