"""Rooms that training never saw, calibrated with guided walks of several lengths: is it worth ten minutes?

In each room two receivers are installed, and restarted for every session (`simulate.nic.restarted`). One person follows
the prompts of a calibration; other people are then at home there (household motion of clips that training never saw),
and somebody else follows the prompts again, for the error on the spots. All of it is simulated.

A study is a folder: the sessions of the walks, `<room>-home.npz`, and `rooms.yaml`.
"""

from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from rich.console import Group

from calibration import labels as told
from calibration.adapt import adapt
from calibration.assess import spot_errors
from calibration.labels import Labels
from calibration.samples import Samples, samples
from calibration.walk import load_walk
from edge.arrays import Array
from edge.errors import ConfigError
from edge.geometry import geometry_values
from edge.inference.bundle import Bundle
from edge.inference.engine import Engine
from edge.inference.head import Head
from edge.parse.intel5300 import parse_log
from edge.pose import joints_of
from edge.progress import track
from edge.recording import as_heard
from edge.session import load_session
from firmware_tools.dataset import FILTER_REACH, clips_of
from firmware_tools.evaluate import Figures, Row
from firmware_tools.simulate.guided import EMPTY_S, simulate_guided
from firmware_tools.simulate.motion import load_clips
from firmware_tools.simulate.nic import Nic, draw_nic, restarted
from firmware_tools.simulate.room import Room, drawn_names
from firmware_tools.simulate.rooms import room_named
from firmware_tools.simulate.scene import MAX_TAKE_S, draw_scene, record
from firmware_tools.splits import draw_weights, kind_of
from firmware_tools.study.tried import TRIED
from models.baselines import MeanPoses
from models.metrics import pose_error

LENGTHS_S = (30, 60, 120, 300)
MAIN_S = 120  # what is compared in more ways
CHECK_S = 120  # the walk of somebody else
HOME_SESSIONS = 4
HOME_S = 60.0
PACKETS_PER_S = 150.0
HOME_PER_S = 5.0  # estimates
SEED = 5
BEFORE = "uncalibrated"


class Line(msgspec.Struct, frozen=True):
    """What one way of telling where people are scores in one room."""

    room: str
    name: str
    mpjpe_mm: float
    root_mm: float
    relative_mm: float
    p_mpjpe_mm: float
    heading_deg: float
    spot_mm: float | None = None
    share: float | None = None  # of the shipped weights that the root keeps


class Rooms(msgspec.Struct, frozen=True):
    """`rooms.yaml`."""

    bundle: str
    lines: list[Line] = []
    seed: int = SEED
    source: str = "simulated"


@dataclass(frozen=True, eq=False)
class Home:
    """People at home in a room: what the model hears, and the truth."""

    features: Array  # (N, F) float64
    shipped: Array  # (N, 17, 3) float64 metres, as the model says
    joints: Array  # (N, 17, 3) float64 metres, as it was


def study(bundle: Bundle, motion: Path, out: Path, rooms: list[str], lengths: tuple[int, ...] = LENGTHS_S) -> Rooms:
    """Simulate, calibrate and measure what is not there yet. Raises ConfigError if the folder holds another study."""
    out.mkdir(parents=True, exist_ok=True)
    file = out / "rooms.yaml"
    done = msgspec.yaml.decode(file.read_bytes(), type=Rooms) if file.exists() else Rooms(bundle.identity)
    if done.bundle != bundle.identity:
        raise ConfigError(f"{out} holds the figures of {done.bundle}; give an empty folder")
    _write(file, done)  # before anything else is: what people at home are heard as is this bundle's alone
    engine = Engine(bundle)
    for name in track(rooms, "calibrating rooms", len(rooms)):
        if name not in {line.room for line in done.lines}:
            room = room_named(name)
            told = engine.sibling(geometry=geometry_values(room.geometry(), room.carrier_hz))
            lines = _room(bundle, told, motion, out, room, lengths)
            done = msgspec.structs.replace(done, lines=[*done.lines, *lines])
            _write(file, done)
    return done


def _write(file: Path, done: Rooms) -> None:
    new = file.with_suffix(".new")
    new.write_bytes(msgspec.yaml.encode(done))
    new.replace(file)


def _room(
    bundle: Bundle, engine: Engine, motion: Path, out: Path, room: Room, lengths: tuple[int, ...]
) -> list[Line]:  # fmt: skip
    nics = installed(room)
    home = at_home(engine, motion, out / f"{room.name}-home.npz", room, nics)
    check, check_labels, *_ = _walk(engine, motion, out / f"{room.name}-check", room, nics, CHECK_S, 1)
    lines = [_line(room, BEFORE, home.joints, home.shipped, spot_of(check.joints, check_labels))]

    def measured(name: str, head: Head, share: float | None = None) -> Line:
        at, form = head(check.features), bundle.description.outputs
        spot = spot_of(joints_of(at, form, bundle.limb_m), check_labels)
        return _line(room, name, home.joints, joints_of(head(home.features), form, bundle.limb_m), spot, share)

    for seconds in lengths:
        heard, labels, height_m, known = _walk(engine, motion, out / f"{room.name}-{seconds}", room, nics, seconds, 0)
        adapted = adapt(heard, labels, bundle, engine, height_m)
        lines.append(measured(f"{seconds} s", adapted.head, round(adapted.share, 2)))
        if seconds == MAIN_S:
            lines += [measured(name, fit(heard, labels, bundle, engine)) for name, fit in TRIED.items()]
    poses = MeanPoses.of(known).guesses(home.joints)  # of the longest walk
    return lines + [_line(room, name, home.joints, guess) for name, guess in poses.items()]


def installed(room: Room) -> tuple[Nic, Nic]:
    """The two receivers of a room; `restarted` for every session."""
    rng = np.random.default_rng([SEED, room.seed])
    return draw_nic(rng), draw_nic(rng)


def at_home(engine: Engine, motion: Path, file: Path, room: Room, nics: tuple[Nic, Nic]) -> Home:
    """Household motion of clips that training never saw; kept in a file."""
    if not file.exists():
        clips = [clip for clip in clips_of("clip", load_clips(motion)) if kind_of(clip) == "household"]
        parts = []
        for number in range(HOME_SESSIONS):
            rng = np.random.default_rng([SEED, room.seed, number])
            scene = draw_scene(room, clips, draw_weights(clips, MAX_TAKE_S), HOME_S, rng, PACKETS_PER_S)
            recorded = record(room, scene, rng, (restarted(nics[0], rng), restarted(nics[1], rng)))
            heard = samples(
                as_heard((parse_log(recorded.logs[0]), parse_log(recorded.logs[1])), room.links), engine, HOME_PER_S
            )
            # Only windows of one take: the person jumps from one to the next.
            now = np.searchsorted(recorded.time_s, heard.time_s).clip(max=len(recorded.time_s) - 1)
            reach_s = heard.context_s + FILTER_REACH / engine.spec.rate_hz
            then = np.searchsorted(recorded.time_s, heard.time_s - reach_s)
            whole = (recorded.take[now] == recorded.take[then]) & (heard.time_s >= reach_s)
            parts.append((heard.features[whole], heard.joints[whole], recorded.joints[now[whole]].astype(np.float64)))
        arrays = [np.concatenate(part) for part in zip(*parts, strict=True)]
        new = file.with_suffix(".new.npz")
        np.savez(new, features=arrays[0], shipped=arrays[1], joints=arrays[2])
        new.replace(file)
    with np.load(file) as kept:
        return Home(kept["features"], kept["shipped"], kept["joints"])


def _walk(
    engine: Engine, motion: Path, folder: Path, room: Room, nics: tuple[Nic, Nic], seconds: int, person: int
) -> tuple[Samples, Labels, float, Array]:
    """One guided walk, labelled by its prompts as a real one is; the person's height, and the true joints."""
    rng = np.random.default_rng([SEED, room.seed, 100 + person, seconds])
    if not (folder / "session.yaml").exists():
        again = (restarted(nics[0], rng), restarted(nics[1], rng))
        seed = int(rng.integers(1 << 31))
        simulate_guided(folder, room, motion, seconds, PACKETS_PER_S, seed, EMPTY_S, again)
    session, walk = load_session(folder), load_walk(folder)
    if walk is None or session.truth is None:
        raise ConfigError(f"{folder} holds no guided walk; remove it")
    heard = samples(as_heard(session.logs, room.links), engine)
    return heard, told.of_walk(walk, heard.time_s), walk.height_m, session.truth.joints.astype(np.float64)


def spot_of(joints: Array, labels: Labels) -> float:
    """Mean distance of the stops from their spots, millimetres."""
    return float(np.linalg.norm(spot_errors(joints, labels)[:, 1:], axis=1).mean() * 1e3)


def _line(
    room: Room, name: str, truth: Array, joints: Array, spot_mm: float | None = None, share: float | None = None
) -> Line:
    error = pose_error(truth, joints)
    return Line(
        room.name, name, round(error.mpjpe_mm, 1), round(error.root_mm, 1), round(error.relative_mpjpe_mm, 1),
        round(error.p_mpjpe_mm, 1), round(error.heading_deg, 1), None if spot_mm is None else round(spot_mm, 1),
        share,
    )  # fmt: skip


def rooms_figures(done: Rooms) -> Figures:
    """Mean and sample standard deviation over rooms, mm and degrees."""
    names = list(dict.fromkeys(line.name for line in done.lines))
    rows = []
    for name in names:
        same = [line for line in done.lines if line.name == name]
        cells = [
            _spread([getattr(line, field) for line in same])
            for field in ("mpjpe_mm", "root_mm", "relative_mm", "p_mpjpe_mm", "heading_deg", "spot_mm")
        ]
        rows.append(Row(name.endswith(" s") or name == BEFORE, name, tuple(cells)))
    return Figures("guided walk", ("MPJPE", "root", "relative", "P-MPJPE", "heading", "spots"), tuple(rows))


def each_figures(done: Rooms) -> Figures:
    """MPJPE of each room, mm."""
    rooms = list(dict.fromkeys(line.room for line in done.lines))
    names = [name for name in dict.fromkeys(line.name for line in done.lines) if name.endswith(" s") or name == BEFORE]
    found = {(line.room, line.name): line.mpjpe_mm for line in done.lines}
    rows = tuple(Row(True, name, tuple(f"{found[room, name]:.0f}" for room in rooms)) for name in names)
    return Figures("MPJPE in each room", tuple(rooms), rows)


def rooms_tables(done: Rooms) -> Group:
    """For people."""
    return Group(
        rooms_figures(done).drawn(f"{done.bundle} in rooms it never saw, {done.source}. mm, degrees"),
        each_figures(done).drawn("Room by room, mm"),
    )


def unseen_rooms() -> list[str]:
    """The benchmark's rooms that no training sees."""
    return drawn_names("test")


def _spread(values: list[float | None]) -> str:
    there = [value for value in values if value is not None]
    if not there:
        return "-"
    spread = f"±{np.std(there, ddof=1):.0f}" if len(there) > 1 else ""
    return f"{np.mean(there):.0f}{spread}"
