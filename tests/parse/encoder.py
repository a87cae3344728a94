"""Writes logs byte by byte as the 5300 tool's log_to_file does, and reads them back by their framing alone.

Written from read_bfee.c and iwl-connector.h, not from `edge.parse`: the tests compare the two.
"""

import struct
from typing import Any

import numpy as np

from edge.arrays import Array

DRIVER_CODES = {0x1C, 0xC0, 0xC1, 0xC3, 0xC5, 0xD0, 0xD1}
SUBCARRIERS = 30
FRAME_BYTES = {1: 95, 2: 155, 3: 215, 4: 275, 6: 395, 9: 575}  # of a CSI record with its frame, by Nrx*Ntx


def bit_stream(counts: Array) -> bytes:
    """counts (30, Nrx, Ntx, 2) int8, I and Q in the order of the chains: 3 bits to skip, then the values, and so on."""
    stream, at = 0, 0
    for subcarrier in counts:
        at += 3
        for value in subcarrier.ravel():
            stream |= (int(value) & 0xFF) << at
            at += 8
    return stream.to_bytes((at + 7) // 8, "little")


def frame(code: int, body: bytes, length: int | None = None) -> bytes:
    """One frame of a log; `length` overrides what the frame says of itself."""
    return struct.pack(">HB", 1 + len(body) if length is None else length, code) + body


def record(counts: Array, **fields: Any) -> bytes:
    """One CSI record; `fields` overrides what it says, `frame_length` and `code` what its frame says."""
    stream = bit_stream(counts)
    usual = {"timestamp_low": 0, "bfee_count": 0, "reserved": 0, "nrx": counts.shape[1], "ntx": counts.shape[2],
             "rssi_a": 40, "rssi_b": 41, "rssi_c": 42, "noise": -92, "agc": 30, "antenna_sel": 0b100100,
             "len": len(stream), "rate": 0x101}  # fmt: skip
    said = usual | {name: value for name, value in fields.items() if name not in ("code", "frame_length")}
    body = struct.pack("<IHHBBBBBbBBHH", *(said[name] for name in usual)) + stream
    return frame(fields.get("code", 0xBB), body, fields.get("frame_length"))


def random_counts(generator: np.random.Generator, nrx: int = 3, ntx: int = 1) -> Array:
    return generator.integers(-128, 128, (SUBCARRIERS, nrx, ntx, 2), np.int8)


def records(number: int, nrx: int = 3, ntx: int = 1, seed: int = 0) -> list[bytes]:
    """Records a millisecond apart, each with random counts."""
    generator = np.random.default_rng(seed)
    return [
        record(random_counts(generator, nrx, ntx), timestamp_low=1000 * n, bfee_count=n, rssi_a=n % 60)
        for n in range(number)
    ]


def mpdu(number: int, size: int = 128) -> bytes:
    """A whole received MPDU as the driver logs it: a data frame to everybody with a random body."""
    generator = np.random.default_rng(number)
    return frame(0xC1, b"\x08\0\x30\0" + generator.integers(0, 256, size - 4, np.uint8).tobytes())


def whole_csi_frames(log: Array) -> Array:
    """Every offset of log (bytes,) uint8 where a CSI frame that agrees with itself stands whole, overlapping or not."""
    if log.size < FRAME_BYTES[1]:
        return np.empty(0, np.int64)
    at = np.flatnonzero(log[2 : log.size - FRAME_BYTES[1] + 3] == 0xBB)
    nrx, ntx = log[at + 11].astype(np.int64), log[at + 12].astype(np.int64)
    bits = SUBCARRIERS * (3 + 16 * nrx * ntx)
    payload = -(-bits // 8)
    length = log[at].astype(np.int64) * 256 + log[at + 1]
    said = log[at + 19].astype(np.int64) + 256 * log[at + 20].astype(np.int64)
    good = (nrx >= 1) & (nrx <= 3) & (ntx >= 1) & (ntx <= 3)
    good &= (said == payload) & (length == payload + 21) & (at + 2 + length <= log.size)
    return np.asarray(at[good])


def frame_end(log: Array, at: int) -> int:
    return at + 2 + int(log[at]) * 256 + int(log[at + 1])
