"""Messages of the service, for tests of what carries them."""

from edge.publish.message import ReceiverTelemetry, State, Telemetry


def a_state(**changes: object) -> State:
    fields: dict[str, object] = {
        "t": 1700000000.25,
        "present": True,
        "posture": "sitting",
        "position": (1.25, -0.5),
        "frame": "room",
        "confidence": 0.87,
        "problem": "",
        "paused": False,
        "source": "simulated",
    }
    return State(**(fields | changes))  # type: ignore[arg-type]


def a_telemetry(**changes: object) -> Telemetry:
    receiver = ReceiverTelemetry(packets_per_s=150.0, loss=0.025, silent_s=0.1, unusable=0, damaged=0, missed=0)
    unpaired = ReceiverTelemetry(packets_per_s=150.0, loss=None, silent_s=0.1, unusable=0, damaged=0, missed=0)
    fields: dict[str, object] = {
        "t": 1700000000.25,
        "poses_per_s": 29.5,
        "latency_p50_ms": 7.25,
        "latency_p99_ms": 14.0,
        "pairing_residual_us": 11.5,
        "drift_ppm": 6.0,
        "receivers": {"receiver1": receiver, "receiver2": unpaired},
        "drops": {"pose": 0},
        "memory_mb": 120.0,
        "problem": "",
        "source": "simulated",
    }
    return Telemetry(**(fields | changes))  # type: ignore[arg-type]
