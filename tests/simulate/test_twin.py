"""A measured room is simulated as it was measured; only what nobody measured is guessed."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

from edge.errors import ConfigError
from edge.geometry import Geometry
from edge.profile import ProfileFile, write_profile
from edge.signal.links import Links
from firmware_tools.simulate.channel import channel
from firmware_tools.simulate.room import BASIC
from firmware_tools.simulate.rooms import room_named

ANTENNAS = [tuple(place) for place in BASIC.antennas().tolist()]
GEOMETRY = Geometry(BASIC.size, BASIC.transmitter, (ANTENNAS[:3], ANTENNAS[3:]))


def written(tmp_path: Path, geometry: Geometry | None = GEOMETRY) -> str:
    path = tmp_path / "attic.yaml"
    file = ProfileFile(1, "attic", "any@0", "0", 1.0, "recorded", geometry, 5.18e9, (Links(1, 0), Links(2, 1)))
    write_profile(path, file, None)
    return str(path)


def test_what_was_measured_stands_where_it_was(tmp_path: Path) -> None:
    room = room_named(written(tmp_path))
    np.testing.assert_allclose(room.antennas(), BASIC.antennas(), atol=1e-12)
    assert (room.size, room.transmitter, room.carrier_hz) == (BASIC.size, BASIC.transmitter, 5.18e9)
    assert room.links == (Links(1, 0), Links(2, 1))


def test_guesses_differ_in_what_was_not_measured(tmp_path: Path) -> None:
    name = written(tmp_path)
    first, again, other = room_named(f"{name}#0"), room_named(name), room_named(f"{name}#1")
    assert first.wall_reflection == again.wall_reflection != other.wall_reflection
    np.testing.assert_array_equal(first.antennas(), other.antennas())
    standing = np.random.default_rng(1).uniform(2.0, 3.0, (1, 17, 3))
    assert not np.allclose(channel(first, standing), channel(other, standing))


def test_what_cannot_be_simulated_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no geometry"):
        room_named(written(tmp_path, None))
    uneven = msgspec.structs.replace(GEOMETRY, receivers_m=([ANTENNAS[0], ANTENNAS[1], (5.0, 0.6, 1.2)], ANTENNAS[3:]))
    with pytest.raises(ConfigError, match="even steps"):
        room_named(written(tmp_path, uneven))
    alone = msgspec.structs.replace(GEOMETRY, receivers_m=(ANTENNAS[:1], ANTENNAS[3:]))
    with pytest.raises(ConfigError, match="even steps"):
        room_named(written(tmp_path, alone))
    wide = [tuple(np.add(ANTENNAS[4], (step, 0.0, 0.0)).tolist()) for step in (-0.2, 0.0, 0.2)]
    with pytest.raises(ConfigError, match="same step"):
        room_named(written(tmp_path, msgspec.structs.replace(GEOMETRY, receivers_m=(ANTENNAS[:3], wide))))
    with pytest.raises(ConfigError, match="number of a guess"):
        room_named(f"{written(tmp_path)}#first")
    with pytest.raises(ConfigError, match="wimose calibrate"):
        room_named(str(tmp_path / "none.yaml"))
