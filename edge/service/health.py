"""How the host fares: what `telemetry` says, from counts that only grow."""

import os
from collections import deque
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from edge.publish.message import ReceiverTelemetry, Source, Telemetry
from edge.service.host import Host

EVERY_S = 10.0
MAX_LATENCIES = 3000  # ten seconds at ten times the usual rate

PAGE = os.sysconf("SC_PAGE_SIZE")


class Health:
    """Rates and times since the last report."""

    def __init__(self, now: float) -> None:
        self._since = now
        self._packets = [0, 0]
        self._poses = 0
        self._latency_ms: deque[float] = deque(maxlen=MAX_LATENCIES)

    def pose(self, latency_s: float) -> None:
        self._poses += 1
        self._latency_ms.append(latency_s * 1e3)

    def due(self, now: float) -> bool:
        return now - self._since >= EVERY_S

    def report(
        self, host: Host, drops: Mapping[str, int], problem: str, source: Source, now: float, wall: float
    ) -> Telemetry:
        """The figures since the last report; the next begin here."""
        took = max(now - self._since, 1e-3)
        latency = np.array(self._latency_ms) if self._latency_ms else None
        heard = list(host.clocks.heard) if host.clocks is not None else []
        paired = [block.residual_us for block in heard if block.pairs]
        receivers = {}
        for r, ear in enumerate(host.ears):
            either = sum(sum(block.packets) - block.pairs for block in heard)
            receivers[ear.name] = ReceiverTelemetry(
                packets_per_s=round((ear.packets - self._packets[r]) / took, 1),
                loss=round(1.0 - sum(block.packets[r] for block in heard) / either, 4) if either else None,
                silent_s=None if ear.arrived is None else round(max(now - ear.arrived, 0.0), 1),
                unusable=ear.unusable,
                damaged=ear.damaged,
                missed=ear.missed,
            )
        telemetry = Telemetry(
            t=wall,
            poses_per_s=round(self._poses / took, 2),
            latency_p50_ms=None if latency is None else round(float(np.percentile(latency, 50)), 2),
            latency_p99_ms=None if latency is None else round(float(np.percentile(latency, 99)), 2),
            pairing_residual_us=round(float(np.mean(paired)), 2) if paired else None,
            drift_ppm=round(host.clocks.line.slope * 1e6, 3) if host.clocks is not None else None,
            receivers=receivers,
            drops=dict(drops),
            memory_mb=round(resident_bytes() / 1e6, 1),
            problem=problem,
            source=source,
        )
        self._since, self._poses = now, 0
        self._packets = [ear.packets for ear in host.ears]
        self._latency_ms.clear()
        return telemetry


def resident_bytes() -> int:
    """Memory of this process that is really there (Linux)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE
