"""A video, or a camera, to landmarks: MediaPipe Pose, whose model lies in its wheel. No picture is kept anywhere.

The rest of calibration takes `Landmarks`, whoever made them.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from calibration.landmarks import N_LANDMARKS, Landmarks
from edge.arrays import Array
from edge.errors import ConfigError, MissingDependency, RecordingError

COMPLEXITY = 1  # "full", the one model inside the wheel; the other two would be fetched over the network

Picture = tuple[float, Array]  # seconds on the video's clock, (height, width, 3) uint8 red green blue


def watch(source: str, stop: Callable[[], bool] = lambda: False) -> Landmarks:
    """Landmarks of a video file until its end, or of a camera until `stop` says so.

    source  a file, or a camera such as 0 or /dev/video0
    Raises ConfigError where it cannot be opened, RecordingError where nobody is in it.
    """
    cv2, pose = _modules()
    return landmarks_of(_pictures(cv2, source, stop), pose, source)


def landmarks_of(pictures: Iterator[Picture], pose: Any, source: str) -> Landmarks:
    """Landmarks of pictures; pose is MediaPipe's module of that name."""
    times, points, image, visibility, aspect, seen = [], [], [], [], 1.0, 0
    # Its own smoothing looks back only, and so would delay the joints.
    with pose.Pose(model_complexity=COMPLEXITY, smooth_landmarks=False) as model:
        for time_s, picture in pictures:
            seen += 1
            aspect = picture.shape[1] / picture.shape[0]
            found = model.process(picture)
            if found.pose_world_landmarks is None:
                continue
            times.append(time_s)
            points.append([(mark.x, mark.y, mark.z) for mark in found.pose_world_landmarks.landmark])
            image.append([(mark.x, mark.y) for mark in found.pose_landmarks.landmark])
            visibility.append([mark.visibility for mark in found.pose_landmarks.landmark])
    if not times:
        raise RecordingError(
            f"{source}: no person in any of {seen} pictures; place the camera so that it sees the whole body, in light"
        )
    return Landmarks(
        np.array(times), np.array(points).reshape(-1, N_LANDMARKS, 3), np.array(image), np.array(visibility), aspect
    )


def _pictures(cv2: ModuleType, source: str, stop: Callable[[], bool]) -> Iterator[Picture]:
    """In order, each later than the one before. A camera's have the time they came, a file's the time they are for."""
    path = Path(source)
    live = source.isdecimal() or path.is_char_device()
    if not live and not path.is_file():
        raise ConfigError(f"no camera or video {source}: give a file, or a camera such as 0 or /dev/video0")
    capture = cv2.VideoCapture(int(source) if source.isdecimal() else source)
    try:
        if not capture.isOpened():
            raise ConfigError(f"{source} cannot be opened: is it a video, or a camera that another program uses?")
        last = -np.inf
        while not stop() and capture.grab():
            time_s = time.monotonic() if live else capture.get(cv2.CAP_PROP_POS_MSEC) / 1e3
            good, picture = capture.retrieve()
            if good and time_s > last:
                last = time_s
                yield time_s, cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
    finally:
        capture.release()


def _modules() -> tuple[ModuleType, ModuleType]:
    """OpenCV and MediaPipe's pose. Raises MissingDependency."""
    try:
        import cv2
        from mediapipe.python.solutions import pose
    except ModuleNotFoundError as error:
        raise MissingDependency(
            "--camera needs MediaPipe: pip install 'wimose[camera]', in an environment without the extra `train` "
            "(TensorFlow and MediaPipe 0.10.21 need different versions of protobuf)"
        ) from error
    except ImportError as error:  # OpenCV is there, the system's libraries are not
        raise MissingDependency(f"--camera: {error}; on Debian: apt-get install libgl1 libglib2.0-0") from error
    return cv2, pose
