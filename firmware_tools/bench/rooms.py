"""Many rooms in one process: as many hosts, one engine, one loop; what a room costs, and where it ends."""

import subprocess
import sys
import time

import msgspec
import numpy as np

from edge.capture.inbox import Chunk
from edge.config import BUNDLE
from edge.estimate import Labels
from edge.inference.bundle import find_bundle, load_bundle
from edge.inference.engine import Engine
from edge.publish.message import encode
from edge.service.health import resident_bytes
from edge.service.host import Host
from firmware_tools.bench.figures import Part, Peer, Row, Series
from firmware_tools.bench.machine import Machine
from firmware_tools.bench.radio import Log
from firmware_tools.bench.recordings import thinned, walk, wivelo_folder

ROOMS = (1, 2, 4, 8, 16)
SECONDS = 15.0  # at real time, each
LEAD_S = 8.0  # before, as fast as it goes: clocks are found in the first five seconds
TICK_S = 0.01
LINEAR = 1.1  # cost of a room among many over that of one alone


class Cost(msgspec.Struct, frozen=True):
    """What one process says of so many rooms."""

    rooms: int
    cpu_percent: float  # of one core
    memory_mb: float
    poses_per_s: float  # of a room
    latency_ms: list[float]  # from the tick that packets were due to the encoded message
    late_s: float  # behind real time at the end


def bench(machine: Machine, seconds: float = SECONDS, rooms: tuple[int, ...] = ROOMS) -> Part:
    costs = []
    for count in rooms:
        done = subprocess.run(
            [sys.executable, "-m", "firmware_tools.bench.rooms", str(count), str(seconds)],
            capture_output=True,
            check=True,
        )
        costs.append(msgspec.json.decode(done.stdout.splitlines()[-1], type=Cost))
    alone = costs[0].cpu_percent / costs[0].rooms
    rows = []
    for cost in costs:
        each = cost.cpu_percent / cost.rooms
        rows.append(Row("rooms", f"{cost.rooms} rooms: CPU of each", "% of a core", each,
                        peers=[Peer("one room alone", alone)], aim="no faster than linearly",
                        met=each <= LINEAR * alone and cost.late_s < 1.0))  # fmt: skip
        rows.append(
            Row(
                "rooms",
                f"{cost.rooms} rooms: packets due to message",
                "ms",
                float(np.median(cost.latency_ms)),
                p99=float(np.percentile(cost.latency_ms, 99)),
                best=float(np.min(cost.latency_ms)),
            )
        )
    last = costs[-1]
    rows.append(Row("rooms", "rooms until one core is full", "", 100.0 * last.rooms / last.cpu_percent,
                    more_is_better=True))  # fmt: skip
    rows.append(Row("rooms", "memory of a further room", "MB",
                    (last.memory_mb - costs[0].memory_mb) / max(last.rooms - costs[0].rooms, 1)))  # fmt: skip
    at = [float(cost.rooms) for cost in costs]
    curves = [
        Series("rooms", "CPU", "% of a core", [cost.cpu_percent for cost in costs], at, "rooms"),
        Series("rooms", "memory", "MB", [cost.memory_mb for cost in costs], at, "rooms"),
    ]
    notes = [
        f"{cost.rooms} rooms: {cost.poses_per_s:.1f} poses/s of each, {cost.late_s:.1f} s behind"
        for cost in costs
        if cost.late_s >= 1.0
    ]
    return Part(rows, curves, notes)


def run(count: int, seconds: float) -> Cost:
    bundle = load_bundle(find_bundle(BUNDLE))
    engine = Engine(bundle)
    labels = Labels("replay", "array", "simulated", bundle.identity, 0.0)
    hosts = [Host((f"{n}a", f"{n}b"), engine, labels) for n in range(count)]
    logs = thinned(walk(wivelo_folder()))
    air = [[Log(log) for log in logs] for _ in hosts]
    for tick in range(int(LEAD_S / TICK_S)):
        for host, receivers in zip(hosts, air, strict=True):
            _step(host, receivers, tick * TICK_S)
    latency: list[float] = []
    begun, cpu = time.monotonic(), time.process_time()
    for tick in range(int(seconds / TICK_S)):
        due = begun + tick * TICK_S
        time.sleep(max(due - time.monotonic(), 0.0))
        for host, receivers in zip(hosts, air, strict=True):
            for _ in range(_step(host, receivers, LEAD_S + tick * TICK_S)):
                latency.append(1e3 * (time.monotonic() - due))
    took = time.monotonic() - begun
    return Cost(
        rooms=count,
        cpu_percent=100.0 * (time.process_time() - cpu) / took,
        memory_mb=resident_bytes() / 1e6,
        poses_per_s=len(latency) / took / count,
        latency_ms=latency,
        late_s=took - seconds,
    )


def _step(host: Host, receivers: list[Log], now: float) -> int:
    """Hand a room what its receivers have heard by now; how many messages that makes."""
    chunks = [Chunk(r, data, now) for r, log in enumerate(receivers) if (data := log.due(1e6 * now))]
    return len([encode(made.message) for made in host.push(chunks, now, now)])


def main() -> None:
    cost = run(int(sys.argv[1]), float(sys.argv[2]))
    sys.stdout.buffer.write(msgspec.json.encode(cost) + b"\n")


if __name__ == "__main__":
    main()
