"""A person of the motion capture before a camera that is not there: landmarks as MediaPipe would see them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

from calibration.landmarks import N_LANDMARKS, Landmarks
from calibration.walk import Prompt, Walk
from edge.arrays import Array
from edge.session import Truth
from edge.skeleton import JOINTS

FPS = 30.0
ASPECT = 4 / 3
HOLD_S = 4.0
PLACES_M = ((-1.2, -1.0), (1.1, -0.8), (1.3, 1.1), (-1.0, 1.2), (0.0, 0.1))  # where the clip is carried to


@dataclass(frozen=True, eq=False)
class Scene:
    """What really was."""

    time_s: Array  # (T,) session's clock
    joints: Array  # (T, 17, 3) metres, room frame
    walk: Walk
    marks: Landmarks
    channel: tuple[Array, Array]
    focal: float
    camera_m: Array


@dataclass(frozen=True)
class Flaws:
    """What a real camera, pose model and channel add."""

    lag_s: float = 1.234  # session time less video time
    drift_ppm: float = 0.0
    noise_m: float = 0.015  # of world landmarks, twice as much in depth, slowly changing
    image: float = 0.003  # shares of the picture
    scale: float = 1.08  # of the true body to the pose model's
    hidden: tuple[tuple[int, float, float], ...] = ()  # landmark, from, to in video seconds
    mirrored: bool = False
    level_noise: float = 0.02


def scene(data: Path, subject: str, clip: str, flaws: Flaws, holds: int = 5, seed: int = 1, times: int = 1) -> Scene:
    """A clip, stopped for HOLD_S at `holds` places, which are the marked spots.

    times  forward, then backward, and so on
    No clip of the motion capture covers enough of a floor, so it is carried from place to place while it goes on.
    """
    rng = np.random.default_rng(seed)
    joints = np.load(data / "mocap17" / f"{subject}.npz")[f"clip_{clip}"].astype(np.float64)
    joints = np.concatenate([joints[:: 1 - 2 * (n % 2)] for n in range(times)])
    joints[..., :2] += np.array((3.0, 4.0)) - joints[:, 0, :2].mean(axis=0)
    stops = _stops(joints, holds)
    joints[..., :2] += _carried(len(joints), stops)[:, None]
    frames, prompts = _with_holds(len(joints), stops)
    joints = joints[frames]
    points = landmarks_of_joints(joints)
    height = float(np.quantile(joints[:, JOINTS.index("Head"), 2], 0.9))
    walk = Walk(1, height, [_prompt(points, start) for start in prompts])
    time_s = np.arange(len(joints)) / FPS
    video_s = (time_s - flaws.lag_s) / (1 + flaws.drift_ppm * 1e-6)
    focal, camera_m = 0.8, np.array([3.4, -0.4, 1.7])
    turn = _looking(camera_m, np.array([3.0, 4.0, 0.95]))
    marks = _seen(points, video_s, turn, camera_m, focal, flaws, rng)
    return Scene(time_s, joints, walk, marks, _level(time_s, joints, flaws.level_noise, rng), focal, camera_m)


def landmarks_on(truth: Truth, from_s: float, flaws: Flaws, seed: int = 1) -> Landmarks:
    """A film of a session's truth from a time on, from beside the room, so far off that the floor is all seen."""
    time_s = np.arange(from_s, truth.time_s[-1] - 0.1, 1 / FPS)
    flat = truth.joints.reshape(len(truth.joints), -1)
    joints = np.stack([np.interp(time_s, truth.time_s, column) for column in flat.T], axis=1).reshape(
        -1, len(JOINTS), 3
    )
    camera_m = np.array([3.6, -3.2, 1.8])
    turn = _looking(camera_m, np.array([3.5, 4.0, 0.9]))
    points = landmarks_of_joints(joints)
    return _seen(points, time_s - flaws.lag_s, turn, camera_m, 0.62, flaws, np.random.default_rng(seed))


def landmarks_of_joints(joints: Array) -> Array:
    """(T, 17, 3) room frame to (T, 33, 3); faces and feet as anatomy has them, not as the mapping does."""
    at = {name: joints[:, i] for i, name in enumerate(JOINTS)}
    left = _unit(at["LShoulder"] - at["RShoulder"])
    up = _unit(at["Head"] - at["Neck"])
    front = _unit(np.cross(left, up))
    points = np.empty((len(joints), N_LANDMARKS, 3))
    points[:, 0] = at["Nose"]
    ears = at["Head"] - 0.13 * up
    for side, sign, first in (("L", 1.0, 0), ("R", -1.0, 1)):
        points[:, [1, 2, 3] if first == 0 else [4, 5, 6]] = (
            at["Nose"] - 0.02 * front + 0.035 * up + sign * 0.03 * left
        )[:, None]
        points[:, 7 + first] = ears + sign * 0.075 * left
        points[:, 9 + first] = at["Nose"] - 0.05 * up + sign * 0.02 * left
        for landmark, name in zip((11, 13, 15, 23, 25, 27), ("Shoulder", "Elbow", "Wrist", "Hip", "Knee", "Ankle"),
                                  strict=True):  # fmt: skip
            points[:, landmark + first] = at[side + name]
        points[:, [17 + first, 19 + first, 21 + first]] = at[side + "Wrist"][:, None]
        ankle = at[side + "Ankle"]
        hips = at["LHip"] - at["RHip"]
        ahead = _unit(np.cross(hips, (0.0, 0.0, 1.0)))
        sole = np.quantile(ankle[:, 2], 0.05) - 0.02
        points[:, 29 + first] = ankle - 0.05 * ahead - (0, 0, sole)
        points[:, 31 + first] = ankle + 0.15 * ahead - (0, 0, sole)
    return points


def _stops(joints: Array, holds: int) -> list[int]:
    """The frame of each part of the clip in which the feet are closest together."""
    ankles = joints[:, (JOINTS.index("LAnkle"), JOINTS.index("RAnkle"))]
    apart = np.linalg.norm(ankles[:, 0] - ankles[:, 1], axis=1) + 3 * np.ptp(ankles[..., 2], axis=1)
    lean = np.linalg.norm(joints[:, JOINTS.index("Neck"), :2] - ankles.mean(axis=1)[:, :2], axis=1)
    parts = np.array_split(np.arange(30, len(joints) - 30), holds)
    return [int(part[(apart + lean)[part].argmin()]) for part in parts]


def _carried(length: int, stops: list[int]) -> Array:
    """(T, 2) metres."""
    places = np.array(PLACES_M)[np.arange(len(stops)) % len(PLACES_M)]
    return np.stack([np.interp(np.arange(length), stops, places[:, axis]) for axis in range(2)], axis=1)


def _with_holds(length: int, stops: list[int]) -> tuple[Array, list[float]]:
    """Frames with repeats, and when each stop begins, seconds."""
    frames: list[int] = []
    prompts = []
    for frame in range(length):
        frames.append(frame)
        if frame in stops:
            prompts.append(len(frames) / FPS)
            frames += [frame] * round(HOLD_S * FPS)
    return np.array(frames), prompts


def _prompt(points: Array, start_s: float) -> Prompt:
    spot = points[round((start_s + 1) * FPS), 29:33, :2].mean(axis=0)
    place = (float(spot[0]), float(spot[1]))
    return Prompt(start_s, start_s + HOLD_S, "stand", place, place)


def _seen(
    points: Array, video_s: Array, turn: Rotation, camera_m: Array, focal: float, flaws: Flaws, rng: np.random.Generator
) -> Landmarks:  # fmt: skip
    inner = turn.inv().as_matrix()
    camera = (points - camera_m) @ inner.T  # x right, y down, z away
    image = camera[..., :2] / camera[..., 2:] * focal * (1.0, ASPECT) + 0.5
    hips = camera[:, (23, 24)].mean(axis=1)
    sight = hips / np.linalg.norm(hips, axis=1, keepdims=True)
    world = np.empty_like(camera)
    for frame, line in enumerate(sight):  # the pose model is shown the person straight ahead
        ahead, _ = Rotation.align_vectors(line[None], [[0.0, 0.0, 1.0]])
        axis = np.cross((0.0, 0.0, 1.0), line)
        angle = np.arccos(np.clip(line[2], -1, 1))
        ahead = Rotation.from_rotvec(axis / max(float(np.linalg.norm(axis)), 1e-12) * angle)
        world[frame] = ahead.inv().apply(camera[frame] - hips[frame])
    world /= flaws.scale
    slow = gaussian_filter1d(rng.normal(size=world.shape), 8, axis=0)
    world += slow / slow.std() * flaws.noise_m * (1.0, 1.0, 2.0)
    world -= world[:, (23, 24)].mean(axis=1)[:, None]
    image += rng.normal(0, flaws.image, image.shape)
    visibility = rng.uniform(0.85, 1.0, image.shape[:2])
    for landmark, start, stop in flaws.hidden:
        within = (video_s >= start) & (video_s < stop)
        visibility[within, landmark] = rng.uniform(0.0, 0.3, within.sum())
        world[within, landmark] += rng.normal(0, 0.3, (within.sum(), 3))
        image[within, landmark] += rng.normal(0, 0.05, (within.sum(), 2))
    if flaws.mirrored:
        image[..., 0] = 1 - image[..., 0]
        world[..., 0] *= -1
    return Landmarks(video_s, world, image, visibility, ASPECT)


def _level(time_s: Array, joints: Array, noise: float, rng: np.random.Generator) -> tuple[Array, Array]:
    """What a channel might make of it: saturating, stronger here than there, never quite still. 25 times a second."""
    speed = np.sqrt((np.gradient(joints, time_s, axis=0) ** 2).sum(axis=2).mean(axis=1))
    gain = 0.7 + 0.5 * np.sin(2.1 * joints[:, 0, 0] + 1.3 * joints[:, 0, 1])
    at = np.arange(time_s[0], time_s[-1], 0.04)
    level = 0.02 + 0.25 * np.tanh(np.interp(at, time_s, speed * gain) / 1.2)
    return at, level * np.exp(rng.normal(0, 10 * noise, at.size)) + np.abs(rng.normal(0, noise, at.size))


def _looking(eye: Array, at: Array) -> Rotation:
    """Room from camera."""
    away = _unit(at - eye)
    right = _unit(np.cross(away, (0.0, 0.0, 1.0)))
    return Rotation.from_matrix(np.column_stack((right, np.cross(away, right), away)))


def _unit(vector: Array) -> Array:
    return np.asarray(vector / np.maximum(np.linalg.norm(vector, axis=-1, keepdims=True), 1e-12))
