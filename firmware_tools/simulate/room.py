"""A room and the three radios in it. Metres, origin in one corner on the floor, z up."""

from dataclasses import dataclass

import numpy as np

from edge.arrays import Array
from edge.signal.links import Links

SPEED_OF_LIGHT = 299_792_458.0  # m/s


@dataclass(frozen=True)
class Room:
    """Geometry and channel of one installation."""

    name: str
    size: tuple[float, float, float]  # m
    transmitter: tuple[float, float, float]  # m
    receivers: tuple[tuple[float, float, float], tuple[float, float, float]]  # m, middle antenna of each array
    array_axes: tuple[tuple[float, float, float], tuple[float, float, float]]  # direction of each array
    spacing: float  # m between antennas
    carrier_hz: float
    wall_reflection: float  # amplitude, 0..1
    clutter_points: int
    clutter_delay_s: float  # of the exponential delay profile
    rician_k_db: float  # line of sight over clutter
    seed: int  # of the clutter
    links: tuple[Links, Links]  # antennas kept for this room, chosen by select_links over ten minutes

    def antennas(self) -> Array:
        """(6, 3) float64 metres: three antennas of receiver 1, then of receiver 2."""
        rows = []
        for centre, axis in zip(self.receivers, self.array_axes, strict=True):
            rows += [np.add(centre, np.multiply(axis, self.spacing * step)) for step in (-1, 0, 1)]
        return np.array(rows, np.float64)

    def transmitter_images(self) -> tuple[Array, Array]:
        """The transmitter and its mirror images in the six walls (Allen and Berkley, 1979, first order).

        returns  (7, 3) float64 metres and (7,) float64 amplitudes
        """
        images = [np.array(self.transmitter)]
        for axis in range(3):
            for wall in (0.0, self.size[axis]):
                image = np.array(self.transmitter)
                image[axis] = 2 * wall - image[axis]
                images.append(image)
        return np.array(images), np.array([1.0] + [self.wall_reflection] * 6)


# The paper's basement: 7 m x 8 m, two links at a right angle, the transmitter where they meet, three antennas each,
# 20 MHz in the 5 GHz band. Heights, spacing and the corner's clearance are ours, the paper does not give them.
BASIC = Room(
    name="basic",
    size=(7.0, 8.0, 2.8),
    transmitter=(0.6, 0.6, 1.2),
    receivers=((6.4, 0.6, 1.2), (0.6, 7.4, 1.2)),
    array_axes=((0.0, 1.0, 0.0), (1.0, 0.0, 0.0)),
    spacing=0.026,
    carrier_hz=5.825e9,
    wall_reflection=0.45,
    clutter_points=40,
    clutter_delay_s=25e-9,
    rician_k_db=6.0,
    seed=20,
    links=(Links(reference=0, partner=2), Links(reference=2, partner=0)),
)

ROOMS = {room.name: room for room in (BASIC,)}
