"""The benchmark: one frozen definition, so that figures from different people can be put side by side.

The paper's basic room with and without its screens, and rooms drawn at random of which five are kept away. Changing any
of it makes another version with another name. `firmware_tools/benchmark.sha256` holds the hash of every file.
"""

from pathlib import Path

from firmware_tools.dataset import Definition, Part
from firmware_tools.simulate.room import drawn_names

VERSION = "wimose-benchmark-1"
SEED = 20260
SESSION_S = 60.0
BASIC = ["basic", "basic-nlos"]


def benchmark(motion: Path) -> Definition:
    """The frozen definition, for motion in the mocap17 format."""
    return Definition(
        version=VERSION,
        seed=SEED,
        parts={
            "train": Part(BASIC, "train", 18.0),
            "clip": Part(BASIC, "clip", 1.0),
            "subject": Part(BASIC, "subject", 1.0),
            "rooms-train": Part(drawn_names("train"), "train", 8.0),
            "rooms-valid": Part(drawn_names("valid"), "clip", 0.5),
            "rooms-test": Part(drawn_names("test"), "clip", 0.5),
        },
        specs=["wimose-1", "plus-1"],
        motion=str(motion),
        session_s=SESSION_S,
    )


def small(motion: Path, rooms: list[str], hours: float, test_hours: float, specs: list[str], seed: int) -> Definition:
    """A dataset of one's own: the same splits in other rooms, at any length."""
    return Definition(
        version="own",
        seed=seed,
        parts={
            "train": Part(rooms, "train", hours),
            "clip": Part(rooms, "clip", test_hours),
            "subject": Part(rooms, "subject", test_hours),
        },
        specs=specs,
        motion=str(motion),
        session_s=SESSION_S,
    )
