"""What a pose model sees in a video, and the 17 joints in it.

Landmarks are numbered and named as by MediaPipe Pose (BlazePose GHUM), whose world landmarks are metres about the
middle of the hips, x to the picture's right, y down, z away from the camera.

    joint                    from
    hips, knees, ankles, shoulders, elbows, wrists    the landmark of that name
    MidHip                   the middle of both hips
    Neck, Back               on the line from MidHip to the middle of the shoulders and beyond, at shares of its length
                             that motion capture has (below); Back a little behind it
    Nose                     the landmark at the tip of the nose
    Head                     the top of the skull: HEAD_M above the middle of the ears, at right angles to the line
                             through both ears and to the one from there to the face
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge.arrays import Array
from edge.errors import ConfigError
from edge.skeleton import JOINTS, ROOT

N_LANDMARKS = 33

NOSE, LEFT_EYE, RIGHT_EYE, LEFT_EAR, RIGHT_EAR = 0, 2, 5, 7, 8
LEFT_SHOULDER, RIGHT_SHOULDER, LEFT_HIP, RIGHT_HIP = 11, 12, 23, 24
FEET = (29, 30, 31, 32)  # heels and toes, left and right in turn
BODY = (11, 12, 13, 14, 23, 24, 25, 26, 27, 28, *FEET)  # what the picture shows sharply; hands move and faces are small

DIRECT = {
    "LHip": 23, "LKnee": 25, "LAnkle": 27, "RHip": 24, "RKnee": 26, "RAnkle": 28, "Nose": NOSE,
    "LShoulder": 11, "LElbow": 13, "LWrist": 15, "RShoulder": 12, "RElbow": 14, "RWrist": 16,
}  # fmt: skip
DERIVED: dict[str, tuple[int, ...]] = {
    "MidHip": (LEFT_HIP, RIGHT_HIP),
    "Back": (LEFT_HIP, RIGHT_HIP, LEFT_SHOULDER, RIGHT_SHOULDER),
    "Neck": (LEFT_HIP, RIGHT_HIP, LEFT_SHOULDER, RIGHT_SHOULDER),
    "Head": (NOSE, LEFT_EYE, RIGHT_EYE, LEFT_EAR, RIGHT_EAR),
}

# Means over 17 subjects of motion capture, in lengths of the line from MidHip to the middle of the shoulders.
NECK = 1.06  # along it; 1.02 to 1.13 from subject to subject
BACK = 0.645  # along it; 0.61 to 0.70
BACK_BEHIND = 0.03
HEAD_M = 0.13  # ear canal to the top of the head, standing; adults have 0.12 to 0.14


@dataclass(frozen=True, eq=False)
class Landmarks:
    """One person in a video, only the pictures in which a person was found."""

    time_s: Array  # (N,) float64, on the video's own clock, increasing
    points: Array  # (N, 33, 3) float64 metres about the middle of the hips; x right, y down, z away
    image: Array  # (N, 33, 2) float64, shares of the picture's width and height, from its upper left corner
    visibility: Array  # (N, 33) float64, 0 hidden to 1 seen
    aspect: float  # the picture's width over its height

    def part(self, kept: Array) -> "Landmarks":
        """Some pictures of it; kept is an index of the first axis."""
        return Landmarks(
            self.time_s[kept], self.points[kept], self.image[kept], self.visibility[kept], self.aspect
        )  # fmt: skip


def joints_of_landmarks(points: Array) -> Array:
    """The 17 joints about MidHip.

    points   (..., 33, 3) metres, any right-handed axes
    returns  (..., 17, 3) float64 metres, the same axes
    """
    hips = _middle(points, LEFT_HIP, RIGHT_HIP)
    spine = _middle(points, LEFT_SHOULDER, RIGHT_SHOULDER) - hips
    left = points[..., LEFT_SHOULDER, :] - points[..., RIGHT_SHOULDER, :]
    left = left + points[..., LEFT_HIP, :] - points[..., RIGHT_HIP, :]
    behind = _unit(np.cross(spine, left)) * np.linalg.norm(spine, axis=-1, keepdims=True)
    ears = _middle(points, LEFT_EAR, RIGHT_EAR)
    face = points[..., (NOSE, LEFT_EYE, RIGHT_EYE), :].mean(axis=-2)  # eyes above and nose below the ears' height
    crown = _unit(np.cross(face - ears, points[..., LEFT_EAR, :] - points[..., RIGHT_EAR, :]))

    joints: Array = np.empty((*points.shape[:-2], len(JOINTS), 3))
    for name, landmark in DIRECT.items():
        joints[..., JOINTS.index(name), :] = points[..., landmark, :]
    joints[..., ROOT, :] = hips
    joints[..., JOINTS.index("Neck"), :] = hips + NECK * spine
    joints[..., JOINTS.index("Back"), :] = hips + BACK * spine + BACK_BEHIND * behind
    joints[..., JOINTS.index("Head"), :] = ears + HEAD_M * crown
    return np.asarray(joints - hips[..., None, :])


def visibility_of_joints(visibility: Array) -> Array:
    """(..., 33) to (..., 17): a derived joint is seen as well as its landmarks are on average."""
    seen: Array = np.empty((*visibility.shape[:-1], len(JOINTS)))
    for name, landmark in DIRECT.items():
        seen[..., JOINTS.index(name)] = visibility[..., landmark]
    for name, landmarks in DERIVED.items():
        seen[..., JOINTS.index(name)] = visibility[..., landmarks].mean(axis=-1)
    return seen


def write_landmarks(path: Path, landmarks: Landmarks) -> None:
    """Whole or not at all. No picture is kept."""
    new = path.with_name(path.name + ".new")
    with new.open("wb") as file:
        np.savez_compressed(
            file, time_s=landmarks.time_s, points=landmarks.points.astype(np.float32),
            image=landmarks.image.astype(np.float32), visibility=landmarks.visibility.astype(np.float32),
            aspect=np.array(landmarks.aspect),
        )  # fmt: skip
    new.replace(path)


def load_landmarks(path: Path) -> Landmarks:
    """Raises ConfigError where the file cannot be used."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            time_s, points, image, visibility = (
                arrays[name].astype(np.float64) for name in ("time_s", "points", "image", "visibility")
            )
            aspect = float(arrays["aspect"])
    except (OSError, ValueError, KeyError) as error:
        raise ConfigError(f"{path}: cannot be read ({error}); film the walk again") from error
    n = time_s.size
    shapes = (points.shape, image.shape, visibility.shape)
    if shapes != ((n, N_LANDMARKS, 3), (n, N_LANDMARKS, 2), (n, N_LANDMARKS)) or (np.diff(time_s) <= 0).any():
        raise ConfigError(f"{path}: not the landmarks of a video (shapes {shapes}); film the walk again")
    return Landmarks(time_s, points, image, visibility, aspect)


def _middle(points: Array, a: int, b: int) -> Array:
    return np.asarray((points[..., a, :] + points[..., b, :]) / 2)


def _unit(vector: Array) -> Array:
    return np.asarray(vector / np.maximum(np.linalg.norm(vector, axis=-1, keepdims=True), 1e-9))
