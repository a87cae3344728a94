"""A recording, played as if it were live: packets in at their time, poses out at the sinks."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from edge.arrays import Array
from edge.inference.engine import Engine, Prediction
from edge.publish.message import Frame, Pose, Source, TrainedOn, pose_message
from edge.publish.sink import PoseSink
from edge.recording import Recording, slices
from edge.session import Truth
from edge.signal.motion import Motion, Presence, motion
from edge.signal.path import CsiImage, SignalPath

TICK_US = 1e6 / 30  # packets are handed on this often; no longer than from one image to the next
FULL_SPEED_TICK_US = 1e6  # where nobody waits, in larger pieces: the same images for less overhead

Speed = float | Literal["max"]


@dataclass(frozen=True, eq=False)
class Estimate:
    """One pose with what is known about it."""

    message: Pose
    time_s: float  # of the window's last grid point, from the beginning of the session
    joints: Array  # (17, 3) float64 metres
    motion: Motion
    latency_s: float  # from the arrival of the packets that completed its window to the last sink's taking it
    truth: Array | None  # (17, 3) float64 metres


@dataclass(frozen=True)
class Labels:
    """What every message of a replay says of itself."""

    source: Source
    frame: Frame
    trained_on: TrainedOn
    model: str
    started: float  # unix seconds of the session's beginning


def replay(
    recording: Recording,
    engine: Engine,
    labels: Labels,
    sinks: Sequence[PoseSink],
    *,
    poses_per_s: float = 30.0,
    speed: Speed = 1.0,
    truth: Truth | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Estimate]:
    """Play a recording into the sinks; yields every pose after it has been published.

    speed  times recorded speed, or "max"
    """
    path = SignalPath(recording.links, poses_per_s, engine.spec, recording.empty_us)
    presence = Presence()
    seq = 0
    begun = time.monotonic()
    for due_us, packets in slices(recording, FULL_SPEED_TICK_US if speed == "max" else TICK_US):
        if speed != "max":
            sleep(max(begun + due_us * 1e-6 / speed - time.monotonic(), 0.0))
        arrived = time.monotonic()
        for image in path.push(packets):
            said = engine.predict(image.values)
            seen = motion(image.values, engine.spec)
            message = _message(seq, image, said, seen, presence.update(image.time_us, seen.level), labels)
            for sink in sinks:
                sink.publish(message)
            latency = time.monotonic() - arrived
            time_s = image.time_us * 1e-6
            yield Estimate(message, time_s, said.joints, seen, latency, truth.at(time_s) if truth else None)
            seq += 1
            arrived = time.monotonic()  # at full speed several images come of one piece


def warm_up(recording: Recording, engine: Engine) -> None:
    """Run some of the recording to nowhere, so that nothing is compiled between two poses."""
    path = SignalPath(recording.links, spec=engine.spec)
    for due_us, packets in slices(recording, TICK_US):
        for image in path.push(packets):
            engine(image.values)
            motion(image.values, engine.spec)
        if due_us > 1e6 * (1 + engine.spec.packets / engine.spec.rate_hz):
            break


def _message(seq: int, image: CsiImage, said: Prediction, seen: Motion, present: bool, labels: Labels) -> Pose:
    return pose_message(
        said.joints,
        t=labels.started + image.time_us * 1e-6,
        seq=seq,
        frame=labels.frame,
        present=present,
        confidence=seen.confidence if said.confidence is None else said.confidence,
        source=labels.source,
        trained_on=labels.trained_on,
        model=labels.model,
    )
