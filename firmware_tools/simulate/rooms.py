"""Rooms by their names."""

import numpy as np

from edge.errors import ConfigError
from firmware_tools.simulate.room import DRAWN, ROOMS, Room, draw_room, drawn_names
from firmware_tools.simulate.twin import is_profile, twin


def room_named(name: str) -> Room:
    """A room of `ROOMS`, one drawn at random (train-00 to train-39, valid-0 to valid-4, test-0 to test-4), or the twin
    of a room profile, by its file."""
    if name in ROOMS:
        return ROOMS[name]
    if is_profile(name):
        return twin(name)
    kind, _, number = name.partition("-")
    if name in drawn_names(kind):
        return draw_room(name, np.random.default_rng([DRAWN[kind][1], int(number)]))
    drawn = ", ".join(f"{drawn_names(kind)[0]} to {drawn_names(kind)[-1]}" for kind in DRAWN)
    raise ConfigError(f"no room {name!r}; there are: {', '.join(ROOMS)}, {drawn}; or give a room profile's .yaml")
