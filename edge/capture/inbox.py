"""Between the threads that hear packets and the loop that makes poses: bounded, the oldest dropped and counted."""

import threading
from collections import deque
from dataclasses import dataclass

MAX_BYTES = 16 << 20  # ten seconds of two receivers at 1000 packets/s and three streams


@dataclass(frozen=True)
class Chunk:
    """Some records of one receiver, whole frames in the format of the 5300 tool's log, in order."""

    receiver: int  # 0 or 1, as in the configuration
    log: bytes
    arrived: float  # s, monotonic clock of this host, when the last of them came
    missed: int = 0  # messages or datagrams that are known to have been lost right before this one


class Inbox:
    """Chunks of all receivers in the order of their coming."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self.dropped = 0  # chunks, because the loop did not keep up
        self._max_bytes = max_bytes
        self._chunks: deque[Chunk] = deque()
        self._bytes = 0
        self._some = threading.Condition()

    def put(self, chunk: Chunk) -> None:
        """Never waits: where the loop is behind, what is oldest goes."""
        with self._some:
            self._chunks.append(chunk)
            self._bytes += len(chunk.log)
            while self._bytes > self._max_bytes:
                self._bytes -= len(self._chunks.popleft().log)
                self.dropped += 1
            self._some.notify()

    def take(self, timeout_s: float) -> list[Chunk]:
        """Everything that waits; the empty list where nothing came within the timeout."""
        with self._some:
            if not self._chunks:
                self._some.wait(timeout_s)
            taken = list(self._chunks)
            self._chunks.clear()
            self._bytes = 0
            return taken
