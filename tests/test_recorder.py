"""A session's folder while it is written: what is kept when the disk is full, and what is taken away."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge.capture.inbox import Chunk
from edge.config import Config
from edge.errors import ConfigError, RecordingError
from edge.recorder import Recorder
from edge.session import load_session
from tests.parse.encoder import mpdu, records

SOME = b"".join(records(100))
FILES = ["receiver1.dat", "receiver2.dat", "session.yaml"]


@contextmanager
def disk_of(size: int) -> Iterator[None]:
    """No file may grow beyond `size` bytes: the kernel takes what fits and refuses the rest, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_both_logs_as_they_came_and_what_is_known_of_them(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "out"
    with Recorder(out, Config(room="hall"), 5.32e9) as recorder:
        recorder.write(Chunk(0, SOME, 10.0))
        assert recorder.both_since is None
        recorder.write(Chunk(1, mpdu(1), 10.5))  # no CSI: not what is waited for
        assert recorder.both_since is None
        recorder.write(Chunk(1, SOME, 11.0, missed=2))
        assert recorder.both_since == 11.0
        recorder.write(Chunk(0, SOME, 13.0, missed=1))
        report = recorder.finish(dropped=4)
    assert sorted(path.name for path in out.iterdir()) == FILES
    assert (out / "receiver1.dat").read_bytes() == SOME + SOME
    assert (out / "receiver2.dat").read_bytes() == mpdu(1) + SOME
    assert (out / "session.yaml").read_bytes().endswith(b"''\n"), "no filling is left"
    file = load_session(out).file
    assert (file.source, file.room, file.carrier_hz, file.packets_per_s) == ("recorded", "hall", 5.32e9, 1000.0)
    assert (report.seconds, report.dropped) == (2.0, 4)
    assert [(one.records, one.missed) for one in report.receivers.values()] == [(200, 1), (100, 2)]


def test_a_full_disk_keeps_what_came_before(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with Recorder(out, Config(), 5.32e9) as recorder, disk_of(2 * len(SOME) - 1000):
        recorder.write(Chunk(0, SOME, 1.0))
        recorder.write(Chunk(1, SOME, 1.0))
        with pytest.raises(RecordingError, match=f"cannot go on writing.*what came before is in {out}"):
            recorder.write(Chunk(1, SOME, 2.0))
    assert sorted(path.name for path in out.iterdir()) == FILES
    assert [(out / name).read_bytes() for name in FILES[:2]] == [SOME, SOME], "nothing of the chunk that did not fit"
    assert len(load_session(out).logs[1]) == 100


def test_a_disk_that_is_full_before_both_were_heard(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with (
        pytest.raises(RecordingError, match="nothing was recorded"),
        Recorder(out, Config(), 5.32e9) as recorder,
        disk_of(len(SOME) - 1000),
    ):
        recorder.write(Chunk(0, SOME, 1.0))
    assert not out.exists()


def test_a_disk_that_is_full_at_once(tmp_path: Path) -> None:
    with disk_of(100), pytest.raises(ConfigError, match="cannot write"):
        Recorder(tmp_path / "out", Config(), 5.32e9)
    assert not (tmp_path / "out").exists()


def test_a_receiver_that_was_not_heard(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(RecordingError, match="no packets from receiver2"), Recorder(out, Config(), 5.32e9) as recorder:
        recorder.write(Chunk(0, SOME, 1.0))
        recorder.finish()
    assert not out.exists()


def test_a_folder_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="choose another folder"):
        Recorder(tmp_path / "file" / "out", Config(), 5.32e9)


def test_what_was_simulated_says_so(tmp_path: Path) -> None:
    with Recorder(tmp_path / "out", Config(origin="simulated"), 5.32e9) as recorder:
        for receiver in (0, 1):
            recorder.write(Chunk(receiver, SOME, 1.0))
        recorder.finish()
    assert load_session(tmp_path / "out").file.source == "simulated"
