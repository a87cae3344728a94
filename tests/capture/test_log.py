"""Through real named pipes."""

import gc
import os
import threading
import time
from pathlib import Path

import pytest

from edge.capture.frames import count_frames
from edge.capture.inbox import Chunk, Inbox
from edge.capture.log import LogCapture
from edge.capture.reading import REST_S
from edge.errors import ConfigError
from tests.capture.standin import take_until, wait_until
from tests.conftest import WAIT_S
from tests.parse.encoder import mpdu, records


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    path = tmp_path / "receiver1.pipe"
    os.mkfifo(path)
    return path


def joined(chunks: list[Chunk]) -> bytes:
    return b"".join(chunk.log for chunk in chunks)


def write(pipe: Path, *parts: bytes) -> None:
    with pipe.open("wb", buffering=0) as file:
        for part in parts:
            file.write(part)


def test_a_real_log_comes_through(pipe: Path, data: Path) -> None:
    log = (data / "csi/wivelo/1-1-1-1-r1.dat").read_bytes()
    inbox = Inbox()
    capture = LogCapture(1, inbox, pipe, clock=lambda: 3.5)
    capture.open()
    write(pipe, log)
    chunks = take_until(inbox, count_frames(log) or 0)
    capture.close()
    assert joined(chunks) == log
    assert {(chunk.receiver, chunk.arrived, chunk.missed) for chunk in chunks} == {(1, 3.5, 0)}
    assert all(count_frames(chunk.log) for chunk in chunks), "whole frames alone"


def test_a_writer_that_goes_in_the_middle_of_a_record_and_comes_again(pipe: Path) -> None:
    inbox = Inbox()
    capture = LogCapture(0, inbox, pipe)
    capture.open()
    first, second, third = records(4), records(3, seed=1), [mpdu(1), *records(2, seed=2)]
    write(pipe, b"".join(first), second[0][:99])
    assert joined(take_until(inbox, 4)) == b"".join(first)
    write(pipe, *second)
    again = take_until(inbox, 3)
    assert joined(again) == b"".join(second)
    assert sum(chunk.missed for chunk in again) == capture.damaged == 1
    write(pipe, *third)
    assert joined(take_until(inbox, 3)) == b"".join(third)
    capture.close()
    assert capture.damaged == 1


def test_what_two_writers_wrote_halves_of_becomes_no_record(pipe: Path) -> None:
    inbox = Inbox()
    capture = LogCapture(0, inbox, pipe)
    capture.open()
    first, second = records(2)
    write(pipe, first[:99])
    wait_until(lambda: capture.damaged == 1)
    with pipe.open("wb", buffering=0) as tool:
        tool.write(second[: len(first) - 99])
        wait_until(lambda: len(capture._splitter._buffer) == len(first) - 99)
        tool.write(second[len(first) - 99 :])
        assert joined(take_until(inbox, 1)) == second
    capture.close()


def test_garbage_is_passed_over_and_counted(pipe: Path) -> None:
    inbox = Inbox()
    capture = LogCapture(0, inbox, pipe)
    capture.open()
    wanted = records(6)
    write(pipe, *wanted[:3], b"no record at all " * 10, *wanted[3:])
    assert joined(take_until(inbox, 6)) == b"".join(wanted)
    capture.close()
    assert capture.damaged == 1


def test_a_pipe_that_is_made_anew_is_opened_anew(pipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.capture.reading.IDLE_S", 0.01)
    monkeypatch.setattr("edge.capture.reading.BACKOFF_MIN_S", 0.01)
    inbox = Inbox()
    capture = LogCapture(0, inbox, pipe)
    capture.open()
    other = pipe.with_suffix(".new")
    os.mkfifo(other)
    other.rename(pipe)
    writing = threading.Thread(target=write, args=(pipe, records(1)[0]), daemon=True)  # waits for a reader
    writing.start()
    assert joined(take_until(inbox, 1)) == records(1)[0]
    writing.join(WAIT_S)
    pipe.unlink()
    os.mkfifo(pipe)
    writing = threading.Thread(target=write, args=(pipe, records(2)[1]), daemon=True)
    writing.start()
    assert joined(take_until(inbox, 1)) == records(2)[1]
    capture.close()


def test_a_missing_pipe(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="mkfifo"):
        LogCapture(0, Inbox(), tmp_path / "none").open()


def test_a_recording_is_for_replay(tmp_path: Path) -> None:
    path = tmp_path / "r1.dat"
    path.write_bytes(records(1)[0])
    with pytest.raises(ConfigError, match="wimose replay"):
        LogCapture(0, Inbox(), path).open()


def test_a_folder_is_no_pipe(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="mkfifo"):
        LogCapture(0, Inbox(), tmp_path).open()


def test_nothing_is_left_open(pipe: Path) -> None:
    gc.collect()  # what other tests forgot is not closed in between
    before = threading.active_count(), descriptors()
    inbox = Inbox()
    capture = LogCapture(0, inbox, pipe)
    capture.open()
    for one in records(3):
        write(pipe, one)  # each the whole life of a writer
        take_until(inbox, 1)
    capture.close()
    assert (threading.active_count(), descriptors()) == before


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_packets_are_left_in_the_pipe_until_somebody_wants_them(pipe: Path) -> None:
    inbox = Inbox()
    due = time.monotonic() + 0.3
    inbox.take(0.0, [due])
    capture = LogCapture(0, inbox, pipe)
    capture.open()
    with pipe.open("wb", buffering=0) as file:
        for record in records(20):
            file.write(record)
            time.sleep(0.01)
        chunks = take_until(inbox, 20)
        capture.close()
    assert joined(chunks) == b"".join(records(20))
    assert len(chunks) < 20 * 0.01 / REST_S + 5  # one a rest, and some that came while it did not


def test_a_capture_that_rests_is_closed_at_once(pipe: Path) -> None:
    inbox = Inbox()
    inbox.take(0.0, [time.monotonic() + WAIT_S])
    capture = LogCapture(0, inbox, pipe)
    capture.open()
    time.sleep(0.01)
    begun = time.monotonic()
    capture.close()
    assert time.monotonic() - begun < WAIT_S / 2
