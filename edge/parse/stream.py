"""Logs larger than memory, piece by piece: the same records, times and damage as of the whole file.

A position is judged once LOOKAHEAD bytes beyond it are there; what lies behind that is put before the next piece.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from edge.arrays import Array
from edge.errors import ConfigError
from edge.parse.clock import WRAP_US, follow
from edge.parse.framing import LOOKAHEAD, Finder
from edge.parse.intel5300 import CsiLog, log_of, read_headers

PIECE = 4 << 20  # bytes; large against LOOKAHEAD, small against the caches that whole files overflow


def stream_log(path: str | Path, piece: int = PIECE, threads: int = 1) -> Iterator[CsiLog]:
    """Parse a log file in pieces of a few megabytes; the parts together are `read_log`'s, offsets count from the file's
    beginning. Raises ConfigError where the file cannot be read.

    One thing differs: a clock set back through zero moves the packets from there on, not those before, by a whole wrap.
    """
    try:
        with Path(path).open("rb", buffering=0) as file:
            yield from LogStream(file, piece, threads)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}; give the path of a log of the 5300 tool") from error


class LogStream:
    """One pass through a file, in a buffer that is used again and again."""

    def __init__(self, file: BinaryIO, piece: int = PIECE, threads: int = 1) -> None:
        self._file = file
        self._threads = threads
        self._buffer = np.empty(piece + LOOKAHEAD, np.uint8)
        self._piece = piece
        self._finder = Finder()
        self._last: int | None = None  # us, of the last packet
        self._packets = 0

    def __iter__(self) -> Iterator[CsiLog]:
        kept = 0  # bytes in the buffer
        while True:
            read = self._file.readinto(self._buffer.data[kept : kept + self._piece])  # type: ignore[attr-defined]
            log = self._buffer[: kept + read]
            log.flags.writeable = False  # as `parse_log` does
            before = self._finder.position
            yield self._parsed(log, log.size if read == 0 else max(log.size - LOOKAHEAD, 0))
            if read == 0:
                return
            kept = log.size - (self._finder.position - before)
            self._buffer[:kept] = self._buffer[log.size - kept : log.size].copy()

    def _parsed(self, log: Array, decided: int) -> CsiLog:
        position = self._finder.position
        found = self._finder.find(log, decided)
        header = read_headers(log, found[0])
        time_us, backward = self._times(header["timestamp_low"].astype(np.int64))
        return log_of(log, position, found, header, time_us, backward, self._finder.position - position, self._threads)

    def _times(self, low: Array) -> tuple[Array, Array]:
        """(N,) uint64 microseconds that go on from the piece before, and which packets of the file went backward."""
        if low.size == 0:
            return low.view(np.uint64), low
        time, backward, lowest = follow(low, int(low[0]) if self._last is None else self._last)
        if lowest < 0:
            time[int(np.argmax(time < 0)) :] += WRAP_US * (1 + (-lowest - 1) // WRAP_US)
        backward += self._packets
        self._last, self._packets = int(time[-1]), self._packets + low.size
        return time.view(np.uint64), backward
