"""A simulated calibration: an empty room, then somebody who does what the prompts of a walk ask, late and not exactly.

Walking is that of captured gaits (`simulate.gait`); standing, raised arms and sitting are the same body with its limbs
turned, and never quite still.
"""

from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter1d

from calibration.script import script
from calibration.walk import Prompt, PromptPose, Walk, write_walk
from edge.arrays import Array
from edge.skeleton import EDGES, JOINTS, N_JOINTS, ROOT
from firmware_tools.simulate.gait import Gait, find_gaits, walk_along
from firmware_tools.simulate.motion import Clip, load_clips
from firmware_tools.simulate.nic import Nic
from firmware_tools.simulate.room import Room
from firmware_tools.simulate.scene import BODY_SCALE, Scene, record, send_times
from firmware_tools.simulate.session import write_session
from models.metrics import turned

EMPTY_S = 30.0  # nobody is there
LATE_S = (0.2, 0.7)  # from a prompt to its being followed
CHANGE_S = 0.3  # standard deviation of the time over which a posture is taken up
TURN_S = 0.25  # the same for the heading
CORNER_S = 0.2  # and for setting out and stopping
OFF_SPOT_M = 0.05  # standard deviation of where somebody stands around a spot, in x and in y
# Somebody who stands is never still: hips sway a centimetre, arms and head move a little more.
SWAY_M = 0.01
SWAY_S = 0.4  # standard deviation of the filter: most of it is below half a hertz
FIDGET = 0.06  # radians of each limb
HIPS_ON_CHAIR_M = 0.55  # a seat of 0.45 m and what is between it and the joint

# Where limbs point in each posture, facing along x with the left along y; what is not named stays as in standing.
TOWARDS: dict[PromptPose, dict[str, tuple[float, float, float]]] = {
    "arms-up": {
        "LElbow": (0.0, 0.2, 1.0), "LWrist": (0.0, 0.0, 1.0), "RElbow": (0.0, -0.2, 1.0), "RWrist": (0.0, 0.0, 1.0),
    },
    "arms-wide": {
        "LElbow": (0.0, 1.0, 0.0), "LWrist": (0.0, 1.0, 0.0), "RElbow": (0.0, -1.0, 0.0), "RWrist": (0.0, -1.0, 0.0),
    },
    "sit": {
        "LKnee": (1.0, 0.15, -0.1), "LAnkle": (0.0, 0.0, -1.0), "RKnee": (1.0, -0.15, -0.1), "RAnkle": (0.0, 0.0, -1.0),
    },
}  # fmt: skip


def simulate_guided(
    folder: Path, room: Room, motion: Path, seconds: float, packets_per_s: float, seed: int, empty_s: float = EMPTY_S,
    nics: tuple[Nic, Nic] | None = None,
) -> None:  # fmt: skip
    """Simulate and write the session of a calibration, with its `walk.yaml`. Same arguments, same bytes.

    seconds  of the guided walk, after empty_s with nobody in the room
    nics     the room's receivers; drawn if None
    """
    rng = np.random.default_rng(seed)
    room = room.for_session(rng)
    gait, scale = draw_person(load_clips(motion), rng)
    walk = guided_walk(room, seconds, height_of(gait, scale), empty_s)
    recorded = record(room, guided_scene(walk, gait, scale, rng, packets_per_s), rng, nics)
    folder.mkdir(parents=True, exist_ok=True)
    write_walk(folder, walk)
    write_session(folder, room, recorded, packets_per_s, empty_s, f"guided walk of {seconds:g} s, seed {seed}")


def guided_walk(room: Room, seconds: float, height_m: float, empty_s: float = EMPTY_S) -> Walk:
    """What `wimose calibrate` would ask for in this room."""
    return Walk(1, round(height_m, 2), script(room.geometry(), seconds, empty_s), (0.0, empty_s))


def draw_person(clips: list[Clip], rng: np.random.Generator) -> tuple[Gait, float]:
    """Somebody's gait, and how large they are beside the one who was captured."""
    gaits = find_gaits(clips + [clip.mirrored() for clip in clips])
    if not gaits:
        raise ValueError("no clip of somebody walking straight on among these")
    return gaits[rng.integers(len(gaits))], float(rng.uniform(*BODY_SCALE))


def height_of(gait: Gait, scale: float) -> float:
    """Metres, of somebody standing: the joint called Head lies 3 cm under the crown."""
    return scale * float(gait.poses(np.zeros(1), np.zeros(1))[0, JOINTS.index("Head"), 2]) + 0.03


def guided_scene(walk: Walk, gait: Gait, scale: float, rng: np.random.Generator, rate_hz: float) -> Scene:
    """The walk as somebody follows it, at every packet; nobody before its first prompt."""
    begin = round(walk.prompts[0].start_s * rate_hz)
    time_s = walk.prompts[0].start_s + np.arange(round((walk.prompts[-1].end_s) * rate_hz) - begin) / rate_hz
    starts = np.array([prompt.start_s for prompt in walk.prompts])
    late = np.minimum(rng.uniform(*LATE_S, starts.size), [0.5 * (p.end_s - p.start_s) for p in walk.prompts])
    late[0] = 0.0  # who steps into the room stands where the first prompt wants it
    doing = (np.searchsorted(starts + late, time_s, side="right") - 1).clip(0)

    root = gaussian_filter1d(
        _path(walk.prompts, starts + late, time_s, rng), CORNER_S * rate_hz, axis=0, mode="nearest"
    )
    facing = _facing(walk.prompts, rng)
    heading = gaussian_filter1d(facing[doing], TURN_S * rate_hz, mode="nearest")
    joints = walk_along(gait, root / scale, np.zeros(len(root)), rate_hz)
    joints[..., :2] -= root[:, None] / scale
    joints = scale * posed(joints, _shares(walk.prompts, doing, rate_hz), _fidget(len(root), rng, rate_hz), scale)
    joints = turned(joints, heading)
    joints[..., :2] += (root + _sway(len(root), rng, rate_hz))[:, None]
    return Scene(
        time_s=send_times(begin + len(joints), rate_hz, rng),
        joints=np.concatenate((np.zeros((begin, N_JOINTS, 3)), joints)),
        take=np.repeat([-1, 0], [begin, len(joints)]),
    )


def posed(joints: Array, shares: dict[PromptPose, Array], fidget: Array, scale: float) -> Array:
    """The same bodies with their limbs turned towards postures, as high above the floor as their lower foot was.

    joints   (N, 17, 3) metres, facing along x
    shares   of each posture of TOWARDS (N,) 0 to 1
    fidget   (N, 16, 3), added to the direction of each limb
    scale    what the body will be multiplied by: a chair does not grow with whoever sits on it
    """
    limbs = np.array(EDGES)
    lengths = np.linalg.norm(joints[:, limbs[:, 1]] - joints[:, limbs[:, 0]], axis=2)  # (N, 16)
    direction = (joints[:, limbs[:, 1]] - joints[:, limbs[:, 0]]) / lengths[..., None]
    for pose, share in shares.items():
        for limb, (_, child) in enumerate(EDGES):
            towards = TOWARDS[pose].get(JOINTS[child])
            if towards is not None:
                wanted = np.array(towards) / np.linalg.norm(towards)
                direction[:, limb] += share[:, None] * (wanted - direction[:, limb])
    direction = direction + fidget
    direction /= np.maximum(np.linalg.norm(direction, axis=2, keepdims=True), 1e-6)
    out = joints.copy()
    for limb, (parent, child) in enumerate(EDGES):
        out[:, child] = out[:, parent] + lengths[:, limb, None] * direction[:, limb]
    ankles = [JOINTS.index("LAnkle"), JOINTS.index("RAnkle")]
    out[..., 2] += (joints[:, ankles, 2].min(axis=1) - out[:, ankles, 2].min(axis=1))[:, None]
    sitting = shares["sit"]
    out[..., 2] += (sitting * (HIPS_ON_CHAIR_M / scale - out[:, ROOT, 2]))[:, None]
    return out


def _path(prompts: list[Prompt], begun_s: Array, time_s: Array, rng: np.random.Generator) -> Array:
    """(N, 2) metres: on each spot nearly, and at an even pace from one to the next."""
    at, places = [], []
    here = np.array(prompts[0].start_m) + rng.normal(0.0, OFF_SPOT_M, 2)
    for prompt, begun in zip(prompts, begun_s, strict=True):
        at.append(float(begun))
        places.append(here)
        if prompt.pose == "walk":
            here = np.array(prompt.end_m) + rng.normal(0.0, OFF_SPOT_M, 2)
            at.append(prompt.end_s + rng.uniform(0.0, 0.3))  # there, nearly in time
            places.append(here)
    order = np.maximum.accumulate(np.array(at))
    return np.stack([np.interp(time_s, order, np.array(places)[:, axis]) for axis in (0, 1)], axis=1)


def _facing(prompts: list[Prompt], rng: np.random.Generator) -> Array:
    """Radians of each prompt, unwrapped: as asked for, else the way that was walked; at first anyhow."""
    facing, now = [], rng.uniform(-np.pi, np.pi)
    for prompt in prompts:
        if prompt.facing_deg is not None:
            now = np.radians(prompt.facing_deg)
        elif prompt.pose == "walk":
            across, along = np.subtract(prompt.end_m, prompt.start_m)
            now = np.arctan2(along, across)
        facing.append(now)
    return np.unwrap(facing)


def _shares(prompts: list[Prompt], doing: Array, rate_hz: float) -> dict[PromptPose, Array]:
    """How far each posture of TOWARDS is taken up: (N,) 0 to 1."""
    asked = np.array([prompt.pose for prompt in prompts])[doing]
    return {
        pose: gaussian_filter1d((asked == pose).astype(np.float64), CHANGE_S * rate_hz, mode="nearest")
        for pose in TOWARDS
    }


def _sway(count: int, rng: np.random.Generator, rate_hz: float) -> Array:
    """(N, 2) metres."""
    return SWAY_M * _slow(rng.normal(size=(count, 2)), rate_hz)


def _fidget(count: int, rng: np.random.Generator, rate_hz: float) -> Array:
    """(N, 16, 3): of limbs beyond the hips, which carry the body."""
    moved = FIDGET * _slow(rng.normal(size=(count, len(EDGES), 3)), rate_hz)
    moved[:, [limb for limb, (parent, _) in enumerate(EDGES) if parent == ROOT]] = 0.0
    return np.asarray(moved)


def _slow(noise: Array, rate_hz: float) -> Array:
    """Of deviation 1, and as slow as somebody sways."""
    slow = gaussian_filter1d(noise, SWAY_S * rate_hz, axis=0, mode="nearest")
    return np.asarray(slow * np.sqrt(2 * np.sqrt(np.pi) * SWAY_S * rate_hz))
