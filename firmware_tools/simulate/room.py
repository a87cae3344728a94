"""A room and the three radios in it. Metres, origin in one corner on the floor, z up."""

from dataclasses import dataclass, replace

import numpy as np

from edge.arrays import Array
from edge.geometry import Geometry
from edge.signal.links import Links

SPEED_OF_LIGHT = 299_792_458.0  # m/s
# Of each screen, drawn once a session: plywood to a metal-backed partition at 5 GHz.
SCREEN_LOSS_DB = (8.0, 20.0)


@dataclass(frozen=True)
class Screen:
    """An upright screen that stands on the floor."""

    start: tuple[float, float]  # m, x and y of one end
    end: tuple[float, float]  # m, of the other
    height: float  # m
    loss_db: float  # of a path through it


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
    screens: tuple[Screen, ...] = ()

    def for_session(self, rng: np.random.Generator) -> "Room":
        """The room as one session finds it: every screen of another stuff. A room without screens is itself."""
        if not self.screens:
            return self
        screens = tuple(replace(screen, loss_db=rng.uniform(*SCREEN_LOSS_DB)) for screen in self.screens)
        return replace(self, screens=screens)

    def antennas(self) -> Array:
        """(6, 3) float64 metres: three antennas of receiver 1, then of receiver 2."""
        rows = []
        for centre, axis in zip(self.receivers, self.array_axes, strict=True):
            rows += [np.add(centre, np.multiply(axis, self.spacing * step)) for step in (-1, 0, 1)]
        return np.array(rows, np.float64)

    def geometry(self) -> Geometry:
        """As a tape measure tells it."""
        places = [(x, y, z) for x, y, z in self.antennas().round(4).tolist()]
        return Geometry(self.size, self.transmitter, (places[:3], places[3:]))

    def transmitter_images(self) -> tuple[Array, Array]:
        """The transmitter and its mirror images in the six walls (Allen and Berkley, 1979, first order).

        returns  (7, 3) float64 metres and (7,) float64 amplitudes
        """
        return self.mirrored(np.array(self.transmitter)), np.array([1.0] + [self.wall_reflection] * 6)

    def receiver_images(self) -> Array:
        """Each antenna and its mirror images in the same walls: (7, 6, 3) float64 metres."""
        return self.mirrored(self.antennas())

    def mirrored(self, points: Array) -> Array:
        """Points (..., 3) metres, and their images in the walls at x = 0, x = size, y = 0 and so on: (7, ..., 3)."""
        images = [points.astype(np.float64)]
        for axis in range(3):
            for wall in (0.0, self.size[axis]):
                image = images[0].copy()
                image[..., axis] = 2 * wall - image[..., axis]
                images.append(image)
        return np.array(images)


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

# The same with a screen across each link, from the wall to a little into the room. Where the paper's stood is unknown.
BASIC_NLOS = replace(
    BASIC,
    name="basic-nlos",
    screens=(
        Screen((3.5, 0.0), (3.5, 1.4), height=1.8, loss_db=14.0),
        Screen((0.0, 4.0), (1.4, 4.0), height=1.8, loss_db=14.0),
    ),
)

# The room of the WiVelo recordings (Li et al., WiVelo, IEEE SECON 2022): transmitter and two arrays on one line,
# antennas 0.2 m apart and numbered outwards, people walking in front. Published are x and y of the radios, the channel
# and the bandwidth; heights, walls and everything of the clutter are ours.
WIVELO = Room(
    name="wivelo",
    size=(8.0, 7.5, 3.0),
    transmitter=(4.0, 1.5, 1.2),
    receivers=((1.6, 1.5, 1.2), (6.4, 1.5, 1.2)),
    array_axes=((-1.0, 0.0, 0.0), (1.0, 0.0, 0.0)),
    spacing=0.2,
    carrier_hz=5.825e9,
    wall_reflection=0.45,
    clutter_points=40,
    clutter_delay_s=25e-9,
    rician_k_db=6.0,
    seed=22,
    links=(Links(reference=1, partner=2), Links(reference=1, partner=0)),
)

ROOMS = {room.name: room for room in (BASIC, BASIC_NLOS, WIVELO)}

# Rooms drawn at random: how many of each kind, and what keeps the kinds apart in the seed. Fresh ones
# (`fresh`) are as many as anybody can simulate, one for every session; the others are the benchmark's.
FRESH = "fresh"
DRAWN = {"train": (40, 1), "valid": (5, 2), "test": (5, 3), FRESH: (1 << 32, 4)}
CHANNELS_MHZ = (*range(5180, 5321, 20), *range(5500, 5701, 20), *range(5745, 5826, 20))  # of 20 MHz in the 5 GHz band


def drawn_names(kind: str) -> list[str]:
    """Of the drawn rooms of a kind, "train", "valid" or "test"; of no other kind any."""
    count = DRAWN[kind][0] if kind in DRAWN and kind != FRESH else 0
    return [f"{kind}-{number:0{len(str(count - 1))}d}" for number in range(count)]


def draw_room(name: str, rng: np.random.Generator) -> Room:
    """A room of the paper's layout: the transmitter near a corner, a link along each of the two walls that meet there.

    Which corner follows from turning the layout, which no model may depend on: it is always the origin. An array lies
    anyhow in the floor plane; which antennas are kept is fixed.
    """
    width, depth, height = rng.uniform(4.0, 8.0), rng.uniform(4.0, 8.0), rng.uniform(2.4, 3.0)
    corner = rng.uniform(0.3, 1.0, 2).tolist()  # m, the transmitter's clearance from either wall
    far = (np.array((width, depth)) - rng.uniform(0.3, 1.0, 2)).tolist()  # m, the receivers along their walls
    clearance = rng.uniform(0.3, 1.0, 2).tolist()  # m, of the receivers from those walls
    heights = rng.uniform(0.8, 1.6, 3).tolist()
    axes = [(float(np.cos(turn)), float(np.sin(turn)), 0.0) for turn in rng.uniform(0.0, np.pi, 2)]
    return Room(
        name=name,
        size=(width, depth, height),
        transmitter=(corner[0], corner[1], heights[0]),
        receivers=((far[0], clearance[0], heights[1]), (clearance[1], far[1], heights[2])),
        array_axes=(axes[0], axes[1]),
        spacing=rng.uniform(0.026, 0.08),
        carrier_hz=float(rng.choice(CHANNELS_MHZ)) * 1e6,
        wall_reflection=rng.uniform(0.3, 0.6),
        clutter_points=int(rng.integers(20, 61)),
        clutter_delay_s=rng.uniform(15e-9, 40e-9),
        rician_k_db=rng.uniform(3.0, 10.0),
        seed=int(rng.integers(1 << 31)),
        links=(Links(reference=0, partner=2), Links(reference=2, partner=0)),
    )
