"""Receivers in real time: recorded packets into pipes as the 5300 tool would have written them, for ever."""

import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edge.arrays import Array
from edge.parse.framing import FRAME_HEADER, find_records
from edge.parse.intel5300 import parse_log

TICK_S = 0.001  # at 1000 packets/s, one at a time
POSE_S = 1 / 30  # between two poses
GOLDEN = 0.6180339887498949


class Log:
    """The records of one receiver, again and again by a clock that runs on."""

    def __init__(self, log: bytes) -> None:
        self._bytes = np.frombuffer(log, np.uint8).copy()
        self._starts = find_records(self._bytes)[0]
        self._ends = np.append(self._starts[1:], self._bytes.size)
        stamps = parse_log(log).timestamp_us.astype(np.int64)
        self._stamps = stamps - stamps[0]
        # Of this receiver's own clock: rounds follow each other as packets do.
        self._period_us = int(self._stamps[-1]) + round(float(self._stamps[-1]) / max(stamps.size - 1, 1))
        self._at = 0  # next record
        self._round = 0

    def due(self, elapsed_us: float) -> bytes:
        """What has come since the last call, `elapsed_us` after the beginning."""
        out = b""
        while True:
            stop = int(np.searchsorted(self._stamps, elapsed_us - self._round * self._period_us))
            if stop > self._at:
                out += self._restamped(self._at, stop)
                self._at = stop
            if stop < self._stamps.size:
                return out
            self._at, self._round = 0, self._round + 1

    def _restamped(self, start: int, stop: int) -> bytes:
        part: Array = self._bytes[self._starts[start] : self._ends[stop - 1]].copy()
        for n in range(start, stop):
            at = self._starts[n] - self._starts[start] + FRAME_HEADER
            part[at : at + 4].view("<u4")[0] = (int(self._stamps[n]) + self._round * self._period_us) % (1 << 32)
        return part.tobytes()


class Radio(threading.Thread):
    """Writes the same logs in every room until `over` is set or nobody reads any more.

    No two rooms' packets come at the same time: each room begins a part of the time between two poses later, by the
    golden ratio, as evenly as chance would have it.
    """

    def __init__(self, logs: tuple[bytes, bytes], pipes: Sequence[tuple[Path, Path]]) -> None:
        super().__init__(name="radio", daemon=True)
        self.over = threading.Event()
        self._logs, self._pipes = logs, pipes

    def run(self) -> None:
        playing = [
            (os.open(pipe, os.O_WRONLY), Log(log), POSE_S * (number * GOLDEN % 1.0))
            for number, pair in enumerate(self._pipes)
            for pipe, log in zip(pair, self._logs, strict=True)
        ]
        begun = time.monotonic()
        try:
            while not self.over.wait(TICK_S):
                for pipe, log, later_s in playing:
                    data = log.due(1e6 * (time.monotonic() - begun - later_s))
                    while data:
                        data = data[os.write(pipe, data) :]
        except BrokenPipeError:
            pass
        finally:
            for pipe, _, _ in playing:
                os.close(pipe)
