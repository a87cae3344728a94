"""Against a real broker: what it lets in, and that nothing is said to it."""

import socket
import subprocess
import threading
from pathlib import Path

import pytest

from edge.config import Mqtt
from edge.service.doctor.broker import broker
from edge.service.doctor.finding import Finding
from tests.conftest import WAIT_S, Listen, Mosquitto, StartMosquitto, free_port


def examine(mqtt: Mqtt, secrets: Path | None = None, timeout_s: float = 5.0) -> Finding:
    return broker(mqtt, {"CREDENTIALS_DIRECTORY": str(secrets)} if secrets else {}, timeout_s)


def test_it_lets_us_in_and_hears_nothing(mosquitto: Mosquitto, listen: Listen) -> None:
    heard = listen(mosquitto.host, mosquitto.port, "#")
    found = examine(Mqtt(f"mqtt://{mosquitto.host}:{mosquitto.port}"))
    assert (found.verdict, found.remedy) == ("ok", "")
    assert found.found.endswith("lets us in (MQTT 5)")
    assert heard.messages == []


def test_an_old_broker() -> None:
    """One that knows no MQTT 5 refuses it, and is asked again in 3.1.1."""
    levels = []

    def answer(listening: socket.socket) -> None:
        for _ in range(2):
            client, _ = listening.accept()
            with client:
                levels.append(client.recv(1024)[8])  # CONNECT: type, length, 0, 4, "MQTT", level
                # CONNACK: "unsupported protocol version" of MQTT 5, accepted of 3.1.1
                client.sendall(b"\x20\x03\x00\x84\x00" if levels[-1] == 5 else b"\x20\x02\x00\x00")
                client.recv(1024)  # DISCONNECT

    with socket.create_server(("127.0.0.1", 0)) as old:
        thread = threading.Thread(target=answer, args=(old,), daemon=True)
        thread.start()
        found = examine(Mqtt(f"mqtt://127.0.0.1:{old.getsockname()[1]}"))
        thread.join(WAIT_S)
    assert levels == [5, 4]
    assert found.found.endswith("(MQTT 3.1.1)")


@pytest.fixture
def guarded(start_mosquitto: StartMosquitto, tmp_path: Path) -> str:
    """The address of a broker that lets in wimose with the password `secret`."""
    passwords = tmp_path / "passwords"
    try:
        subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, "wimose", "secret"], check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("mosquitto_passwd is not installed")
    started = start_mosquitto(f"allow_anonymous false\npassword_file {passwords}")
    return f"{started.host}:{started.port}"


@pytest.mark.parametrize(("password", "verdict"), [("secret", "ok"), ("wrong", "fail")])
def test_a_password(guarded: str, tmp_path: Path, password: str, verdict: str) -> None:
    (tmp_path / "mqtt-password").write_text(f"{password}\n")
    (tmp_path / "mqtt-password").chmod(0o600)
    found = examine(Mqtt(f"mqtt://wimose@{guarded}"), tmp_path)
    assert found.verdict == verdict
    assert password not in found.found + found.remedy
    if verdict == "fail":
        assert "correct the user in mqtt.address" in found.remedy


def test_a_password_is_wanted(guarded: str) -> None:
    found = examine(Mqtt(f"mqtt://{guarded}"))
    assert found.verdict == "fail"
    assert "wants a user" in found.found


def test_a_password_that_everybody_can_read(guarded: str, tmp_path: Path) -> None:
    (tmp_path / "mqtt-password").write_text("secret")
    (tmp_path / "mqtt-password").chmod(0o644)
    found = examine(Mqtt(f"mqtt://wimose@{guarded}"), tmp_path)
    assert found.verdict == "warn"
    assert found.remedy == f"chmod 600 {tmp_path / 'mqtt-password'}"


def test_nobody_listens() -> None:
    found = examine(Mqtt(f"mqtt://127.0.0.1:{free_port()}"))
    assert found.verdict == "fail"
    assert found.remedy == "start it, or correct mqtt.address"


def test_somebody_listens_and_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        found = examine(Mqtt(f"mqtt://127.0.0.1:{silent.getsockname()[1]}"), timeout_s=0.2)
    assert found.verdict == "fail"
    assert "does not answer" in found.found


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    mqtt = Mqtt("mqtts://localhost", ca_file=str(tmp_path / "none.pem"))
    found = examine(mqtt)
    assert found.verdict == "fail"
    assert "mqtt.ca_file" in found.found
