"""Between the threads that hear packets and the loop that makes poses: bounded, the oldest dropped and counted.

Most packets complete no pose. The loop says from when on each room's next can be complete (`due`); until then nobody is
woken for what comes of it, and captures leave it in the kernel. From then on every chunk wakes the loop at once.
"""

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

RECEIVERS = 2  # of a room
MAX_BYTES = 8 << 20  # of a receiver: over ten seconds at 1000 packets/s and three streams


@dataclass(frozen=True)
class Chunk:
    """Some records of one receiver, whole frames in the format of the 5300 tool's log, in order."""

    receiver: int  # 0 or 1 of the first room, 2 or 3 of the second, as in the configuration
    log: bytes
    arrived: float  # s, monotonic clock of this host, when the last of them came
    missed: int = 0  # messages or datagrams that are known to have been lost right before this one


class Inbox:
    """Chunks of all receivers, each room's in the order of their coming. What one sends too much costs no other any."""

    def __init__(self, max_bytes: int = MAX_BYTES, clock: Callable[[], float] = time.monotonic) -> None:
        """max_bytes: of each receiver's chunks"""
        self._max_bytes = max_bytes
        self._clock = clock
        self._due: Sequence[float] = ()
        self._rooms: dict[int, deque[Chunk]] = {}
        self._bytes: Counter[int] = Counter()  # by receiver
        self._dropped: Counter[int] = Counter()
        self._filling = False  # somebody's half is full
        self._some = threading.Condition()

    @property
    def dropped(self) -> int:
        """Chunks, because the loop did not keep up."""
        return self._dropped.total()

    def dropped_of(self, *receivers: int) -> int:
        return sum(self._dropped[receiver] for receiver in receivers)

    def due(self, receiver: int) -> float:
        """What comes of a receiver need not be here before: seconds, monotonic."""
        return self._due_of(receiver // RECEIVERS)

    def put(self, chunk: Chunk) -> None:
        """Never waits: where the loop is behind, what is oldest of that receiver goes."""
        receiver, room = chunk.receiver, chunk.receiver // RECEIVERS
        with self._some:
            self._rooms.setdefault(room, deque()).append(chunk)
            self._bytes[receiver] += len(chunk.log)
            while self._bytes[receiver] > self._max_bytes:
                self._drop(receiver)
            self._filling = self._filling or self._bytes[receiver] > self._max_bytes // 2
            # By the clock, not by when it arrived: the loop may have begun to wait since.
            if self._filling or self._clock() >= self._due_of(room):
                self._some.notify()

    def take(self, timeout_s: float, due: Sequence[float] = ()) -> list[Chunk]:
        """What waits of the rooms that are due; the empty list where nothing came within the timeout.

        due  s, monotonic, of each room: not before, unless the inbox fills or the timeout ends earlier
        """
        with self._some:
            self._due = due
            now = self._clock()
            until = now + timeout_s
            while not (ready := self._ready(now, until)) and now < until:
                self._some.wait(min([until, *(at for at in due if at > now)]) - now)
                now = self._clock()
            self._filling = False
            return [chunk for room in ready for chunk in self._taken(room)]

    def _ready(self, now: float, until: float) -> list[int]:
        """Rooms of which something waits that is wanted now."""
        everything = self._filling or now >= until
        return [room for room, chunks in self._rooms.items() if chunks and (everything or now >= self._due_of(room))]

    def _taken(self, room: int) -> deque[Chunk]:
        taken, self._rooms[room] = self._rooms[room], deque()
        for receiver in range(RECEIVERS * room, RECEIVERS * (room + 1)):
            self._bytes[receiver] = 0
        return taken

    def _drop(self, receiver: int) -> None:
        """The oldest chunk of a receiver."""
        chunks = self._rooms[receiver // RECEIVERS]
        at = next(n for n, chunk in enumerate(chunks) if chunk.receiver == receiver)
        self._bytes[receiver] -= len(chunks[at].log)
        del chunks[at]
        self._dropped[receiver] += 1

    def _due_of(self, room: int) -> float:
        return self._due[room] if room < len(self._due) else 0.0
