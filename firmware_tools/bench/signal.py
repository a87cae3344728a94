"""The signal path: whole recordings from file to images, and packet by packet."""

import math
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from edge.parse.intel5300 import read_log
from edge.parse.parts import in_order
from edge.recording import Recording, align
from edge.signal.imagespec import KNOWN, PLUS_1, ImageSpec
from edge.signal.path import NOTHING, CsiImage, Packets, SignalPath
from firmware_tools.bench.figures import Limit, Part, Peer, Row, Series, rate_row, time_row
from firmware_tools.bench.machine import Machine
from firmware_tools.bench.recordings import WALK, wivelo_folder
from firmware_tools.bench.timing import alternate

AIM_TIMES = 200.0
WINDOWS = (20, 80, 325, 1300)  # grid points
SETTLED, TRACED = 6000, 10_000  # packets before, and while memory is traced

Pair = tuple[Path, Path]


def bench(machine: Machine, budget_s: float = 20.0) -> Part:
    folder = wivelo_folder()
    pairs = [(path, path.with_name(path.name.replace("-r1", "-r2"))) for path in sorted(folder.glob("*-r1.dat"))]
    one = next(pair for pair in pairs if pair[0].name.startswith(WALK))
    rows = [row for spec in KNOWN.values() for row in _whole(pairs, spec, machine, budget_s / 4)]
    rows += _stages(one, budget_s / 4)
    recording = _aligned(one)
    streamed, curve = _streamed(recording, budget_s / 4)
    rows += [*streamed, *(_allocations(recording, spec) for spec in KNOWN.values())]
    return Part(rows, [curve])


def _aligned(pair: Pair) -> Recording:
    return align((read_log(pair[0]), read_log(pair[1])))


def _seconds(pair: Pair, spec: ImageSpec) -> float:
    """Make every image of a recording; its length."""
    recording = _aligned(pair)
    _images(recording, spec)
    return recording.seconds


def _images(recording: Recording, spec: ImageSpec) -> list[CsiImage]:
    return SignalPath(recording.links, spec=spec).push(recording.receivers)


def _whole(pairs: list[Pair], spec: ImageSpec, machine: Machine, budget_s: float) -> list[Row]:
    """All walks: read, parsed, paired, antennas chosen, cleaned, resampled, imaged at 30/s."""

    def every(threads: int) -> float:
        return sum(in_order(threads, pairs, lambda pair: _seconds(pair, spec)))

    threads = min(2, machine.cores)
    took = alternate({"one": lambda: every(1), "two": lambda: every(threads)}, budget_s)
    seconds = every(threads)
    recording = _aligned(pairs[0])
    packets = sum(receiver.time_us.size for receiver in recording.receivers)
    # Every log is read once, its counts are written and read once, every image is written once.
    per_second = sum(path.stat().st_size for pair in pairs for path in pair) / seconds
    moved = per_second + 2 * 720 * packets / recording.seconds + 30 * 4 * math.prod(spec.shape)
    return [
        rate_row("signal", f"{spec.name}, {len(pairs)} whole walks, {name} core{'s' * (name == 'two')}",
                 "times real time", seconds, took[name], limit=Limit("bytes read and written", bandwidth * 1e9 / moved),
                 aim=f"{AIM_TIMES:g} on two cores" * (name == "two"),
                 met=seconds / took[name].median >= AIM_TIMES if name == "two" else None)
        for name, bandwidth in (("one", machine.copy_gb_s), ("two", machine.copy_all_gb_s))
    ]  # fmt: skip


def _stages(pair: Pair, budget_s: float) -> list[Row]:
    """Where the time goes."""
    logs = read_log(pair[0]), read_log(pair[1])
    recording = align(logs)
    took = alternate(
        {
            "read and parse": lambda: (read_log(pair[0]), read_log(pair[1])),
            "pair": lambda: align(logs, recording.links),
            "pair and choose antennas": lambda: align(logs),
            **{f"images, {spec.name}": partial(_images, recording, spec) for spec in KNOWN.values()},
        },
        budget_s,
    )
    return [
        time_row("signal", f"stage: {name}", "ms per s of recording", 1e3 / recording.seconds, timing)
        for name, timing in took.items()
    ]


def _one_by_one(recording: Recording) -> Iterator[tuple[Packets, Packets]]:
    """As they come in live, each packet alone."""
    first, second = recording.receivers
    receiver = np.repeat([0, 1], [first.time_us.size, second.time_us.size])
    number = np.concatenate([np.arange(packets.time_us.size) for packets in recording.receivers])
    for n in np.argsort(np.concatenate((first.time_us, second.time_us)), kind="stable"):
        packet = recording.receivers[receiver[n]].part(number[n], number[n] + 1)
        yield (packet, NOTHING) if receiver[n] == 0 else (NOTHING, packet)


def _streamed(recording: Recording, budget_s: float) -> tuple[list[Row], Series]:
    """Packet by packet, with windows of several lengths over the same values."""
    packets = list(_one_by_one(recording))

    def stream(spec: ImageSpec) -> Callable[[], None]:
        def run() -> None:
            path = SignalPath(recording.links, spec=spec)
            for packet in packets:
                path.push(packet)

        return run

    specs = {size: replace(PLUS_1, packets=size) for size in WINDOWS}
    took = alternate({str(size): stream(spec) for size, spec in specs.items()}, budget_s)
    shortest = 1e6 * took[str(WINDOWS[0])].median / len(packets)
    rows = [
        time_row("signal", f"a packet, window of {size} points", "us", 1e6 / len(packets), took[str(size)],
                 peers=[Peer(f"window of {WINDOWS[0]}", shortest)], aim="independent of the window",
                 met=1e6 * took[str(size)].median / len(packets) < 1.2 * shortest)
        for size in WINDOWS[1:]
    ]  # fmt: skip
    cost = [1e6 * took[str(size)].median / len(packets) for size in WINDOWS]
    curve = Series("signal", "work per packet", "us", cost, [float(size) for size in WINDOWS], "window, grid points")
    return rows, curve


def _allocations(recording: Recording, spec: ImageSpec) -> Row:
    """Growth of what Python and NumPy have allocated, from one image to another TRACED packets later."""
    path = SignalPath(recording.links, spec=spec)
    packets = list(_one_by_one(recording))
    tracemalloc.start()
    try:
        held: list[int] = []
        for n, packet in enumerate(packets[: SETTLED + TRACED]):
            images = path.push(packet)
            made = bool(images)
            del images
            if made and n > SETTLED:
                held.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    growth = (np.mean(held[-20:]) - np.mean(held[:20])) / 1e3
    return Row("signal", f"{spec.name}: growth of memory over {TRACED} packets", "kB", float(growth),
               aim="none", met=bool(abs(growth) < 10.0))  # fmt: skip
