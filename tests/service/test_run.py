"""The service as a household runs it: two hosts, a broker with password, access list and TLS, real recordings."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from edge.cli import BUNDLE, main
from tests.conftest import Listen, Mosquitto, StartMosquitto
from tests.service.processes import WAIT_S, Process, Radio

WALK = "12-1-6-3"
SPEED = 2.0  # times real time, so that the test takes half as long


@pytest.fixture
def pipes(tmp_path: Path) -> tuple[Path, Path]:
    for name in ("one", "two"):
        os.mkfifo(tmp_path / name)
    return tmp_path / "one", tmp_path / "two"


@pytest.fixture
def walk(data: Path) -> tuple[bytes, bytes]:
    folder = data / "csi" / "wivelo"
    return (folder / f"{WALK}-r1.dat").read_bytes(), (folder / f"{WALK}-r2.dat").read_bytes()


def config(tmp_path: Path, address: str, pipes: tuple[Path, Path], more: str = "") -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(
        f"room: lab\nbundle: {BUNDLE}\norigin: replay\nmqtt:\n  address: {address}\n{more}"
        f"receivers:\n- {{name: receiver1, source: log, path: {pipes[0]}}}\n- {{name: receiver2, source: relay}}\n"
        f"relay: {{receiver: receiver2, source: log, path: {pipes[1]}}}\n"
    )
    return path


def both_here(tmp_path: Path, address: str, pipes: tuple[Path, Path]) -> Path:
    path = config(tmp_path, address, pipes)
    path.write_text(path.read_text().replace("receiver2, source: relay", f"receiver2, source: log, path: {pipes[1]}"))
    return path


def secured(tmp_path: Path, start_mosquitto: StartMosquitto) -> tuple[Mosquitto, Path]:
    """A broker with TLS, passwords and an access list; and its certificate."""
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject,
                    "-keyout", key, "-out", certificate], check=True, capture_output=True)  # fmt: skip
    passwords, rules = tmp_path / "passwords", tmp_path / "rules"
    passwords.touch()
    for user in ("host", "relay", "hub"):
        program = shutil.which("mosquitto_passwd") or "mosquitto_passwd"
        subprocess.run([program, "-b", passwords, user, f"{user}-secret"], check=True, capture_output=True)
    rules.write_text(
        "user host\ntopic write wimose/lab/#\ntopic read wimose/lab/csi/+\ntopic read wimose/lab/pause/set\n"
        "topic write homeassistant/#\ntopic read homeassistant/status\n"
        "user relay\ntopic write wimose/lab/csi/#\nuser hub\ntopic read #\n"
    )
    for file in (passwords, rules):
        file.chmod(0o600)
    settings = (
        f"allow_anonymous false\npassword_file {passwords}\nacl_file {rules}\ncertfile {certificate}\nkeyfile {key}"
    )
    return start_mosquitto(settings), certificate


class Hub:
    """Somebody with a password who listens, over TLS."""

    def __init__(self, broker: Mosquitto, certificate: Path) -> None:
        self.messages: list[tuple[str, bytes]] = []
        self._client = Client(CallbackAPIVersion.VERSION2)
        self._client.username_pw_set("hub", "hub-secret")
        self._client.tls_set(str(certificate))
        self._client.on_message = self._take
        self._client.connect("localhost", broker.port)
        self._client.subscribe("wimose/lab/#", qos=1)
        self._client.loop_start()

    def _take(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        self.messages.append((message.topic, bytes(message.payload)))

    def of(self, name: str) -> list[Any]:
        return [json.loads(payload) for topic, payload in list(self.messages) if topic == f"wimose/lab/{name}"]

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def wait(what: Callable[[], bool], process: Process) -> None:
    deadline = time.monotonic() + WAIT_S
    while not what():
        assert time.monotonic() < deadline, process.log.read_text()
        time.sleep(0.05)


def test_relay_and_run_make_the_poses_of_a_replay(
    tmp_path: Path, data: Path, walk: tuple[bytes, bytes], pipes: tuple[Path, Path], start_mosquitto: StartMosquitto
) -> None:
    broker, certificate = secured(tmp_path, start_mosquitto)
    for user in ("host", "relay"):
        (tmp_path / f"{user}-password").write_text(f"{user}-secret\n")
    files = {
        user: config(tmp_path, f"mqtts://{user}@localhost:{broker.port}", pipes,
                     f"  ca_file: {certificate}\n  password_file: {tmp_path / user}-password\n").rename(
                         tmp_path / f"{user}.yaml")
        for user in ("host", "relay")
    }  # fmt: skip
    hub = Hub(broker, certificate)
    with (
        Process(tmp_path / "run", "run", "--config", str(files["host"])) as run,
        Process(tmp_path / "relay", "relay", "--config", str(files["relay"])) as relay,
    ):
        for process in (run, relay):
            process.wait_for(b"READY=1")
        wait(lambda: ("wimose/lab/csi/receiver2/status", b"online") in hub.messages, relay)
        wait(lambda: ("wimose/lab/status", b"online") in hub.messages, run)
        radio = Radio(walk, pipes, SPEED)
        radio.start()
        radio.join()
        last = -1
        while len(hub.of("pose")) > last:  # until no more come
            last = len(hub.of("pose"))
            time.sleep(1.0)
        assert relay.stop() == 0
        assert run.stop() == 0
        wait(lambda: hub.messages[-1] == ("wimose/lab/status", b"offline"), run)
    hub.close()

    out = tmp_path / "poses.jsonl"
    logs = [str(data / "csi" / "wivelo" / f"{WALK}-r{r}.dat") for r in (1, 2)]
    assert main(["replay", "--receiver", logs[0], "--receiver", logs[1], "--speed", "max", "--out", str(out)]) == 0
    replayed = [json.loads(line) for line in out.read_text().splitlines()]
    live = hub.of("pose")
    assert len(live) > 0.5 * len(replayed)
    # Every live pose is one of the replay's, in order. What is too old by the time it is made is not told, and QoS 0
    # may lose some, so that there are holes; how many there are depends on how busy this machine is.
    same = ("joints", "confidence", "present", "source", "trained_on", "model", "frame")
    rest = iter([[pose[key] for key in same] for pose in replayed])
    for pose in live:
        assert [pose[key] for key in same] in rest, pose["seq"]
    states = hub.of("state")
    assert states[0]["present"] is None
    assert any(state["present"] for state in states)
    assert {state["problem"] for state in states} >= {"listening to both receivers to compare their clocks", ""}


def test_it_says_what_it_hears_and_stops_when_told(
    tmp_path: Path, walk: tuple[bytes, bytes], pipes: tuple[Path, Path], mosquitto: Mosquitto, listen: Listen
) -> None:
    hub = listen(mosquitto.host, mosquitto.port, "wimose/lab/#")
    file = both_here(tmp_path, f"mqtt://{mosquitto.host}:{mosquitto.port}", pipes)
    with Process(tmp_path / "run", "run", "--config", str(file), STATE_DIRECTORY=str(tmp_path)) as run:
        run.wait_for(b"READY=1")
        radio = Radio(walk, pipes, rounds=3)
        radio.start()
        wait(lambda: len(hub.payloads("wimose/lab/pose")) > 30, run)

        # A broken bundle is refused, and poses go on.
        good = file.read_text()
        file.write_text(good.replace(BUNDLE, "none-such"))
        run.process.send_signal(signal.SIGHUP)
        run.wait_for_log("reload refused, going on as before")
        before = len(hub.payloads("wimose/lab/pose"))
        wait(lambda: len(hub.payloads("wimose/lab/pose")) > before + 30, run)
        file.write_text(good.replace(BUNDLE, "wimose-basic"))
        run.process.send_signal(signal.SIGHUP)
        run.wait_for_log("reloaded: wimose-basic@")
        wait(lambda: b"wimose-basic@" in hub.payloads("wimose/lab/pose")[-1], run)
        assert b"wimose-basic@" in hub.payloads("wimose/lab/info")[-1]

        # One receiver alone makes no pose, and says so.
        radio.silent[1] = True
        wait(lambda: json.loads(hub.payloads("wimose/lab/state")[-1])["problem"] == "no packets from receiver2", run)
        assert json.loads(hub.payloads("wimose/lab/state")[-1])["present"] is None
        radio.silent[1] = False
        wait(lambda: json.loads(hub.payloads("wimose/lab/state")[-1])["problem"] == "", run)

        # A broker that was killed has forgotten everything, and is told again.
        mosquitto.kill()
        mosquitto.start()
        again = listen(mosquitto.host, mosquitto.port, "wimose/lab/#")
        wait(lambda: len(again.payloads("wimose/lab/pose")) > 30, run)
        for name in ("status", "info", "receiving", "pause"):
            assert again.payloads(f"wimose/lab/{name}"), name

        # The watchdog's ping stops with the loop, and an idle radio does not stop it.
        radio.over = True
        radio.join()
        wait(lambda: again.payloads("wimose/lab/receiving")[-1:] == [b"offline"], run)
        begun = time.monotonic()
        assert run.stop() == 0
        assert time.monotonic() - begun < WAIT_S
        assert b"STOPPING=1" in b"".join(run.said) or run.process.returncode == 0
        again.wait(lambda client: client.payloads("wimose/lab/status")[-1:] == [b"offline"])
