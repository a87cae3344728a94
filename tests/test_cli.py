"""The command line: help that shows an example, exit codes, one line for an error."""

import subprocess
import sys
from pathlib import Path

import pytest

from edge.cli import main

COMMANDS = (
    "demo", "run", "relay", "record", "doctor", "calibrate", "replay", "inspect", "export",
    "simulate", "dataset", "train", "quantize", "bundle", "evaluate",
)  # fmt: skip


@pytest.fixture
def in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    assert f"example: wimose {command}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "what_to_do"),
    [
        (["replay"], "--receiver A.dat --receiver B.dat"),
        (["replay", "/no/such/session"], "session's folder"),
        (["replay", "--receiver", "one.dat"], "exactly two logs"),
        (["replay", "--receiver", "no.dat", "--receiver", "no.dat"], "No such file"),
        (["demo", "--speed", "fast"], "or max"),
        (["demo", "--speed", "nan"], "or max"),
        (["demo", "--rate", "29"], "use 30, 15, 10"),
        (["demo", "--seconds", "-1"], "positive"),
        (["demo", "--bundle", "no-such"], "wimose-basic"),
        (["demo", "--mqtt", "http://hub"], "mqtt://"),
        (["demo", "--mqtt", "mqtt://user:secret@hub"], "--mqtt-password-file"),
        (["inspect"], "--pair"),
        (["simulate", "out", "--room", "castle"], "basic"),
        (["simulate", "out", "--seconds", "1e9"], "hour"),
        (["simulate", "out", "--motion", "/no/such/folder"], "mocap17"),
        (["train", "/no/such/dataset", "/tmp/run-that-is-not-made"], "wimose dataset"),
        (["evaluate", "wimose-basic", "/no/such/dataset"], "wimose dataset"),
        (["bundle", "/no/such/run", "out", "--name", "x"], "wimose train"),
        (["quantize", "/no/such/run", "out", "--name", "x"], "wimose train"),
        (["simulate"], "--check"),
        (["simulate", "out", "--seconds", "5", "--empty", "5"], "to somebody"),
        (["dataset", "out", "--spec", "wimose-9"], "wimose-1, plus-1, plus-2"),
        (["dataset", "out", "--hours", "-1"], "positive"),
        (["train", "data", "run", "--samples", "0"], "positive"),
        (["train", "data", "run", "--from", "/no/such/run"], "wimose train"),
        (["evaluate", "wimose-basic"], "--walks"),
    ],
)
def test_a_mistake_gets_one_line_that_says_what_to_do(
    arguments: list[str], what_to_do: str, capfd: pytest.CaptureFixture[str], in_empty_folder: None
) -> None:
    assert main(arguments) == 2
    lines = [line for line in capfd.readouterr().err.splitlines() if line.startswith("wimose: ")]
    assert len(lines) == 1
    assert what_to_do in lines[0]
    assert "secret" not in lines[0]


def test_an_unknown_command_is_a_usage_error() -> None:
    with pytest.raises(SystemExit) as stop:
        main(["fly"])
    assert stop.value.code == 2


def test_a_wrong_flag_gets_the_usage_of_its_command(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["replay", "session/", "--spead", "3"])
    said = capfd.readouterr().err
    assert stop.value.code == 2
    assert said.startswith("usage: wimose replay ")
    assert "unrecognized arguments: --spead 3" in said


def test_a_closed_pipe_is_no_error(data: Path) -> None:
    log = data / "csi" / "csikit" / "intel" / "example.dat"
    command = (
        f"{sys.executable} -m edge.cli inspect {' '.join([str(log)] * 50)} --json | head -c 10; exit ${{PIPESTATUS[0]}}"
    )
    done = subprocess.run(["bash", "-c", command], capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr
