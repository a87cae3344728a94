"""What a model says during a session, and what it says it from: through the same path as the running service."""

from dataclasses import dataclass

import numpy as np

from edge.arrays import Array
from edge.errors import BundleMismatch, RecordingError
from edge.inference.engine import Engine
from edge.recording import Recording, slices
from edge.replay import FULL_SPEED_TICK_US
from edge.signal.motion import motion
from edge.signal.path import SignalPath

POSES_PER_S = 10.0  # windows of two seconds hardly differ over a tenth


@dataclass(frozen=True, eq=False)
class Samples:
    """One row for each image of a session."""

    time_s: Array  # (N,) float64, of the window's last grid point, on the session's clock
    features: Array  # (N, F) float64, see `edge.inference.head`
    joints: Array  # (N, 17, 3) float64 metres, as the engine says
    level: Array  # (N,) float64, of `signal.motion`
    context_s: float  # how far back a window surely reaches; what it remembers beyond that tells little of a place

    def part(self, chosen: Array) -> "Samples":
        """Some of the rows; chosen (N,) bool."""
        return Samples(
            self.time_s[chosen], self.features[chosen], self.joints[chosen], self.level[chosen], self.context_s
        )


def samples(recording: Recording, engine: Engine, poses_per_s: float = POSES_PER_S) -> Samples:
    """Run a recording through path and model. Raises BundleMismatch where the model does not give its features.

    The mean that everything is compared with runs on, as in the service, also where the room was empty at first.
    """
    path = SignalPath(recording.links, poses_per_s, engine.spec)
    time_s, features, joints, level = [], [], [], []
    for _, packets in slices(recording, FULL_SPEED_TICK_US):
        for image in path.push(packets):
            said = engine.predict(image.values)
            if said.features is None:
                raise BundleMismatch("this bundle does not give its features; calibrate with one that does")
            time_s.append(image.time_us * 1e-6)
            features.append(said.features)
            joints.append(said.joints)
            level.append(motion(image.values, engine.spec).level)
    if not time_s:
        raise RecordingError("no whole window of packets in this recording; record it again")
    return Samples(np.array(time_s), np.array(features), np.array(joints), np.array(level), engine.spec.whole_s)
