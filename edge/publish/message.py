"""The JSON messages on `wimose/<room>/pose`, `state`, `telemetry`, `truth` and `info`.

`pose`, one per estimate, QoS 0, not retained:

| field      | type, unit               | content                                                               |
|------------|--------------------------|-----------------------------------------------------------------------|
| v          | 1                        | version of this table                                                 |
| t          | seconds since 1970, UTC  | when the last packet of the window was received                       |
| seq        | count, from 0            | number of the pose; a gap is a lost message                           |
| frame      | room, array              | calibrated room frame, or the receivers' own where there is no survey |
| unit       | m                        | of `joints`                                                           |
| joints     | 17 x [x, y, z], m        | order of `edge.skeleton.JOINTS`, rounded to the millimetre            |
| present    | bool                     | whether anybody is there; `joints` mean nothing where not             |
| confidence | 0 to 1                   | of the pose, rounded to a thousandth                                  |
| source     | live, replay, simulated  | where the channel measurements came from                              |
| trained_on | simulated, recorded      | what the model learnt from                                            |
| model      | name@hash8               | bundle name and the first 8 hex digits of its SHA-256                 |

`state`, on change and every 10 s, QoS 1, not retained:

| field      | type, unit              | content                                                                   |
|------------|-------------------------|---------------------------------------------------------------------------|
| v          | 1                       | version of this table                                                     |
| t          | seconds since 1970, UTC | of the pose it was judged by, or of now where there is none               |
| present    | bool or null            | null: not known (no packets, one receiver alone, paused)                  |
| posture    | text or null            | standing, sitting, lying, moving; null where nobody is there or not known |
| position   | [x, y] m or null        | of the hips, in `frame`                                                   |
| frame      | room, array             | as in `pose`                                                              |
| confidence | 0 to 1 or null          | of the poses of the last second                                           |
| problem    | text                    | why nothing is known, for people; empty where all is well                 |
| paused     | bool                    | somebody switched it off                                                  |
| source     | live, replay, simulated | as in `pose`                                                              |

`telemetry`, every 10 s, QoS 0, not retained: `Telemetry` below.

`truth`, only where a session has ground truth, QoS 0, not retained: `{"v":1,"seq":n,"joints":[[x,y,z]*17]}`, of the
pose of the same number.

`info`, on every connect, QoS 1, retained:

| field        | type         | content                                                 |
|--------------|--------------|---------------------------------------------------------|
| version      | text         | of this program                                         |
| bundle       | name@hash8   | as `model` above                                        |
| room_profile | text or null | the room profile in use                                 |
| joints       | 17 names     | of the rows of a pose                                   |
| edges        | 16 x [a, b]  | indices of the joints that a limb connects, parent first |
"""

import math
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge.skeleton import EDGES, JOINTS, N_JOINTS

Frame = Literal["room", "array"]
Source = Literal["live", "replay", "simulated"]
TrainedOn = Literal["simulated", "recorded"]
Posture = Literal["standing", "sitting", "lying", "moving"]

DECIMALS = 3  # a millimetre: finer than any estimate is right, and a third of the bytes


class Pose(msgspec.Struct, frozen=True, kw_only=True):
    """One estimate, in the field order of the table above."""

    v: Literal[1] = 1
    t: float
    seq: int
    frame: Frame
    unit: Literal["m"] = "m"
    joints: list[list[float]]
    present: bool
    confidence: float
    source: Source
    trained_on: TrainedOn
    model: str


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What a hub's entities show, in the field order of the table above."""

    v: Literal[1] = 1
    t: float
    present: bool | None
    posture: Posture | None
    position: tuple[float, float] | None
    frame: Frame
    confidence: float | None
    problem: str
    paused: bool
    source: Source


class ReceiverTelemetry(msgspec.Struct, frozen=True, kw_only=True):
    """One receiver over the last 10 s."""

    packets_per_s: float
    loss: float | None  # 0 to 1, of the packets that either receiver heard; null while they are not paired
    silent_s: float | None  # since its last packet; null where none has come yet
    unusable: int  # records without three known antennas, since the start
    damaged: int  # stretches of bytes that hold no record, since the start
    missed: int  # messages or datagrams lost on the way here, since the start


class Telemetry(msgspec.Struct, frozen=True, kw_only=True):
    """How the host fares; counts are since the start, rates and times over the last 10 s."""

    v: Literal[1] = 1
    t: float
    poses_per_s: float
    latency_p50_ms: float | None  # from the arrival of a window's last packets to the pose's publishing
    latency_p99_ms: float | None
    pairing_residual_us: float | None
    drift_ppm: float | None  # how much faster the second receiver's clock runs
    receivers: dict[str, ReceiverTelemetry]
    drops: dict[str, int]  # by reason: poses not sent, chunks not looked at, ...
    memory_mb: float
    problem: str  # as in State
    source: Source


class TruthMessage(msgspec.Struct, frozen=True, kw_only=True):
    """Where the joints really were, of the pose of the same number."""

    v: Literal[1] = 1
    seq: int
    joints: list[list[float]]


class Info(msgspec.Struct, frozen=True, kw_only=True):
    """What publishes, so that a viewer can draw the limbs without a copy of the skeleton."""

    version: str
    bundle: str
    room_profile: str | None
    joints: tuple[str, ...] = JOINTS
    edges: tuple[tuple[int, int], ...] = EDGES


def pose_message(
    joints: NDArray[np.floating[Any]],
    *,
    t: float,
    seq: int,
    frame: Frame,
    present: bool,
    confidence: float,
    source: Source,
    trained_on: TrainedOn,
    model: str,
) -> Pose:
    """Build the message of one pose.

    joints      (17, 3) any float dtype, metres, in `frame`
    t           seconds since 1970, UTC
    confidence  0 to 1
    raises      ValueError where a number could not stand in JSON or a reader's skeleton
    """
    if joints.shape != (N_JOINTS, 3):
        raise ValueError(f"a pose is ({N_JOINTS}, 3) joints in metres, got {joints.shape}")
    if not np.isfinite(joints).all():
        raise ValueError(f"pose {seq} has joints that are not finite")
    if not math.isfinite(t):
        raise ValueError(f"pose {seq} has a time that is not finite")
    if not 0.0 <= confidence <= 1.0:
        raise ValueError(f"pose {seq} has a confidence of {confidence}, outside 0 to 1")

    millimetres = np.round(joints.astype(np.float64), DECIMALS) + 0.0  # + 0.0 turns -0.0 into 0.0
    return Pose(
        t=float(t),
        seq=int(seq),
        frame=frame,
        joints=millimetres.tolist(),
        present=bool(present),
        confidence=round(float(confidence), DECIMALS),
        source=source,
        trained_on=trained_on,
        model=model,
    )


def encode(message: Pose | State | Telemetry | TruthMessage | Info) -> bytes:
    """Compact UTF-8 JSON, fields in the order of the table."""
    return msgspec.json.encode(message)
