"""`python -m edge.service.forget`, which a purge runs, against a real broker."""

from pathlib import Path

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from edge.service import forget
from tests.conftest import WAIT_S, Listen, Mosquitto, free_port


@pytest.fixture(autouse=True)
def no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.config.DEFAULT_FILE", tmp_path / "config.yaml")
    monkeypatch.setenv("WIMOSE_ROOM", "lab")


def test_what_the_room_retained_is_gone_and_nothing_else(
    mosquitto: Mosquitto, listen: Listen, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    client = Client(CallbackAPIVersion.VERSION2)
    client.connect(mosquitto.host, mosquitto.port)
    client.loop_start()
    for topic in ("wimose/lab/status", "wimose/lab/info", "wimose/attic/status"):
        client.publish(topic, b"kept", qos=1, retain=True).wait_for_publish(WAIT_S)
    client.disconnect()
    client.loop_stop()
    monkeypatch.setenv("WIMOSE_MQTT_ADDRESS", f"mqtt://{mosquitto.host}:{mosquitto.port}")
    assert forget.main() == 0
    assert "room lab cleared" in capfd.readouterr().out
    heard = listen(mosquitto.host, mosquitto.port, "wimose/#")
    heard.wait(lambda h: h.payloads("wimose/attic/status") == [b"kept"])
    assert {message.topic for message in heard.messages} == {"wimose/attic/status"}


def test_every_room_of_the_host(
    mosquitto: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("WIMOSE_ROOM")
    far = "receivers: [{name: a, source: relay}, {name: b, source: relay}]"
    (tmp_path / "config.yaml").write_text(
        f"mqtt: {{address: 'mqtt://{mosquitto.host}:{mosquitto.port}'}}\n"
        f"rooms: [{{room: lab, {far}}}, {{room: attic, {far}}}]\n"
    )
    assert forget.main() == 0
    said = capfd.readouterr().out
    assert "room lab cleared" in said
    assert "room attic cleared" in said


def test_no_broker_is_said(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("WIMOSE_MQTT_ADDRESS", f"mqtt://127.0.0.1:{free_port()}")
    assert forget.main() == 2
    assert "correct mqtt.address" in capfd.readouterr().err
