"""Many rooms in one process: the service's own loop with one model, captures, publishers, a broker, at real time;
what a room costs among many, and where it ends.
"""

import numpy as np

from firmware_tools.bench.figures import Part, Peer, Row, Series
from firmware_tools.bench.house import Heard, listen
from firmware_tools.bench.machine import Machine
from firmware_tools.bench.recordings import thinned, walk, wivelo_folder

ROOMS = (1, 2, 4, 8, 16, 32)  # the last is what the configuration allows
SECONDS = 15.0  # each
RATE = 30.0  # poses/s of a room
LINEAR = 1.1  # cost of a room among many over that of one alone
WHOLE = 0.98  # share of its poses that a room gets where all is well


def bench(machine: Machine, seconds: float = SECONDS, rooms: tuple[int, ...] = ROOMS) -> Part:
    logs = thinned(walk(wivelo_folder()))
    found = {count: listen(logs, seconds, count) for count in rooms}
    alone = found[rooms[0]].cpu_percent / rooms[0]
    rows = [row for count, heard in found.items() for row in _rows(count, heard, alone)]
    served = [count for count, heard in found.items() if _share(heard) >= WHOLE]
    rows.append(Row("rooms", "most rooms that got all their poses", "", float(max(served, default=0)),
                    more_is_better=True))  # fmt: skip
    at = [float(count) for count in found]
    first, last = found[rooms[0]], found[rooms[-1]]
    if len(rooms) > 1:
        memory = float(np.median(last.memory_mb) - np.median(first.memory_mb)) / (rooms[-1] - rooms[0])
        rows.append(Row("rooms", "memory of a further room", "MB", memory))
    curves = [
        Series("rooms", "CPU", "% of a core", [heard.cpu_percent for heard in found.values()], at, "rooms"),
        Series("rooms", "memory", "MB", [float(np.median(heard.memory_mb)) for heard in found.values()], at, "rooms"),
        Series("rooms", "poses of the poorest room", "1/s", [_rate(heard) for heard in found.values()], at, "rooms"),
    ]
    notes = [
        f"{count} rooms: {_rate(heard):.1f} poses/s in the poorest room, {heard.late} poses too late, "
        f"{heard.withheld} windows withheld, {heard.dropped} chunks dropped"
        for count, heard in found.items()
        if _share(heard) < WHOLE or heard.dropped  # some are late in every room while its clocks are being found
    ]
    if not all(heard.connected for heard in found.values()):
        notes.append("no broker (mosquitto is not installed, or did not answer): published to nobody")
    return Part(rows, curves, notes)


def _rows(count: int, heard: Heard, alone: float) -> list[Row]:
    each = heard.cpu_percent / count
    # Where poses are missing it has ended: of a full core each room has less, which says nothing of what one costs.
    aim = "no faster than linearly" if _share(heard) >= WHOLE else ""
    rows = [
        Row("rooms", f"{count} rooms: CPU of each", "% of a core", each, peers=[Peer("one room alone", alone)],
            aim=aim, met=each <= LINEAR * alone if aim else None),
        Row("rooms", f"{count} rooms: poses of the poorest", "1/s", _rate(heard), more_is_better=True),
    ]  # fmt: skip
    if heard.latency_ms:
        rows.append(
            Row("rooms", f"{count} rooms: arrival to publish", "ms", float(np.median(heard.latency_ms)),
                p99=float(np.percentile(heard.latency_ms, 99)), best=float(np.min(heard.latency_ms)))
        )  # fmt: skip
    return rows


def _rate(heard: Heard) -> float:
    """Poses per second of the room that got fewest."""
    return min(heard.poses) / heard.seconds


def _share(heard: Heard) -> float:
    return _rate(heard) / RATE
