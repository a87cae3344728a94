"""The benchmark stays what it is: other figures need another name."""

from pathlib import Path

import msgspec
import numpy as np

from firmware_tools.benchmark import HASHES, benchmark, differing, small, walks
from firmware_tools.dataset import build, digest
from firmware_tools.simulate.rooms import room_named


def test_the_definition_is_frozen() -> None:
    definition = benchmark(Path("mocap17"))
    assert (definition.version, definition.seed) == ("wimose-benchmark-1", 20260)
    assert (definition.session_s, definition.empty_s, definition.packets_per_s) == (60.0, 0.0, 150.0)
    assert definition.specs == ["wimose-1", "plus-1"]
    assert {name: (part.split, part.hours, len(part.rooms)) for name, part in definition.parts.items()} == {
        "train": ("train", 18.0, 2),
        "clip": ("clip", 1.0, 2),
        "subject": ("subject", 1.0, 2),
        "rooms-train": ("train", 8.0, 40),
        "rooms-valid": ("clip", 0.5, 5),
        "rooms-test": ("clip", 0.5, 5),
    }


def test_no_room_is_both_learnt_and_tested_as_unknown() -> None:
    parts = benchmark(Path("mocap17")).parts
    rooms = [set(parts[name].rooms) for name in ("train", "rooms-train", "rooms-valid", "rooms-test")]
    assert sum(map(len, rooms)) == len(set.union(*rooms)) == 52
    assert all(room_named(name).name == name for name in set.union(*rooms))


def test_every_room_has_its_sessions() -> None:
    """Sessions go round the rooms of a part: each has as many as any other, give or take one."""
    definition = benchmark(Path("mocap17"))
    assert all(definition.sessions(name) >= 5 * len(part.rooms) for name, part in definition.parts.items())


def test_a_dataset_of_one_s_own_has_the_same_splits() -> None:
    definition = small(Path("mocap17"), ["basic"], 2.0, 0.5, ["plus-1"], seed=4)
    assert {name: (part.split, part.hours) for name, part in definition.parts.items()} == {
        "train": ("train", 2.0), "clip": ("clip", 0.5), "subject": ("subject", 0.5),
    }  # fmt: skip
    assert (definition.seed, definition.version) == (4, "own")
    assert definition.session_s == benchmark(Path("mocap17")).session_s


def test_every_file_has_its_hash() -> None:
    definition = benchmark(Path("mocap17"))
    named = {line.split("  ")[1] for line in HASHES.read_text().splitlines()}
    kinds = [*definition.specs, "joints", "run", "clip", "done"]
    assert named == {f"{part}-{kind}.npy" for part in definition.parts for kind in kinds}


def test_what_differs_is_named(data: Path, tmp_path: Path) -> None:
    """One session of a part is not the whole part; one altered value of it tells."""
    definition = benchmark(data / "mocap17")
    clip = msgspec.structs.replace(definition.parts["clip"], hours=1 / 60)
    build(msgspec.structs.replace(definition, parts={"clip": clip}), tmp_path, workers=1)
    assert "clip-joints.npy" in differing(tmp_path)
    before = digest(tmp_path)
    rows = np.load(tmp_path / "clip-joints.npy", mmap_mode="r+")
    rows[0, 100] += 1
    rows.flush()
    assert {name for name, value in digest(tmp_path).items() if value != before[name]} == {"clip-joints.npy"}


def test_people_walk_in_the_room_of_the_real_walks() -> None:
    definition = walks(Path("mocap17"), 5.0, 0.15, ["plus-1"], seed=5825)
    assert {(part.motion, *part.rooms) for part in definition.parts.values()} == {("walk", "wivelo")}
    assert definition.sessions("train") == 900
