"""The channel of a room with a person in it, over arrays: NumPy's or, with `xp=jax.numpy`, JAX's (jit, vmap).

This is the plain statement of the physics; `channel` computes the same, faster on a CPU. Sum over paths as in Eq. 1 of
the paper. Static: line of sight, first-order wall images, diffuse clutter (see `geometry`). Dynamic: every limb
scatters what reaches it, from the transmitter and by way of its six walls, to every antenna, straight and by way of the
six walls: the bistatic radar equation (Skolnik, Radar Handbook, ch. 25) with the broadside cross-section of a thin
spheroid and the sine of the angle to the limb's axis as its pattern each way. The trunk weakens what passes it on the
way to and from arms and legs, the line of sight, and every static wall path before and after the wall; screens weaken
what crosses them (see `paths`).

Approximation: the way from a limb to an antenna has its own spreading loss and its own phase at the carrier, but shares
with the receiver's middle antenna its angle, its shadows and its slope over the subcarriers. Measured against
exact paths in the basic room, that is 0.3 to 0.5 % of the echo (rms) at a spacing of 2.6 cm, 0.8 to 1.8 % at 8 cm and
2 to 4 % at 20 cm: less than the receivers' residual noise on the whole channel.

Not modelled: second-order walls, limbs other than the trunk shadowing limbs, polarisation, clothing in detail.
"""

from typing import Any

import numpy as np

from edge.arrays import Array
from edge.parse.subcarriers import INDEX_20_MHZ, SPACING_HZ
from edge.skeleton import JOINTS
from firmware_tools.simulate import paths
from firmware_tools.simulate.geometry import Geometry
from firmware_tools.simulate.room import SPEED_OF_LIGHT

# (joint, joint, radius in m): the limbs that scatter. Radii after Winter, Biomechanics of Human Movement, rounded. Arms
# and legs come last: the trunk shadows them.
LIMBS = tuple(
    (JOINTS.index(a), JOINTS.index(b), radius)
    for a, b, radius in (
        ("MidHip", "Back", 0.15), ("Back", "Neck", 0.16), ("Neck", "Head", 0.09), ("LHip", "RHip", 0.13),
        ("LShoulder", "RShoulder", 0.10),
        ("LHip", "LKnee", 0.08), ("LKnee", "LAnkle", 0.055), ("RHip", "RKnee", 0.08), ("RKnee", "RAnkle", 0.055),
        ("LShoulder", "LElbow", 0.05), ("LElbow", "LWrist", 0.04),
        ("RShoulder", "RElbow", 0.05), ("RElbow", "RWrist", 0.04),
    )
)  # fmt: skip
LIMB_JOINTS = np.array([limb[:2] for limb in LIMBS])
LIMB_RADII = np.array([limb[2] for limb in LIMBS])
N_TRUNK_LIMBS = 5
MID_HIP, NECK, HEAD = (JOINTS.index(name) for name in ("MidHip", "Neck", "Head"))

# The echo of a real body lies above that of bare spheroids: measured deviations of walking need a cross-section raised
# 1 to 6 times (clothing, edges, facets).
CROSS_SECTION_GAIN = 4.0
TINY_M = 1e-6  # added to a limb's length: a limb of no length scatters nothing


def response(xp: Any, room: Geometry, joints: Array, gain: float = CROSS_SECTION_GAIN) -> Array:
    """The channel at every packet.

    xp       numpy or jax.numpy; room  its geometry
    joints   (N, 17, 3) metres in the room's frame, at the packets' times
    gain     cross-section over that of bare spheroids
    returns  (N, 6, 30) complex, amplitude relative to the transmitted one
    """
    return static_paths(xp, room, joints) + echoes(xp, room, joints, gain)


def static_paths(xp: Any, room: Geometry, joints: Array) -> Array:
    """What does not touch the person, weakened where the trunk stands near it: (N, 6, 30)."""
    wavelength = SPEED_OF_LIGHT / room.carrier_hz
    hip, head = joints[:, MID_HIP], joints[:, HEAD]
    trunk = hip[:, 0, None, None], hip[:, 1, None, None], paths.larger(hip[:, 2], head[:, 2])[:, None, None]
    # A path by way of a wall, unfolded at it: after the wall on the line from the transmitter's image to the antenna,
    # before it on that from the transmitter to the antenna's image. The trunk is in the room, so it meets each once.
    last = paths.past_trunk(*_xyz(room.transmitters[:, None]), *_xyz(room.antennas[:1]), *trunk, wavelength)
    first = paths.past_trunk(*_xyz(room.transmitters[:1, None]), *_xyz(room.antennas[1:]), *trunk, wavelength)
    seen = xp.concatenate((last[:, :1], last[:, 1:] * first), axis=1)  # (N, 7, 6)
    channel: Array = xp.einsum("nia,iak->nak", seen, room.direct) + room.clutter
    return channel


def echoes(xp: Any, room: Geometry, joints: Array, gain: float) -> Array:
    """What the limbs scatter: (N, 6, 30)."""
    wavelength = SPEED_OF_LIGHT / room.carrier_hz
    middle = (joints[:, LIMB_JOINTS[:, 0]] + joints[:, LIMB_JOINTS[:, 1]]) / 2  # (N, limb, 3)
    axis = joints[:, LIMB_JOINTS[:, 1]] - joints[:, LIMB_JOINTS[:, 0]]
    length = xp.sqrt((axis * axis).sum(axis=-1)) + TINY_M
    limbs = middle, axis / length[..., None], _trunk(xp, joints)
    section = gain * np.pi * LIMB_RADII * length  # m^2, broadside
    scatter = wavelength / (4 * np.pi) ** 1.5 * xp.sqrt(section)

    arriving, distance = _legs(xp, *limbs, room.transmitters, room, room.amplitudes)  # (N, limb, image)
    arriving = xp.einsum("nli,nlik->nlk", arriving * _turns(xp, distance / wavelength), _delays(xp, distance))

    total = []
    for receiver in (slice(0, 3), slice(3, 6)):
        antennas = room.antennas[:, receiver]  # (image, antenna, 3)
        leaving, distance = _legs(xp, *limbs, antennas[:, 1], room, room.amplitudes)
        way = antennas - middle[:, :, None, None]
        each = xp.sqrt((way * way).sum(axis=-1))  # (N, limb, image, antenna)
        steering = (leaving * distance)[..., None] / each * _turns(xp, each / wavelength)
        leaving = xp.einsum("nlia,nlik->nlak", steering, _delays(xp, distance))
        total.append(xp.einsum("nl,nlk,nlak->nak", scatter, arriving, leaving))
    channel: Array = xp.concatenate(total, axis=1)
    return channel


def _legs(
    xp: Any, middle: Array, axis: Array, trunk: tuple[Array, Array, Array], images: Array, room: Geometry, wall: Array
) -> tuple[Array, Array]:
    """The way between every limb and every image (7, 3) of a point: amplitude and distance in m, (N, limb, 7) each."""
    wavelength = SPEED_OF_LIGHT / room.carrier_hz
    way = images - middle[:, :, None]
    distance = xp.sqrt((way * way).sum(axis=-1))
    way = _xyz(way / distance[..., None])
    strength = wall / distance * paths.pattern(*way, *_xyz(axis[:, :, None]))
    centre, along, half = trunk
    from_trunk = _xyz((middle - centre[:, None])[:, :, None])
    shadow = paths.past_torso(
        *from_trunk, *way, distance, *_xyz(along[:, None, None]), half[:, None, None], wavelength
    )  # fmt: skip
    shadow = xp.concatenate((xp.ones_like(shadow[:, :N_TRUNK_LIMBS]), shadow[:, N_TRUNK_LIMBS:]), axis=1)
    for screen in range(room.screens.shape[1]):
        screens = (room.screens[:, screen, field] for field in range(7))
        crossing = *_xyz(middle[:, :, None]), *_xyz(images), *screens, wavelength
        shadow = shadow * paths.past_screen(*crossing)
    return strength * shadow, distance


def _trunk(xp: Any, joints: Array) -> tuple[Array, Array, Array]:
    """Middle (N, 3), direction (N, 3) and half length (N,) of the line from hip to neck."""
    axis = joints[:, NECK] - joints[:, MID_HIP]
    length = xp.sqrt((axis * axis).sum(axis=-1)) + TINY_M
    return (joints[:, NECK] + joints[:, MID_HIP]) / 2, axis / length[:, None], length / 2


def _delays(xp: Any, distance: Array) -> Array:
    """What a way (...) in m does to the subcarriers, less what it does to the carrier: (..., 30) complex."""
    return _turns(xp, distance[..., None] * (INDEX_20_MHZ * (SPACING_HZ / SPEED_OF_LIGHT)))


def _turns(xp: Any, turns: Array) -> Array:
    turned: Array = xp.exp(-2j * np.pi * turns)
    return turned


def _xyz(points: Array) -> tuple[Array, Array, Array]:
    return points[..., 0], points[..., 1], points[..., 2]
