"""A person's takes in a room, one after another, and what two receivers record of them."""

from dataclasses import dataclass

import numpy as np

from edge.arrays import Array
from edge.skeleton import ROOT
from firmware_tools.simulate.channel import channel
from firmware_tools.simulate.encode import encode_log
from firmware_tools.simulate.motion import Clip
from firmware_tools.simulate.nic import draw_nic, receive
from firmware_tools.simulate.room import Room
from models.metrics import turned

MARGIN_M = 0.8  # nobody walks through walls or antennas
MAX_TAKE_S = 15.0
SENDER_JITTER_S = 0.3e-3


@dataclass(frozen=True, eq=False)
class Scene:
    """Where the person is at every packet sent."""

    time_s: Array  # (N,) float64, when each packet is sent
    joints: Array  # (N, 17, 3) float64 metres, room frame
    take: Array  # (N,) int64, number of the take; the person jumps from one to the next


@dataclass(frozen=True, eq=False)
class SimulatedLogs:
    """What was recorded, and the truth on the session's clock."""

    logs: tuple[bytes, bytes]
    time_s: Array  # (N,) float64, seconds on receiver 1's clock from its first packet
    joints: Array  # (N, 17, 3) float32 metres, room frame
    take: Array  # (N,) int64


def draw_scene(
    room: Room, clips: list[Clip], weights: Array, seconds: float, rng: np.random.Generator, rate_hz: float
) -> Scene:
    """Fill `seconds` with clips drawn by weight, each mirrored or not, at a random place and heading."""
    takes = []
    have = 0.0
    while have < seconds:
        clip = clips[rng.choice(len(clips), p=weights)]
        if rng.uniform() < 0.5:
            clip = clip.mirrored()
        length = min(clip.seconds, MAX_TAKE_S, seconds - have)
        start = rng.uniform(0.0, clip.seconds - length)
        times = start + np.arange(max(int(length * rate_hz), 1)) / rate_hz
        joints = place(room, clip.at(times), rng)
        if joints is not None:
            takes.append(joints)
            have += len(joints) / rate_hz
    return Scene(
        time_s=_send_times(sum(map(len, takes)), rate_hz, rng),
        joints=np.concatenate(takes),
        take=np.repeat(np.arange(len(takes)), [len(joints) for joints in takes]),
    )


def single_take(room: Room, clip: Clip, seconds: float, rng: np.random.Generator, rate_hz: float) -> Scene:
    """One clip from its beginning, placed so that it fits the room."""
    joints = None
    while joints is None:
        joints = place(room, clip.at(np.arange(int(min(seconds, clip.seconds) * rate_hz)) / rate_hz), rng)
    return Scene(_send_times(len(joints), rate_hz, rng), joints, np.zeros(len(joints), np.int64))


def place(room: Room, joints: Array, rng: np.random.Generator) -> Array | None:
    """Turn and move a take (N, 17, 3) to a random place that keeps its hips in the room; None if it does not fit."""
    joints = turned(joints, rng.uniform(-np.pi, np.pi))
    low, high = joints[:, ROOT, :2].min(axis=0), joints[:, ROOT, :2].max(axis=0)
    free = np.array(room.size[:2]) - 2 * MARGIN_M - (high - low)
    if (free < 0).any():
        return None
    shift = MARGIN_M - low + rng.uniform(size=2) * free
    return np.asarray(joints + np.append(shift, 0.0))


def _send_times(count: int, rate_hz: float, rng: np.random.Generator) -> Array:
    """A sender that means to be regular; (N,) seconds, increasing."""
    times = np.arange(count) / rate_hz + rng.normal(0.0, SENDER_JITTER_S, count).clip(-0.4 / rate_hz, 0.4 / rate_hz)
    return np.asarray(times - times[0])


def record(room: Room, scene: Scene, rng: np.random.Generator) -> SimulatedLogs:
    """What both receivers log of a scene."""
    response = channel(room, scene.joints)
    logs = []
    clock = scene.time_s
    for r in range(2):
        nic = draw_nic(rng)
        records, first = receive(response[:, 3 * r : 3 * r + 3], scene.time_s, nic, rng)
        logs.append(encode_log(records))
        if r == 0:
            clock = (scene.time_s - scene.time_s[first]) * (1 + nic.clock_ppm * 1e-6)
    return SimulatedLogs((logs[0], logs[1]), clock, scene.joints.astype(np.float32), scene.take)
