"""People walking as in the WiVelo recordings (Li et al., WiVelo, IEEE SECON 2022; `csi/wivelo`).

The recordings' own frame has the transmitter at (0, 0), both arrays on the x axis and people at y > 0. Published are
x and y of transmitter and antennas and the waypoints walked, not the heights, the room or its walls: those of
`room.WIVELO` are ours.
"""

import numpy as np
from scipy.ndimage import gaussian_filter1d

from edge.arrays import Array
from firmware_tools.simulate.gait import Gait, find_gaits, walk_along
from firmware_tools.simulate.motion import Clip
from firmware_tools.simulate.room import WIVELO, Room
from firmware_tools.simulate.scene import Scene, send_times

ORIGIN = WIVELO.transmitter[:2]  # m, the recordings' (0, 0) in the room's frame
# The tracks' x -1.8 to 1.8 and y 1.2 to 4.2, and 0.3 m around: a model must have seen both sides of a track.
AREA = ((-2.1, 0.9), (2.1, 4.5))  # m, recordings' frame

SPEED = (0.4, 1.2)  # m/s; the recorded walks went at 0.5 to 0.8
STAND_S = (0.5, 1.5)
MAX_LEGS = 5
LEG_M = (1.0, 3.6)
MAX_TURN = np.radians(135)
MAX_TRIES = 1000  # whoever has walked straight into a corner of the area stays there
RAMP_S = 0.5  # from standing to walking
CORNER_S = 0.2  # standard deviation of the time over which a corner is rounded
TURN_S = 0.25  # the same for the heading


def to_room(xy: Array) -> Array:
    """Recordings' frame to room frame, (..., 2) metres."""
    return np.asarray(xy + np.array(ORIGIN))


def from_room(xy: Array) -> Array:
    """Room frame to recordings' frame, (..., 2) metres."""
    return np.asarray(xy - np.array(ORIGIN))


def walk_scene(room: Room, clips: list[Clip], seconds: float, rng: np.random.Generator, rate_hz: float) -> Scene:
    """Fill `seconds` with walks along random polylines, one take each.

    clips  motion to take the gait from; of people walking straight on, see `gait.find_gaits`
    """
    gaits = _gaits(room, clips)
    total = round(seconds * rate_hz)
    takes: list[Array] = []
    while (have := sum(map(len, takes))) < total:
        takes.append(_walk(gaits, rng, rate_hz)[: total - have])
    take = np.repeat(np.arange(len(takes)), [len(joints) for joints in takes])
    return Scene(send_times(total, rate_hz, rng), np.concatenate(takes), take)


def single_walk(room: Room, clips: list[Clip], rng: np.random.Generator, rate_hz: float) -> Scene:
    """One walk, from standing to standing, as each recording holds; clips as in `walk_scene`."""
    joints = _walk(_gaits(room, clips), rng, rate_hz)
    return Scene(send_times(len(joints), rate_hz, rng), joints, np.zeros(len(joints), np.int64))


def _gaits(room: Room, clips: list[Clip]) -> list[Gait]:
    if room.name != WIVELO.name:
        raise ValueError(f"walks are laid out for room {WIVELO.name!r}, not {room.name!r}")
    gaits = find_gaits(clips + [clip.mirrored() for clip in clips])
    if not gaits:
        raise ValueError("no clip of somebody walking straight on among these")
    return gaits


def _walk(gaits: list[Gait], rng: np.random.Generator, rate_hz: float) -> Array:
    root, heading = draw_path(rng, rate_hz)
    return walk_along(gaits[rng.integers(len(gaits))], to_room(root), heading, rate_hz)


def draw_path(rng: np.random.Generator, rate_hz: float) -> tuple[Array, Array]:
    """Stand, walk a polyline, stand.

    returns  root (N, 2) float64 metres, recordings' frame, and heading (N,) float64 radians
    """
    return path_along(draw_polyline(rng), rng.uniform(*SPEED), rng.uniform(*STAND_S, 2), rate_hz)


def path_along(corners: Array, speed: float, stand_s: Array, rate_hz: float) -> tuple[Array, Array]:
    """Stand for stand_s[0], walk the corners (K, 2) at a speed in m/s, stand for stand_s[1]; as `draw_path`."""
    legs = np.diff(corners, axis=0)
    length = np.linalg.norm(legs, axis=1)
    at_corner = np.concatenate(([0.0], np.cumsum(length)))
    walking = at_corner[-1] / speed
    time_s = np.arange(round((stand_s.sum() + walking + RAMP_S) * rate_hz)) / rate_hz - stand_s[0]
    # Speed rises and falls in straight lines over RAMP_S: its integral, metres walked.
    ramp = min(RAMP_S, walking)
    walked = np.interp(time_s, [0.0, ramp, walking, walking + ramp], [0.0, 1.0, 1.0, 0.0]) * speed
    walked = (np.cumsum(walked) / rate_hz).clip(max=at_corner[-1])
    root = np.stack([np.interp(walked, at_corner, corners[:, axis]) for axis in (0, 1)], axis=1)
    leg = (np.searchsorted(at_corner, walked, side="right") - 1).clip(0, len(legs) - 1)
    heading = np.unwrap(np.arctan2(legs[:, 1], legs[:, 0]))[leg]
    return (
        gaussian_filter1d(root, CORNER_S * rate_hz, axis=0, mode="nearest"),
        gaussian_filter1d(heading, TURN_S * rate_hz, mode="nearest"),
    )


def draw_polyline(rng: np.random.Generator) -> Array:
    """One to MAX_LEGS straight legs inside AREA; (K, 2) float64 metres, recordings' frame."""
    low, high = np.array(AREA)
    corners = [rng.uniform(low, high)]
    wanted = 1 + int(rng.integers(1, MAX_LEGS + 1))
    heading, turn = 0.0, np.pi  # the first leg may go anywhere
    for _ in range(MAX_TRIES):
        towards = heading + rng.uniform(-turn, turn)
        end = corners[-1] + rng.uniform(*LEG_M) * np.array([np.cos(towards), np.sin(towards)])
        if (end >= low).all() and (end <= high).all():
            corners.append(end)
            heading, turn = towards, MAX_TURN
            if len(corners) == wanted:
                break
    return np.array(corners)
