"""Where the records of a log begin and end, and what to make of damage.

A log is a sequence of frames:

    offset  width  field
    0       2      length of code and body, big-endian
    2       1      code: 0xBB is CSI, 0xC1 a whole received MPDU, others are the driver's (its iwl-connector.h)
    3       n      body, length - 1 bytes

A 0xBB body begins with the 20 bytes that `intel5300` describes. Nothing in a log is checksummed, so a frame is
believed only where its fields agree with each other: the frame's length, the body's own `len`, Nrx and Ntx all
give the same size by one formula. After damage the next frame that agrees with itself is where reading resumes.

Rules, in the order they are tried at each position:

1. A CSI frame that agrees with itself is good, unless what follows it is broken *and* another good frame begins
   inside it: then bytes were lost in its middle and it is dropped.
2. A frame of another code is counted and skipped if what follows it looks like a frame, and no good CSI frame begins
   inside it. The second does not matter for the driver's codes: an MPDU is written by whoever sent it, so what looks
   like a CSI frame in there is not read.
3. A frame that runs past the end of the file is the truncated tail, unless a good frame begins inside it.
4. Anything else is damage, up to the next good CSI frame.

What looks like a frame: a CSI frame, whole, cut off by the end of the file or with one field damaged; the end of the
file; a frame of the driver's codes that leads to one of these or to CHAIN - 1 more of its kind. Any three bytes would
do for a frame of *some* code, and after a lost byte nearly every position holds such three. For rule 2, where no good
CSI frame begins inside, a frame of the driver's codes that the end of the file cuts off will do as well.

No rule looks further than LOOKAHEAD, but for the end of damage: so a log can be gone through in pieces (`stream`).
"""

from types import FunctionType
from typing import Any

import numpy as np
from numba import njit

from edge.arrays import Array

CODE_CSI = 0xBB
DRIVER_CODES = (0x1C, 0xC0, 0xC1, 0xC3, 0xC5, 0xD0, 0xD1)  # the others that the tool's driver can send
FRAME_HEADER = 3  # length and code
CSI_HEADER = 20  # fixed part of a 0xBB body
MAX_ANTENNAS = 3  # the 5300 has three chains each way

# What stands at a position.
CSI, CSI_CUT, OTHER, OTHER_CUT, BAD_FRAME, BAD_ANTENNAS, BAD_LEN = range(7)

# Why bytes were left out; indices into REASONS.
REASONS = (
    "frame length does not fit its content",
    "Nrx or Ntx is not 1 to 3",
    "len does not equal (30*(16*Nrx*Ntx+3)+7)/8",
    "record cut short: another begins inside it",
    "truncated at the end of the file",
)
LENGTH, ANTENNAS, LEN, CUT_SHORT, TRUNCATED = range(len(REASONS))

MAX_LISTED = 1000  # damaged places listed with their offset; all are counted
CHAIN = 4  # frames of the driver's codes in a row that are believed without a CSI frame after them
MAX_FRAME = 2 + 0xFFFF
LOOKAHEAD = (CHAIN + 2) * MAX_FRAME  # bytes; what is said of a position depends on no more, except at the file's end
SMALLEST_CSI_FRAME = FRAME_HEADER + CSI_HEADER + (30 * (16 + 3) + 7) // 8


# Only for functions at module level: numba's cache never finds one that closes over another compiled function.
_compiled = njit(cache=True, nogil=True)


def payload_bytes(nrx: int, ntx: int) -> int:
    """Bytes of the bit stream of one packet (the 5300 tool's read_bfee.c, `calc_len`)."""
    return (30 * (16 * nrx * ntx + 3) + 7) // 8


@_compiled
def _kind_at(log: Array, at: int) -> int:
    """What stands at byte `at` (at least FRAME_HEADER bytes must remain)."""
    left = log.size - at
    length = (np.int64(log[at]) << 8) | np.int64(log[at + 1])
    if log[at + 2] != 0xBB:
        if length < 1:
            return BAD_FRAME
        return OTHER if length + 2 <= left else OTHER_CUT
    if length < 1 + CSI_HEADER:
        return BAD_FRAME
    if left < FRAME_HEADER + CSI_HEADER:
        return CSI_CUT
    body = at + FRAME_HEADER
    nrx = np.int64(log[body + 8])
    ntx = np.int64(log[body + 9])
    if nrx < 1 or nrx > MAX_ANTENNAS or ntx < 1 or ntx > MAX_ANTENNAS:
        return BAD_ANTENNAS
    payload = np.int64(log[body + 16]) | (np.int64(log[body + 17]) << 8)
    if payload != (30 * (16 * nrx * ntx + 3) + 7) // 8:
        return BAD_LEN
    if length != 1 + CSI_HEADER + payload:
        return BAD_FRAME
    return CSI if length + 2 <= left else CSI_CUT


@_compiled
def _nearly_csi(log: Array, at: int) -> bool:
    """Whether byte `at` begins a CSI frame of which one field is damaged: its other fields agree with each other."""
    if log.size - at < FRAME_HEADER + CSI_HEADER:
        return False
    body = at + FRAME_HEADER
    nrx = np.int64(log[body + 8])
    ntx = np.int64(log[body + 9])
    by_antennas = (30 * (16 * nrx * ntx + 3) + 7) // 8
    by_len = np.int64(log[body + 16]) | (np.int64(log[body + 17]) << 8)
    by_frame = ((np.int64(log[at]) << 8) | np.int64(log[at + 1])) - 1 - CSI_HEADER
    if log[at + 2] != 0xBB:
        return bool(by_antennas == by_len and by_len == by_frame)
    return bool(by_antennas == by_len or by_len == by_frame or by_frame == by_antennas)


@_compiled
def _frame_end(log: Array, at: int) -> Any:
    return at + 2 + ((np.int64(log[at]) << 8) | np.int64(log[at + 1]))


@_compiled
def _next_csi(log: Array, start: int, stop: int) -> int:
    """First position in start..stop where a whole CSI frame stands, else stop."""
    for at in range(start, min(stop, log.size - SMALLEST_CSI_FRAME + 1)):
        if log[at + 2] == 0xBB and _kind_at(log, at) == CSI:
            return at
    return stop


@_compiled
def _looks_like_frame(log: Array, at: int, may_be_cut: bool) -> bool:
    for _ in range(CHAIN):
        if log.size - at < FRAME_HEADER:
            return at == log.size or may_be_cut
        kind = _kind_at(log, at)
        if kind == CSI or kind == CSI_CUT or _nearly_csi(log, at):
            return True
        if log[at + 2] not in DRIVER_CODES:
            return False
        if kind != OTHER:
            return may_be_cut and kind == OTHER_CUT and _next_csi(log, at + 1, log.size) == log.size
        at = _frame_end(log, at)
    return True


@_compiled
def _is_other(log: Array, at: int) -> bool:
    end = _frame_end(log, at)
    if log[at + 2] in DRIVER_CODES and _looks_like_frame(log, end, False):
        return True
    return _looks_like_frame(log, end, True) and _next_csi(log, at + 1, end) == end


@_compiled
def _scan(
    log: Array, decided: int, reason: int, begun: int, offsets: Array, codes: Array, damage: Array, reasons: Array
) -> tuple[int, int, int, int, int]:
    """Go through a log, or a piece of one.

    log            (bytes,) uint8
    decided        where to stop: the end of the file, or LOOKAHEAD before the end of a piece
    reason, begun  of damage that goes on from the piece before, and how far before this one it began; -1 if none does
    returns        counts of `offsets` and `damage` rows, the next position, `reason` and `begun` for the next piece
    """
    n_csi = 0
    n_damage = 0
    at = 0
    while at < decided:
        resume = log.size
        if reason >= 0:
            resume = _next_csi(log, at, decided)
        elif log.size - at < FRAME_HEADER:
            reason = TRUNCATED
            begun = at
        else:
            begun = at
            kind = _kind_at(log, at)
            if kind == CSI:
                resume = _frame_end(log, at)
                if not _looks_like_frame(log, resume, False):
                    inner = _next_csi(log, at + 1, resume)
                    if inner < resume:
                        resume = inner
                        reason = CUT_SHORT
                if reason < 0:
                    offsets[n_csi] = at
                    n_csi += 1
                    codes[0xBB] += 1
            elif kind == OTHER and _is_other(log, at):
                codes[log[at + 2]] += 1
                resume = _frame_end(log, at)
            else:
                resume = _next_csi(log, at + 1, decided)
                if (kind == CSI_CUT or kind == OTHER_CUT) and resume == log.size:
                    reason = TRUNCATED
                elif kind == CSI_CUT:
                    reason = CUT_SHORT
                elif kind == BAD_ANTENNAS:
                    reason = ANTENNAS
                elif kind == BAD_LEN:
                    reason = LEN
                else:
                    reason = LENGTH
        if reason >= 0:
            if resume == decided and decided < log.size:
                return n_csi, n_damage, resume, reason, begun - resume
            reasons[reason] += 1
            if n_damage < damage.shape[0]:
                damage[n_damage, 0] = begun
                damage[n_damage, 1] = resume - begun
                damage[n_damage, 2] = reason
                n_damage += 1
            reason = -1
        at = resume
    return n_csi, n_damage, at, -1, 0


def _plain_twin(*functions: Any) -> Any:
    """The last of these compiled functions, uncompiled, calling the others uncompiled too."""
    names = dict(globals())
    for function in functions:
        names[function.__name__] = FunctionType(function.py_func.__code__, names)
    return names[functions[-1].__name__]


plain_scan = _plain_twin(_kind_at, _nearly_csi, _frame_end, _next_csi, _looks_like_frame, _is_other, _scan)


def find_records(log: Array, scan: Any = _scan) -> tuple[Array, Array, Array, Array]:
    """Find every CSI frame of a log and account for every other byte.

    log      (bytes,) uint8
    returns  offsets of good CSI frames (N,) int64; counts by code (256,) int64; the first MAX_LISTED damaged
             places (D, 3) int64 as [offset, length, reason]; counts by reason (len(REASONS),) int64
    """
    return Finder(scan).find(log, log.size)


class Finder:
    """The same piece by piece: what is still to be found is put before the next piece."""

    def __init__(self, scan: Any = _scan) -> None:
        self.position = 0  # in the file, of the next piece's first byte
        self._scan = scan
        self._reason, self._begun = -1, 0
        self._listed = 0

    def find(self, log: Array, decided: int) -> tuple[Array, Array, Array, Array]:
        """`find_records` of a piece up to `decided`. Frames count from the piece's start, damage from the file's."""
        offsets = np.empty(log.size // SMALLEST_CSI_FRAME + 1, np.int64)
        codes = np.zeros(256, np.int64)
        damage = np.empty((MAX_LISTED - self._listed, 3), np.int64)
        reasons = np.zeros(len(REASONS), np.int64)
        n_csi, n_damage, at, self._reason, self._begun = self._scan(
            log, decided, self._reason, self._begun, offsets, codes, damage, reasons
        )
        damage = damage[:n_damage].copy()
        damage[:, 0] += self.position
        self._listed += n_damage
        self.position += at
        return offsets[:n_csi].copy(), codes, damage, reasons
