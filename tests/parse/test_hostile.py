"""Logs made to hurt: each takes seconds, and would take hours if time grew with the square of the size."""

import tracemalloc

import numpy as np
import pytest

from edge.arrays import Array
from edge.parse.framing import find_records
from edge.parse.intel5300 import parse_log
from tests.parse.encoder import record

SIZE = 50_000_000
SMALL, LARGE = (record(np.zeros((30, n, n, 2), np.int8)) for n in (1, 3))


def _nested() -> bytes:
    """A record inside which 21 others begin, all followed by rubbish."""
    log = bytearray(LARGE)
    for at in range(23, len(log) - 23, 25):
        log[at : at + 23] = LARGE[:23]
    return bytes(log)


PATTERNS = {
    "zeros": b"\0",
    "0xBB": b"\xbb",
    "headers of records": LARGE[:23],
    "headers that overlap": b"\x02\x3d\xbb",
    "nested records": _nested(),
    "nested records, rubbish": _nested() + bytes(3),
    "smallest records": SMALL,
    "a record, 64 kB claimed": SMALL + b"\xff\xff\xc1",
    "64 kB claimed again and again": b"\xff\xff\xc1",
    "64 kB of an unknown code": b"\xff\xff\x42",
    "16 kB skipped, then broken": b"\x40\x00\xc1" + bytes(0x3FFF) + b"\0\0\xc1",
    "smallest frames": b"\x00\x01\xc1",
    "smallest frames of an unknown code": b"\x00\x01\x42",
    "frames that lead to a record of one wrong field": b"\x00\x01\xc1" * 3 + LARGE[:22] + b"\x01" + LARGE[23:],
}


def _repeated(pattern: bytes) -> Array:
    return np.tile(np.frombuffer(pattern, np.uint8), SIZE // len(pattern))


@pytest.mark.parametrize("name", PATTERNS)
def test_hostile_pattern_is_scanned_in_linear_time(name: str) -> None:
    log = _repeated(PATTERNS[name])
    offsets, codes, damage, reasons = find_records(log)
    assert len(damage) <= 1000
    assert offsets.size == codes[0xBB]
    assert offsets.size or codes.any() or reasons.any()


def test_tail_of_frames_that_run_past_the_end() -> None:
    log = np.zeros(SIZE, np.uint8)
    log[-66_000:] = np.resize(np.frombuffer(SMALL + b"\0\1\xc1\xff\xff\xc1", np.uint8), 66_000)
    offsets = find_records(log)[0]
    assert offsets.size > 600


def test_random_bytes_are_scanned_in_linear_time() -> None:
    log = np.random.default_rng(1).integers(0, 256, SIZE, np.uint8)
    offsets, _, _, reasons = find_records(log)
    assert offsets.size == 0
    assert reasons.sum() > 0


def test_memory_is_bounded_by_the_size_of_the_log() -> None:
    """The worst that a log can ask for: many 1x1 records and one 3x3 that makes room for nine links in each."""
    log = SMALL * 20_000 + LARGE
    parse_log(SMALL)
    tracemalloc.start()
    try:
        parsed = parse_log(log)
        peak = tracemalloc.get_traced_memory()[1]
        assert parsed.csi.shape == (20_001, 3, 3, 30)
        assert peak < 26 * len(log)  # csi alone is 8 * 270 bytes for each 95
        parsed.scaled()
        assert tracemalloc.get_traced_memory()[1] < 75 * len(log)
    finally:
        tracemalloc.stop()
