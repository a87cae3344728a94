"""The signal path: whole recordings from file to images, and packet by packet."""

import math
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from edge.parse.intel5300 import read_log
from edge.parse.parts import in_order
from edge.recording import Recording, align, read_recording
from edge.signal import baseline, hampel, resample
from edge.signal.imagespec import KNOWN, PLUS_1, ImageSpec
from edge.signal.path import NOTHING, CsiImage, Packets, SignalPath
from firmware_tools.bench.figures import Limit, Part, Peer, Profile, Row, Series, rate_row, time_row
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
    rows = [row for spec in KNOWN.values() for row in _whole(one, pairs, spec, machine, budget_s / 4)]
    recording = read_recording(one)
    streamed, curve = _streamed(recording, budget_s / 4)
    rows += [*streamed, *(_allocations(recording, spec) for spec in KNOWN.values())]
    return Part(rows, [curve], profiles=[_stages(one, budget_s / 4)])


def _seconds(pair: Pair, spec: ImageSpec, threads: int = 1) -> float:
    """Make every image of a recording; its length."""
    recording = read_recording(pair, threads=threads)
    _images(recording, spec, threads)
    return recording.seconds


def _images(recording: Recording, spec: ImageSpec, threads: int = 1) -> list[CsiImage]:
    return SignalPath(recording.links, spec=spec, threads=threads).push(recording.receivers)


def _whole(one: Pair, pairs: list[Pair], spec: ImageSpec, machine: Machine, budget_s: float) -> list[Row]:
    """From two files to images: read, parsed, paired, antennas chosen, cleaned, resampled, imaged at 30/s."""
    threads = min(2, machine.cores)

    def every() -> float:
        return sum(in_order(machine.cores, pairs, lambda pair: _seconds(pair, spec)))

    at_once = f"{len(pairs)} walks, a core each"
    took = alternate(
        {
            "one walk, one core": lambda: _seconds(one, spec),
            "one walk, two cores": lambda: _seconds(one, spec, threads),
            at_once: every,
        },
        budget_s,
    )
    recording = read_recording(one)
    packets = sum(receiver.time_us.size for receiver in recording.receivers)
    # Every log is read once, its counts are written and read once, every image is written once.
    moved = sum(path.stat().st_size for path in one) / recording.seconds
    moved += 2 * 720 * packets / recording.seconds + 30 * 4 * math.prod(spec.shape)
    rows = []
    for name, timing in took.items():
        seconds = every() if timing is took[at_once] else recording.seconds
        bandwidth = machine.copy_gb_s if name == "one walk, one core" else machine.copy_all_gb_s
        aimed = name == "one walk, two cores"
        rows.append(rate_row(
            "signal", f"files to images, {spec.name}: {name}", "times real time", seconds, timing,
            limit=Limit("bytes read and written", bandwidth * 1e9 / moved),
            aim=f"{AIM_TIMES:g} times real time on two cores" * aimed,
            met=seconds / timing.median >= AIM_TIMES if aimed else None,
        ))  # fmt: skip
    return rows


def _stages(pair: Pair, budget_s: float) -> Profile:
    """By processor time, which other work on the machine does not lengthen: the least of many."""
    logs = read_log(pair[0]), read_log(pair[1])
    recording = align(logs)
    work: dict[str, Callable[[], object]] = {
        "read and parse": lambda: (read_log(pair[0]), read_log(pair[1])),
        "pair": lambda: align(logs, recording.links),
        "pair and choose antennas": lambda: align(logs),
    }
    for spec in KNOWN.values():
        work[f"images, {spec.name}"] = partial(_images, recording, spec)
        work |= {f"images, {spec.name}: {name} alone": kernel for name, kernel in _kernels(recording, spec).items()}
        work[f"all of it, {spec.name}"] = partial(_seconds, pair, spec)
        work[f"all of it, {spec.name}, on two threads"] = partial(_seconds, pair, spec, 2)
    took = alternate(work, budget_s, clock=time.process_time)
    scale = 60.0 / recording.seconds
    return Profile("where the time goes in whole files", "CPU s per minute of recording",
                   {name: scale * timing.min for name, timing in took.items()})  # fmt: skip


def _kernels(recording: Recording, spec: ImageSpec) -> dict[str, Callable[[], object]]:
    """The stages of `ReceiverPath` over both receivers, each by itself on what the one before it made."""
    found = []
    for links, packets in zip(recording.links, recording.receivers, strict=True):
        values = spec.values(packets.csi, links)
        clean = hampel.hampel(values, spec.amplitudes)
        time_us = packets.time_us[hampel.HALF_WIDTH : hampel.HALF_WIDTH + len(clean)]
        grid_us = resample.grid_time_us(np.arange(int((time_us[-1] - resample.SUPPORT_US) / resample.GRID_US)))
        rows, known = resample.resample(time_us, clean, grid_us)
        means, _ = baseline.running_mean(rows, known, known, np.zeros(rows.shape[1]), 0)
        found.append((links, packets, values, clean, time_us, grid_us, rows, known, means))
    return {
        "values of packets": lambda: [spec.values(one[1].csi, one[0]) for one in found],
        "Hampel": lambda: [hampel.hampel(one[2], spec.amplitudes) for one in found],
        "resample": lambda: [resample.resample(one[4], one[3], one[5]) for one in found],
        "baseline": lambda: [spec.columns(one[6], one[8], one[7]) for one in found],
    }


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

    specs = {size: replace(PLUS_1, packets=size, whole=size) for size in WINDOWS}
    took = alternate({str(size): stream(spec) for size, spec in specs.items()}, budget_s)
    shortest = 1e6 * took[str(WINDOWS[0])].median / len(packets)
    rows = [
        time_row("signal", f"a packet, window of {size} points", "us", 1e6 / len(packets), took[str(size)],
                 peers=[Peer(f"window of {WINDOWS[0]}", shortest)], aim="work per packet independent of the window",
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
               aim="no growth of memory", met=bool(abs(growth) < 10.0))  # fmt: skip
