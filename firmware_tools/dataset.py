"""Simulated sessions with their truth, through the same signal path that runs live, laid out for training.

A dataset is a folder: `dataset.yaml` (the definition: from it anyone rebuilds the same bytes) and for every part
  <part>-<spec>.npy   (S, G, ...) int8, the columns of S sessions on the 150 Hz grid, times IMAGE_SCALE
  <part>-joints.npy   (S, G / 5, 17, 3) int16, truth at every fifth grid point, in TRUTH_UNIT_M
  <part>-run.npy      (S, G / 5) int16, how many grid points back from there the motion and the signal have no break
  <part>-clip.npy     (S, G / 5) int16, which clip is played; -1 nobody is there
Windows are not stored: any that ends at a fifth grid point can be cut from the columns, of any length.
"""

import hashlib
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cached_property, lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np

from edge import __version__
from edge.arrays import Array
from edge.errors import ConfigError
from edge.geometry import geometry_values
from edge.parse.intel5300 import parse_log
from edge.progress import track
from edge.recording import align
from edge.signal.grid import RATE_HZ
from edge.signal.imagespec import ImageSpec, columns_of
from edge.signal.path import SignalPath
from edge.signal.resample import grid_time_us
from edge.skeleton import N_JOINTS
from firmware_tools.phases import spec_named
from firmware_tools.simulate.motion import Clip, load_clips
from firmware_tools.simulate.room import DRAWN, FRESH, Room
from firmware_tools.simulate.rooms import room_named
from firmware_tools.simulate.scene import BODY_SCALE, MAX_TAKE_S, SPEED, Scene, draw_scene, record
from firmware_tools.simulate.wivelo import single_walk
from firmware_tools.simulate.world import IDEAL_NIC, World
from firmware_tools.splits import draw_weights, split_of

IMAGE_SCALE = 127  # int8 counts of an image value of 1
TRUTH_EVERY = 5  # grid points; the motion capture's own 30 Hz
TRUTH_UNIT_M = 0.25e-3  # int16 reaches 8.19 m
EVERYBODY = "everybody"  # a split that holds every clip of a folder of motion
MAX_RUN = np.iinfo(np.int16).max
# A grid point is made of packets this far around it; a window's first column must not reach into another take.
FILTER_REACH = 8  # grid points
AS_CAPTURED = (1.0, 1.0)  # bounds of a factor


class Part(msgspec.Struct, frozen=True):
    """Sessions of one kind."""

    rooms: list[str]  # one after the other; FRESH is another room every session (`simulate.fresh`)
    split: str  # of the motion, see `splits`
    hours: float
    motion: Literal["clips", "walk"] = "clips"  # takes one after the other, or one walk as WiVelo's people did
    world: World = World()  # of clips; how much of it is there


class Definition(msgspec.Struct, frozen=True):
    """Everything that decides what a dataset holds."""

    version: str
    seed: int
    parts: dict[str, Part]
    specs: list[str]
    motion: str  # folder of motion capture
    session_s: float = 60.0
    empty_s: float = 0.0  # nobody is in the room for so long at the beginning of a session
    packets_per_s: float = 150.0
    source: str = "simulated"
    wimose: str = __version__

    @property
    def grid_points(self) -> int:
        return round(self.session_s * RATE_HZ)

    def sessions(self, part: str) -> int:
        return max(round(self.parts[part].hours * 3600 / self.session_s), 1)

    def key(self, part: str, number: int) -> list[int]:
        """What a session's random numbers begin with."""
        return [self.seed, int.from_bytes(hashlib.sha256(part.encode()).digest()[:4], "little"), number]

    def room(self, part: str, number: int) -> str:
        """The room of a session, by its name."""
        rooms = self.parts[part].rooms
        name = rooms[number % len(rooms)]
        if name != FRESH:
            return name
        return f"{FRESH}-{np.random.default_rng([*self.key(part, number), 1]).integers(DRAWN[FRESH][0])}"


@dataclass(frozen=True, eq=False)
class Sessions:
    """One part of a dataset for one image spec, mapped from disk."""

    spec: ImageSpec
    columns: Array  # (S, G, ...) int8
    truth: Array  # (S, G / 5, 17, 3) int16, in TRUTH_UNIT_M
    run: Array  # (S, G / 5) int16
    clip: Array  # (S, G / 5) int16
    rooms: list[str]  # of each session

    @cached_property
    def geometry(self) -> Array:
        """Where the radios of every session's room are, as a network is told: (S, 20) float32."""
        rooms = {name: room_named(name) for name in set(self.rooms)}
        told = {name: geometry_values(room.geometry(), room.carrier_hz) for name, room in rooms.items()}
        return np.stack([told[name] for name in self.rooms])

    def windows(self, every: int = 1) -> Array:
        """Whole windows: (W, 2) int64, session and truth index, every `every`-th truth point."""
        whole = self.run[:, ::every] >= self.spec.whole + FILTER_REACH
        session, index = np.nonzero(whole)
        return np.stack((session, index * every), axis=1)

    def images(self, windows: Array) -> Array:
        """The images of windows (W, 2): (W, *spec.shape) float32 in (-1, 1)."""
        size = self.spec.packets
        stops = windows[:, 1] * TRUTH_EVERY + 1
        cut = np.stack([self.stretch(s, stop - size, stop) for s, stop in zip(windows[:, 0], stops, strict=True)])
        return np.ascontiguousarray(self.spec.image(cut)).astype(np.float32) / IMAGE_SCALE

    def stretch(self, session: int, start: int, stop: int) -> Array:
        """Columns from one grid point to another, (stop - start, ...) int8; zeros before the session began, as live."""
        made = self.columns[session, max(start, 0) : stop]
        before = np.zeros((max(-start, 0), *made.shape[1:]), made.dtype)
        return np.concatenate((before, made)) if len(before) else np.asarray(made)

    def joints(self, windows: Array) -> Array:
        """Truth of windows (W, 2): (W, 17, 3) float32 metres, room frame."""
        return np.asarray(self.truth[windows[:, 0], windows[:, 1]] * np.float32(TRUTH_UNIT_M), np.float32)


def build(definition: Definition, folder: Path, workers: int) -> None:
    """Simulate every session and write the dataset. What is already written is not simulated again."""
    folder.mkdir(parents=True, exist_ok=True)
    written = folder / "dataset.yaml"
    if written.exists() and read_definition(folder) != definition:
        raise ConfigError(f"{folder} holds another dataset; give an empty folder or remove it")
    written.write_bytes(msgspec.yaml.encode(definition))
    for part in definition.parts:
        done = _open(definition, folder, part)
        todo = np.nonzero(~done)[0].tolist()
        if not todo:
            continue
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            jobs = [(definition, folder, part, number) for number in todo]
            for _ in track(pool.map(_session, jobs, chunksize=2), f"simulating {part}", len(jobs)):
                pass


def read_definition(folder: Path) -> Definition:
    """What a dataset was made from. Raises ConfigError where there is none."""
    try:
        return msgspec.yaml.decode((folder / "dataset.yaml").read_bytes(), type=Definition)
    except OSError as error:
        raise ConfigError(f"{folder} holds no dataset; make one with `wimose dataset {folder}`") from error
    except msgspec.DecodeError as error:
        raise ConfigError(f"{folder / 'dataset.yaml'}: {error}; make the dataset again") from error


def augmented(definition: Definition, part: str) -> Definition:
    """The same with augmented motion in one of its parts. Raises ConfigError where its motion is of no clips."""
    if definition.parts[part].motion != "clips":
        raise ConfigError(f"--augment is for motion capture, and {part!r} holds walks that are made up; leave it out")
    replace = msgspec.structs.replace
    wilder = replace(definition.parts[part], world=replace(definition.parts[part].world, augmented=True))
    return replace(definition, parts=definition.parts | {part: wilder})


def load(folder: Path, part: str, spec: str) -> Sessions:
    """One part of a dataset, mapped from disk; the sessions that are written so far. Raises ConfigError without any."""
    definition = read_definition(folder)
    kept = columns_of(spec)
    try:
        arrays = {
            name: np.load(folder / f"{part}-{name}.npy", mmap_mode="r") for name in (kept, "joints", "run", "clip")
        }
    except FileNotFoundError as error:
        parts, specs = ", ".join(definition.parts), ", ".join(definition.specs)
        raise ConfigError(
            f"{folder} has no {part} for {spec}, only {parts} for {specs}; make another with `wimose dataset`"
        ) from error
    done = np.load(folder / f"{part}-done.npy")
    count = int(done.argmin()) if not done.all() else done.size
    if count == 0:
        raise ConfigError(f"{folder} has no {part} yet; wait for `wimose dataset {folder}` or start it again")
    return Sessions(
        spec_named(spec), arrays[kept][:count], arrays["joints"][:count], arrays["run"][:count], arrays["clip"][:count],
        [definition.room(part, number) for number in range(count)],
    )  # fmt: skip


def digest(folder: Path) -> dict[str, str]:
    """SHA-256 of every array, by file name: the same definition and seed on the same machine give the same."""
    hashes = {}
    for path in sorted(folder.glob("*-*.npy")):
        with path.open("rb") as file:
            hashes[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
    return hashes


def clips_of(split: str, clips: list[Clip]) -> list[Clip]:
    return [clip for clip in clips if split in (EVERYBODY, split_of(clip))]


def _open(definition: Definition, folder: Path, part: str) -> Array:
    """Make the part's files where they are missing; returns which sessions are done (S,) bool."""
    done = folder / f"{part}-done.npy"
    if not done.exists():
        sessions, points = definition.sessions(part), definition.grid_points
        truths = points // TRUTH_EVERY
        shapes: dict[str, tuple[tuple[int, ...], type[np.generic]]] = {
            spec: ((sessions, points, *spec_named(spec).column), np.int8) for spec in definition.specs
        }
        shapes |= {
            "joints": ((sessions, truths, N_JOINTS, 3), np.int16),
            "run": ((sessions, truths), np.int16),
            "clip": ((sessions, truths), np.int16),
        }
        for name, (shape, dtype) in shapes.items():
            file = folder / f"{part}-{name}.npy"
            np.lib.format.open_memmap(file, "w+", dtype, shape).flush()  # type: ignore[no-untyped-call]
        np.save(done, np.zeros(sessions, bool))
    return np.asarray(np.load(done))


@dataclass(frozen=True, eq=False)
class Simulated:
    """One session, as `Sessions` has them."""

    columns: dict[str, Array]  # of every spec (G, ...) int8; zeros behind what is shorter
    truth: Array  # (G / 5, 17, 3) int16
    run: Array  # (G / 5,) int16
    clip: Array  # (G / 5,) int16


def simulate(definition: Definition, part: str, number: int, specs: list[str] | None = None) -> Simulated:
    """Simulate a session; the same whenever it is asked for, and beyond the part's hours too.

    specs  those of the definition if None
    """
    what = definition.parts[part]
    clips = clips_of(what.split, _all_clips(Path(definition.motion)))
    rng = np.random.default_rng(definition.key(part, number))
    room = room_named(definition.room(part, number)).for_session(rng)
    scene = _scene(definition, what, room, clips, rng)
    recorded = record(room, scene, rng, None if what.world.nic else (IDEAL_NIC, IDEAL_NIC))
    recording = align((parse_log(recorded.logs[0]), parse_log(recorded.logs[1])), room.links)
    empty_us = (
        definition.empty_s * 1e6 if definition.empty_s and what.motion == "clips" else None
    )  # a walk begins at once

    points = definition.grid_points
    known = np.zeros(points, bool)
    columns = {}
    for name in definition.specs if specs is None else specs:
        spec = spec_named(name)
        made, there = SignalPath(room.links, spec=spec, empty_us=empty_us).columns(recording.receivers)
        have = min(len(made), points)
        columns[name] = np.zeros((points, *spec.column), np.int8)
        columns[name][:have] = np.round(made[:have] * IMAGE_SCALE).astype(np.int8)
        known[:have] = there[:have]

    grid_s = grid_time_us(np.arange(points)) * 1e-6
    now = np.searchsorted(recorded.time_s, grid_s).clip(1, len(recorded.time_s) - 1)
    known &= grid_s <= recorded.time_s[-1]
    known[1:] &= recorded.take[now][1:] == recorded.take[now][:-1]  # the person jumps from one take to the next
    known &= recorded.take[now] >= 0
    broken = np.where(known, -1, np.arange(points))
    run = (np.arange(points) - np.maximum.accumulate(broken)).clip(0, MAX_RUN)
    at = slice(None, None, TRUTH_EVERY)
    share = ((grid_s - recorded.time_s[now - 1]) / np.diff(recorded.time_s)[now - 1])[at, None, None].clip(0, 1)
    joints = (1 - share) * recorded.joints[now[at] - 1] + share * recorded.joints[now[at]]
    clip = recorded.clip if recorded.clip.size else np.zeros(len(recorded.take), np.int64)  # a walk is no clip
    return Simulated(
        columns,
        truth=np.round(joints / TRUTH_UNIT_M).clip(-MAX_RUN, MAX_RUN).astype(np.int16),
        run=run[at].astype(np.int16),
        clip=np.where(recorded.take[now[at]] >= 0, clip[now[at]], -1).astype(np.int16),
    )


def _session(job: tuple[Definition, Path, str, int]) -> None:
    """Simulate one session and write it into its place."""
    definition, folder, part, number = job
    made = simulate(definition, part, number)
    for name, columns in made.columns.items():
        _write(folder / f"{part}-{name}.npy", number, columns)
    _write(folder / f"{part}-joints.npy", number, made.truth)
    _write(folder / f"{part}-run.npy", number, made.run)
    _write(folder / f"{part}-clip.npy", number, made.clip)
    _write(folder / f"{part}-done.npy", number, np.array(True))  # last: the session is whole


@lru_cache(maxsize=1)
def _all_clips(folder: Path) -> list[Clip]:
    """Read once a process."""
    return load_clips(folder)


def _scene(definition: Definition, part: Part, room: Room, clips: list[Clip], rng: np.random.Generator) -> Scene:
    if part.motion == "walk":
        return single_walk(room, clips, rng, definition.packets_per_s)
    world = part.world
    return draw_scene(
        room, clips, draw_weights(clips, MAX_TAKE_S), definition.session_s, rng, definition.packets_per_s,
        definition.empty_s, SPEED if world.varied else AS_CAPTURED, BODY_SCALE if world.varied else AS_CAPTURED,
        world.spot, world.heading, world.augmented,
    )  # fmt: skip


def _write(path: Path, number: int, values: Array) -> None:
    """Put a session's values into its row of a file."""
    rows = np.load(path, mmap_mode="r+")
    rows[number] = values
    rows.flush()
