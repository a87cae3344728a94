"""Rooms to learn from that nobody measures in: another for every session, of more kinds than the benchmark's.

Three in four are of the paper's layout (`room.draw_room`); in the others the radios stand in one line and the people in
front of it, as in WiVelo's recordings. Half of all have screens.
"""

from dataclasses import replace

import numpy as np

from edge.geometry import Place
from firmware_tools.simulate.room import Room, Screen, draw_room

IN_LINE = 0.25  # of the rooms
SCREENED = 0.5
WIDEST_M = 0.2  # between antennas, WiVelo's; a laptop's are 26 mm apart


def fresh_room(name: str, rng: np.random.Generator) -> Room:
    """A room that `rng` draws."""
    room = draw_room(name, rng)
    if rng.uniform() < IN_LINE:
        room = in_line(room, rng)
    return with_screens(room, rng) if rng.uniform() < SCREENED else room


def in_line(room: Room, rng: np.random.Generator) -> Room:
    """The same room with the transmitter near the middle of the wall along x and a receiver on either side of it."""
    width = room.size[0]
    y, middle = float(rng.uniform(0.3, 1.5)), float(width / 2 + rng.uniform(-0.5, 0.5))
    left, right = rng.uniform(0.3, middle - 0.8), rng.uniform(middle + 0.8, width - 0.3)
    heights = rng.uniform(0.8, 1.6, 3).tolist()
    axes: list[Place] = [(-1.0, 0.0, 0.0), (1.0, 0.0, 0.0)]  # antennas are numbered outwards, as in `room.WIVELO`
    return replace(
        room,
        transmitter=(middle, y, heights[0]),
        receivers=((float(left), y, heights[1]), (float(right), y, heights[2])),
        array_axes=(axes[0], axes[1]),
        spacing=float(rng.uniform(room.spacing, WIDEST_M)),
    )


def with_screens(room: Room, rng: np.random.Generator) -> Room:
    """The room with a screen across one of its links or both, from the wall to a little beyond the link."""
    screens = [_across(room, receiver, rng) for receiver in (0, 1)]
    which = int(rng.integers(3))  # the first, the second, both
    return replace(room, screens=tuple(screens) if which == 2 else (screens[which],))


def _across(room: Room, receiver: int, rng: np.random.Generator) -> Screen:
    """Somewhere along the middle half of a link, as in `room.BASIC_NLOS`; its stuff is drawn for the session."""
    here, there = np.array(room.transmitter[:2]), np.array(room.receivers[receiver][:2])
    along = int(np.abs(there - here).argmax())  # the axis that the link runs along
    across = 1 - along
    at = float(here[along] + rng.uniform(0.25, 0.75) * (there - here)[along])
    reach = float(max(here[across], there[across]) + rng.uniform(0.4, 1.0))
    ends = ((at, 0.0), (at, reach)) if along == 0 else ((0.0, at), (reach, at))
    return Screen(*ends, height=float(rng.uniform(1.6, 2.2)), loss_db=14.0)
