"""`wimose doctor`, as it is typed, on hosts that do not exist."""

import json
from pathlib import Path
from typing import Any

import pytest

from edge.cli import main
from edge.commands.doctor import examine
from edge.config import Config, Mqtt, Receiver, Relay, load_config
from edge.service.doctor.finding import Finding
from edge.service.doctor.host import Host
from tests.conftest import Mosquitto, free_port

PATHS = (Receiver("receiver1", "relay"), Receiver("receiver2", "relay"))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host without anything but memory and a processor."""
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "meminfo").write_text("MemAvailable: 4000000 kB\n")
    (tmp_path / "proc" / "cpuinfo").write_text("flags : avx2\n")
    monkeypatch.setattr("edge.commands.doctor.Host", lambda: Host(tmp_path, lambda _: None, lambda _: 1 << 40))


def config_file(folder: Path, port: int, more: str = "") -> str:
    path = folder / "config.yaml"
    receivers = "receivers: [{name: a, source: relay}, {name: b, source: relay}]"
    path.write_text(f"room: lab\nmqtt: {{address: 'mqtt://127.0.0.1:{port}'}}\n{receivers}\n{more}")
    return str(path)


def said(arguments: list[str], capfd: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    code = main(["doctor", *arguments, "--json"])
    out, err = capfd.readouterr()
    assert err == ""
    return code, {finding["check"]: finding for finding in json.loads(out)}


def test_only_warnings_are_no_failure(
    here: None, mosquitto: Mosquitto, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code, found = said(["--config", config_file(tmp_path, mosquitto.port)], capfd)
    found["engine"]["verdict"] = "ok"  # how fast this machine is, no test says
    assert {name: finding["verdict"] for name, finding in found.items() if finding["verdict"] != "ok"} == {
        "clock": "warn",
        "room profile": "warn",
    } | ({} if found["compiled kernels"]["verdict"] == "ok" else {"compiled kernels": "warn"})
    assert code == 0
    assert "NIC" not in found  # both receivers come by relay
    assert found["configuration"]["found"].endswith("config.yaml, room lab")


def test_a_failure_is_one(here: None, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code, found = said(["--config", config_file(tmp_path, free_port())], capfd)
    assert found["broker"]["verdict"] == "fail"
    assert code == 1


def test_a_wrong_configuration_is_said_beside_the_rest(
    here: None, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code, found = said(["--config", config_file(tmp_path, 1883, "rom: lab\n")], capfd)
    assert code == 2
    assert "did you mean room?" in found["configuration"]["found"]
    assert found["memory"]["verdict"] == "ok"
    code, found = said(["--config", str(tmp_path / "none.yaml")], capfd)
    assert (code, found["configuration"]["verdict"]) == (2, "fail")


def test_the_table_says_what_to_do(here: None, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--config", config_file(tmp_path, free_port())]) == 1
    words = " ".join(capfd.readouterr().out.split())
    assert "fail broker" in words
    assert "to do: start it, or correct mqtt.address" in words


def checks(config: Config, tmp_path: Path, relay: bool) -> list[Finding]:
    host = Host(tmp_path, lambda _: None, lambda _: 1 << 40)
    return list(examine([config], host, {}, relay=relay))


def test_each_part_of_the_house_is_asked_what_it_needs(tmp_path: Path) -> None:
    nobody = Mqtt(f"mqtt://127.0.0.1:{free_port()}")
    names = {finding.check for finding in checks(Config(mqtt=nobody), tmp_path, relay=False)}
    assert {"NIC", "bundle", "engine", "room profile"} <= names
    names = {finding.check for finding in checks(Config(mqtt=nobody), tmp_path, relay=True)}
    assert "NIC" in names
    assert not {"bundle", "engine", "room profile"} & names
    piped = Config(mqtt=nobody, receivers=PATHS, relay=Relay(source="log", path="/var/lib/wimose/r.pipe"))
    names = {finding.check for finding in checks(piped, tmp_path, relay=True)}
    assert "NIC" not in names
    assert "pipe" in names
    assert "pipe" not in {finding.check for finding in checks(piped, tmp_path, relay=False)}


def test_every_room_is_examined(here: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "config.yaml"
    rooms = "".join(
        f"- {{room: {name}, profile: /no/{name}.yaml, receivers: [{{name: a, source: log, path: /no/{name}}}, "
        "{name: b, source: relay}]}\n"
        for name in ("lab", "attic")
    )
    path.write_text(f"mqtt: {{address: 'mqtt://127.0.0.1:{free_port()}'}}\nrooms:\n{rooms}")
    assert main(["doctor", "--json", "--config", str(path)]) == 1
    found = json.loads(capsys.readouterr().out)
    said = {
        name: [one["found"] for one in found if one["check"] == name] for name in ("pipe", "room profile", "broker")
    }
    assert said["room profile"] == [
        f"{name}: /no/{name}.yaml: No such file or directory; run `wimose calibrate`, or leave `profile` out"
        for name in ("lab", "attic")
    ]
    assert [one.partition(":")[0] for one in said["pipe"]] == ["/no/lab", "/no/attic"]
    assert len(said["broker"]) == 1
    assert found[0]["found"] == f"{path}, room lab, room attic"
    assert main(["doctor", "--relay", "--json", "--config", str(path)]) == 2
    assert "name one with relay.room" in json.loads(capsys.readouterr().out)[0]["found"]


def test_the_default_configuration_need_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.config.DEFAULT_FILE", Path("/no/such/config.yaml"))
    assert load_config(None, environ={}) == Config()
