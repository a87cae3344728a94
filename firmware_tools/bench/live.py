"""The service's own loop in real time: captures on two pipes, host, publisher and a broker; from the arrival of a
window's last packet to the publish call, what it costs, and whether that stays so.
"""

import gc
import os
import subprocess
import sys
import tempfile
import threading
import time
from array import array
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np

from edge.capture.inbox import Chunk, Inbox
from edge.capture.log import LogCapture
from edge.config import BUNDLE, Mqtt
from edge.estimate import Labels
from edge.inference.bundle import find_bundle, load_bundle
from edge.inference.engine import Engine
from edge.publish.live import LivePublisher
from edge.publish.message import Info, Pose, State, Telemetry
from edge.recording import as_heard
from edge.replay import warm_up
from edge.service.health import resident_bytes
from edge.service.host import Host
from edge.service.loop import Audience, Pause, Signals, serve
from edge.service.notify import Notifier
from edge.service.warm import SESSION
from edge.session import load_session
from firmware_tools.bench.broker import mosquitto
from firmware_tools.bench.figures import Part, Row, Series
from firmware_tools.bench.machine import Machine, anonymous_mb
from firmware_tools.bench.radio import Radio
from firmware_tools.bench.recordings import thinned, walk, wivelo_folder

SECONDS = 60.0
SETTLE_S = 5.0  # after the first pose
WAIT_S = 60.0  # for it
SAMPLE_S = 1.0
AIM_P50_MS, AIM_P99_MS, AIM_MB = 3.0, 8.0, 160.0
AIM_CPU = {"150": 12.0, "1000": 30.0}  # percent of one core, by packets/s of a receiver
FLAT_MB = 4.0  # between the first and the last tenth of a run
NAMES = ("receiver1", "receiver2")


class Asked(msgspec.Struct, frozen=True):
    """What the process of the service is told."""

    pipes: tuple[str, str]
    address: str | None
    seconds: float


class Heard(msgspec.Struct, frozen=True):
    """What it says."""

    latency_ms: list[float]
    age_ms: list[float]  # of each pose when it was published, by its own time: how long ago its window ended
    cpu_percent: float  # of one core, all threads
    memory_mb: list[float]  # every SAMPLE_S
    anonymous_mb: float  # of it, at the end
    descriptors: list[int]
    threads: list[int]
    gc_ms: list[float]
    withheld: int
    dropped: int
    connected: bool
    seconds: float


def bench(machine: Machine, seconds: float = SECONDS) -> Part:
    fast = walk(wivelo_folder())
    rows: list[Row] = []
    series: list[Series] = []
    notes: list[str] = []
    for name, logs in (("150", thinned(fast)), ("1000", fast)):
        heard = listen(logs, seconds)
        label = f"2 x {name} packets/s"
        rows += _rows(label, heard, AIM_CPU[name])
        at_s = [SAMPLE_S * n for n in range(len(heard.memory_mb))]
        series += [
            Series("live", f"{label}: arrival to publish", "ms", heard.latency_ms),
            Series("live", f"{label}: memory", "MB", heard.memory_mb, at_s, "s"),
        ]
        if not heard.connected:
            notes.append(f"{label}: no broker (mosquitto is not installed, or did not answer): published to nobody")
        if heard.withheld or heard.dropped:
            notes.append(f"{label}: {heard.withheld} windows withheld, {heard.dropped} chunks dropped")
    return Part(rows, series, notes)


def listen(logs: tuple[bytes, bytes], seconds: float) -> Heard:
    """Run the service in a process of its own beside a radio that plays these logs."""
    with tempfile.TemporaryDirectory() as scratch, mosquitto() as address:
        pipes = (Path(scratch) / "one", Path(scratch) / "two")
        for pipe in pipes:
            os.mkfifo(pipe)
        radio = Radio(logs, pipes)
        asked = Asked((str(pipes[0]), str(pipes[1])), address, seconds)
        command = [sys.executable, "-m", "firmware_tools.bench.live", msgspec.json.encode(asked).decode()]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as service:
            radio.start()  # waits until the pipes are read
            out, _ = service.communicate(timeout=seconds + SETTLE_S + 2 * WAIT_S)
        radio.over.set()
    return msgspec.json.decode(out.splitlines()[-1], type=Heard)


def _rows(label: str, heard: Heard, aim_cpu: float) -> list[Row]:
    latency, memory = np.array(heard.latency_ms), np.array(heard.memory_mb)
    p50, p99 = (float(np.percentile(latency, q)) for q in (50, 99))
    tenth = max(len(memory) // 10, 1)
    growth = float(np.median(memory[-tenth:]) - np.median(memory[:tenth]))
    flat = heard.threads[0] == heard.threads[-1] and heard.descriptors[0] == heard.descriptors[-1]
    half = len(latency) // 2
    tails = [float(np.percentile(part, 99)) for part in (latency[:half], latency[half:])] if half else [p99, p99]
    pauses = heard.gc_ms or [0.0]

    def row(
        what: str, unit: str, median: float, aim: str = "", met: bool | None = None,
        p99: float | None = None, best: float | None = None,
    ) -> Row:  # fmt: skip
        return Row("live", f"{label}: {what}", unit, median, p99, best, aim=aim, met=met)

    return [
        row("arrival to publish", "ms", p50, f"p50 {AIM_P50_MS:g}, p99 {AIM_P99_MS:g}",
            p50 <= AIM_P50_MS and p99 <= AIM_P99_MS, p99=p99, best=float(latency.min())),
        row("longest", "ms", float(latency.max())),
        row("end of the window to publish", "ms", float(np.median(heard.age_ms)),
            p99=float(np.percentile(heard.age_ms, 99)), best=float(np.min(heard.age_ms))),
        row("poses", "1/s", len(latency) / heard.seconds),
        row("CPU", "% of a core", heard.cpu_percent, f"{aim_cpu:g}", heard.cpu_percent <= aim_cpu),
        row("memory", "MB", float(np.median(memory)), f"{AIM_MB:g}", bool(memory.max() <= AIM_MB),
            p99=float(memory.max())),
        row("memory without libraries and other files", "MB", heard.anonymous_mb),
        row(f"memory grown in {heard.seconds:.0f} s", "MB", growth, f"flat ({FLAT_MB:g}), as threads and descriptors",
            growth <= FLAT_MB and flat),
        row("p99 of the second half less the first's", "ms", tails[1] - tails[0], "flat"),
        row(f"longest of {len(heard.gc_ms)} garbage collections", "ms", max(pauses), "no stall",
            max(pauses) <= AIM_P99_MS),
    ]  # fmt: skip


# What follows runs in the process of the service.


class Ears(Inbox):
    """Remembers when the last chunk that was taken had come."""

    arrived = 0.0

    def take(self, timeout_s: float) -> list[Chunk]:
        chunks = super().take(timeout_s)
        if chunks:
            self.arrived = chunks[-1].arrived
        return chunks


@dataclass(frozen=True)
class Recorder(Audience):
    """Notes when each pose reaches the publish call."""

    ears: Ears = field(kw_only=True)
    latency_ms: "array[float]" = field(kw_only=True)
    age_ms: "array[float]" = field(kw_only=True)

    def tell(self, message: Pose | State | Telemetry) -> None:
        if isinstance(message, Pose):
            self.latency_ms.append(1e3 * (time.monotonic() - self.ears.arrived))
            self.age_ms.append(1e3 * (time.time() - message.t))
        super().tell(message)


def run(asked: Asked) -> Heard:
    bundle = load_bundle(find_bundle(BUNDLE))
    engine = Engine(bundle)
    warm_up(as_heard(load_session(SESSION).logs), engine)
    labels = Labels("replay", "array", "simulated", bundle.identity, time.time())
    host, ears, signals = Host(NAMES, engine, labels), Ears(), Signals()
    publisher = LivePublisher(Mqtt(address=asked.address or "mqtt://127.0.0.1:1"), "bench",
                              Info(version="", bundle=bundle.identity, room_profile=None), receivers=NAMES)  # fmt: skip
    recorder = Recorder(publisher, ears=ears, latency_ms=array("d"), age_ms=array("d"))
    captures = [LogCapture(r, ears, Path(pipe)) for r, pipe in enumerate(asked.pipes)]
    pauses: list[float] = []
    _note_collections(pauses)
    samples = Samples(recorder, signals, asked.seconds)
    for capture in captures:
        capture.open()
    publisher.start()
    samples.start()
    serve(host, ears, recorder, Pause(None), Notifier(), signals, lambda: None)
    samples.join()
    connected = publisher.connected
    for capture in captures:
        capture.close()
    publisher.close(1.0)
    return samples.heard(pauses, host.withheld, ears.dropped, connected)


def _note_collections(pauses: list[float]) -> None:
    begun = [0.0]

    def note(phase: str, _: object) -> None:
        if phase == "start":
            begun[0] = time.perf_counter()
        else:
            pauses.append(1e3 * (time.perf_counter() - begun[0]))

    gc.callbacks.append(note)


class Samples(threading.Thread):
    """Waits for poses, lets them settle, then looks at the process every SAMPLE_S, and ends the loop."""

    def __init__(self, recorder: Recorder, signals: Signals, seconds: float) -> None:
        super().__init__(name="samples", daemon=True)
        self._recorder, self._signals, self._seconds = recorder, signals, seconds
        self._memory: list[float] = []
        self._descriptors: list[int] = []
        self._threads: list[int] = []
        self._cpu = self._took = self._anonymous = 0.0
        self._first = 0

    def run(self) -> None:
        deadline = time.monotonic() + WAIT_S
        while not self._recorder.latency_ms and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(SETTLE_S)
        self._first = len(self._recorder.latency_ms)
        begun, cpu = time.monotonic(), time.process_time()
        while time.monotonic() - begun < self._seconds:
            self._memory.append(resident_bytes() / 1e6)
            self._descriptors.append(len(os.listdir("/proc/self/fd")))  # noqa: PTH208  a Path costs more than it shows
            self._threads.append(threading.active_count())
            time.sleep(SAMPLE_S)
        self._took, self._cpu = time.monotonic() - begun, time.process_time() - cpu
        self._anonymous = anonymous_mb()
        self._signals.stop.set()

    def heard(self, pauses: list[float], withheld: int, dropped: int, connected: bool) -> Heard:
        return Heard(
            latency_ms=list(self._recorder.latency_ms[self._first :]),
            age_ms=list(self._recorder.age_ms[self._first :]),
            cpu_percent=100.0 * self._cpu / self._took,
            memory_mb=self._memory,
            anonymous_mb=self._anonymous,
            descriptors=self._descriptors,
            threads=self._threads,
            gc_ms=pauses,
            withheld=withheld,
            dropped=dropped,
            connected=connected,
            seconds=self._took,
        )


def main() -> None:
    heard = run(msgspec.json.decode(sys.argv[1].encode(), type=Asked))
    sys.stdout.buffer.write(msgspec.json.encode(heard) + b"\n")


if __name__ == "__main__":
    main()
