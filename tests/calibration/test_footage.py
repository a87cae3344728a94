"""A film of the walk, from the camera's thread to what is fitted. What landmarks become is tested in test_filmed."""

import threading
from pathlib import Path

import numpy as np
import pytest

from calibration import footage
from calibration.filmed import CameraReport, Filmed
from calibration.fitting import _without_gaps
from calibration.footage import Footage, camera_report, develop, developed, forget
from calibration.labels import NOWHERE, of_truth
from calibration.landmarks import N_LANDMARKS, Landmarks, load_landmarks
from calibration.walk import Walk
from edge.commands.demo import SESSION
from edge.errors import ConfigError, RecordingError
from edge.recording import as_heard
from edge.session import Truth, load_session
from tests.calibration.rehearsal import names

MARKS = Landmarks(np.arange(3.0), np.zeros((3, N_LANDMARKS, 3)), np.zeros((3, N_LANDMARKS, 2)),
                  np.ones((3, N_LANDMARKS)), 1.5)  # fmt: skip
REPORT = CameraReport(3, 1.0, 0.1, 0.0, 0.9, 0.8, None, (1.0, 2.0, 3.0), 1.0, 1.0, 1.8, 1.8, 3, 20.0, None, None, 0.02)
JOINTS = np.zeros((90, 17, 3), np.float32)
TIME_S = np.concatenate((np.arange(60) / 30, 5.0 + np.arange(30) / 30))


def filmed(seen: list[tuple[float, float]]) -> object:
    """A stand-in for the fit that notes where it was told to look."""

    def film(marks: Landmarks, channel: object, walk: Walk, search_s: float, about_s: float) -> Filmed:
        seen.append((search_s, about_s))
        return Filmed(TIME_S, JOINTS, REPORT)

    return film


def test_a_video_is_looked_at_when_the_walk_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def watch(source: str) -> Landmarks:
        asked.append(source)
        return MARKS

    monkeypatch.setattr(footage, "watch", watch)
    film = Footage("walk.mp4")
    film.start()
    assert asked == []
    assert not film.live
    assert film.stop() is MARKS
    assert asked == ["walk.mp4"]


def test_a_camera_is_watched_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(footage, "START_S", 0.05)
    begun, ended = threading.Event(), threading.Event()

    def watch(source: str, stop: object) -> Landmarks:
        begun.set()
        while not stop():  # type: ignore[operator]
            ended.wait(0.01)
        ended.set()
        return MARKS

    monkeypatch.setattr(footage, "watch", watch)
    film = Footage("0")
    assert film.live
    film.start()
    assert begun.is_set()
    assert not ended.is_set()
    assert film.stop() is MARKS
    again = Footage("0")
    ended.clear()
    again.start()
    again.abandon()
    assert ended.wait(20)


def test_a_camera_that_cannot_be_opened_says_so_before_the_walk(monkeypatch: pytest.MonkeyPatch) -> None:
    def watch(*_: object) -> Landmarks:
        raise ConfigError("0 cannot be opened")

    monkeypatch.setattr(footage, "watch", watch)
    with pytest.raises(ConfigError, match="cannot be opened"):
        Footage("0").start()


@pytest.mark.parametrize(("began", "where"), [(None, (600.0, 0.0)), (250.0, (5.0, -250.0))])
def test_what_is_kept_of_it(
    began: float | None, where: tuple[float, float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[float, float]] = []
    monkeypatch.setattr(footage, "film", filmed(seen))
    session = load_session(SESSION)
    assert developed(tmp_path, SESSION) is None
    assert camera_report(tmp_path) is None
    develop(tmp_path, SESSION, MARKS, as_heard(session.logs), Walk(1, 1.8, []), began)
    assert seen == [where], "a video may begin anywhere, a camera has this host's clock"
    assert names(tmp_path) == ["camera.yaml", "joints.npz", "landmarks.npz"]
    assert load_landmarks(tmp_path / "landmarks.npz").aspect == 1.5
    truth = developed(tmp_path, SESSION)
    assert truth is not None
    assert truth.time_s.tolist() == TIME_S.tolist()
    assert developed(tmp_path, tmp_path) is None, "another walk was not filmed"
    assert camera_report(tmp_path) == REPORT
    forget(tmp_path)
    assert names(tmp_path) == []


def test_a_film_that_does_not_fit_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(footage, "film", filmed([]))
    recording = as_heard(load_session(SESSION).logs)
    develop(tmp_path, SESSION, MARKS, recording, Walk(1, 1.8, []), None)

    def film(*_: object) -> Filmed:
        raise RecordingError("these do not belong together")

    monkeypatch.setattr(footage, "film", film)
    with pytest.raises(RecordingError):
        develop(tmp_path, SESSION, MARKS, recording, Walk(1, 1.8, []), None)
    assert developed(tmp_path, SESSION) is None, "nor is the one before, which is of another walk"


def test_nothing_is_interpolated_where_it_saw_nobody() -> None:
    film = Truth(TIME_S, JOINTS)
    time_s = np.array([0.51, 1.5, 3.0, 5.5])
    labels = of_truth(film, time_s)
    assert labels.known.tolist() == [True, True, True, True]
    sound = _without_gaps(labels, film)
    assert sound.known.tolist() == [True, True, False, True]
    assert sound.segment[2] == NOWHERE
