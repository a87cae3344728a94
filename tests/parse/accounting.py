"""An independent book of where every byte of a log went."""

import numpy as np

from edge.arrays import Array
from edge.parse.framing import CUT_SHORT, find_records
from tests.parse.encoder import DRIVER_CODES, SUBCARRIERS, frame_end, whole_csi_frames


def account(log: Array) -> Array:
    """Scan log (bytes,) uint8, assert that the scan's own figures agree, return the offsets of its records.

    Every byte belongs to exactly one good CSI frame, frame of another code or damaged place. No CSI frame that agrees
    with itself is passed over, unless it lies in a frame that other frames follow or another begins inside it.
    """
    offsets, codes, damage, reasons = find_records(log)
    assert int(reasons.sum()) == len(damage), "these logs have fewer damaged places than are listed"
    assert np.array_equal(np.bincount(damage[:, 2], minlength=reasons.size), reasons)

    whole = whole_csi_frames(log)
    assert np.isin(offsets, whole).all(), "a record that does not agree with itself"
    spans = [(int(at), frame_end(log, int(at)), True) for at in offsets]
    spans += [(int(at), int(at + length), False) for at, length, _ in damage]
    believed = set(offsets.tolist())
    counted = np.zeros(256, np.int64)
    counted[0xBB] = offsets.size
    excused = np.zeros(log.size + 1, bool)  # positions of frames that need not be found
    excused[offsets] = True
    excused[damage[damage[:, 2] == CUT_SHORT, 0]] = True
    at = 0
    for start, end, is_record in [*sorted(spans), (log.size, log.size, False)]:
        while at < start:  # what is neither record nor damage must be whole frames of other codes
            code, other_end = int(log[at + 2]), frame_end(log, at)
            assert code != 0xBB
            assert at + 2 < other_end <= start, "bytes counted twice or not at all"
            counted[code] += 1
            excused[at:other_end] = code in DRIVER_CODES
            at = other_end
        assert at == start, "bytes counted twice"
        if is_record and (agrees_but_for_one_field(log, end) or leads_to(log, end, believed)):
            excused[start:end] = True
        at = end
    assert at == log.size
    assert np.array_equal(counted, codes)

    missed = whole[~excused[whole]]
    assert missed.size == 0, f"records at {missed.tolist()} passed over"
    return offsets


def agrees_but_for_one_field(log: Array, at: int) -> bool:
    """Whether a CSI frame, whole or with one field damaged, its code included, may stand at `at`."""
    if at + 23 > log.size:
        return False
    bits = SUBCARRIERS * (3 + 16 * int(log[at + 11]) * int(log[at + 12]))
    payload = int(log[at + 19]) + 256 * int(log[at + 20])
    sizes = {frame_end(log, at) - at - 23, payload, -(-bits // 8)}
    return len(sizes) + int(log[at + 2] != 0xBB) < 3


def leads_to(log: Array, at: int, starts: set[int]) -> int:
    """Where the frame at `at` leads, over the driver's codes alone: one of `starts`, a CSI frame, a fourth or the end.

    0 if nowhere. Nothing tells such a frame from a whole one, whatever was overwritten to make it.
    """
    hops = 0
    while at + 2 < log.size and int(log[at + 2]) in DRIVER_CODES and frame_end(log, at) > at + 2:
        at = frame_end(log, at)
        hops += 1
        if at in starts or hops == 4 or agrees_but_for_one_field(log, at) or log.size - 2 <= at <= log.size:
            return at
    return 0
