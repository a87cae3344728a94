"""Recordings that several tests of the signal path share."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from edge.arrays import Array
from edge.parse.intel5300 import CsiLog, read_log
from edge.recording import Recording, align
from edge.signal.links import Links
from edge.signal.pairing import Pairing
from tests.simulate.stickman import simulated_recording


@dataclass(frozen=True, eq=False)
class Walk:
    """What became of one real walk in csi/wivelo."""

    name: str
    stamps_us: tuple[Array, Array]  # (N,) uint64 each, on the receivers' own clocks
    pairing: Pairing
    links: tuple[Links, Links]


def wivelo(data: Path, name: str) -> tuple[CsiLog, CsiLog]:
    """The two logs of a real walk."""
    folder = data / "csi" / "wivelo"
    return read_log(folder / f"{name}-r1.dat"), read_log(folder / f"{name}-r2.dat")


@pytest.fixture(scope="session")
def wivelo_walks(data: Path) -> list[Walk]:
    """All 12 walks, aligned; their packets are not kept."""
    walks = []
    for path in sorted((data / "csi" / "wivelo").glob("*-r1.dat")):
        name = path.name.removesuffix("-r1.dat")
        first, second = wivelo(data, name)
        aligned = align((first, second))
        walks.append(Walk(name, (first.timestamp_us, second.timestamp_us), aligned.pairing, aligned.links))
    return walks


@pytest.fixture(scope="session")
def wivelo_recording(data: Path) -> Recording:
    """One of them with its packets: 4.7 s, 1000 packets/s."""
    return align(wivelo(data, "1-1-1-2"))


@pytest.fixture(scope="session")
def recording() -> Recording:
    """Eight simulated seconds at 150 packets/s, with loss at both receivers."""
    return simulated_recording(8.0, seed=3)
