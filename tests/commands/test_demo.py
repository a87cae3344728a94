"""The demo: the bundled session, a broker of its own, figures against the truth."""

import json
from pathlib import Path

import numpy as np
import pytest

from edge.cli import main
from edge.commands.demo import SESSION
from edge.session import load_session
from tests.conftest import Listen, Mosquitto


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
