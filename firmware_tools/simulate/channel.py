"""The channel of a room with a person in it, on a CPU: `physics.response`, a block of packets at a time.

The two agree to rounding. Here one phase is advanced from subcarrier to subcarrier for every path and receiver, and the
innermost loops run over the packets of a block, so that the compiler makes vector instructions of them.
"""

import numpy as np
from numba import njit

from edge.arrays import Array
from edge.parse.subcarriers import INDEX_20_MHZ, SPACING_HZ
from firmware_tools.simulate import paths
from firmware_tools.simulate.geometry import N_IMAGES, geometry, static_channel
from firmware_tools.simulate.physics import (
    CROSS_SECTION_GAIN,
    HEAD,
    LIMB_JOINTS,
    LIMB_RADII,
    MID_HIP,
    N_TRUNK_LIMBS,
    NECK,
    TINY_M,
    response,
)
from firmware_tools.simulate.room import SPEED_OF_LIGHT, Room

__all__ = ["CROSS_SECTION_GAIN", "channel", "channel_plain", "empty_channel", "static_channel"]

# All in float64: float32 would be a fifth faster, but its rounding flips counts of a record from one CPU to another.
LANES = 64  # packets of a block: long enough for the innermost loops to pay, short enough for the cache
N_SUB = INDEX_20_MHZ.size
N_LIMBS = len(LIMB_JOINTS)
PER_INDEX_M = SPACING_HZ / SPEED_OF_LIGHT  # turns a metre from one subcarrier index to the next
# From one subcarrier to the next the index rises by two, but by one around the carrier and at the upper end.
SINGLE = np.append(np.diff(INDEX_20_MHZ) == 1, False)
# Taylor coefficients of sin(x) / x and cos(x) in x^2: over half a turn, |x| < pi / 2, they are good to 1e-11.
S = (1.0, -1 / 6, 1 / 120, -1 / 5040, 1 / 362880, -1 / 39916800, 1 / 6227020800, -1 / 1307674368000)
C = (1.0, -1 / 2, 1 / 24, -1 / 720, 1 / 40320, -1 / 3628800, 1 / 479001600, -1 / 87178291200, 1 / 20922789888000)


def channel(room: Room, joints: Array, gain: float = CROSS_SECTION_GAIN) -> Array:
    """The channel at every packet.

    room     geometry; joints (N, 17, 3) float64 metres in the room's frame, at the packets' times
    gain     cross-section over that of bare spheroids
    returns  (N, 6, 30) complex128, amplitude relative to the transmitted one
    """
    fixed = geometry(room)
    out = np.empty((len(joints), 6, N_SUB), np.complex128)
    _channel(
        np.ascontiguousarray(joints, np.float64), fixed.transmitters, fixed.antennas, fixed.amplitudes,
        np.ascontiguousarray(fixed.direct.real), np.ascontiguousarray(fixed.direct.imag), fixed.clutter,
        room.carrier_hz, fixed.screens, gain, out,
    )  # fmt: skip
    return out


def channel_plain(room: Room, joints: Array, gain: float = CROSS_SECTION_GAIN) -> Array:
    """The same as `channel`, in plain NumPy."""
    return response(np, geometry(room), joints, gain)


def empty_channel(room: Room) -> Array:
    """The channel while nobody is in the room: (6, 30) complex128."""
    direct, clutter = static_channel(room)
    return np.asarray(direct.sum(axis=0) + clutter)


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _channel(
    joints: Array, transmitters: Array, antennas: Array, amplitudes: Array, direct_re: Array, direct_im: Array,
    clutter: Array, carrier: float, screens: Array, gain: float, out: Array,
) -> None:  # fmt: skip
    per_m = carrier / SPEED_OF_LIGHT  # turns of the carrier
    pose = np.empty((17, 3, LANES))
    total_re, total_im = np.empty((6, N_SUB, LANES)), np.empty((6, N_SUB, LANES))
    arriving_re, arriving_im = np.empty((N_SUB, LANES)), np.empty((N_SUB, LANES))
    leaving_re, leaving_im = np.empty((3, N_SUB, LANES)), np.empty((3, N_SUB, LANES))
    limb = np.empty((14, LANES))  # of the limb at hand, rows as `_trunk` and `_limb` say
    strength, distance, seen = np.empty(LANES), np.empty(LANES), np.empty(LANES)
    path_re, path_im = np.empty((N_SUB, LANES)), np.empty((N_SUB, LANES))
    one, two = np.empty((2, LANES)), np.empty((2, LANES))
    steer = np.empty((2, LANES))
    for begin in range(0, len(joints), LANES):
        count = min(LANES, len(joints) - begin)
        for lane in range(LANES):
            pose[:, :, lane] = joints[begin + min(lane, count - 1)]
        total_re[:] = 0.0
        total_im[:] = 0.0
        for image in range(N_IMAGES):
            for antenna in range(6):
                seen[:] = 1.0
                _trunk_leaves(seen, pose, transmitters[image], antennas[0, antenna], per_m)
                if image > 0:
                    _trunk_leaves(seen, pose, transmitters[0], antennas[image, antenna], per_m)
                _add_static(
                    total_re[antenna], total_im[antenna], direct_re[image, antenna], direct_im[image, antenna], seen
                )
        _trunk(limb, pose)
        for number in range(N_LIMBS):
            shadowed = number >= N_TRUNK_LIMBS
            _limb(limb, pose, LIMB_JOINTS[number, 0], LIMB_JOINTS[number, 1], gain * LIMB_RADII[number], per_m)
            arriving_re[:] = 0.0
            arriving_im[:] = 0.0
            for image in range(N_IMAGES):
                _leg(strength, distance, limb, transmitters[image], amplitudes[image], screens[image], shadowed, per_m)
                strength *= limb[13]
                _path(path_re, path_im, one, two, strength, distance, per_m)
                _add(arriving_re, arriving_im, path_re, path_im)
            for receiver in range(2):
                leaving_re[:] = 0.0
                leaving_im[:] = 0.0
                for image in range(N_IMAGES):
                    near = antennas[image, 3 * receiver : 3 * receiver + 3]
                    _leg(strength, distance, limb, near[1], amplitudes[image], screens[image], shadowed, per_m)
                    _path(path_re, path_im, one, two, strength, distance, per_m)
                    _add(leaving_re[1], leaving_im[1], path_re, path_im)
                    for antenna in (0, 2):
                        _steer(steer, distance, limb, near[antenna], per_m)
                        _add_steered(leaving_re[antenna], leaving_im[antenna], path_re, path_im, steer)
                for antenna in range(3):
                    _add_product(
                        total_re[3 * receiver + antenna], total_im[3 * receiver + antenna],
                        arriving_re, arriving_im, leaving_re[antenna], leaving_im[antenna],
                    )  # fmt: skip
        for lane in range(count):
            for antenna in range(6):
                for k in range(N_SUB):
                    re, im = total_re[antenna, k, lane], total_im[antenna, k, lane]
                    out[begin + lane, antenna, k] = clutter[antenna, k] + complex(re, im)


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _trunk_leaves(seen: Array, pose: Array, source: Array, sink: Array, per_m: float) -> None:
    """Multiply by what the trunk leaves of one leg of a static path."""
    ax, ay, az, bx, by, bz = source[0], source[1], source[2], sink[0], sink[1], sink[2]
    hip, head = pose[MID_HIP], pose[HEAD, 2]
    for n in range(LANES):
        top = paths.larger(hip[2, n], head[n])
        seen[n] *= paths.past_trunk(ax, ay, az, bx, by, bz, hip[0, n], hip[1, n], top, 1.0 / per_m)


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _add_static(sink_re: Array, sink_im: Array, re: Array, im: Array, seen: Array) -> None:
    for k in range(N_SUB):
        for n in range(LANES):
            sink_re[k, n] += seen[n] * re[k]
        for n in range(LANES):
            sink_im[k, n] += seen[n] * im[k]


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _trunk(limb: Array, pose: Array) -> None:
    """Rows 9 to 11: the trunk's direction; 12: half its length."""
    for n in range(LANES):
        x = pose[NECK, 0, n] - pose[MID_HIP, 0, n]
        y = pose[NECK, 1, n] - pose[MID_HIP, 1, n]
        z = pose[NECK, 2, n] - pose[MID_HIP, 2, n]
        length = np.sqrt(x * x + y * y + z * z) + TINY_M
        limb[9, n], limb[10, n], limb[11, n], limb[12, n] = x / length, y / length, z / length, length / 2


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _limb(limb: Array, pose: Array, first: int, second: int, radius: float, per_m: float) -> None:
    """Rows 0 to 2: the limb's middle; 3 to 5: its direction; 6 to 8: from the trunk's middle to it; 13: its echo."""
    a, b = pose[first], pose[second]
    for n in range(LANES):
        x, y, z = b[0, n] - a[0, n], b[1, n] - a[1, n], b[2, n] - a[2, n]
        length = np.sqrt(x * x + y * y + z * z) + TINY_M
        limb[3, n], limb[4, n], limb[5, n] = x / length, y / length, z / length
        limb[13, n] = np.sqrt(np.pi * radius * length) / (per_m * (4 * np.pi) ** 1.5)
    for axis in range(3):
        for n in range(LANES):
            limb[axis, n] = (a[axis, n] + b[axis, n]) / 2
            limb[6 + axis, n] = limb[axis, n] - (pose[MID_HIP, axis, n] + pose[NECK, axis, n]) / 2


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _leg(
    strength: Array, distance: Array, limb: Array, point: Array, wall: float, screens: Array, shadowed: bool,
    per_m: float,
) -> None:  # fmt: skip
    """Amplitude and distance of the way between the limb and a point."""
    px, py, pz = point[0], point[1], point[2]
    wavelength = 1.0 / per_m
    for n in range(LANES):
        x, y, z = px - limb[0, n], py - limb[1, n], pz - limb[2, n]
        d = np.sqrt(x * x + y * y + z * z)
        x, y, z = x / d, y / d, z / d
        left = wall / d * paths.pattern(x, y, z, limb[3, n], limb[4, n], limb[5, n])
        if shadowed:
            left *= paths.past_torso(
                limb[6, n], limb[7, n], limb[8, n], x, y, z, d,
                limb[9, n], limb[10, n], limb[11, n], limb[12, n], wavelength,
            )  # fmt: skip
        strength[n] = left
        distance[n] = d
    for screen in screens:
        p, q, r, s, low, high, passing = screen
        for n in range(LANES):
            strength[n] *= paths.past_screen(
                limb[0, n], limb[1, n], limb[2, n], px, py, pz, p, q, r, s, low, high, passing, wavelength
            )


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _path(re: Array, im: Array, one: Array, two: Array, strength: Array, distance: Array, per_m: float) -> None:
    """One path over all subcarriers; its phase advances by one or two subcarrier indices at a time."""
    for n in range(LANES):
        cos, sin = _turn(distance[n] * (per_m - 28 * PER_INDEX_M))
        re[0, n], im[0, n] = strength[n] * cos, strength[n] * sin
        cos, sin = _turn(distance[n] * PER_INDEX_M)
        one[0, n], one[1, n] = cos, sin
        two[0, n], two[1, n] = cos * cos - sin * sin, 2 * cos * sin
    for k in range(N_SUB - 1):
        turn = one if SINGLE[k] else two
        for n in range(LANES):
            re[k + 1, n] = re[k, n] * turn[0, n] - im[k, n] * turn[1, n]
        for n in range(LANES):
            im[k + 1, n] = re[k, n] * turn[1, n] + im[k, n] * turn[0, n]


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _steer(steer: Array, distance: Array, limb: Array, antenna: Array, per_m: float) -> None:
    """What the way to an antenna does to the carrier more than that to the middle one."""
    px, py, pz = antenna[0], antenna[1], antenna[2]
    for n in range(LANES):
        x, y, z = px - limb[0, n], py - limb[1, n], pz - limb[2, n]
        d = np.sqrt(x * x + y * y + z * z)
        cos, sin = _turn((d - distance[n]) * per_m)
        steer[0, n], steer[1, n] = distance[n] / d * cos, distance[n] / d * sin


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _turn(turns: float) -> tuple[float, float]:
    """exp(-2 pi j turns): cosine and sine by their series over half the angle, which vectorise."""
    x = np.pi * (turns - np.floor(turns + 0.5))
    y = x * x
    sin = x * (S[0] + y * (S[1] + y * (S[2] + y * (S[3] + y * (S[4] + y * (S[5] + y * (S[6] + y * S[7])))))))
    cos = C[0] + y * (C[1] + y * (C[2] + y * (C[3] + y * (C[4] + y * (C[5] + y * (C[6] + y * (C[7] + y * C[8])))))))
    return 1.0 - 2.0 * sin * sin, -2.0 * sin * cos


# The loops below fill one array each: with two the compiler would not see that they do not overlap.


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _add(sink_re: Array, sink_im: Array, re: Array, im: Array) -> None:
    for k in range(N_SUB):
        for n in range(LANES):
            sink_re[k, n] += re[k, n]
        for n in range(LANES):
            sink_im[k, n] += im[k, n]


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _add_steered(sink_re: Array, sink_im: Array, re: Array, im: Array, steer: Array) -> None:
    for k in range(N_SUB):
        for n in range(LANES):
            sink_re[k, n] += re[k, n] * steer[0, n] - im[k, n] * steer[1, n]
        for n in range(LANES):
            sink_im[k, n] += re[k, n] * steer[1, n] + im[k, n] * steer[0, n]


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _add_product(sink_re: Array, sink_im: Array, a_re: Array, a_im: Array, b_re: Array, b_im: Array) -> None:
    for k in range(N_SUB):
        for n in range(LANES):
            sink_re[k, n] += a_re[k, n] * b_re[k, n] - a_im[k, n] * b_im[k, n]
        for n in range(LANES):
            sink_im[k, n] += a_re[k, n] * b_im[k, n] + a_im[k, n] * b_re[k, n]
