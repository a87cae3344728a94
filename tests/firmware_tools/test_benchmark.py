"""The benchmark stays what it is: other figures need another name."""

from pathlib import Path

from firmware_tools.benchmark import benchmark, small
from firmware_tools.simulate.room import room_named


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
