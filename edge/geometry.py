"""Where the radios of a room are, and the numbers that tell a network so.

A model that knows many rooms hears much the same from somebody near in a small room and far in a large one; a tape
measure tells them apart. The numbers stand behind the values of every grid point of its image (`inference.engine`).

    0..2    transmitter: x, y over 4 m, 0 at 4 m; z over 1.2 m, 0 at 1.2 m
    3..8    the middles of both arrays, alike
    9..12   both arrays' directions in the floor plane, from the first antenna to the last: cosine, sine
    13, 14  distance of neighbouring antennas over 0.1 m, 0 at 0.1 m
    15..17  the room's size as the transmitter's place
    18      carrier over 0.35 GHz, 0 at 5.5 GHz or where it is not known
    19      1 where the others are told; all are 0 where nothing is
"""

import msgspec
import numpy as np

from edge.arrays import Array

Place = tuple[float, float, float]

GEOMETRY_VALUES = 20
CARRIER = 18  # its number


class Geometry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where things are, metres in the room's frame: a corner at the floor is the origin, z is up."""

    size_m: Place
    transmitter_m: Place
    receivers_m: tuple[list[Place], list[Place]]  # antennas of each


def known_geometry(
    size_m: Place | None, transmitter_m: Place | None, first: list[Place] | None, second: list[Place] | None
) -> Geometry | None:
    """Of measures that may be missing, both receivers' antennas last; None where not all are there."""
    if size_m is None or transmitter_m is None or not first or not second:
        return None
    return Geometry(size_m, transmitter_m, (first, second))


def geometry_values(geometry: Geometry | None, carrier_hz: float | None = None) -> Array:
    """(20,) float32 from -1 to 1, as in the table above; what lies outside is cut off there."""
    values = np.zeros(GEOMETRY_VALUES)
    if geometry is None:
        return values.astype(np.float32)
    arrays = [np.array(antennas, np.float64) for antennas in geometry.receivers_m]
    values[0:3] = _place(geometry.transmitter_m)
    for r, antennas in enumerate(arrays):
        values[3 + 3 * r : 6 + 3 * r] = _place(antennas.mean(axis=0))
        span = antennas[-1] - antennas[0]
        flat = np.linalg.norm(span[:2])
        if flat > 0:
            values[9 + 2 * r : 11 + 2 * r] = span[:2] / flat
        values[13 + r] = np.linalg.norm(span) / max(len(antennas) - 1, 1) / 0.1 - 1.0
    values[15:18] = _place(geometry.size_m)
    values[CARRIER] = (carrier_hz - 5.5e9) / 0.35e9 if carrier_hz else 0.0
    values[19] = 1.0
    return np.nan_to_num(values, nan=0.0).clip(-1.0, 1.0).astype(np.float32)


def _place(place: Array | Place) -> Array:
    x, y, z = place
    return np.array((x / 4.0 - 1.0, y / 4.0 - 1.0, z / 1.2 - 1.0))
