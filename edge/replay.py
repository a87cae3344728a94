"""A recording, played as if it were live: packets in at their time, poses out at the sinks."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from edge.arrays import Array
from edge.estimate import Estimated, Estimator, Labels
from edge.inference.engine import Engine
from edge.publish.sink import PoseSink
from edge.recording import Recording, slices
from edge.session import Truth
from edge.signal.motion import motion
from edge.signal.path import SignalPath

TICK_US = 1e6 / 30  # packets are handed on this often; no longer than from one image to the next
FULL_SPEED_TICK_US = 1e6  # where nobody waits, in larger pieces: the same images for less overhead

Speed = float | Literal["max"]


@dataclass(frozen=True, eq=False)
class Estimate(Estimated):
    """One pose that has been published."""

    latency_s: float  # from the arrival of the packets that completed its window to the last sink's taking it
    truth: Array | None  # (17, 3) float64 metres; None where nobody knows, or the person jumped within the window


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
    threads = 2 if speed == "max" else 1
    path = SignalPath(recording.links, poses_per_s, engine.spec, recording.empty_us, threads)
    estimator = Estimator(engine, labels)
    begun = time.monotonic()
    for due_us, packets in slices(recording, FULL_SPEED_TICK_US if speed == "max" else TICK_US):
        if speed != "max":
            sleep(max(begun + due_us * 1e-6 / speed - time.monotonic(), 0.0))
        arrived = time.monotonic()
        for image in path.push(packets):
            made = estimator(image)
            for sink in sinks:
                sink.publish(made.message)
            latency = time.monotonic() - arrived
            at = truth.at(made.time_s, engine.spec.whole_s) if truth else None
            yield Estimate(made.message, made.time_s, made.joints, made.motion, latency, at)
            arrived = time.monotonic()  # at full speed several images come of one piece


def warm_up(recording: Recording, engine: Engine) -> None:
    """Run some of the recording to nowhere, so that nothing is compiled between two poses."""
    path = SignalPath(recording.links, spec=engine.spec)
    for due_us, packets in slices(recording, TICK_US):
        for image in path.push(packets):
            engine(image.values)
            motion(image.values, engine.spec)
        if due_us > 1e6 * (1 + engine.spec.whole_s):
            break
