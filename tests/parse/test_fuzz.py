"""More than 100,000 mutated records: nothing raises, every byte is accounted for, what was not touched comes back."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.arrays import Array
from edge.parse.framing import find_records, plain_scan
from edge.parse.intel5300 import CsiLog, parse_log
from tests.parse.accounting import account, leads_to
from tests.parse.encoder import DRIVER_CODES, frame_end, mpdu, random_counts, record, records, whole_csi_frames

FRAMES = 200  # in a log
OVERWRITES = 100  # frames of a log overwritten somewhere
EDITS = 50  # stretches of a log deleted, inserted, doubled, replaced by text or cut off
LOGS = 200  # of each source and kind: 4 * 200 * 150 = 120,000 mutations without the real recordings
REAL_LOGS = 40  # the same again from each recording
PLAIN_EVERY = 12  # logs; the plain twin needs 20 ms for each
REAL = ("wivelo/1-1-1-1-r1.dat", "csiread/sample_0x5_64_3000.dat", "csiread/sample_0x1_ap.dat",
        "csi-data/activity/brushteeth_1597160009.dat")  # fmt: skip


@dataclass(frozen=True, eq=False)
class Clean:
    """An undamaged log."""

    log: Array  # (bytes,) uint8
    edges: Array  # (F + 1,) int64, offsets of its frames and its end
    parsed: CsiLog

    @classmethod
    def of(cls, frames: list[bytes]) -> "Clean":
        log = np.frombuffer(b"".join(frames), np.uint8)
        return cls(log, np.cumsum([0, *map(len, frames)]), parse_log(log))

    @classmethod
    def cut(cls, path: Path) -> "Clean":
        """FRAMES frames out of the middle of a recording."""
        log = np.fromfile(path, np.uint8)
        edges = [0]
        while edges[-1] + 2 < log.size and frame_end(log, edges[-1]) <= log.size:
            edges.append(frame_end(log, edges[-1]))
        middle = edges[(len(edges) - FRAMES) // 2 :][: FRAMES + 1]
        return cls.of([log[start:end].tobytes() for start, end in pairwise(middle)])


def _mixed() -> list[bytes]:
    generator = np.random.default_rng(4)
    sizes = generator.integers(1, 4, (FRAMES, 2))
    return [
        record(random_counts(generator, nrx, ntx), timestamp_low=n, bfee_count=n) for n, (nrx, ntx) in enumerate(sizes)
    ]


SOURCES: dict[str, Callable[[], list[bytes]]] = {
    "3x1": lambda: records(FRAMES),
    "mixed": _mixed,
    "mpdus": lambda: [frame for n, one in enumerate(records(FRAMES // 2)) for frame in (mpdu(n), one)],
    "few mpdus": lambda: [mpdu(n, 400) if n % 9 == 0 else one for n, one in enumerate(records(FRAMES))],
}


def overwrite(log: Array, start: int, stop: int, generator: np.random.Generator) -> None:
    """Overwrite 1 to 30 bytes inside start..stop, half of the time beginning in the header."""
    begin = start + int(generator.integers(0, 24 if generator.random() < 0.5 else stop - start))
    end = min(begin + int(generator.integers(1, 31)), stop)
    kind = generator.integers(4)
    if kind == 0:
        log[begin:end] = generator.integers(0, 256, end - begin)
    elif kind == 1:
        log[begin] ^= 1 << int(generator.integers(8))
    elif kind == 2:
        log[begin:end] = generator.choice([0x00, 0x01, 0xBB, 0xC1, 0xFF])
    else:
        source = int(generator.integers(0, log.size - 30))
        log[begin:end] = log[source : source + end - begin].copy()


def edit(log: bytes, generator: np.random.Generator) -> bytes:
    """Delete, insert, double, splice in text or cut off the tail."""
    at = int(generator.integers(0, len(log)))
    size = int(generator.integers(1, 300))
    kind = generator.integers(5)
    if kind == 0:
        return log[:at] + log[at + size :]
    if kind == 1:
        return log[:at] + generator.integers(0, 256, size, np.uint8).tobytes() + log[at:]
    if kind == 2:
        return log[: at + size] + log[at:]
    if kind == 3:
        return log[:at] + (b"Error: no such device\n" * 14)[:size] + log[at + size * int(generator.integers(2)) :]
    return log[: len(log) - size // 8]


def plain_agrees(log: Array) -> None:
    for fast, plain in zip(find_records(log), find_records(log, plain_scan), strict=True):
        assert np.array_equal(fast, plain)


def check_overwritten(clean: Clean, generator: np.random.Generator) -> tuple[Array, int]:
    """Overwrite inside OVERWRITES frames; assert that every record of the others comes back as it was.

    Returns the overwritten log and how many records came back.
    """
    starts = clean.edges[:-1]
    victims = generator.choice(starts.size, OVERWRITES, replace=False)
    log = clean.log.copy()
    for victim in victims:
        overwrite(log, int(clean.edges[victim]), int(clean.edges[victim + 1]), generator)
    offsets = account(log)
    parsed = parse_log(log)
    assert parsed.report.bad + parsed.report.truncated == len(parsed.report.damage)

    expected = clean.log[starts + 2] == 0xBB
    expected[victims] = False
    for victim in starts[victims]:  # what became a whole frame of the driver's takes along what it now contains
        if log[victim + 2] in DRIVER_CODES:
            expected[(starts > victim) & (starts < leads_to(log, int(victim), set(starts.tolist())))] = False
    shifted = np.setdiff1d(whole_csi_frames(log), starts)  # a header copied askew may begin in the record before it
    expected[np.searchsorted(starts, shifted, "right") - 1] = False
    untouched = starts[expected]
    assert np.isin(untouched, offsets).all(), "an untouched record was lost"
    before = np.searchsorted(starts[clean.log[starts + 2] == 0xBB], untouched)
    after = np.searchsorted(offsets, untouched)
    for name in ("bfee_count", "nrx", "ntx", "rssi", "noise", "agc", "antenna_sel", "rate"):
        assert np.array_equal(getattr(clean.parsed, name)[before], getattr(parsed, name)[after])
    R, T = np.minimum(clean.parsed.csi.shape[1:3], parsed.csi.shape[1:3])
    assert np.array_equal(clean.parsed.csi[before, :R, :T], parsed.csi[after, :R, :T])
    return log, untouched.size


def check_edited(clean: Clean, generator: np.random.Generator) -> Array:
    """Make EDITS edits; assert that what is left is accounted for and the whole records in it are found."""
    edited = clean.log.tobytes()
    for _ in range(EDITS):
        edited = edit(edited, generator)
    log = np.frombuffer(edited, np.uint8)
    assert len(parse_log(log)) == account(log).size
    return log


def check_both(clean: Clean, logs: int) -> None:
    generator = np.random.default_rng(11)
    came_back = 0
    for number in range(logs):
        overwritten, untouched = check_overwritten(clean, generator)
        edited = check_edited(clean, generator)
        came_back += untouched
        if number % PLAIN_EVERY == 0:
            plain_agrees(overwritten)
            plain_agrees(edited)
    untouched_share = 1 - OVERWRITES / (clean.edges.size - 1)
    assert came_back > 0.95 * logs * len(clean.parsed) * untouched_share


@pytest.mark.parametrize("source", SOURCES)
def test_mutated_records(source: str) -> None:
    check_both(Clean.of(SOURCES[source]()), LOGS)


@pytest.mark.parametrize("name", REAL)
def test_mutated_real_records(data: Path, name: str) -> None:
    check_both(Clean.cut(data / "csi" / name), REAL_LOGS)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.binary(max_size=2000))
def test_arbitrary_bytes(noise: bytes) -> None:
    log = np.frombuffer(noise, np.uint8)
    assert len(parse_log(noise)) == account(log).size
    plain_agrees(log)


PIECES = st.one_of(
    st.sampled_from([*records(3), *records(2, 1, 1), *records(2, 3, 2), mpdu(0), mpdu(1, 900)]),
    st.builds(
        lambda one, at, size: one[at : at + size], st.sampled_from(records(3)), st.integers(0, 214), st.integers(1, 215)
    ),
    st.binary(max_size=40),
    st.sampled_from(
        [b"\x00\x00\xbb", b"\xff\xff\xbb", b"\x00\xd5\xbb", b"\x00\x01\xc1", b"\xff\xff\xc1", b"\x00\x10\x42"]
    ),
)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(PIECES, max_size=12))
def test_whole_and_broken_pieces_in_any_order(pieces: list[bytes]) -> None:
    log = np.frombuffer(b"".join(pieces), np.uint8)
    assert len(parse_log(log)) == account(log).size
    plain_agrees(log)
