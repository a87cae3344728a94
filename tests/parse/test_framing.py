"""Each kind of damage: how often, where, why, and every undamaged record before and after it bit for bit."""

from collections.abc import Sequence

import numpy as np
import pytest

from edge.parse import framing
from edge.parse.framing import ANTENNAS, CUT_SHORT, LEN, LENGTH, REASONS, TRUNCATED
from edge.parse.intel5300 import CsiLog, Damage, parse_log
from tests.parse.encoder import DRIVER_CODES, FRAME_BYTES, frame, mpdu, random_counts, record, records

SIZE = FRAME_BYTES[3]
BEFORE, AFTER = records(3, seed=1), records(3, seed=2)
COUNTS = random_counts(np.random.default_rng(9))
GOOD = record(COUNTS)

Place = tuple[int, int, int]  # offset, length, reason


def check(
    log: bytes, kept: Sequence[bytes], damage: Sequence[Place] = (), codes: dict[int, int] | None = None
) -> CsiLog:
    """Assert that exactly the records `kept` come out of `log`, and exactly this damage."""
    parsed, alone = parse_log(log), parse_log(b"".join(kept))
    for name in ("timestamp_us", "bfee_count", "nrx", "ntx", "rssi", "noise", "agc", "antenna_sel", "rate", "csi"):
        assert np.array_equal(getattr(parsed, name), getattr(alone, name)), name
    report = parsed.report
    found = [(place.offset, place.length, place.reason) for place in report.damage]
    assert found == [(at, length, REASONS[why]) for at, length, why in damage]
    truncated = sum(why == TRUNCATED for _, _, why in damage)
    assert (report.truncated, report.bad) == (truncated, len(damage) - truncated)
    assert report.codes == ({0xBB: len(kept)} if kept else {}) | (codes or {})
    assert report.size == len(log)
    return parsed


def between(damaged: bytes, reason: int) -> None:
    """Assert that `damaged` between good records is one damaged place and touches none of them."""
    start = len(BEFORE) * SIZE
    check(b"".join([*BEFORE, damaged, *AFTER]), BEFORE + AFTER, [(start, len(damaged), reason)])


def test_frame_sizes() -> None:
    for nrx in (1, 2, 3):
        for ntx in (1, 2, 3):
            size = FRAME_BYTES[nrx * ntx]
            assert framing.payload_bytes(nrx, ntx) + framing.FRAME_HEADER + framing.CSI_HEADER == size
            assert len(record(random_counts(np.random.default_rng(0), nrx, ntx))) == size
    assert min(FRAME_BYTES.values()) == framing.SMALLEST_CSI_FRAME


def test_compiled_functions_close_over_nothing() -> None:
    """Or numba would compile them again in every process and keep every copy on disk."""
    compiled = [function for function in vars(framing).values() if hasattr(function, "py_func")]
    assert len(compiled) >= 7
    assert all(function.py_func.__closure__ is None for function in compiled)
    twins = framing.plain_scan.__globals__
    assert not any(hasattr(twins[function.__name__], "py_func") for function in compiled)


def test_an_undamaged_log() -> None:
    check(b"".join(BEFORE), BEFORE)


def test_an_empty_file() -> None:
    assert check(b"", []).csi.shape == (0, 1, 1, 30)


@pytest.mark.parametrize("left", range(1, SIZE))
def test_truncated_tail(left: int) -> None:
    check(b"".join([*BEFORE, GOOD[:left]]), BEFORE, [(3 * SIZE, left, TRUNCATED)])


@pytest.mark.parametrize("wrong", [0, 1, 191, 193, 372, 0xFFFF])
def test_wrong_len(wrong: int) -> None:
    between(record(COUNTS, len=wrong), LEN)


@pytest.mark.parametrize("wrong", [0, 1, 20, 21, SIZE - 3, SIZE - 1, SIZE, 0x7FFF, 0xFFFF])
def test_wrong_frame_length(wrong: int) -> None:
    between(record(COUNTS, frame_length=wrong), LENGTH)


@pytest.mark.parametrize(
    "fields", [{"nrx": 0}, {"nrx": 4}, {"nrx": 255}, {"ntx": 0}, {"ntx": 4}, {"ntx": 255}, {"nrx": 0, "ntx": 0}]
)
def test_impossible_number_of_antennas(fields: dict[str, int]) -> None:
    between(record(COUNTS, **fields), ANTENNAS)


def test_possible_but_wrong_number_of_antennas() -> None:
    between(record(COUNTS, nrx=2), LEN)
    between(record(COUNTS, ntx=3), LEN)


@pytest.mark.parametrize("antenna_sel", [0b111111, 0b100111, 0b110100, 0b000000, 0b100101, 0b011010])
def test_antenna_sel_that_is_no_permutation_is_kept_and_named(antenna_sel: int) -> None:
    odd = record(COUNTS, antenna_sel=antenna_sel)
    log = check(b"".join([*BEFORE, odd, *AFTER]), [*BEFORE, odd, *AFTER])
    assert log.report.unpermuted == (3 * SIZE,)
    assert np.array_equal(log.csi[3], parse_log(record(COUNTS, antenna_sel=0b100100)).csi[0])  # order of the chains
    two = record(COUNTS[:, :2], antenna_sel=antenna_sel)
    assert parse_log(two).report.unpermuted == ()  # two chains are never reordered


@pytest.mark.parametrize("size", [1, 2, 3, 22, 23, 95, 500, 5000])
@pytest.mark.parametrize("seed", range(5))
def test_random_bytes_between_records(size: int, seed: int) -> None:
    noise = np.random.default_rng(seed).integers(0, 256, size, np.uint8).tobytes()
    between(noise, LENGTH)


@pytest.mark.parametrize(
    "text", [bytes(2), b"\n" * 100, b"<!DOCTYPE html>" * 40, bytes(700), b"\xbb" * 700, b"\xff" * 700]
)
def test_other_bytes_between_records(text: bytes) -> None:
    between(text, ANTENNAS if text[0] == 0xBB else LENGTH)


@pytest.mark.parametrize("size", [1, 2, 3, 100, 10_000])
def test_nothing_but_random_bytes(size: int) -> None:
    log = parse_log(np.random.default_rng(size).integers(0, 256, size, np.uint8))
    assert len(log) == 0
    assert [(place.offset, place.length) for place in log.report.damage] == [(0, size)]
    assert log.report.bad + log.report.truncated == 1


@pytest.mark.parametrize("lost", [1, 2, 7, 64, 150])
@pytest.mark.parametrize("at", [30, 60])
def test_bytes_lost_in_the_middle_of_a_record(lost: int, at: int) -> None:
    between(GOOD[:at] + GOOD[at + lost :], CUT_SHORT)


def test_bytes_lost_in_the_header_of_a_record() -> None:
    between(GOOD[:11] + GOOD[12:], ANTENNAS)  # Ntx stands where Nrx did, and RSSI where Ntx did
    between(GOOD[:1] + GOOD[2:], LENGTH)


def test_bytes_lost_in_a_long_log_lose_one_record() -> None:
    """In 645 kB nearly every wrong position holds what could be a frame of some code."""
    frames = records(500, seed=6) * 6
    for victim in range(0, 2999, 50):
        cut = frames[victim][:40] + frames[victim][100:]  # so that the frame ends in the counts of the next
        log = parse_log(b"".join([*frames[:victim], cut, *frames[victim + 1 :]]))
        assert len(log) == 2999
        assert log.report.codes == {0xBB: 2999}
        assert log.report.damage == (Damage(victim * SIZE, len(cut), REASONS[CUT_SHORT]),)


def test_a_record_cut_off_where_a_second_recording_was_appended() -> None:
    # Near the end of the file the cut record would run past it.
    check(GOOD[:100] + GOOD[:95], [], [(0, 195, TRUNCATED)])
    small = record(COUNTS[:, :1])
    check(GOOD[:100] + small, [small], [(0, 100, CUT_SHORT)])
    # Or end just before it: a byte too many is no sign that it is whole.
    check(GOOD[:118] + small + b"???", [small], [(0, 118, CUT_SHORT), (213, 3, TRUNCATED)])


def test_a_tail_too_short_for_what_it_says_is_no_truncated_record() -> None:
    check(BEFORE[0] + b"\0\x05\xbb\1\2\3\4", BEFORE[:1], [(SIZE, 7, LENGTH)])


def test_garbage_after_a_good_record_does_not_lose_it() -> None:
    check(GOOD + bytes(50), [GOOD], [(SIZE, 50, LENGTH)])


def test_a_duplicated_stretch_is_damage_between_good_records() -> None:
    between(GOOD[100:], LENGTH)
    check(GOOD + GOOD, [GOOD, GOOD])


def test_two_damaged_places_are_told_apart() -> None:
    wrong_len, no_antenna = record(COUNTS, len=5), record(COUNTS, nrx=0)
    check(
        b"".join([wrong_len, *BEFORE, no_antenna, *AFTER, GOOD[:50]]),
        BEFORE + AFTER,
        [(0, SIZE, LEN), (4 * SIZE, SIZE, ANTENNAS), (8 * SIZE, 50, TRUNCATED)],
    )


def test_damage_beyond_the_list_is_still_counted() -> None:
    log = parse_log((record(COUNTS, len=1) + GOOD) * (framing.MAX_LISTED + 7))
    assert len(log) == framing.MAX_LISTED + 7
    assert log.report.bad == framing.MAX_LISTED + 7
    assert len(log.report.damage) == framing.MAX_LISTED
    assert log.report.damage[-1].offset == (framing.MAX_LISTED - 1) * 2 * SIZE


# Frames of other codes. Their bodies are anything, so nothing inside them tells whether they are whole.

MPDU = mpdu(1)


def with_mpdus(middle: bytes) -> bytes:
    """Damage `middle` between an MPDU's record and the next MPDU, as it stands in a log with both."""
    return b"".join([MPDU, BEFORE[0], MPDU, BEFORE[1], middle, AFTER[0], MPDU, AFTER[1]])


START = 2 * (len(MPDU) + SIZE)
KEPT = [*BEFORE[:2], *AFTER[:2]]


@pytest.mark.parametrize("code", sorted(DRIVER_CODES | {0x00, 0x42, 0xBA, 0xFF}))
@pytest.mark.parametrize("size", [0, 1, 128, 1500, 16_000])
def test_other_codes_are_counted_and_skipped(code: int, size: int) -> None:
    other = frame(code, np.random.default_rng(size).integers(0, 256, size, np.uint8).tobytes())
    check(b"".join([*BEFORE, other, *AFTER]), BEFORE + AFTER, codes={code: 1})


@pytest.mark.parametrize("code", sorted(DRIVER_CODES))
def test_frames_of_one_of_the_drivers_codes_in_a_row(code: int) -> None:
    check(frame(code, b"\x08\0\x30\0") * 6 + b"".join(BEFORE), BEFORE, codes={code: 6})


def test_an_unknown_code_is_believed_where_a_record_follows() -> None:
    stranger = frame(0x42, b"\x08\0\x30\0")
    check(stranger * 6 + b"".join(BEFORE), BEFORE, [(0, 6 * len(stranger), LENGTH)])
    check(stranger + b"".join(BEFORE), BEFORE, codes={0x42: 1})


def test_many_mpdus_in_a_row() -> None:
    frames = [mpdu(n, size) for n, size in enumerate([4, 30, 128, 1500, 2300] * 4)]
    check(b"".join([*frames, *BEFORE, *frames]), BEFORE, codes={0xC1: 40})
    check(b"".join(frames), [], codes={0xC1: 20})


def test_log_that_ends_in_the_middle_of_an_mpdu() -> None:
    for left in (1, 2, 3, 4, len(MPDU) - 1):
        log = b"".join([*BEFORE, MPDU, MPDU, MPDU[:left]])
        check(log, BEFORE, [(len(log) - left, left, TRUNCATED)], {0xC1: 2})


def test_random_body_of_an_mpdu_is_no_damage() -> None:
    check(with_mpdus(mpdu(2, 128)), KEPT, codes={0xC1: 4})


@pytest.mark.parametrize("length", [0, 1, 50, 128, 130, 200, 1000, 0x7FFF, 0xFFFF])
def test_wrong_length_of_an_mpdu(length: int) -> None:
    check(with_mpdus(frame(0xC1, MPDU[3:], length)), KEPT, [(START, len(MPDU), LENGTH)], {0xC1: 3})


@pytest.mark.parametrize("lost", [1, 5, 64])
def test_bytes_lost_in_an_mpdu(lost: int) -> None:
    check(with_mpdus(MPDU[:50] + MPDU[50 + lost :]), KEPT, [(START, len(MPDU) - lost, LENGTH)], {0xC1: 3})


@pytest.mark.parametrize(
    ("fields", "reason"),
    [({"len": 5}, LEN), ({"nrx": 2}, LEN), ({"nrx": 0}, ANTENNAS), ({"frame_length": 0}, LENGTH),
     ({"frame_length": 300}, LENGTH)],
)  # fmt: skip
def test_damage_after_an_mpdu_begins_behind_it(fields: dict[str, int], reason: int) -> None:
    damaged = record(COUNTS, **fields)
    check(with_mpdus(MPDU + damaged), KEPT, [(START + len(MPDU), SIZE, reason)], {0xC1: 4})


def test_record_whose_code_was_changed_is_seen_among_the_codes() -> None:
    check(with_mpdus(MPDU + record(COUNTS, code=0x3B)), KEPT, codes={0xC1: 4, 0x3B: 1})


def test_what_looks_like_csi_inside_an_mpdu_is_not_read() -> None:
    """Anybody on the air can send it."""
    forged = b"\x08\0\x30\0" + GOOD + GOOD + b"fcs!"
    check(with_mpdus(frame(0xC1, forged)), KEPT, codes={0xC1: 4})


def test_an_unknown_code_swallows_no_record() -> None:
    swallowing = frame(0x42, b"", length=1 + 2 * SIZE)  # ends exactly behind two records
    check(b"".join([*BEFORE, swallowing, *AFTER]), BEFORE + AFTER, [(3 * SIZE, len(swallowing), LENGTH)])
