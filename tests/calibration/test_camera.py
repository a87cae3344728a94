"""Pictures to landmarks: with a pose model that is not one, and where MediaPipe is installed with the real one.

The still picture is matplotlib's own sample, the US Navy's portrait of Grace Hopper, a work of the United States'
government and so in the public domain; MediaPipe's wheel requires matplotlib, so both are there or neither is. It
shows head and shoulders only.
"""

import builtins
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import numpy as np
import pytest

from calibration import camera
from calibration.camera import Picture, landmarks_of, watch
from edge.errors import ConfigError, MissingDependency, RecordingError


class StandIn:
    """A pose model that finds a person, at the picture's brightness, in every picture that is not black."""

    def __init__(self, **settings: Any) -> None:
        self.settings = settings

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def process(self, picture: np.ndarray[Any, Any]) -> SimpleNamespace:
        assert self.settings["smooth_landmarks"] is False  # it would delay the joints
        if picture.max() == 0:
            return SimpleNamespace(pose_world_landmarks=None, pose_landmarks=None)
        mark = SimpleNamespace(x=picture.max() / 255, y=0.5, z=0.25, visibility=0.75)
        return SimpleNamespace(
            pose_world_landmarks=SimpleNamespace(landmark=[mark] * 33),
            pose_landmarks=SimpleNamespace(landmark=[mark] * 33),
        )


POSE = SimpleNamespace(Pose=StandIn)


def pictures(brightness: list[int]) -> Iterator[Picture]:
    for n, value in enumerate(brightness):
        yield n / 30, np.full((90, 160, 3), value, np.uint8)


def test_pictures_without_a_person_are_left_out() -> None:
    marks = landmarks_of(pictures([51, 0, 255]), POSE, "film.mp4")
    np.testing.assert_allclose(marks.time_s, [0.0, 2 / 30])
    assert marks.points.shape == (2, 33, 3)
    assert marks.image.shape == (2, 33, 2)
    np.testing.assert_allclose(marks.points[0, 5], (0.2, 0.5, 0.25))
    np.testing.assert_allclose(marks.image[1, 7], (1.0, 0.5))
    assert (marks.visibility == 0.75).all()
    assert marks.aspect == pytest.approx(16 / 9)


def test_nobody_in_any_picture_is_refused() -> None:
    with pytest.raises(RecordingError, match=r"film\.mp4: no person in any of 3 pictures; place the camera"):
        landmarks_of(pictures([0, 0, 0]), POSE, "film.mp4")


def test_without_mediapipe_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real = builtins.__import__

    def missing(name: str, *rest: Any) -> Any:
        if name.split(".")[0] in ("cv2", "mediapipe"):
            raise ModuleNotFoundError(f"No module named {name!r}")
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(MissingDependency, match=r"pip install 'wimose\[camera\]'"):
        watch(str(tmp_path / "film.mp4"))


def test_a_library_of_the_system_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def missing(name: str, *rest: Any) -> Any:
        if name == "cv2":
            raise ImportError("libGL.so.1: cannot open shared object file")
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(MissingDependency, match=r"libGL\.so\.1.*apt-get install libgl1"):
        watch("0")


class Video:
    """OpenCV's capture of four pictures, the third without a later time than the second."""

    CAP_PROP_POS_MSEC = 0
    COLOR_BGR2RGB = 4
    opened = True
    released = False

    def __init__(self) -> None:
        self._at = -1

    def VideoCapture(self, _: object) -> Self:  # noqa: N802, OpenCV's name
        return self

    def isOpened(self) -> bool:  # noqa: N802, OpenCV's name
        return self.opened

    def grab(self) -> bool:
        self._at += 1
        return self._at < 4

    def get(self, _: int) -> float:
        return (0.0, 33.0, 33.0, 66.0)[self._at]

    def retrieve(self) -> tuple[bool, np.ndarray[Any, Any]]:
        picture = np.zeros((4, 6, 3), np.uint8)
        picture[..., 0] = 200  # blue, the way OpenCV has it
        return True, picture

    def cvtColor(self, picture: np.ndarray[Any, Any], _: int) -> np.ndarray[Any, Any]:  # noqa: N802, OpenCV's name
        return picture[..., ::-1]

    def release(self) -> None:
        self.released = True


@pytest.fixture
def film(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> tuple[Video, str]:
    video = Video()
    monkeypatch.setattr(camera, "_modules", lambda: (video, POSE))
    path = tmp_path / "film.mp4"
    path.write_bytes(b"film")
    return video, str(path)


def test_a_films_pictures_have_increasing_times(film: tuple[Video, str]) -> None:
    video, path = film
    assert watch(path).time_s.tolist() == [0.0, 0.033, 0.066]
    assert video.released


def test_it_stops_when_told(film: tuple[Video, str]) -> None:
    video, path = film
    answers = iter([False, True])
    assert watch(path, lambda: next(answers)).time_s.tolist() == [0.0]
    assert video.released


def test_what_is_no_video_is_refused(film: tuple[Video, str]) -> None:
    video, path = film
    video.opened = False
    with pytest.raises(ConfigError, match="cannot be opened"):
        watch(path)
    assert video.released


@pytest.mark.parametrize("source", ["nowhere.mp4", "/dev/video99"])
def test_a_source_that_is_not_there_is_refused(film: tuple[Video, str], source: str) -> None:
    with pytest.raises(ConfigError, match="no camera or video"):
        watch(source)


@pytest.fixture(scope="module")
def portrait(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A still of a person as ten pictures of a film."""
    cv2 = pytest.importorskip("cv2", reason="needs the extra `camera`")
    pytest.importorskip("mediapipe", reason="needs the extra `camera`")
    matplotlib = pytest.importorskip("matplotlib")
    picture = cv2.imread(str(Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"))
    path = tmp_path_factory.mktemp("film") / "portrait.avi"
    video = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 30.0, picture.shape[1::-1])
    for _ in range(10):
        video.write(picture)
    video.release()
    return path


def test_mediapipe_finds_a_person_in_a_film(portrait: Path) -> None:
    marks = watch(str(portrait))
    assert len(marks.time_s) == 10
    assert marks.time_s[1] == pytest.approx(1 / 30, abs=1e-3)
    assert marks.aspect == pytest.approx(512 / 600)
    seen = marks.visibility.mean(axis=0)
    assert seen[[0, 7, 8, 11, 12]].min() > 0.9  # nose, ears, shoulders
    assert seen[[25, 26, 27, 28]].max() < 0.1  # knees and ankles are not in it
    nose, left, right = (marks.image[-1, landmark] for landmark in (0, 11, 12))
    assert nose == pytest.approx((0.53, 0.38), abs=0.05)
    assert left[0] - right[0] > 0.5  # she faces the camera: her left is the picture's right
    world = marks.points[-1]
    assert world[0, 1] < world[11, 1] < 0  # y points down: the nose is above the shoulders, they above the hips
    assert world[0, 2] < world[7, 2]  # z points away: the nose is nearer than the ear
    assert np.linalg.norm(world[[23, 24]].mean(axis=0)) < 0.02  # about the hips
