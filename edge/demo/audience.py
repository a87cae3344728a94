"""Everybody who watches the demo: poses that are numbered on from round to round, with truth and telemetry."""

import time
from collections import deque
from collections.abc import Sequence

import msgspec
import numpy as np

from edge.arrays import Array
from edge.publish.message import DECIMALS, Pose, ReceiverTelemetry, Source, Telemetry, TruthMessage
from edge.publish.mqtt import MqttPublisher
from edge.publish.sink import PoseSink
from edge.recording import Recording
from edge.replay import Estimate
from edge.service.health import resident_bytes
from edge.view.feed import Feed

TELEMETRY_S = 1.0  # the service says it every 10 s; who watches a demo does not wait so long
WINDOW_S = 10.0  # that its figures are of, as in the service


class Audience(PoseSink):
    """Stands between a replay and its sinks; those who can be told more than poses are told it."""

    def __init__(self, sinks: Sequence[PoseSink], recording: Recording, names: tuple[str, str], source: Source) -> None:
        self.told = 0  # poses, over all rounds
        self._sinks = sinks
        self._listeners = [sink for sink in sinks if isinstance(sink, MqttPublisher | Feed)]
        self._recording = recording
        self._names = names
        self._source: Source = source
        self._recent: deque[Estimate] = deque()
        self._next_s = 0.0

    def publish(self, pose: Pose) -> None:
        for sink in self._sinks:
            sink.publish(msgspec.structs.replace(pose, seq=self.told))
        self.told += 1

    def close(self) -> None:
        """The sinks are closed by whoever opened them."""

    def after(self, estimate: Estimate) -> None:
        """What belongs to a pose that was published last, and once a second how the host fares."""
        if estimate.truth is not None:
            joints = np.round(estimate.truth, DECIMALS).tolist()
            self._tell(TruthMessage(seq=self.told - 1, joints=joints))
        if self._recent and estimate.time_s < self._recent[-1].time_s:  # another round
            self._recent.clear()
            self._next_s = 0.0
        self._recent.append(estimate)
        while estimate.time_s - self._recent[0].time_s > WINDOW_S:
            self._recent.popleft()
        if estimate.time_s >= self._next_s:
            self._next_s = estimate.time_s + TELEMETRY_S
            self._tell(self.telemetry(""))

    def say(self, problem: str) -> None:
        """Why there are no poses now."""
        if self._recent:
            self._tell(self.telemetry(problem))

    def telemetry(self, problem: str) -> Telemetry:
        """The last WINDOW_S up to the newest pose."""
        span = self._recent[-1].time_s - self._recent[0].time_s
        latency_ms = [estimate.latency_s * 1e3 for estimate in self._recent]
        first, second = receiver_telemetry(self._recording, self._recent[-1].time_s)
        return Telemetry(
            t=time.time(),
            poses_per_s=round((len(self._recent) - 1) / span, 2) if span else 0.0,
            latency_p50_ms=round(float(np.percentile(latency_ms, 50)), 2),
            latency_p99_ms=round(float(np.percentile(latency_ms, 99)), 2),
            pairing_residual_us=round(self._recording.pairing.residual_us, 2),
            drift_ppm=round(self._recording.pairing.drift_ppm, 3),
            receivers={self._names[0]: first, self._names[1]: second},
            drops={"poses": sum(listener.dropped for listener in self._listeners)},
            memory_mb=round(resident_bytes() / 1e6, 1),
            problem=problem,
            source=self._source,
        )

    def _tell(self, message: TruthMessage | Telemetry) -> None:
        for listener in self._listeners:
            listener.tell(message)


def receiver_telemetry(recording: Recording, time_s: float) -> tuple[ReceiverTelemetry, ReceiverTelemetry]:
    """What each receiver heard in the WINDOW_S before a time of the recording."""
    times = [packets.time_us * 1e-6 for packets in recording.receivers]
    since_s = max(time_s - WINDOW_S, 0.0)
    heard = [int(_within(time, since_s, time_s).sum()) for time in times]
    pairs = int(_within(times[0][recording.pairing.index_a], since_s, time_s).sum())
    either = sum(heard) - pairs
    first, second = (
        ReceiverTelemetry(
            packets_per_s=round(heard[r] / max(time_s - since_s, 1e-3), 1),
            loss=round(1.0 - heard[r] / either, 4) if either else None,
            silent_s=round(max(time_s - float(times[r][times[r] <= time_s].max(initial=0.0)), 0.0), 1),
            unusable=recording.unusable[r],
            damaged=0,
            missed=0,
        )
        for r in range(2)
    )
    return first, second


def _within(time_s: Array, since_s: float, until_s: float) -> Array:
    return np.asarray((time_s > since_s) & (time_s <= until_s))
