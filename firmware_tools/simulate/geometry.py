"""What stands still in a room, as arrays: where every path begins and ends, and the channel while nobody is there."""

from typing import NamedTuple

import numpy as np

from edge.arrays import Array
from edge.parse.subcarriers import INDEX_20_MHZ, SPACING_HZ
from firmware_tools.simulate.paths import past_screen
from firmware_tools.simulate.room import SPEED_OF_LIGHT, Room

N_IMAGES = 7  # a point and its mirror images in the six walls
OUT_OF_REACH_M = 1e3  # where no path passes


class Geometry(NamedTuple):
    """A room for the channel's kernels. Every field is an array, so that rooms stack (JAX: vmap over them).

    A path by way of a wall is a straight line to the image behind it: it may cross a screen and, behind the wall, a
    screen's image. So there is a list of `screens` for every image: x and y of one end, of the other, lowest and
    highest z, and the amplitude that passes.
    """

    transmitters: Array  # (7, 3) m, the transmitter and its wall images
    antennas: Array  # (7, 6, 3) m, the antennas and their wall images
    amplitudes: Array  # (7,) what the wall leaves
    direct: Array  # (7, 6, 30) complex128, each transmitter image straight to each antenna
    clutter: Array  # (6, 30) complex128
    carrier_hz: Array  # ()
    screens: Array  # (7, 2 S, 7) float64


def geometry(room: Room) -> Geometry:
    transmitters, amplitudes = room.transmitter_images()
    direct, clutter = static_channel(room)
    return Geometry(
        transmitters, room.receiver_images(), amplitudes, direct, clutter, np.array(room.carrier_hz),
        screen_images(room),
    )  # fmt: skip


def static_channel(room: Room) -> tuple[Array, Array]:
    """What the empty room does.

    returns  each transmitter image straight to each antenna (7, 6, 30) complex128, and the clutter (6, 30) complex128
    """
    images, amplitudes = room.transmitter_images()
    antennas = room.antennas()
    frequency = room.carrier_hz + INDEX_20_MHZ * SPACING_HZ
    wavelength = SPEED_OF_LIGHT / room.carrier_hz
    distance = np.linalg.norm(images[:, None] - antennas[None], axis=2)
    direct = (amplitudes[:, None] * wavelength / (4 * np.pi * distance))[..., None] * np.exp(
        -2j * np.pi * frequency * distance[..., None] / SPEED_OF_LIGHT
    )

    rng = np.random.default_rng(room.seed)
    points = rng.uniform((0, 0, 0), room.size, (room.clutter_points, 3))
    length = (
        np.linalg.norm(points - room.transmitter, axis=1)[:, None]
        + np.linalg.norm(points[:, None] - antennas[None], axis=2)
        + SPEED_OF_LIGHT * rng.exponential(room.clutter_delay_s, room.clutter_points)[:, None]
    )  # (points, 6)
    excess = (length - distance[0]) / SPEED_OF_LIGHT
    strength = np.exp(-excess / (2 * room.clutter_delay_s)) * rng.rayleigh(size=(room.clutter_points, 1))
    rays = strength[..., None] * np.exp(-2j * np.pi * frequency * length[..., None] / SPEED_OF_LIGHT)
    clutter = rays.sum(axis=0)
    scale = np.empty((6, 1))
    for receiver in (slice(0, 3), slice(3, 6)):
        want = np.mean(np.abs(direct[0, receiver]) ** 2) / 10 ** (room.rician_k_db / 10)
        scale[receiver] = np.sqrt(want / np.mean(np.abs(clutter[receiver]) ** 2))
    if not room.screens:
        return direct, clutter * scale

    # A screen weakens what crosses it; the room's clutter stays as strong as it was over the free line of sight.
    screens = screen_images(room)
    transmitter = np.array(room.transmitter)
    for image in range(N_IMAGES):
        direct[image] *= past_screens(images[image], antennas, screens[image], wavelength)[:, None]
    passes = past_screens(transmitter, points, screens[0], wavelength)[:, None]
    passes = passes * past_screens(points[:, None], antennas, screens[0], wavelength)
    return direct, (passes[..., None] * rays).sum(axis=0) * scale


def screen_images(room: Room) -> Array:
    """(7, 2 S, 7) float64 by mirror image: the S screens and their image in the wall, as `Geometry` says.

    Nothing passes under a screen: below it lies the floor, and behind the floor its image joins on. Where there is no
    image (no wall; the floor, whose image is the same screen's lower half) its row lies out of reach.
    """
    ends = np.array([(*s.start, *s.end) for s in room.screens]).reshape(-1, 4)
    height = np.array([s.height for s in room.screens])
    passing = np.array([10 ** (-s.loss_db / 20) for s in room.screens])
    rows = np.empty((N_IMAGES, 2, len(ends), 7))
    rows[:, 0, :, :4], rows[:, 0, :, 4], rows[:, 0, :, 5] = ends, -OUT_OF_REACH_M, height
    rows[:, 1] = rows[:, 0]
    rows[0, 1, :, :4] += OUT_OF_REACH_M
    for wall in range(4):
        axis, at = wall // 2, (0.0, room.size[wall // 2])[wall % 2]
        rows[1 + wall, 1, :, axis:4:2] = 2 * at - ends[:, axis::2]
    rows[5, 0, :, 4] = -height
    rows[5, 1, :, :4] += OUT_OF_REACH_M
    rows[6, 1, :, 4], rows[6, 1, :, 5] = 2 * room.size[2] - height, OUT_OF_REACH_M
    rows[..., 6] = passing
    return rows.reshape(N_IMAGES, -1, 7)


def past_screens(source: Array, sink: Array, screens: Array, wavelength: float) -> Array:
    """Left of the paths from (..., 3) to (..., 3) past screens (S, 7): (...)."""
    left = np.ones(np.broadcast_shapes(source.shape, sink.shape)[:-1])
    for screen in screens:
        crossing = *np.moveaxis(source, -1, 0), *np.moveaxis(sink, -1, 0), *screen, wavelength
        left = left * past_screen(*crossing)
    return left
