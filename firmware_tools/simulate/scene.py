"""A person's takes in a room, one after another, and what two receivers record of them."""

from dataclasses import dataclass, field

import numpy as np

from edge.arrays import Array
from edge.skeleton import N_JOINTS, ROOT
from firmware_tools.simulate.augment import augmented
from firmware_tools.simulate.channel import channel, empty_channel
from firmware_tools.simulate.encode import encode_log
from firmware_tools.simulate.motion import Clip
from firmware_tools.simulate.nic import Nic, draw_nic, receive
from firmware_tools.simulate.room import Room, Screen
from models.metrics import heading, turned

MARGIN_M = 0.8  # nobody walks through walls or antennas
MAX_TAKE_S = 15.0
SENDER_JITTER_S = 0.3e-3
SPEED = (0.8, 1.25)  # of a take over its motion capture; slower or faster yet, it looks acted
BODY_SCALE = (0.9, 1.1)  # of a take's whole body: adults of 1.55 to 1.9 m around the captured 1.72 m
SCREEN_CLEARANCE_M = 0.35  # of the hips: nobody walks through a screen


@dataclass(frozen=True, eq=False)
class Scene:
    """Where the person is at every packet sent."""

    time_s: Array  # (N,) float64, when each packet is sent
    joints: Array  # (N, 17, 3) float64 metres, room frame; zeros while nobody is in the room
    take: Array  # (N,) int64, number of the take, -1 while nobody is in the room; the person jumps from one to the next
    # (N,) int64, number of the clip played, in the list it was drawn from, -1 while nobody is in the room; (0,) if the
    # motion comes from no clip.
    clip: Array = field(default_factory=lambda: np.zeros(0, np.int64))


@dataclass(frozen=True, eq=False)
class SimulatedLogs:
    """What was recorded, and the truth on the session's clock."""

    logs: tuple[bytes, bytes]
    time_s: Array  # (N,) float64, seconds on receiver 1's clock from its first packet
    joints: Array  # (N, 17, 3) float32 metres, room frame
    take: Array  # (N,) int64
    clip: Array  # (N,) or (0,) int64


def draw_scene(
    room: Room, clips: list[Clip], weights: Array, seconds: float, rng: np.random.Generator, rate_hz: float,
    empty_s: float = 0.0, speed: tuple[float, float] = SPEED, body_scale: tuple[float, float] = BODY_SCALE,
    any_spot: bool = True, any_heading: bool = True, augment: bool = False,
) -> Scene:  # fmt: skip
    """Fill `seconds` with clips drawn by weight, each mirrored or not, at a random place and heading.

    empty_s                of the seconds, at the beginning, with nobody in the room
    speed, body_scale      bounds of what a take's speed and its person's size are multiplied by, drawn for every take
    any_spot, any_heading  see `place`
    augment                whether a take may be acted otherwise than it was captured, see `augment`
    """
    takes: list[Array] = []
    played = []
    have = empty_s
    while have < seconds:
        number = int(rng.choice(len(clips), p=weights))
        clip = clips[number].mirrored() if rng.uniform() < 0.5 else clips[number]
        if augment:
            clip = augmented(clip, clips, rng)
        pace = rng.uniform(*speed)
        length = min(clip.seconds / pace, MAX_TAKE_S, seconds - have)
        start = rng.uniform(0.0, max(clip.seconds - length * pace, 0.0))
        times = start + pace * np.arange(max(int(length * rate_hz), 1)) / rate_hz
        joints = place(room, rng.uniform(*body_scale) * clip.at(times), rng, any_spot, any_heading)
        if joints is not None:
            takes.append(joints)
            played.append(number)
            have += len(joints) / rate_hz
    return _one_after_another(takes, played, rng, rate_hz, empty_s)


def single_take(
    room: Room, clip: Clip, seconds: float, rng: np.random.Generator, rate_hz: float, empty_s: float = 0.0
) -> Scene:
    """One clip from its beginning, as it was captured, placed so that it fits; `empty_s` as in `draw_scene`."""
    joints = None
    while joints is None:
        joints = place(room, clip.at(np.arange(int(min(seconds - empty_s, clip.seconds) * rate_hz)) / rate_hz), rng)
    return _one_after_another([joints], [0], rng, rate_hz, empty_s)


def _one_after_another(
    takes: list[Array], played: list[int], rng: np.random.Generator, rate_hz: float, empty_s: float
) -> Scene:
    """Nobody for a while, then takes (N, 17, 3) of the clips numbered `played`."""
    takes = [np.zeros((round(empty_s * rate_hz), N_JOINTS, 3)), *takes]
    lengths = [len(joints) for joints in takes]
    return Scene(
        time_s=send_times(sum(lengths), rate_hz, rng),
        joints=np.concatenate(takes),
        take=np.repeat(np.arange(-1, len(takes) - 1), lengths),
        clip=np.repeat([-1, *played], lengths),
    )


def place(
    room: Room, joints: Array, rng: np.random.Generator, any_spot: bool = True, any_heading: bool = True
) -> Array | None:
    """Turn and move a take (N, 17, 3) to a random place that keeps its hips in the room and off the screens.

    any_spot     else the middle of what its hips cover comes to the middle of the room
    any_heading  else its mean heading is along x
    returns      the take there, or None if it does not fit
    """
    turn = rng.uniform(-np.pi, np.pi) if any_heading else -np.angle(np.exp(1j * heading(joints)).mean())
    joints = turned(joints, turn)
    low, high = joints[:, ROOT, :2].min(axis=0), joints[:, ROOT, :2].max(axis=0)
    free = np.array(room.size[:2]) - 2 * MARGIN_M - (high - low)
    if (free < 0).any():
        return None
    shift = MARGIN_M - low + (rng.uniform(size=2) if any_spot else 0.5) * free
    joints = np.asarray(joints + np.append(shift, 0.0))
    hips = joints[:, ROOT, :2]
    if any((_distance(hips, screen) < SCREEN_CLEARANCE_M).any() for screen in room.screens):
        return None
    return joints


def _distance(points: Array, screen: Screen) -> Array:
    """From points (N, 2) to a screen, in the floor plane: (N,) metres."""
    start, span = np.array(screen.start), np.subtract(screen.end, screen.start)
    along = ((points - start) @ span / (span @ span)).clip(0.0, 1.0)
    return np.asarray(np.linalg.norm(points - start - along[:, None] * span, axis=1))


def send_times(count: int, rate_hz: float, rng: np.random.Generator) -> Array:
    """A sender that means to be regular; (N,) seconds, increasing."""
    times = np.arange(count) / rate_hz + rng.normal(0.0, SENDER_JITTER_S, count).clip(-0.4 / rate_hz, 0.4 / rate_hz)
    return np.asarray(times - times[0])


def record(room: Room, scene: Scene, rng: np.random.Generator, nics: tuple[Nic, Nic] | None = None) -> SimulatedLogs:
    """What both receivers log of a scene; they are drawn unless given."""
    present = scene.take >= 0
    response = np.tile(empty_channel(room), (len(present), 1, 1))
    response[present] = channel(room, scene.joints[present])
    logs = []
    clock = scene.time_s
    for r in range(2):
        one = nics[r] if nics else draw_nic(rng)
        records, first = receive(response[:, 3 * r : 3 * r + 3], scene.time_s, one, rng)
        logs.append(encode_log(records))
        if r == 0:
            clock = (scene.time_s - scene.time_s[first]) * (1 + one.clock_ppm * 1e-6)
    return SimulatedLogs((logs[0], logs[1]), clock, scene.joints.astype(np.float32), scene.take, scene.clip)
