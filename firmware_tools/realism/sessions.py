"""Simulated recordings of one activity each, to be measured as the real ones are."""

from collections.abc import Iterator

import numpy as np

from edge.arrays import Array
from edge.errors import ConfigError
from edge.parse.intel5300 import parse_log
from edge.skeleton import JOINTS, N_JOINTS, ROOT
from firmware_tools.realism.reference import WALKING_FROM_S, Take
from firmware_tools.realism.statistics import ACTIVITIES, EMPTY, STILL, WALKING, WAVING
from firmware_tools.realism.stretch import stretch_of
from firmware_tools.simulate.channel import channel
from firmware_tools.simulate.encode import encode_log
from firmware_tools.simulate.gait import Gait, find_gaits, walk_along
from firmware_tools.simulate.motion import Clip
from firmware_tools.simulate.nic import draw_nic, receive
from firmware_tools.simulate.room import WIVELO, Room
from firmware_tools.simulate.scene import MARGIN_M, send_times, single_take
from firmware_tools.simulate.wivelo import AREA, draw_path, to_room

# Clips by label. A still person is one frame of a clip in which somebody stands or sits; walks come from `gait`.
WAVING_LABELS = ("rotateArmsBothBackward1Reps", "wash self", "grabHighR", "throwBasketball")
STANDING_LABELS, SITTING_LABELS = ("grabHighR", "throwBasketball"), ("walking, sitting, looking, stand up",)
# As csi/wivelo for walking, so that the Doppler spectrum has the same noise; as csi/csi-data for the rest.
PACKETS_PER_S = {EMPTY: 100.0, STILL: 100.0, WAVING: 100.0, WALKING: 1000.0}

SWAY_M, SWAY_HZ = 0.005, (0.1, 0.6)  # rms at the hips, of quiet standing (Winter, Gait and Posture 3, 1995)
BREATH_M, BREATH_HZ = 0.004, 0.25  # of the chest, forward; normal breathing moves it 4 to 12 mm from end to end
FAR_M = 1e6  # where the person of an empty room is


def simulate_takes(
    rooms: list[Room], clips: list[Clip], sessions: int, seconds: float, rng: np.random.Generator
) -> Iterator[Take]:
    """Record `sessions` of up to `seconds` of every activity, room after room, each with receivers of its own.

    returns  two takes a session, one of each receiver
    """
    still, waving = labelled(clips, STANDING_LABELS + SITTING_LABELS), labelled(clips, WAVING_LABELS)
    gaits = find_gaits(clips)
    if not (still and waving and gaits):
        raise ConfigError(f"the motion must hold straight walks and clips labelled {', '.join(WAVING_LABELS)}")
    for activity in ACTIVITIES:
        rate_hz = PACKETS_PER_S[activity]
        for number in range(sessions):
            room = rooms[number % len(rooms)].for_session(rng)
            if activity == WALKING:
                joints = _walk(room, gaits[rng.integers(len(gaits))], seconds, rng, rate_hz)
            elif activity == EMPTY:
                joints = np.full((int(seconds * rate_hz), N_JOINTS, 3), FAR_M)
            else:
                clip = _still(still, seconds, rng) if activity == STILL else _waved(waving, seconds, rng)
                joints = single_take(room, clip, seconds, rng, rate_hz).joints
            response = channel(room, joints, 0.0) if activity == EMPTY else channel(room, joints)
            time_s = send_times(len(joints), rate_hz, rng)
            for r in range(2):
                records, _ = receive(response[:, 3 * r : 3 * r + 3], time_s, draw_nic(rng), rng)
                log = parse_log(encode_log(records))
                yield Take("simulated", f"{activity} {number}, receiver {r + 1}", activity, stretch_of(log))


def labelled(clips: list[Clip], labels: tuple[str, ...]) -> list[Clip]:
    return [clip for clip in clips if clip.label in labels]


def _walk(room: Room, gait: Gait, seconds: float, rng: np.random.Generator, rate_hz: float) -> Array:
    """A walk as in csi/wivelo, which the Doppler spectra come from, cut as those are: without the standing before it.

    returns  (N, 17, 3) float64 metres, up to `seconds`; in another room laid around its middle and made to fit
    """
    root, heading = draw_path(rng, rate_hz)
    if room.name == WIVELO.name:
        root = to_room(root)
    else:
        low, high = np.array(AREA)
        size = np.array(room.size[:2])
        root = (root - (low + high) / 2) * min(float(((size - 2 * MARGIN_M) / (high - low)).min()), 1.0) + size / 2
    kept = slice(int(WALKING_FROM_S * rate_hz), int((WALKING_FROM_S + seconds) * rate_hz))
    return walk_along(gait, root[kept], heading[kept], rate_hz)


def _waved(clips: list[Clip], seconds: float, rng: np.random.Generator) -> Clip:
    return _there_and_back(clips[rng.integers(len(clips))], seconds)


def _still(clips: list[Clip], seconds: float, rng: np.random.Generator) -> Clip:
    clip = clips[rng.integers(len(clips))]
    # Sitting is where the hips are lowest; clips of standing people begin with it.
    frame = int(clip.joints[:, ROOT, 2].argmin()) if clip.label in SITTING_LABELS else 0
    return _stilled(clip, frame, seconds, rng)


def _there_and_back(clip: Clip, seconds: float) -> Clip:
    """A clip played forward and backward until `seconds` are full; arms that turn one way turn the other."""
    both = np.concatenate((clip.joints, clip.joints[-2:0:-1]))
    frames = int(seconds * clip.frames_per_s) + 2
    joints = both[np.arange(frames) % len(both)]
    return Clip(clip.person, clip.group, clip.name, clip.label, joints, clip.frames_per_s)


def _stilled(clip: Clip, frame: int, seconds: float, rng: np.random.Generator) -> Clip:
    """One frame held: it sways about the feet and breathes."""
    time_s = np.arange(int(seconds * clip.frames_per_s) + 2) / clip.frames_per_s
    pose = clip.joints[frame].astype(np.float64)
    hertz = rng.uniform(*SWAY_HZ, (4, 2))
    waves = np.sin(2 * np.pi * (time_s[:, None, None] * hertz + rng.uniform(size=(4, 2))))
    sway = SWAY_M * waves.sum(axis=1) / np.sqrt(2)  # four sines of amplitude 1 have an rms of sqrt(2)
    joints = np.repeat(pose[None], time_s.size, axis=0)
    joints[..., :2] += sway[:, None] * (pose[:, 2] / max(float(pose[ROOT, 2]), 0.3))[:, None]
    forward = pose[JOINTS.index("Nose"), :2] - pose[JOINTS.index("Head"), :2]
    forward /= np.linalg.norm(forward) + 1e-9
    breath = BREATH_M * np.sin(2 * np.pi * (BREATH_HZ * time_s + rng.uniform()))
    joints[:, JOINTS.index("Back"), :2] += breath[:, None] * forward
    return Clip(clip.person, clip.group, clip.name, clip.label, joints.astype(np.float32), clip.frames_per_s)
