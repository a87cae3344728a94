"""The film of a guided walk: a camera that runs beside the recording, or a video made of it, and what became of it.

landmarks.npz   what the pose model saw; no picture is kept
joints.npz      the joints in the room, as a session has them, and camera.yaml, how well film and packets fit
"""

import threading
from pathlib import Path

import msgspec
import numpy as np

from calibration.camera import watch
from calibration.filmed import CameraReport, film
from calibration.lag import motion_of_recording
from calibration.landmarks import Landmarks, write_landmarks
from calibration.walk import Walk
from calibration.work import write_whole
from edge.errors import RecordingError
from edge.recording import Recording
from edge.session import Truth

LANDMARKS, JOINTS, REPORT = "landmarks.npz", "joints.npz", "camera.yaml"
BESIDE_S = 600.0  # a video may begin so long before or after the packets
LIVE_S = 5.0  # a camera's pictures have this host's time, a webcam is slow to hand them on
START_S = 2.0  # a camera that cannot be opened has said so by then


class Footage:
    """A camera that is watched from `start` to `stop`."""

    def __init__(self, source: str) -> None:
        self.source = source
        self._stop = threading.Event()
        self._seen: Landmarks | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._watch, name=f"camera {source}", daemon=True)

    @property
    def live(self) -> bool:
        return self.source.isdecimal() or Path(self.source).is_char_device()

    def start(self) -> None:
        """Begin. Raises what a camera that cannot be opened says at once; a video waits until `stop`."""
        if not self.live:
            return
        self._thread.start()
        self._thread.join(START_S)
        if self._error is not None:
            raise self._error

    def stop(self) -> Landmarks:
        """What was seen. Raises WimoseError where that is nobody."""
        if not self.live:
            return watch(self.source)
        self._stop.set()
        self._thread.join()
        if self._error is not None:
            raise self._error
        if self._seen is None:
            raise RecordingError(f"{self.source}: nothing was seen; look at the camera, and walk again")
        return self._seen

    def abandon(self) -> None:
        self._stop.set()

    def _watch(self) -> None:
        try:
            self._seen = watch(self.source, self._stop.is_set)
        except BaseException as error:  # handed on to whoever waits for it
            self._error = error


def develop(
    folder: Path, session: Path, marks: Landmarks, recording: Recording, walk: Walk, began: float | None
) -> CameraReport:
    """Make joints of landmarks and write all three files. Raises RecordingError where film and walk do not fit.

    session  the folder that the walk was recorded into
    began    the session's beginning on the camera's clock, None where that is a video's own
    """
    about_s, search_s = (0.0, BESIDE_S) if began is None else (-began, LIVE_S)
    forget(folder)
    write_landmarks(folder / LANDMARKS, marks)  # kept even if they do not fit: they are the only look that was taken
    filmed = film(marks, motion_of_recording(recording), walk, search_s, about_s)
    new = folder / f"{JOINTS}.new"
    with new.open("wb") as file:
        np.savez_compressed(file, t=filmed.time_s, joints=filmed.joints, session=np.array(str(session.resolve())))
    new.replace(folder / JOINTS)
    write_whole(folder / REPORT, msgspec.yaml.encode(filmed.report))
    return filmed.report


def developed(folder: Path, session: Path) -> Truth | None:
    """The joints of the walk in that session, None where it was not filmed."""
    if not (folder / REPORT).exists():
        return None
    with np.load(folder / JOINTS, allow_pickle=False) as arrays:
        if str(arrays["session"]) != str(session.resolve()):
            return None
        return Truth(arrays["t"].astype(np.float64), arrays["joints"].astype(np.float32))


def camera_report(folder: Path) -> CameraReport | None:
    """How well film and packets fit, None where the walk was not filmed."""
    path = folder / REPORT
    return msgspec.yaml.decode(path.read_bytes(), type=CameraReport) if path.exists() else None


def forget(folder: Path) -> None:
    """Another walk: its film is not this one's."""
    for name in (REPORT, JOINTS, LANDMARKS):
        (folder / name).unlink(missing_ok=True)
