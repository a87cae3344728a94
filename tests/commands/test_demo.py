"""The demo: the bundled session, a broker of its own, figures against the truth."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edge.cli import main
from edge.commands.demo import SESSION
from edge.session import load_session
from tests.conftest import WAIT_S, Listen, Mosquitto, heed_ctrl_c


def test_it_runs_with_a_broker_of_its_own(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    pytest.importorskip("amqtt")
    assert main(["demo", "--speed", "max", "--json"]) == 0
    captured = capfdbinary.readouterr()
    figures = json.loads(captured.out)
    assert figures["poses"] == pytest.approx(30 * (figures["seconds"] - 2.17), rel=0.01)  # after the first window
    assert figures["trained_on"] == "simulated"
    assert b"SIMULATED" in captured.err
    assert figures["mpjpe_mm"] > 0


def test_its_messages_say_simulated(mosquitto: Mosquitto, listen: Listen) -> None:
    listener = listen(mosquitto.host, mosquitto.port, "wimose/hall/#")
    address = f"mqtt://{mosquitto.host}:{mosquitto.port}"
    assert main(["demo", "--speed", "max", "--seconds", "3", "--mqtt", address, "--room", "hall"]) == 0
    listener.wait(lambda client: client.payloads("wimose/hall/status")[-1:] == [b"offline"])
    poses = [json.loads(payload) for payload in listener.payloads("wimose/hall/pose")]
    assert len(poses) == 90
    assert {(pose["source"], pose["frame"]) for pose in poses} == {("simulated", "room")}


def test_truth_and_telemetry_go_beside_the_poses(mosquitto: Mosquitto, listen: Listen) -> None:
    listener = listen(mosquitto.host, mosquitto.port, "wimose/demo/#")
    address = f"mqtt://{mosquitto.host}:{mosquitto.port}"
    assert main(["demo", "--speed", "max", "--seconds", "3", "--mqtt", address]) == 0
    listener.wait(lambda client: client.payloads("wimose/demo/status")[-1:] == [b"offline"])
    truths = [json.loads(payload) for payload in listener.payloads("wimose/demo/truth")]
    assert [truth["seq"] for truth in truths] == list(range(90))
    truth = load_session(SESSION).truth
    assert truth is not None
    at = truth.at(2.0 + 1 / 150 * 25)  # the first window's last packet, give or take one
    assert at is not None
    assert np.abs(np.array(truths[0]["joints"]) - at).max() < 0.05
    telemetry = [json.loads(payload) for payload in listener.payloads("wimose/demo/telemetry")]
    assert len(telemetry) == 4  # one a second, and one at the end
    assert [message["problem"] for message in telemetry] == ["", "", "", "the demo has ended: run it again"]
    assert telemetry[-1]["source"] == "simulated"
    assert telemetry[-1]["poses_per_s"] == pytest.approx(30, abs=0.5)
    assert set(telemetry[-1]["receivers"]) == {"receiver1", "receiver2"}
    for receiver in telemetry[-1]["receivers"].values():
        assert receiver["packets_per_s"] == pytest.approx(150, rel=0.1)
        assert 0 <= receiver["loss"] < 0.05


def test_it_goes_round_until_it_is_stopped(mosquitto: Mosquitto, listen: Listen) -> None:
    listener = listen(mosquitto.host, mosquitto.port, "wimose/demo/#")
    address = f"mqtt://{mosquitto.host}:{mosquitto.port}"
    command = [
        sys.executable,
        "-m",
        "edge.cli",
        "demo",
        "--loop",
        "--speed",
        "max",
        "--seconds",
        "1",
        "--mqtt",
        address,
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=heed_ctrl_c) as process:
        try:
            listener.wait(lambda client: len(client.payloads("wimose/demo/pose")) > 70)
            process.send_signal(signal.SIGINT)
            output, _ = process.communicate(timeout=WAIT_S)
        finally:
            process.kill()
    assert process.returncode == 0
    assert "error against truth" in output
    listener.wait(lambda client: client.payloads("wimose/demo/status")[-1:] == [b"offline"])
    numbers = [json.loads(payload)["seq"] for payload in listener.payloads("wimose/demo/pose")]
    assert numbers == list(range(len(numbers)))
    problems = [json.loads(payload)["problem"] for payload in listener.payloads("wimose/demo/telemetry")]
    assert problems.count("the recording begins again") >= 2
    assert problems[-1] == "the demo has ended: run it again"


@pytest.mark.parametrize(("arguments", "page"), [([], True), (["--no-view"], False), (["--json"], False)])
def test_the_page_is_there_unless_nobody_wants_it(
    arguments: list[str], page: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("amqtt")
    assert main(["demo", "--speed", "8", "--seconds", "1", *arguments]) == 0
    captured = capfd.readouterr()
    assert ("http://127.0.0.1:" in captured.out + captured.err) == page


def test_without_the_extra_a_named_broker_will_do(
    mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "amqtt.broker", None)
    address = f"mqtt://{mosquitto.host}:{mosquitto.port}"
    assert main(["demo", "--speed", "8", "--seconds", "1", "--mqtt", address]) == 0
    assert "No page: " in capfd.readouterr().out


def test_it_says_what_it_beats(capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("amqtt")
    assert main(["demo", "--speed", "max"]) == 0
    shown = capfd.readouterr().out
    assert "error against truth" in shown
    assert "always guessing the mean pose" in shown


def test_the_bundled_session_has_truth_and_is_simulated() -> None:
    session = load_session(SESSION)
    assert session.file.source == "simulated"
    assert session.truth is not None
    assert all(not log.report.damage for log in session.logs)


def test_the_bundled_session_is_what_the_simulator_writes(data: Path, tmp_path: Path) -> None:
    arguments = ["--clip", "86_09", "--seconds", "25", "--seed", "86", "--motion", str(data / "mocap17")]
    assert main(["simulate", str(tmp_path / "session"), *arguments]) == 0
    for name in ("session.yaml", "receiver1.dat", "receiver2.dat"):
        assert (tmp_path / "session" / name).read_bytes() == (SESSION / name).read_bytes(), name
    # Python 3.11.4 began to write another version number into the headers of a zip file.
    with np.load(tmp_path / "session" / "joints.npz") as made, np.load(SESSION / "joints.npz") as bundled:
        assert made.files == bundled.files
        assert all(made[name].tobytes() == bundled[name].tobytes() for name in made.files)
