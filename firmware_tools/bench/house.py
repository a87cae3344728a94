"""The service in a process of its own: as many rooms as there are pairs of pipes, a broker, and what all that takes.

Started by `live` and `rooms`, which play recorded packets into the pipes from their own process.
"""

import gc
import os
import subprocess
import sys
import tempfile
import threading
import time
from array import array
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec

from edge.capture.inbox import RECEIVERS, Chunk, Inbox
from edge.capture.sources import receiver_captures
from edge.commands.run import leave, publisher_of, station
from edge.config import Config, Mqtt, Receiver
from edge.publish.message import Pose, State, Telemetry
from edge.recording import as_heard
from edge.replay import warm_up
from edge.service.announcer import Audience
from edge.service.health import resident_bytes
from edge.service.loop import Signals, serve
from edge.service.memory import give_back
from edge.service.model import Model
from edge.service.notify import Notifier
from edge.service.warm import SESSION
from edge.session import load_session
from firmware_tools.bench.broker import mosquitto
from firmware_tools.bench.figures import Profile
from firmware_tools.bench.machine import anonymous_mb
from firmware_tools.bench.radio import Radio
from firmware_tools.bench.watched import Watched

SETTLE_S = 5.0  # after the first pose of every room
WAIT_S = 60.0  # for it
SAMPLE_S = 1.0


class Asked(msgspec.Struct, frozen=True):
    """What the process of the service is told."""

    pipes: list[tuple[str, str]]  # of each room
    address: str | None
    seconds: float
    watched: Literal["", "threads", "functions"] = ""  # what a profile is wanted of


class Heard(msgspec.Struct, frozen=True):
    """What it says."""

    latency_ms: list[float]  # of each pose, from the arrival of its last packets to the publish call
    age_ms: list[float]  # of each pose when it was published, by its own time: how long ago its window ended
    poses: list[int]  # of each room
    cpu_percent: float  # of one core, all threads
    memory_mb: list[float]  # every SAMPLE_S
    anonymous_mb: float  # of it, at the end
    descriptors: list[int]
    threads: list[int]
    gc_ms: list[float]
    withheld: int
    late: int  # poses too old to be told
    dropped: int
    connected: bool  # all rooms
    seconds: float
    profiles: list[Profile] = []


def listen(
    logs: tuple[bytes, bytes], seconds: float, rooms: int = 1, watched: Literal["", "threads", "functions"] = ""
) -> Heard:
    """Run the service in a process of its own beside a radio that plays these logs in each room."""
    with tempfile.TemporaryDirectory() as scratch, mosquitto() as address:
        pipes = [(Path(scratch) / f"{room}a", Path(scratch) / f"{room}b") for room in range(rooms)]
        for pipe in (pipe for pair in pipes for pipe in pair):
            os.mkfifo(pipe)
        radio = Radio(logs, pipes)
        asked = Asked([(str(first), str(second)) for first, second in pipes], address, seconds, watched)
        command = [sys.executable, "-m", "firmware_tools.bench.house", msgspec.json.encode(asked).decode()]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as service:
            radio.start()  # waits until the pipes are read
            out, _ = service.communicate(timeout=seconds + SETTLE_S + 2 * WAIT_S)
        radio.over.set()
    return msgspec.json.decode(out.splitlines()[-1], type=Heard)


# What follows runs in the process of the service.


class Ears(Inbox):
    """Remembers when the last chunk that was taken of each room had come."""

    def __init__(self) -> None:
        super().__init__()
        self.arrived: dict[int, float] = {}

    def take(self, timeout_s: float, due: Sequence[float] = ()) -> list[Chunk]:
        chunks = super().take(timeout_s, due)
        for chunk in chunks:
            self.arrived[chunk.receiver // RECEIVERS] = chunk.arrived
        return chunks


@dataclass(frozen=True)
class Notes:
    """Of the poses of all rooms."""

    latency_ms: "array[float]" = field(default_factory=lambda: array("d"))
    age_ms: "array[float]" = field(default_factory=lambda: array("d"))
    poses: Counter[int] = field(default_factory=Counter)


@dataclass(frozen=True)
class Recorder(Audience):
    """Notes when each pose reaches the publish call."""

    room: int = field(kw_only=True)
    ears: Ears = field(kw_only=True)
    notes: Notes = field(kw_only=True)

    def tell(self, message: Pose | State | Telemetry) -> None:
        if isinstance(message, Pose):
            self.notes.latency_ms.append(1e3 * (time.monotonic() - self.ears.arrived[self.room]))
            self.notes.age_ms.append(1e3 * (time.time() - message.t))
            self.notes.poses[self.room] += 1
        super().tell(message)


def run(asked: Asked, loop: Callable[..., None] = serve) -> Heard:
    mqtt = Mqtt(asked.address or "mqtt://127.0.0.1:1")
    rooms = [
        Config(f"bench{n}", origin="replay", mqtt=mqtt,
               receivers=(Receiver("receiver1", "log", first), Receiver("receiver2", "log", second)))
        for n, (first, second) in enumerate(asked.pipes)
    ]  # fmt: skip
    model = Model.load(rooms[0])
    warm_up(as_heard(load_session(SESSION).logs), model.engine)
    ears, signals, notes = Ears(), Signals(), Notes()
    captures, publishers, stations = [], [], []
    for n, config in enumerate(rooms):
        fitted, own = model.fitted(config), receiver_captures(config, ears, n)
        publisher = publisher_of(config, fitted, own)
        recorder = Recorder(publisher, room=n, ears=ears, notes=notes)
        stations.append(station(n, config, recorder, fitted, ears))
        publishers.append(publisher)
        captures += own
    samples = Samples(notes, signals, asked)
    for capture in captures:
        capture.open()
    for publisher in publishers:
        publisher.start()
    samples.start()
    give_back()
    pauses: list[float] = []
    _note_collections(pauses)  # from here on: what the start sweeps stalls nobody
    loop(stations, ears, Notifier(), signals, lambda: None)
    samples.join()
    connected = all(publisher.connected for publisher in publishers)
    for capture in captures:
        capture.close()
    leave(publishers)
    hosts = [station.host for station in stations]
    withheld, late = sum(host.withheld for host in hosts), sum(host.skipped for host in hosts)
    return samples.heard(pauses, withheld, late, ears.dropped, connected)


def _note_collections(pauses: list[float]) -> None:
    begun = [0.0]

    def note(phase: str, _: object) -> None:
        if phase == "start":
            begun[0] = time.perf_counter()
        else:
            pauses.append(1e3 * (time.perf_counter() - begun[0]))

    gc.callbacks.append(note)


class Samples(threading.Thread):
    """Waits for poses of all rooms, lets them settle, then looks at the process every SAMPLE_S, and ends the loop."""

    def __init__(self, notes: Notes, signals: Signals, asked: Asked) -> None:
        super().__init__(name="samples", daemon=True)
        self._notes, self._signals = notes, signals
        self._seconds, self._rooms = asked.seconds, len(asked.pipes)
        self._memory: list[float] = []
        self._descriptors: list[int] = []
        self._threads: list[int] = []
        self._cpu = self._took = self._anonymous = 0.0
        self._first = 0
        self._poses: Sequence[int] = ()

    def run(self) -> None:
        deadline = time.monotonic() + WAIT_S
        while len(self._notes.poses) < self._rooms and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(SETTLE_S)
        self._first, before = len(self._notes.latency_ms), self._notes.poses.copy()
        begun, cpu = time.monotonic(), time.process_time()
        while time.monotonic() - begun < self._seconds:
            self._memory.append(resident_bytes() / 1e6)
            self._descriptors.append(len(os.listdir("/proc/self/fd")))  # noqa: PTH208  a Path costs more than it shows
            self._threads.append(threading.active_count())
            time.sleep(SAMPLE_S)
        self._took, self._cpu = time.monotonic() - begun, time.process_time() - cpu
        self._poses = [self._notes.poses[room] - before[room] for room in range(self._rooms)]
        self._anonymous = anonymous_mb()
        self._signals.stop.set()

    def heard(self, pauses: list[float], withheld: int, late: int, dropped: int, connected: bool) -> Heard:
        return Heard(
            latency_ms=list(self._notes.latency_ms[self._first :]),
            age_ms=list(self._notes.age_ms[self._first :]),
            poses=list(self._poses),
            cpu_percent=100.0 * self._cpu / self._took,
            memory_mb=self._memory,
            anonymous_mb=self._anonymous,
            descriptors=self._descriptors,
            threads=self._threads,
            gc_ms=pauses,
            withheld=withheld,
            late=late,
            dropped=dropped,
            connected=connected,
            seconds=self._took,
        )


def main() -> None:
    asked = msgspec.json.decode(sys.argv[1].encode(), type=Asked)
    if asked.watched:
        watched = Watched(serve, functions=asked.watched == "functions")
        heard = msgspec.structs.replace(run(asked, watched), profiles=watched.profiles)
    else:
        heard = run(asked)
    sys.stdout.buffer.write(msgspec.json.encode(heard) + b"\n")


if __name__ == "__main__":
    main()
