"""Whose turn it is: rooms from which something came, and all of them now and then."""

from collections.abc import Callable
from typing import Any

from edge.capture.inbox import Chunk, Inbox
from edge.service.journal import speaker
from edge.service.loop import TICK_S, Signals, by_room, serve
from edge.service.notify import Notifier

PACKET_S = 0.01
PACKETS = 300


def chunk(receiver: int, log: bytes = b"") -> Chunk:
    return Chunk(receiver, log, 0.0)


def test_chunks_are_parted_by_room_in_the_order_of_their_coming() -> None:
    chunks = [chunk(number, bytes([n])) for n, number in enumerate((5, 0, 4, 1, 5))]
    heard = by_room(chunks)
    assert {room: [one.log[0] for one in ones] for room, ones in heard.items()} == {2: [0, 2, 4], 0: [1, 3]}


class Turns:
    """A station that notes when it had a turn, and with what."""

    def __init__(self, room: str, clock: Callable[[], float]) -> None:
        self.room = room
        self.host = self  # never due
        self.at: list[float] = []
        self.chunks = 0
        self.named: set[str] = set()
        self._clock = clock

    def due(self) -> float:
        return 0.0

    def turn(self, chunks: list[Chunk]) -> None:
        self.at.append(self._clock())
        self.chunks += len(chunks)
        self.named.add(speaker.get())


class Played(Inbox):
    """A packet of the second room's first receiver every PACKET_S."""

    def __init__(self, signals: Signals) -> None:
        super().__init__()
        self.taken = 0
        self._signals = signals

    @property
    def now(self) -> float:
        return self.taken * PACKET_S

    def take(self, *_: Any, **__: Any) -> list[Chunk]:
        self.taken += 1
        if self.taken == PACKETS:
            self._signals.stop.set()
        return [chunk(2)]


def test_a_quiet_room_has_its_turn_beside_a_busy_one() -> None:
    signals = Signals()
    inbox = Played(signals)
    quiet, busy = Turns("quiet", lambda: inbox.now), Turns("busy", lambda: inbox.now)
    reloads: list[float] = []
    signals.reload.set()
    stations: Any = [quiet, busy]
    serve(stations, inbox, Notifier({}), signals, lambda: reloads.append(inbox.now), clock=lambda: inbox.now)
    assert (quiet.chunks, busy.chunks) == (0, PACKETS)
    steps = [later - at for at, later in zip(quiet.at, quiet.at[1:], strict=False)]
    assert len(steps) > 5
    assert all(TICK_S <= step + 1e-9 <= TICK_S + 1.5 * PACKET_S for step in steps)
    assert (quiet.named, busy.named, speaker.get()) == ({"quiet"}, {"busy"}, "")
    assert reloads == [PACKET_S]
