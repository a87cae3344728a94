"""Whole frames out of a stream of bytes: what `parse.framing` does for a log that is complete, for one that goes on.

A frame is two bytes of length, big-endian, then code and body, as in `parse.framing`. Nothing is checksummed, so a CSI
frame is believed only where its length, the body's own `len`, Nrx and Ntx agree; one of the driver's other codes only
right behind a frame that was believed. After damage the next CSI frame that agrees with itself is where it goes on.

Written without numba: a host that only relays loads neither it nor its 100 MB.
"""

import struct
from collections.abc import Iterator

CODE_CSI = 0xBB
DRIVER_CODES = frozenset((0x1C, 0xC0, 0xC1, 0xC3, 0xC5, 0xD0, 0xD1))  # the others that the tool's driver can send
MAX_FRAME = 2 + 0xFFFF  # bytes, as far as the length can say
MAX_OTHER = 4096  # bytes of a frame of the driver's other codes: the tool's log_to_file receives into so many
# Length, code, Nrx, Ntx and the body's `len` of a CSI frame; 23 bytes are enough to judge it.
_CSI_HEAD = struct.Struct(">HB8xBB6x2s2x")
# What a frame's length and its body's `len` are by Nrx and Ntx (the 5300 tool's read_bfee.c, `calc_len`).
_CSI_SIZES = {
    (nrx, ntx): (21 + payload, payload.to_bytes(2, "little"))
    for nrx in (1, 2, 3)
    for ntx in (1, 2, 3)
    for payload in [(30 * (16 * nrx * ntx + 3) + 7) // 8]
}

CUT = 0  # may be a frame, its end is still to come
DAMAGED = -1


def frames(log: bytes) -> Iterator[bytes]:
    """The frames of a log that holds nothing but whole ones, each with its length."""
    at = 0
    while at < len(log):
        end = at + 2 + int.from_bytes(log[at : at + 2], "big")
        yield log[at:end]
        at = end


def count_frames(log: bytes) -> int | None:
    """How many frames a log holds; None where it is not made of whole ones."""
    at = number = 0
    while at < len(log):
        length = int.from_bytes(log[at : at + 2], "big")
        if length == 0:
            return None
        at += 2 + length
        number += 1
    return number if at == len(log) else None


class FrameSplitter:
    """Takes a log in pieces of any size, gives whole frames. Holds on to no more than one frame and one piece."""

    def __init__(self) -> None:
        self.damaged = 0  # places where bytes were left out, each one or more lost records
        self._buffer = bytearray()
        self._synchronised = True  # the buffer begins where a frame should

    def push(self, piece: bytes) -> bytes:
        """The frames that this piece completes, in order."""
        self._buffer += piece
        whole = bytearray()
        at = 0
        while True:
            size = self._size_at(at, self._synchronised)
            if size == DAMAGED or (size > 0 and self._lost_inside(at, at + size)):
                self.damaged += self._synchronised
                self._synchronised = False
                at = self._next_csi(at + 1, len(self._buffer))
            elif size == CUT:
                del self._buffer[:at]
                return bytes(whole)
            else:
                self._synchronised = True
                whole += self._buffer[at : at + size]
                at += size

    def cut(self) -> None:
        """Whoever wrote has gone: what is incomplete will not be completed, and the next begins with a frame."""
        self.damaged += bool(self._buffer) and self._synchronised
        self._buffer.clear()
        self._synchronised = True

    def _size_at(self, at: int, any_code: bool) -> int:
        """Bytes of the frame that begins here, CUT or DAMAGED."""
        buffer = self._buffer
        left = len(buffer) - at
        if left < 3:
            return CUT
        if buffer[at + 2] == CODE_CSI:
            if left < _CSI_HEAD.size:
                return CUT
            length, _, nrx, ntx, said = _CSI_HEAD.unpack_from(buffer, at)
            if _CSI_SIZES.get((nrx, ntx)) != (length, said):
                return DAMAGED
        elif any_code and buffer[at + 2] in DRIVER_CODES:
            length = buffer[at] << 8 | buffer[at + 1]
            if not 1 <= length <= MAX_OTHER:
                return DAMAGED
        else:
            return DAMAGED
        return 2 + length if 2 + length <= left else CUT

    def _lost_inside(self, at: int, end: int) -> bool:
        """Whether bytes were lost in the middle of this frame: what follows is none, and another begins inside."""
        if self._size_at(end, True) != DAMAGED:
            return False
        inner = self._next_csi(at + 1, end)
        return inner < end and len(self._buffer) - inner >= _CSI_HEAD.size

    def _next_csi(self, start: int, stop: int) -> int:
        """Where from `start` on the next CSI frame begins, or may begin at the very end of the buffer; else `stop`."""
        code = start + 2
        while (code := self._buffer.find(CODE_CSI, code, stop + 2)) >= 0:
            if self._size_at(code - 2, False) != DAMAGED:
                return code - 2
            code += 1
        return stop if stop < len(self._buffer) else stop - 2  # two bytes may be the length of one
