"""The benchmark: one frozen definition, so that figures from different people can be put side by side.

The paper's basic room with and without its screens, and rooms drawn at random of which five are kept away. Changing any
of it makes another version with another name.
"""

from pathlib import Path

from firmware_tools.dataset import Definition, Part, digest
from firmware_tools.simulate.room import WIVELO, drawn_names

VERSION = "wimose-benchmark-1"
SEED = 20260
HASHES = Path(__file__).with_name("benchmark.sha256")  # of every file, in the format of sha256sum
SESSION_S = 60.0
WALK_S = 20.0  # the longest
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


def walks(motion: Path, hours: float, test_hours: float, specs: list[str], seed: int) -> Definition:
    """People walking as in the WiVelo recordings, one walk a session; few clips hold a gait, so all are learnt from."""
    room = [WIVELO.name]
    return Definition(
        version="walks",
        seed=seed,
        parts={
            "train": Part(room, "train", hours, "walk"),
            "valid": Part(room, "train", test_hours, "walk"),  # other paths, the same gaits
        },
        specs=specs,
        motion=str(motion),
        session_s=WALK_S,
    )


def differing(folder: Path) -> list[str]:
    """Files of a finished benchmark that are not what they were when it was frozen.

    Another CPU or numba may round the last bit of a sine otherwise and so turn a count here and there; the figures do
    not move, but then it is not this one byte for byte.
    """
    frozen = {name: value for value, name in (line.split("  ") for line in HASHES.read_text().splitlines())}
    made = digest(folder)
    return sorted(name for name in frozen if made.get(name) != frozen[name])
