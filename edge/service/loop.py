"""The service's loop: everything that happens between packets and the broker, once round, for every room.

One thread runs it. Captures fill the inbox from threads of their own, each room's publisher has its own; nothing here
waits for any of them. What makes poses also pings systemd's watchdog: a pipeline that hangs is restarted, a silent
radio is not.
"""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from edge.capture.inbox import RECEIVERS, Chunk, Inbox
from edge.service.journal import speaker
from edge.service.notify import Notifier
from edge.service.station import Station

TICK_S = 0.25  # longest wait for packets, and until a room without any is looked at: how soon silence, a signal or the
# pause switch is noticed


@dataclass
class Signals:
    """What the outside world asks of the loop; set in signal handlers, looked at once round."""

    stop: threading.Event = field(default_factory=threading.Event)
    reload: threading.Event = field(default_factory=threading.Event)


def serve(
    stations: Sequence[Station],
    inbox: Inbox,
    notifier: Notifier,
    signals: Signals,
    reload: Callable[[], None],
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Make poses until `signals.stop`."""
    all_had_a_turn = -float("inf")
    due = [0.0 for _ in stations]  # s, as `clock`; only a room's own turn changes it
    while not signals.stop.is_set():
        heard = by_room(inbox.take(TICK_S, due))
        now = clock()
        notifier.ping(now)
        if signals.reload.is_set():
            signals.reload.clear()
            reload()
        if now - all_had_a_turn >= TICK_S:
            all_had_a_turn = now
            heard = {number: heard.get(number, []) for number in range(len(stations))}
        for number, chunks in heard.items():
            speaker.set(stations[number].room)
            stations[number].turn(chunks)
            due[number] = stations[number].host.due()
        speaker.set("")


def by_room(chunks: Iterable[Chunk]) -> dict[int, list[Chunk]]:
    """What came of each room from which something came, in the order of its coming."""
    heard: dict[int, list[Chunk]] = {}
    for chunk in chunks:
        heard.setdefault(chunk.receiver // RECEIVERS, []).append(chunk)
    return heard
