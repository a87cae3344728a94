"""A room to calibrate in: two pipes that play the demo's packets faster than life, somebody who answers questions."""

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from calibration.frame import array_at
from edge.capture.inbox import Chunk
from edge.commands.demo import SESSION
from edge.config import Config, Receiver
from edge.geometry import Geometry
from edge.parse.framing import FRAME_HEADER, find_records
from edge.parse.intel5300 import parse_log
from tests.service.processes import Radio

SPEED = 10.0  # times life
GEOMETRY = Geometry(
    (7.0, 8.0, 2.8), (0.6, 0.6, 1.2), (array_at((6.4, 0.6, 1.2), "y", 0.026), array_at((0.6, 7.4, 1.2), "x", 0.026))
)


def longer(log: bytes, rounds: int) -> bytes:
    """The same packets over and over, on a clock that goes on."""
    records = find_records(np.frombuffer(log, np.uint8))[0]
    stamps = parse_log(log).timestamp_us.astype(np.int64)
    period = int(stamps[-1] - stamps[0] + np.median(np.diff(stamps)))
    out = []
    for number in range(rounds):
        copy = bytearray(log)
        for at, stamp in zip(records, stamps, strict=True):
            copy[at + FRAME_HEADER : at + FRAME_HEADER + 4] = int((stamp + number * period) % (1 << 32)).to_bytes(
                4, "little"
            )
        out.append(bytes(copy))
    return b"".join(out)


def demo_logs(rounds: int = 1) -> tuple[bytes, bytes]:
    first, second = (longer((SESSION / f"receiver{number}.dat").read_bytes(), rounds) for number in (1, 2))
    return first, second


class Air(threading.Thread):
    """Plays the logs into two pipes for whoever reads there, from the beginning for each reader."""

    def __init__(self, folder: Path, logs: tuple[bytes, bytes], speed: float = SPEED) -> None:
        super().__init__(daemon=True)
        self.pipes = (folder / "left.pipe", folder / "right.pipe")
        for pipe in self.pipes:
            os.mkfifo(pipe)
        self.radio = Radio(logs, self.pipes, speed)
        self.over = False
        self._logs, self._speed = logs, speed

    @property
    def config(self) -> Config:
        first, second = self.pipes
        return Config(
            room="hall", origin="simulated",
            receivers=(Receiver("left", "log", str(first)), Receiver("right", "log", str(second))),
        )  # fmt: skip

    def run(self) -> None:
        while not self.over:
            self.radio = Radio(self._logs, self.pipes, self._speed)
            self.radio.run()


class Time:
    """Seconds that pass when somebody waits, for the clock, the sleep and the inbox of a rehearsal alike."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class PlayedInbox:
    """Packets of two logs as they would have come, in `time`; what is done `at` a second of it happens then."""

    def __init__(
        self, logs: tuple[bytes, bytes], time: Time, at: dict[float, Callable[[], None]] | None = None
    ) -> None:
        self.dropped = 0
        self.silent = [False, False]
        self._time = time
        self._begun: float | None = None  # when somebody first listened
        self._begun_of = [0.0, 0.0]
        self._at = sorted((at or {}).items())
        self._logs = logs
        self._next = [0, 0]
        self._offsets, self._due = [], []
        for log in logs:
            stamps = parse_log(log).timestamp_us
            self._due.append((stamps - stamps[0]).astype(np.float64) * 1e-6)
            self._offsets.append(np.append(find_records(np.frombuffer(log, np.uint8))[0], len(log)))

    def put(self, chunk: Chunk) -> None:
        raise AssertionError("nothing else comes")

    def rewind(self, receiver: int) -> None:
        """Its NIC begins anew, with the clock that it began with."""
        self._begun_of[receiver] = self._time.now
        self._next[receiver] = 0

    def take(self, timeout_s: float) -> list[Chunk]:
        if self._begun is None:
            self._begun, self._begun_of = self._time.now, [self._time.now] * 2
        self._time.sleep(timeout_s)
        passed = self._time.now - self._begun
        while self._at and self._at[0][0] <= passed:
            self._at.pop(0)[1]()
        chunks = []
        for r in (0, 1):
            stop = int(np.searchsorted(self._due[r], self._time.now - self._begun_of[r]))
            start, self._next[r] = self._next[r], stop
            if stop > start and not self.silent[r]:
                log = self._logs[r][self._offsets[r][start] : self._offsets[r][stop]]
                chunks.append(Chunk(r, log, self._time.now))
        return chunks


class FastClock:
    """Seconds that pass SPEED times as fast."""

    def __init__(self, speed: float = SPEED) -> None:
        self._speed, self._begun = speed, time.monotonic()

    def __call__(self) -> float:
        return (time.monotonic() - self._begun) * self._speed


def answers(*texts: str) -> Callable[[], str]:
    """Somebody at the keyboard; presses ctrl-C where it says so, and has nothing more to say after the last."""
    left: Iterator[str] = iter(texts)

    def read() -> str:
        text = next(left, None)
        if text is None:
            raise EOFError
        if text == "^C":
            raise KeyboardInterrupt
        return text

    return read


def names(folder: Path) -> Sequence[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
