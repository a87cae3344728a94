"""The radio channel of a room with a person in it.

Sum over paths as in Eq. 1 of the paper. Static: line of sight, first-order wall images, diffuse clutter (points with an
exponential delay profile). Dynamic: every limb scatters what reaches it, from the transmitter and its six wall images,
to every antenna: the bistatic radar equation (Skolnik, Radar Handbook, ch. 25) with the broadside cross-section of a
thin spheroid and the sine of the angle to the limb's axis as its pattern each way. The trunk blocks the line of sight
and wall paths by single knife-edge diffraction (ITU-R P.526-15, Eq. 31).

Not modelled yet: limbs shadowing limbs, walls between body and receiver, polarisation, people's clothing in detail.
"""

import numpy as np
from numba import njit

from edge.arrays import Array
from edge.parse.subcarriers import INDEX_20_MHZ, SPACING_HZ
from edge.skeleton import JOINTS
from firmware_tools.simulate.room import SPEED_OF_LIGHT, Room

# (joint, joint, radius in m): the limbs that scatter. Radii after Winter, Biomechanics of Human Movement, rounded.
LIMBS = tuple(
    (JOINTS.index(a), JOINTS.index(b), radius)
    for a, b, radius in (
        ("MidHip", "Back", 0.15), ("Back", "Neck", 0.16), ("Neck", "Head", 0.09), ("LHip", "RHip", 0.13),
        ("LHip", "LKnee", 0.08), ("LKnee", "LAnkle", 0.055), ("RHip", "RKnee", 0.08), ("RKnee", "RAnkle", 0.055),
        ("LShoulder", "RShoulder", 0.10), ("LShoulder", "LElbow", 0.05), ("LElbow", "LWrist", 0.04),
        ("RShoulder", "RElbow", 0.05), ("RElbow", "RWrist", 0.04),
    )
)  # fmt: skip
LIMB_JOINTS = np.array([limb[:2] for limb in LIMBS])
LIMB_RADII = np.array([limb[2] for limb in LIMBS])

TRUNK_RADIUS = 0.18  # m, of the cylinder that blocks
# The echo of a real body lies above that of bare spheroids: measured deviations of walking need a cross-section raised
# 1 to 6 times (clothing, edges, facets).
CROSS_SECTION_GAIN = 4.0


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
    clutter = (strength[..., None] * np.exp(-2j * np.pi * frequency * length[..., None] / SPEED_OF_LIGHT)).sum(axis=0)
    for receiver in (slice(0, 3), slice(3, 6)):
        want = np.mean(np.abs(direct[0, receiver]) ** 2) / 10 ** (room.rician_k_db / 10)
        clutter[receiver] *= np.sqrt(want / np.mean(np.abs(clutter[receiver]) ** 2))
    return direct, clutter


def channel(room: Room, joints: Array, gain: float = CROSS_SECTION_GAIN) -> Array:
    """The channel at every packet.

    room     geometry; joints (N, 17, 3) float64 metres in the room's frame, at the packets' times
    gain     cross-section over that of bare spheroids
    returns  (N, 6, 30) complex128, amplitude relative to the transmitted one
    """
    images, amplitudes = room.transmitter_images()
    direct, clutter = static_channel(room)
    out = np.empty((len(joints), 6, INDEX_20_MHZ.size), np.complex128)
    steps = np.diff(INDEX_20_MHZ) == 1
    _channel(
        np.ascontiguousarray(joints, np.float64), images, amplitudes, room.antennas(), LIMB_JOINTS, LIMB_RADII,
        direct, clutter, room.carrier_hz, steps, gain, out,
    )  # fmt: skip
    return out


@njit(cache=True, nogil=True, fastmath=True)
def _channel(
    joints: Array, images: Array, amplitudes: Array, antennas: Array, limbs: Array,
    radii: Array, direct: Array, clutter: Array, carrier: float, single: Array, gain: float,
    out: Array,
) -> None:  # fmt: skip
    n_limbs, n_images, n_antennas, n_sub = len(limbs), len(images), len(antennas), out.shape[2]
    wavelength = SPEED_OF_LIGHT / carrier
    first = 2 * np.pi * (carrier - 28 * SPACING_HZ) / SPEED_OF_LIGHT  # rad/m at subcarrier -28
    step = 2 * np.pi * SPACING_HZ / SPEED_OF_LIGHT  # rad/m from one subcarrier index to the next
    arriving = np.empty(n_sub, np.complex128)
    for n in range(len(joints)):
        for antenna in range(n_antennas):
            for k in range(n_sub):
                out[n, antenna, k] = clutter[antenna, k]
            for image in range(n_images):
                seen = _past_trunk(images[image], antennas[antenna], joints[n, 0], joints[n, 10], wavelength)
                for k in range(n_sub):
                    out[n, antenna, k] += seen * direct[image, antenna, k]
        for limb in range(n_limbs):
            a = joints[n, limbs[limb, 0]]
            b = joints[n, limbs[limb, 1]]
            middle = (a + b) / 2
            axis = b - a
            length = np.sqrt((axis * axis).sum()) + 1e-6
            axis = axis / length
            section = gain * np.pi * radii[limb] * length  # m^2, broadside
            scatter = wavelength / (4 * np.pi) ** 1.5 * np.sqrt(section)
            arriving[:] = 0.0
            for image in range(n_images):
                way = middle - images[image]
                distance = np.sqrt((way * way).sum())
                strength = amplitudes[image] * _pattern(way, distance, axis) / distance
                _add_path(arriving, strength, first, step, distance, single)
            for antenna in range(n_antennas):
                way = antennas[antenna] - middle
                distance = np.sqrt((way * way).sum())
                strength = scatter * _pattern(way, distance, axis) / distance
                phase = first * distance
                value = strength * (np.cos(phase) - 1j * np.sin(phase))
                one = np.cos(step * distance) - 1j * np.sin(step * distance)
                two = one * one
                for k in range(n_sub):
                    out[n, antenna, k] += arriving[k] * value
                    if k + 1 < n_sub:
                        value *= one if single[k] else two


@njit(cache=True, nogil=True, fastmath=True)
def _add_path(sink: Array, strength: float, first: float, step: float, distance: float, single: Array) -> None:
    """Add one path over all subcarriers; the phase advances by one or two subcarrier indices at a time."""
    phase = first * distance
    value = strength * (np.cos(phase) - 1j * np.sin(phase))
    one = np.cos(step * distance) - 1j * np.sin(step * distance)
    two = one * one
    for k in range(sink.size):
        sink[k] += value
        if k + 1 < sink.size:
            value *= one if single[k] else two


@njit(cache=True, nogil=True, fastmath=True)
def _pattern(way: Array, distance: float, axis: Array) -> float:
    """How much a limb scatters along `way`: the sine of the angle to its axis, and a little end-on."""
    along = (way[0] * axis[0] + way[1] * axis[1] + way[2] * axis[2]) / distance
    return float(np.sqrt(max(1.0 - along * along, 0.0)) * 0.9 + 0.1)


@njit(cache=True, nogil=True, fastmath=True)
def _past_trunk(source: Array, sink: Array, hip: Array, head: Array, wavelength: float) -> float:
    """Amplitude left of a straight path that the trunk stands near: knife edge, ITU-R P.526-15 Eq. 31."""
    dx = sink[0] - source[0]
    dy = sink[1] - source[1]
    flat = dx * dx + dy * dy + 1e-12
    along = ((hip[0] - source[0]) * dx + (hip[1] - source[1]) * dy) / flat
    if along <= 0.02 or along >= 0.98:
        return 1.0
    if source[2] + along * (sink[2] - source[2]) > max(head[2], hip[2]):
        return 1.0
    cx = source[0] + along * dx - hip[0]
    cy = source[1] + along * dy - hip[1]
    clearance = np.sqrt(cx * cx + cy * cy)
    path = np.sqrt(flat + (sink[2] - source[2]) ** 2)
    d1 = along * path
    d2 = path - d1
    v = (TRUNK_RADIUS - clearance) * np.sqrt(2 * (d1 + d2) / (wavelength * d1 * d2))
    if v <= -0.78:
        return 1.0
    loss_db = 6.9 + 20 * np.log10(np.sqrt((v - 0.1) ** 2 + 1) + v - 0.1)
    return float(10 ** (-loss_db / 20))


def channel_plain(room: Room, joints: Array, gain: float = CROSS_SECTION_GAIN) -> Array:
    """The same as `channel`, path by path in plain NumPy."""
    images, amplitudes = room.transmitter_images()
    direct, clutter = static_channel(room)
    antennas = room.antennas()
    wavelength = SPEED_OF_LIGHT / room.carrier_hz
    wavenumber = 2 * np.pi * (room.carrier_hz + INDEX_20_MHZ * SPACING_HZ) / SPEED_OF_LIGHT
    out = np.empty((len(joints), 6, INDEX_20_MHZ.size), np.complex128)
    for n, pose in enumerate(joints):
        seen = [[_past_trunk.py_func(i, a, pose[0], pose[10], wavelength) for a in antennas] for i in images]
        out[n] = clutter + (np.array(seen)[..., None] * direct).sum(axis=0)
        for (a, b), radius in zip(LIMB_JOINTS, LIMB_RADII, strict=True):
            middle, span = (pose[a] + pose[b]) / 2, pose[b] - pose[a]
            length = np.linalg.norm(span) + 1e-6
            strength = wavelength / (4 * np.pi) ** 1.5 * np.sqrt(gain * np.pi * radius * length)
            arriving = sum(
                amplitude * _leg(middle - image, span / length, wavenumber)
                for image, amplitude in zip(images, amplitudes, strict=True)
            )
            for antenna, position in enumerate(antennas):
                out[n, antenna] += strength * arriving * _leg(position - middle, span / length, wavenumber)
    return out


def _leg(way: Array, axis: Array, wavenumber: Array) -> Array:
    distance = np.linalg.norm(way)
    pattern = 0.9 * np.linalg.norm(np.cross(way / distance, axis)) + 0.1
    return np.asarray(pattern / distance * np.exp(-1j * wavenumber * distance))
