"""What a simulated session says about its room. Reading it back is tested in tests/test_session.py."""

from pathlib import Path

import numpy as np
import pytest

from edge.cli import main
from edge.session import load_session
from firmware_tools.simulate.rooms import room_named


def simulate(folder: Path, data: Path, *arguments: str) -> Path:
    assert main(["simulate", str(folder), "--seconds", "6", "--motion", str(data / "mocap17"), *arguments]) == 0
    return folder


def test_a_drawn_room_is_described(data: Path, tmp_path: Path) -> None:
    session = load_session(simulate(tmp_path, data, "--room", "test-0"))
    room = room_named("test-0")
    assert session.file.room == "test-0"
    assert (session.file.room_size_m, session.file.carrier_hz) == (room.size, room.carrier_hz)
    assert session.file.transmitter_m == room.transmitter


def test_screens_are_in_the_note(data: Path, tmp_path: Path) -> None:
    notes = [
        load_session(simulate(tmp_path / seed, data, "--room", "basic-nlos", "--seed", seed)).file.note
        for seed in ("1", "2")
    ]
    assert all(note.count("a screen of") == 2 for note in notes)
    assert notes[0].split("screen")[1] != notes[1].split("screen")[1]


@pytest.mark.parametrize("clip", [[], ["--clip", "86_09"]])
def test_an_empty_room_has_no_truth(data: Path, tmp_path: Path, clip: list[str]) -> None:
    session = load_session(simulate(tmp_path, data, "--empty", "2", *clip))
    assert session.file.empty_s == 2.0
    assert session.truth is not None
    assert session.truth.time_s[0] == pytest.approx(2.0, abs=0.05)
    assert session.truth.time_s[-1] == pytest.approx(6.0, abs=0.1)
    assert np.linalg.norm(session.truth.joints[:, 0], axis=1).min() > 0.8
    assert 850 < len(session.logs[0]) <= 900


def test_somebody_has_to_come(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", str(tmp_path / "out"), "--seconds", "6", "--empty", "6"]) == 2
    assert "--empty 6: leave some" in capsys.readouterr().err
