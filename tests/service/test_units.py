"""The systemd units: systemd itself reads them, and says how much they may do."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

UNITS = Path(__file__).parents[2] / "edge" / "service" / "systemd"
PROGRAM = "/opt/wimose/current/bin/wimose"
EXPOSURE = {"wimose.service": 18, "wimose-relay.service": 18, "wimose-mqtt.service": 13}  # tenths


@pytest.fixture
def analyze() -> str:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed (apt-get install systemd)")
    return program


def settings(name: str) -> list[str]:
    """The lines that systemd reads."""
    return [line for line in (UNITS / name).read_text().splitlines() if line and line[0] not in "#["]


def verify(analyze: str, text: str, folder: Path) -> str:
    """What systemd finds wrong with a unit; nothing where it would run it as it stands."""
    unit = folder / "wimose.service"
    unit.write_text(text.replace(PROGRAM, sys.executable))  # it looks whether the program is there
    done = subprocess.run([analyze, "verify", "--man=no", unit], capture_output=True, text=True, timeout=60)
    return done.stderr


def exposure_is_within(analyze: str, unit: Path, tenths: int) -> bool:
    command = [analyze, "security", "--offline=true", "--no-pager", f"--threshold={tenths}", str(unit)]
    return subprocess.run(command, capture_output=True, timeout=60).returncode == 0


def test_every_unit_is_looked_at() -> None:
    assert {path.name for path in UNITS.iterdir()} == set(EXPOSURE)


@pytest.mark.parametrize("name", EXPOSURE)
def test_systemd_finds_nothing_wrong(name: str, analyze: str, tmp_path: Path) -> None:
    assert verify(analyze, (UNITS / name).read_text(), tmp_path) == ""


def test_systemd_would_find_something(analyze: str, tmp_path: Path) -> None:
    text = (UNITS / "wimose.service").read_text()
    assert "ProtectHomes" in verify(analyze, text.replace("ProtectHome=", "ProtectHomes="), tmp_path)
    assert "not executable" in verify(analyze, text.replace(PROGRAM, "/no/such/program"), tmp_path)


@pytest.mark.parametrize("name", EXPOSURE)
def test_exposure(name: str, analyze: str, tmp_path: Path) -> None:
    assert exposure_is_within(analyze, UNITS / name, EXPOSURE[name])
    weaker = tmp_path / name
    weaker.write_text((UNITS / name).read_text().replace("NoNewPrivileges=yes", "").replace("User=wimose\n", ""))
    assert not exposure_is_within(analyze, weaker, EXPOSURE[name])


def test_without_a_nic_it_differs_in_what_it_may_do_alone() -> None:
    full, without = set(settings("wimose.service")), set(settings("wimose-mqtt.service"))
    assert full - without == {
        "AmbientCapabilities=CAP_NET_ADMIN",
        "CapabilityBoundingSet=CAP_NET_ADMIN",
        "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK",
    }
    assert without - full == {
        "CapabilityBoundingSet=",
        "PrivateUsers=yes",
        "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6",
    }


def test_the_relay_differs_in_what_it_runs_alone() -> None:
    full, relay = set(settings("wimose.service")), set(settings("wimose-relay.service"))
    assert {line.partition("=")[0] for line in full ^ relay} == {"Description", "ExecStart", "ExecReload", "MemoryMax"}
    assert f"ExecStart={PROGRAM} relay" in relay
    assert not any(line.startswith("ExecReload") for line in relay)  # SIGHUP would end it


@pytest.mark.parametrize("name", EXPOSURE)
def test_what_breaks_it_is_not_there(name: str) -> None:
    lines = settings(name)
    assert not any(line.startswith("MemoryDenyWriteExecute") for line in lines)  # numba could not be imported
    if any("CAP_NET_ADMIN" in line for line in lines):
        assert not any(line.startswith("PrivateUsers") for line in lines)  # the capability would be over nothing


@pytest.mark.parametrize("name", EXPOSURE)
def test_secrets_may_be_missing(name: str) -> None:
    """A path of its own, absolute, would have to be there."""
    credentials = [line.partition("=")[2] for line in settings(name) if line.startswith("LoadCredential=")]
    assert credentials == ["mqtt-password:wimose.mqtt-password", "mqtt-key:wimose.mqtt-key"]
