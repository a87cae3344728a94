"""What tests of the whole service share: its processes, systemd's end of its socket, and two receivers in real time."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Self

import numpy as np

from edge.parse.framing import FRAME_HEADER, find_records
from edge.parse.intel5300 import parse_log

WAIT_S = 60.0  # for anything that takes seconds on an idle machine


class Process:
    """`wimose ...` as systemd starts it: with a socket to say READY on, and its log in a file."""

    def __init__(self, folder: Path, *arguments: str, **environ: str) -> None:
        folder.mkdir()
        self.log = folder / "log"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(folder / "notify"))
        self._socket.settimeout(WAIT_S)
        self.said: list[bytes] = []
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "edge.cli", *arguments], stderr=log, stdout=log,
                env=os.environ | {"NOTIFY_SOCKET": str(folder / "notify")} | environ,
            )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        self._socket.close()

    def wait_for(self, line: bytes) -> None:
        """Wait until it has said that to systemd."""
        while not any(line in said for said in self.said):
            try:
                self.said.append(self._socket.recv(4096))
            except TimeoutError:
                raise AssertionError(f"it never said {line!r}: {self.log.read_text()}") from None

    def wait_for_log(self, text: str) -> None:
        deadline = time.monotonic() + WAIT_S
        while text not in self.log.read_text():
            assert time.monotonic() < deadline, f"{text!r} is not in its log: {self.log.read_text()}"
            time.sleep(0.05)

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(WAIT_S)

    def memory_kb(self) -> int:
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


class Radio(threading.Thread):
    """Writes two logs into two pipes as the 5300 tool would have, at `speed` times their own pace, `rounds` times."""

    TICK_S = 0.02

    def __init__(
        self, logs: tuple[bytes, bytes], pipes: tuple[Path, Path], speed: float = 1.0, rounds: int = 1
    ) -> None:
        super().__init__(daemon=True)
        self.silent = [False, False]  # set to lose a receiver's packets
        self.over = False  # set to end early
        self._logs, self._pipes, self._speed, self._rounds = logs, pipes, speed, rounds

    def run(self) -> None:
        offsets, times = [], []
        for log in self._logs:
            array = np.frombuffer(log, np.uint8)
            stamps = parse_log(log).timestamp_us
            offsets.append(np.append(find_records(array)[0], array.size))
            times.append((stamps - stamps[0]).astype(float) * 1e-6)
        out = [os.open(pipe, os.O_WRONLY) for pipe in self._pipes]
        try:
            for _ in range(self._rounds):
                begun, at = time.monotonic(), [0, 0]
                while any(at[r] < times[r].size for r in (0, 1)) and not self.over:
                    now = (time.monotonic() - begun) * self._speed
                    for r in (0, 1):
                        stop = int(np.searchsorted(times[r], now))
                        if stop > at[r] and not self.silent[r]:
                            _write(out[r], self._logs[r][offsets[r][at[r]] : offsets[r][stop]])
                        at[r] = stop
                    time.sleep(self.TICK_S)
        except BrokenPipeError:
            pass  # the test is over
        finally:
            for pipe in out:
                os.close(pipe)


def looped(logs: tuple[bytes, bytes], rounds: int) -> tuple[bytes, bytes]:
    """The same packets again and again by clocks that run on, as if somebody walked the same way all day."""
    stamps = [parse_log(log).timestamp_us.astype(np.int64) for log in logs]
    lengths = [stamp[-1] - stamp[0] for stamp in stamps]
    pause = round(lengths[0] / stamps[0].size)
    first, second = (
        b"".join(restamped(log, round(n * (length + pause))) for n in range(rounds))
        for log, length in zip(logs, lengths, strict=True)
    )
    return first, second


def restamped(log: bytes, by_us: int) -> bytes:
    """The same records by a clock that shows something else."""
    array = np.frombuffer(log, np.uint8).copy()
    for offset in find_records(array)[0]:
        stamp = array[offset + FRAME_HEADER : offset + FRAME_HEADER + 4].view("<u4")
        stamp[:] = (stamp.astype(np.int64) + by_us) % (1 << 32)
    return array.tobytes()


def _write(pipe: int, data: bytes) -> None:
    while data:
        data = data[os.write(pipe, data) :]
