"""Rooms by their names."""

import numpy as np

from edge.errors import ConfigError
from firmware_tools.simulate.fresh import fresh_room
from firmware_tools.simulate.room import DRAWN, FRESH, ROOMS, Room, draw_room, drawn_names
from firmware_tools.simulate.twin import is_profile, twin


def room_named(name: str) -> Room:
    """A room of `ROOMS`, one drawn at random (train-00 to train-39, valid-0 to valid-4, test-0 to test-4, fresh-0 to
    fresh-4294967295), or the twin of a room profile, by its file."""
    if name in ROOMS:
        return ROOMS[name]
    if is_profile(name):
        return twin(name)
    kind, _, number = name.partition("-")
    if name in drawn_names(kind) or (kind == FRESH and number.isdecimal() and int(number) < DRAWN[FRESH][0]):
        draw = fresh_room if kind == FRESH else draw_room
        return draw(name, np.random.default_rng([DRAWN[kind][1], int(number)]))
    drawn = [f"{names[0]} to {names[-1]}" for kind in DRAWN if (names := drawn_names(kind))]
    drawn.append(f"{FRESH}-0 to {FRESH}-{DRAWN[FRESH][0] - 1}")
    known = ", ".join((*ROOMS, *drawn))
    raise ConfigError(f"no room {name!r}; there are: {known}; or give a room profile's .yaml")
