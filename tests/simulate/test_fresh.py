"""Rooms to learn from: all kinds of them, each a room that somebody can walk in."""

import numpy as np
import pytest

from edge.errors import ConfigError
from firmware_tools.simulate.rooms import room_named

ROOMS = [room_named(f"fresh-{number}") for number in range(200)]


def test_a_name_is_one_room() -> None:
    assert room_named("fresh-17") == ROOMS[17]
    assert len({room.size for room in ROOMS}) == len(ROOMS)


@pytest.mark.parametrize("name", ["fresh-4294967296", "fresh--1", "fresh-x", "fresh-"])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="fresh-0 to fresh-4294967295"):
        room_named(name)


def test_a_quarter_has_its_radios_in_one_line_and_half_have_screens() -> None:
    in_line = [room for room in ROOMS if room.transmitter[1] == room.receivers[0][1] == room.receivers[1][1]]
    assert 0.15 < len(in_line) / len(ROOMS) < 0.35
    for room in in_line:
        assert room.receivers[0][0] < room.transmitter[0] < room.receivers[1][0]
    screened = [len(room.screens) for room in ROOMS]
    assert 0.4 < np.mean(np.array(screened) > 0) < 0.6
    assert set(screened) == {0, 1, 2}


@pytest.mark.parametrize("room", ROOMS[:60], ids=lambda room: room.name)
def test_radios_are_in_the_room_and_screens_across_a_link(room: object) -> None:
    from firmware_tools.simulate.room import Room

    assert isinstance(room, Room)
    for place in (room.transmitter, *room.antennas()):
        assert (np.array(place) > 0.0).all()
        assert (np.array(place) < room.size).all()
    for screen in room.screens:
        assert any(crosses(screen.start, screen.end, room.transmitter, receiver) for receiver in room.receivers)


def crosses(a: tuple[float, ...], b: tuple[float, ...], p: tuple[float, ...], q: tuple[float, ...]) -> bool:
    """Whether two stretches of the floor cut each other."""

    def side(one: tuple[float, ...], two: tuple[float, ...], at: tuple[float, ...]) -> float:
        return (two[0] - one[0]) * (at[1] - one[1]) - (two[1] - one[1]) * (at[0] - one[0])

    return side(a, b, p) * side(a, b, q) < 0 and side(p, q, a) * side(p, q, b) < 0
