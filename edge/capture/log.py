"""Packets from the 5300 tool's own log_to_file, by a named pipe: `mkfifo PIPE; log_to_file PIPE`.

The tool writes whenever its buffer of 4 kB is full: some 19 packets of three antennas at once, so at 100 packets/s
poses come in steps of a fifth of a second. `source: netlink` has no such delay; this is for hosts where the tool runs
already, or in a container that may not listen to the NIC.
"""

import os
import stat
import time
from collections.abc import Callable
from pathlib import Path

from edge.capture.frames import FrameSplitter
from edge.capture.inbox import Inbox
from edge.capture.reading import ReadingCapture
from edge.errors import ConfigError

PIECE = 1 << 16  # bytes; what a pipe of Linux holds


class LogCapture(ReadingCapture):
    """Reads the pipe for ever: a writer that closes it may come again, and so may the pipe itself."""

    def __init__(self, receiver: int, inbox: Inbox, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(receiver, inbox, clock)
        self._path = path
        self._pipe = -1
        self._splitter = FrameSplitter()
        self._told = 0  # of the splitter's damaged places

    @property
    def name(self) -> str:
        return f"log {self._path}"

    @property
    def damaged(self) -> int:
        """Places where bytes were left out, each one or more lost records."""
        return self._splitter.damaged

    def _begin(self) -> None:
        self._pipe = self._opened()

    def _end(self) -> None:
        if self._pipe >= 0:
            os.close(self._pipe)
            self._pipe = -1
        self._splitter.cut()

    def _descriptor(self) -> int:
        return self._pipe

    def _read(self) -> None:
        try:
            piece = os.read(self._pipe, PIECE)
        except BlockingIOError:
            return
        if not piece:
            self._reopen()
            return
        frames = self._splitter.push(piece)
        missed, self._told = self.damaged - self._told, self.damaged
        self._put(frames, missed)

    def _idle(self) -> None:
        """Somebody may have made the pipe anew; ours would be silent for ever."""
        try:
            there = self._path.stat()
        except FileNotFoundError:  # gone, and whoever holds ours may still write
            return
        here = os.fstat(self._pipe)
        if (here.st_dev, here.st_ino) != (there.st_dev, there.st_ino):
            self._reopen()

    def _reopen(self) -> None:
        """The last writer has gone: a descriptor that was opened before says so for ever, a new one waits."""
        self._splitter.cut()
        old, self._pipe = self._pipe, self._opened()  # the new one first: what waits in a pipe nobody holds is lost
        os.close(old)

    def _opened(self) -> int:
        try:
            pipe = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise ConfigError(f"{self._path}: no such pipe; make it with `mkfifo {self._path}`") from error
        except OSError as error:
            raise ConfigError(f"{self._path}: {error.strerror}; our user must be able to read it") from error
        mode = os.fstat(pipe).st_mode
        if stat.S_ISFIFO(mode):
            return pipe
        os.close(pipe)
        if stat.S_ISREG(mode):
            raise ConfigError(f"{self._path} is a recording, not a pipe: play it with `wimose replay`")
        raise ConfigError(f"{self._path} is not a pipe; make one with `mkfifo`, and name it")
