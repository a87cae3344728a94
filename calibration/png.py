"""A picture of few colours as a PNG file (RFC 2083), which a page can carry within itself."""

import base64
import struct
import zlib

import numpy as np

from edge.arrays import Array

SIGNATURE = b"\x89PNG\r\n\x1a\n"
PALETTE = 3  # colour type: each pixel is the number of a colour

# Quiet to loud: dark blue, blue-green, pale yellow, each step about as much lighter as the one before.
RAMP = ((12, 18, 36), (22, 54, 92), (22, 104, 122), (46, 156, 126), (138, 202, 110), (246, 238, 172))


def png(pixels: Array, colours: Array) -> bytes:
    """A PNG file.

    pixels   (height, width) uint8, numbers of colours
    colours  (C, 3) uint8, red, green and blue
    Chunks: IHDR width, height (u32 each), depth 8, colour type 3, compression, filter and interlace 0; PLTE; IDAT, the
    rows compressed, each after a byte 0 (no filter); IEND. Numbers are big endian.
    """
    height, width = pixels.shape
    rows = np.hstack((np.zeros((height, 1), np.uint8), pixels)).tobytes()
    header = struct.pack(">IIBBBBB", width, height, 8, PALETTE, 0, 0, 0)
    palette = colours.astype(np.uint8).tobytes()
    chunks = ((b"IHDR", header), (b"PLTE", palette), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return SIGNATURE + b"".join(_chunk(kind, data) for kind, data in chunks)


def ramp(count: int = 256) -> Array:
    """(count, 3) uint8, RAMP in even steps."""
    at = np.linspace(0, len(RAMP) - 1, count)
    return np.stack(
        [np.interp(at, np.arange(len(RAMP)), [colour[i] for colour in RAMP]) for i in range(3)], axis=1
    ).astype(np.uint8)  # fmt: skip


def data_uri(file: bytes) -> str:
    """For `src`."""
    return "data:image/png;base64," + base64.b64encode(file).decode()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
