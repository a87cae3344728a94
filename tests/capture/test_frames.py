"""The stream's frames, compared with what the parser finds in the same bytes as a log."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.capture import frames as module
from edge.capture.frames import MAX_FRAME, FrameSplitter, count_frames, frames
from edge.parse import framing
from edge.parse.intel5300 import parse_log
from tests.parse.encoder import FRAME_BYTES, frame, mpdu, random_counts, record, records

EVERY = [record(random_counts(np.random.default_rng(n), nrx, ntx)) for n, (nrx, ntx) in
         enumerate((nrx, ntx) for nrx in (1, 2, 3) for ntx in (1, 2, 3))]  # fmt: skip


def pieces(log: bytes, cuts: list[int]) -> Iterator[bytes]:
    for start, end in pairwise(sorted({0, len(log), *(cut % (len(log) + 1) for cut in cuts)})):
        yield log[start:end]


def split(log: bytes, cuts: list[int]) -> tuple[list[bytes], FrameSplitter]:
    splitter = FrameSplitter()
    return list(frames(b"".join(splitter.push(piece) for piece in pieces(log, cuts)))), splitter


def test_the_constants_are_the_parsers() -> None:
    assert module.CODE_CSI == framing.CODE_CSI
    assert set(framing.DRIVER_CODES) == module.DRIVER_CODES
    for (nrx, ntx), (length, said) in module._CSI_SIZES.items():
        assert length + 2 == FRAME_BYTES[nrx * ntx]
        assert int.from_bytes(said, "little") == framing.payload_bytes(nrx, ntx)


@given(st.lists(st.integers(0, 1 << 16), max_size=40))
@settings(deadline=None)
def test_an_undamaged_log_comes_out_whole_however_it_is_cut(cuts: list[int]) -> None:
    wanted = [*EVERY, mpdu(1), mpdu(2, 2000), *records(5), frame(0xC0, b"x" * 20), *records(2, seed=9)]
    got, splitter = split(b"".join(wanted), cuts)
    assert got == wanted
    assert splitter.damaged == 0
    assert not splitter._buffer


def test_one_byte_at_a_time() -> None:
    wanted = [*records(3), mpdu(3), *records(2)]
    got, splitter = split(b"".join(wanted), list(range(5000)))
    assert got == wanted
    assert splitter.damaged == 0


@pytest.mark.parametrize("size", [300, 301, 302])
@pytest.mark.parametrize("cuts", [[], [7], list(range(3000))])
def test_after_garbage_the_next_record_is_found(cuts: list[int], size: int) -> None:
    before, after = records(3), records(4, seed=2)
    garbage = bytes(np.random.default_rng(5).integers(0, 0xBB, size, np.uint8))
    got, splitter = split(b"".join([*before, garbage, *after]), cuts)
    assert got == before + after
    assert splitter.damaged == 1


def test_a_record_whose_middle_was_lost_is_left_out() -> None:
    whole = records(6)
    cut_short = whole[2][:100]  # a writer that was killed; the next begins with a frame
    got, splitter = split(b"".join([*whole[:2], cut_short, *whole[3:]]), [])
    assert got == whole[:2] + whole[3:]
    assert splitter.damaged == 1


def test_what_follows_a_good_record_does_not_spoil_it() -> None:
    """A 0xBB in its bit stream is no record, even where garbage follows."""
    good = record(np.full((30, 3, 1, 2), -69, np.int8))  # 0xBB, over and over
    got, splitter = split(good + b"\0" * 50 + records(1)[0], [])
    assert got == [good, records(1)[0]]
    assert splitter.damaged == 1
    got, splitter = split(good + b"\0" * 4, [])  # too little to judge what would begin there
    assert got == [good]
    assert splitter.damaged == 1


def test_a_writer_that_comes_back_begins_with_a_frame() -> None:
    splitter = FrameSplitter()
    whole = records(3)
    assert splitter.push(whole[0] + whole[1][:150]) == whole[0]
    splitter.cut()
    assert splitter.damaged == 1
    assert splitter.push(whole[2]) == whole[2]
    splitter.cut()
    assert splitter.damaged == 1


def test_a_length_that_no_frame_has_is_not_waited_for() -> None:
    splitter = FrameSplitter()
    good = records(2)
    splitter.push(good[0])
    assert splitter.push(bytes.fromhex("ffffc1") + good[1]) == good[1]
    assert splitter.damaged == 1


@given(st.lists(st.binary(max_size=400) | st.sampled_from([*EVERY, mpdu(4), b"\xbb", b"\0\xd6\xbb"]), max_size=30),
       st.lists(st.integers(0, 1 << 16), max_size=20))  # fmt: skip
@settings(max_examples=300, deadline=None)
def test_anything_may_come(parts: list[bytes], cuts: list[int]) -> None:
    """Nothing raises, nothing piles up, and what comes out are frames that stood in there, in order."""
    log = b"".join(parts)
    splitter = FrameSplitter()
    at = 0
    for piece in pieces(log, cuts):
        got = splitter.push(piece)
        assert len(splitter._buffer) <= MAX_FRAME
        assert count_frames(got) is not None
        for one in frames(got):
            at = log.find(one, at)
            assert at >= 0
            at += len(one)


def test_real_recordings_give_what_the_parser_gives(data: Path) -> None:
    for name in (
        "wivelo/1-1-1-1-r1.dat",
        "csiread/sample_0x5_64_3000.dat",
        "csi-data/activity/brushteeth_1597160009.dat",
    ):
        log = (data / "csi" / name).read_bytes()
        got, splitter = split(log, list(range(0, len(log), 4096)))
        report = parse_log(log).report
        assert len(got) == sum(report.codes.values()), name
        assert splitter.damaged == report.bad, name
        splitter.cut()
        assert splitter.damaged == report.bad + report.truncated, name


@pytest.mark.parametrize("log", [b"\0", b"\0\0", b"\0\5\xbb", b"\0\1\xbb\0\0\xbb", records(1)[0] + b"\0"])
def test_what_is_not_made_of_frames_is_not_counted(log: bytes) -> None:
    assert count_frames(log) is None


def test_frames_are_counted() -> None:
    assert count_frames(b"") == 0
    assert count_frames(b"".join(EVERY)) == len(EVERY)
