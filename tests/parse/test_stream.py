"""A log in pieces is the whole log: records, times, damage and counts, wherever a piece ends."""

import io
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from edge.arrays import Array
from edge.errors import ConfigError
from edge.parse.framing import LOOKAHEAD
from edge.parse.intel5300 import CsiLog, parse_log
from edge.parse.stream import LogStream, stream_log
from tests.parse.encoder import frame, mpdu, random_counts, record, records

ARRAYS = ("timestamp_us", "bfee_count", "nrx", "ntx", "rssi", "noise", "agc", "antenna_sel", "rate")


def assert_same(parts: list[CsiLog], whole: CsiLog) -> None:
    for name in ARRAYS:
        joined = np.concatenate([getattr(part, name) for part in parts])
        assert joined.tobytes() == getattr(whole, name).tobytes(), name
    csi = np.zeros_like(whole.csi)
    at = 0
    for part in parts:
        _, rx, tx, _ = part.csi.shape
        csi[at : at + len(part), :rx, :tx] = part.csi
        at += len(part)
    assert csi.tobytes() == whole.csi.tobytes()
    reports = [part.report for part in parts]
    assert sum(report.size for report in reports) == whole.report.size
    assert sum((Counter(report.codes) for report in reports), Counter()) == whole.report.codes
    assert sum(report.bad for report in reports) == whole.report.bad
    assert sum(report.truncated for report in reports) == whole.report.truncated
    for name in ("damage", "unpermuted", "backward"):
        assert sum((getattr(report, name) for report in reports), ()) == getattr(whole.report, name), name


def long_log(seed: int) -> bytes:
    """Records of all kinds, other frames and damage: longer than LOOKAHEAD, so that pieces are judged one by one."""
    generator = np.random.default_rng(seed)
    frames: list[bytes] = []
    size = 0
    while size < 2.5 * LOOKAHEAD:
        kind = generator.integers(14)
        if kind == 0:
            frames.append(mpdu(int(generator.integers(1 << 30)), int(generator.integers(30, 4000))))
        elif kind == 1:
            frames.append(frame(0xC1, generator.bytes(int(generator.integers(1, 0xFFFF)))))  # as long as frames get
        elif kind == 2:
            frames.append(generator.bytes(int(generator.integers(1, 5000))))
        else:
            nrx, ntx = generator.integers(1, 4, 2)
            some = record(
                random_counts(generator, nrx, ntx), timestamp_low=int(generator.integers(1 << 32)),
                antenna_sel=int(generator.integers(64)),
            )  # fmt: skip
            cut = int(generator.integers(len(some))) if kind == 3 else 0
            frames += [some[:cut] + some[cut + cut // 9 :], *records(20, seed=int(generator.integers(1000)))]
        size += len(frames[-1]) + 20 * 215
    return b"".join(frames)


def streamed(log: bytes, piece: int, threads: int = 1) -> list[CsiLog]:
    return list(LogStream(io.BytesIO(log), piece, threads))


@pytest.mark.parametrize("seed", range(6))
def test_pieces_of_a_damaged_log_are_the_whole(seed: int) -> None:
    log = long_log(seed)
    whole = parse_log(log)
    assert whole.report.bad > 5
    generator = np.random.default_rng(seed)
    for piece in generator.integers(3000, 300_000, 4):
        assert_same([of_clock(part) for part in streamed(log, int(piece))], of_clock(whole))


def of_clock(log: CsiLog) -> CsiLog:
    """With the times as the record has them: this clock is set back all the time, see `stream_log`."""
    return CsiLog(**{**vars(log), "timestamp_us": log.timestamp_us % np.uint64(1 << 32)})


def test_a_record_may_be_cut_at_any_byte() -> None:
    """The end of a piece moves over two whole records, byte by byte."""
    log = b"".join(records(2 * LOOKAHEAD // 215, seed=3))
    whole = parse_log(log)
    for end in range(LOOKAHEAD + 3, LOOKAHEAD + 3 + 2 * 215, 7):
        assert_same(streamed(log, end), whole)


@pytest.mark.parametrize("end", ["truncated", "zeros", "nothing"])
def test_damage_that_does_not_end_is_counted_once(end: str) -> None:
    log = b"".join(records(500)) + bytes(3 * LOOKAHEAD)
    log += {"truncated": records(1)[0][:100], "zeros": b"", "nothing": b"".join(records(500, seed=2))}[end]
    assert_same(streamed(log, 100_000), parse_log(log))


def test_two_threads_find_the_same(data: Path) -> None:
    log = (data / "csi" / "wivelo" / "1-1-1-1-r1.dat").read_bytes()
    assert_same([parse_log(log, threads=2)], parse_log(log))
    assert_same(streamed(log, 200_000, threads=2), parse_log(log))
    assert parse_log(log).scaled(threads=2).tobytes() == parse_log(log).scaled().tobytes()


def test_the_buffer_holds_one_piece_whatever_the_file(tmp_path: Path) -> None:
    path = tmp_path / "long.dat"
    path.write_bytes(b"".join(records(10_000)))
    longest = max(part.report.size for part in stream_log(path, piece=100_000))
    assert longest <= 100_000 + LOOKAHEAD


def test_real_recordings_in_pieces(data: Path) -> None:
    for name in ("wivelo/1-1-1-1-r1.dat", "csiread/sample_0x5_64_3000.dat", "csi-data/heart_rate/csi2.dat"):
        log = (data / "csi" / name).read_bytes()
        assert_same(streamed(log, 50_000), parse_log(log))


def test_a_clock_set_back_goes_on_in_the_next_piece() -> None:
    stamps: Array = np.concatenate((np.arange(4000) * 1000, np.arange(4000) * 1000 - 500))  # by 4 s, then below zero
    counts = random_counts(np.random.default_rng(1))
    log = b"".join(record(counts, timestamp_low=int(stamp) % (1 << 32)) for stamp in stamps)
    parts, whole = streamed(log, 100_000), parse_log(log)
    assert sum((part.report.backward for part in parts), ()) == whole.report.backward == (4000,)
    times = np.concatenate([part.timestamp_us for part in parts])
    assert times[:4000].tolist() == stamps[:4000].tolist()
    assert times[4000:].tolist() == (stamps[4000:] + (1 << 32)).tolist()  # from there on; the whole moves all of it
    assert whole.timestamp_us.tolist() == (stamps + (1 << 32)).tolist()


def test_a_file_that_is_not_there_is_the_users_to_mend(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="give the path of a log"):
        list(stream_log(tmp_path / "no.dat"))
