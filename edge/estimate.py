"""From an image to a pose message: what a replay and the service do alike."""

from dataclasses import dataclass

from edge.arrays import Array
from edge.inference.engine import Engine
from edge.publish.message import Frame, Pose, Source, TrainedOn, pose_message
from edge.signal.motion import PRESENT_LEVEL, Motion, Presence, motion
from edge.signal.path import CsiImage


@dataclass(frozen=True)
class Labels:
    """What every message says of itself."""

    source: Source
    frame: Frame
    trained_on: TrainedOn
    model: str
    started: float  # unix seconds of the session's beginning


@dataclass(frozen=True, eq=False)
class Estimated:
    """One pose with what is known about it."""

    message: Pose
    time_s: float  # of the window's last grid point, from the beginning of the session
    joints: Array  # (17, 3) float64 metres
    motion: Motion


class Estimator:
    """Images in, numbered poses out."""

    def __init__(self, engine: Engine, labels: Labels, present_level: float = PRESENT_LEVEL) -> None:
        """present_level: relative amplitude above which somebody is there, as measured in the room."""
        self.engine = engine
        self.labels = labels
        self._presence = Presence(present_level)
        self._seq = 0

    def __call__(self, image: CsiImage) -> Estimated:
        said = self.engine.predict(image.values)
        seen = motion(image.values, self.engine.spec)
        message = pose_message(
            said.joints,
            t=self.labels.started + image.time_us * 1e-6,
            seq=self._seq,
            frame=self.labels.frame,
            present=self._presence.update(image.time_us, seen.level),
            confidence=seen.confidence if said.confidence is None else said.confidence,
            source=self.labels.source,
            trained_on=self.labels.trained_on,
            model=self.labels.model,
        )
        self._seq += 1
        return Estimated(message, image.time_us * 1e-6, said.joints, seen)

    def exchange(self, engine: Engine, labels: Labels, present_level: float) -> None:
        """Another model from the next image on; numbers go on."""
        self.engine, self.labels = engine, labels
        self._presence.level = present_level

    def forget(self) -> None:
        """A new session: its clock begins anew."""
        self._presence = Presence(self._presence.level)
