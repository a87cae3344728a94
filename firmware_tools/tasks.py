"""What each network is asked to learn: its batches, its loss, how its outputs become joints.

wimose, wipose  windows of 20 grid points, coordinates
wimose-plus     stretches of all antennas, a pose in parts and how it moves for every fifth grid point
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from edge.arrays import Array
from edge.errors import ConfigError, MissingDependency
from edge.geometry import CARRIER
from edge.pose import SPLIT_1, joints_of
from edge.signal.imagespec import PLUS_2, WIMOSE_1, ImageSpec
from edge.skeleton import N_JOINTS
from firmware_tools.dataset import FILTER_REACH, IMAGE_SCALE, TRUTH_EVERY, TRUTH_UNIT_M, Sessions

HELD_OUT_SHARE = 0.25  # of the windows of the training sessions: the test part of the paper's random split
PAPER_EVERY = 4  # truth points from one window to the next: 7.5 Hz, the paper's windows do not overlap
# Every network is measured on the same windows: those that are whole for the longest context.
WHOLE = PLUS_2.whole + FILTER_REACH
MOTIONS = 20_000  # looked at for their deviation
# Share of the stretches that hide where the radios are, the carrier alone, and what was before the shortest window: not
# every host is told, and nobody has been heard for ever.
UNTOLD = 0.1
TRUTH_PER_S = 30
STRETCH = 120  # outputs of one training stretch, 4 s: longer costs less an output, shorter shows more places a step
NETWORKS = {"wimose": WIMOSE_1, "wipose": WIMOSE_1, "wimose-plus": PLUS_2}
PLACED = ("wimose-plus",)  # networks that are told where the radios are
FEATURES = {"wimose": "fc1", "wimose-plus": "features"}  # the layer before the last
LEARNING_RATES = {"wimose": 1e-3, "wipose": 1e-3, "wimose-plus": 4e-3}  # at their highest
FORMS = {"wimose": "joints-1", "wipose": "joints-1", "wimose-plus": "split-1"}


@dataclass(frozen=True, eq=False)
class Normal:
    """Constants of the training poses that a network's outputs are relative to."""

    mean: Array  # of every output; value = mean + scale * output
    scale: Array
    limb_m: Array  # (16,) metres, mean limbs
    skeleton: Array  # (17, 3) metres, a standing person for forward kinematics

    def save(self, path: Path) -> None:
        np.savez(path, mean=self.mean, scale=self.scale, limb_m=self.limb_m, skeleton=self.skeleton)

    @classmethod
    def read(cls, path: Path) -> "Normal":
        with np.load(path) as arrays:
            return cls(*(arrays[name].astype(np.float64) for name in ("mean", "scale", "limb_m", "skeleton")))


class Task(Protocol):
    """One network on one part of a dataset."""

    normal: Normal
    spec: ImageSpec

    def build(self) -> Any: ...
    def loss(self) -> Any: ...
    def optimizer(self) -> Any: ...
    def batch(self, step: int) -> tuple[Array, Array]:
        """The step's batch, the same whenever it is asked for."""
        ...


def keras_or_complain() -> Any:
    """Keras on TensorFlow, which the converter reads, unless KERAS_BACKEND says otherwise."""
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        import keras
    except ImportError as error:
        raise MissingDependency("training needs Keras: pip install 'wimose[train]'") from error
    return keras


def network_spec(network: str) -> ImageSpec:
    """Raises ConfigError for a network that is not known."""
    if network not in NETWORKS:
        raise ConfigError(f"no network {network!r}; there are: {', '.join(NETWORKS)}")
    return NETWORKS[network]


def held_out(sessions: Sessions, seed: int) -> Array:
    """The paper's 75/25 split of windows: (S, G / 5) bool, True where a window is tested on.

    Drawn for one truth point in PAPER_EVERY and the three after it alike; neighbours land on both sides, which is why
    this split is called leaky.
    """
    sessions_count, points = sessions.run.shape
    drawn = np.random.default_rng([seed, 25]).uniform(size=(sessions_count, -(-points // PAPER_EVERY)))
    return np.asarray(np.repeat(drawn < HELD_OUT_SHARE, PAPER_EVERY, axis=1)[:, :points])


def test_windows(sessions: Sessions) -> Array:
    """Windows that accuracy is measured on, at 7.5 Hz: (W, 2), as `Sessions.windows`."""
    session, index = np.nonzero(sessions.run[:, ::PAPER_EVERY] >= WHOLE)
    return np.stack((session, index * PAPER_EVERY), axis=1)


def task_of(network: str, sessions: Sessions, seed: int, batch: int, normal: Normal | None = None) -> Task:
    """The task of a network."""
    network_spec(network)
    kind = PlusTask if network == "wimose-plus" else WindowTask
    return kind(network, sessions, seed, batch, normal)


class WindowTask:
    """Windows in, standardised coordinates out."""

    def __init__(self, network: str, sessions: Sessions, seed: int, batch: int, normal: Normal | None) -> None:
        self.network, self.sessions, self.seed, self.batch_size = network, sessions, seed, batch
        self.spec = network_spec(network)
        windows = sessions.windows(PAPER_EVERY)
        self.chosen = windows[~held_out(sessions, seed)[windows[:, 0], windows[:, 1]]]
        if len(self.chosen) < batch:
            raise ConfigError(f"{len(self.chosen)} windows are fewer than one batch of {batch}; make a larger dataset")
        self.normal = normal or _coordinates(sessions.joints(self.chosen))

    def build(self) -> Any:
        from models.wimose import wimose
        from models.wipose import wipose

        if self.network == "wipose":
            return wipose(self.normal.mean, self.normal.scale, self.normal.skeleton)
        return wimose()

    def loss(self) -> Any:
        from models.losses import wimose_loss, wipose_loss

        loss = wipose_loss if self.network == "wipose" else wimose_loss
        return loss(self.normal.mean.astype(np.float32), self.normal.scale.astype(np.float32))

    def optimizer(self) -> Any:
        import keras

        return keras.optimizers.Adam()

    def batch(self, step: int) -> tuple[Array, Array]:
        """Images (B, 30, 20, 4) float32 and joints (B, 51) float32 metres; every window once before any comes again."""
        epoch, place = divmod(step, len(self.chosen) // self.batch_size)
        order = np.random.default_rng([self.seed, epoch]).permutation(len(self.chosen))
        rows = self.chosen[np.sort(order[place * self.batch_size : (place + 1) * self.batch_size])]
        return self.sessions.images(rows), self.sessions.joints(rows).reshape(len(rows), -1)


class PlusTask:
    """Stretches in, for every fifth grid point a pose in parts and how it moves out."""

    def __init__(self, network: str, sessions: Sessions, seed: int, batch: int, normal: Normal | None) -> None:
        from models.plus import MOTION_STEPS

        self.sessions, self.seed = sessions, seed
        self.spec = network_spec(network)
        self.stretches = max(batch // STRETCH, 1)
        self.outputs = min(STRETCH, batch)
        self.margin = MOTION_STEPS
        self.first = -(-(self.spec.whole - 1) // TRUTH_EVERY)  # first truth point with a whole window before it
        self.last = sessions.run.shape[1] - self.outputs - self.margin
        self.weight = (sessions.run >= WHOLE) & ~held_out(sessions, seed)
        self.unbroken = unbroken(sessions, self.margin)
        self.learnt = np.argwhere(self.weight)
        if self.last <= self.first:
            raise ConfigError("these sessions are shorter than a training stretch; make a dataset of longer ones")
        if not len(self.learnt):
            raise ConfigError("no window of these sessions is whole; make a larger dataset")
        self.normal = normal or _parts(sessions.joints(self.learnt[::TRUTH_EVERY]))

    def build(self) -> Any:
        from models.plus import plus

        return plus()

    def loss(self) -> Any:
        from models.plus import plus_loss

        return plus_loss(self.normal.mean, self.normal.scale, self.normal.limb_m, self.motion_m_s())

    def optimizer(self) -> Any:
        from models.muon import Muon

        return Muon(exclude_layers=["pose", "motion"])

    def motion_m_s(self) -> Array:
        """Deviation of the motion that is learnt: (68,)."""
        from models.plus import motion_scale

        moving = np.argwhere(self.weight & self.unbroken)
        some = moving[:: max(len(moving) // MOTIONS, 1)]
        return motion_scale(np.stack([self._truth(s, index, 1) for s, index in some]))

    def batch(self, step: int) -> tuple[Array, Array]:
        """Columns (B, 1240, 160) float32 and targets (B, 120, 121) float32, see `models.plus`.

        A stretch lies anyhow around a window that is learnt from: drawn blindly, it would hold a third fewer.
        """
        from models.plus import targets

        rng = np.random.default_rng([self.seed, step])
        around = self.learnt[rng.integers(0, len(self.learnt), self.stretches)]
        start = (around[:, 1] - rng.integers(0, self.outputs, self.stretches)).clip(self.first, self.last - 1)
        columns, joints, weight, moving = [], [], [], []
        for s, index in zip(around[:, 0], start, strict=True):
            stop = index + self.outputs
            last = (stop - 1) * TRUTH_EVERY + 1
            columns.append(self.sessions.stretch(s, index * TRUTH_EVERY + 1 - self.spec.packets, last))
            joints.append(self._truth(s, index, self.outputs))
            weight.append(self.weight[s, index:stop])
            moving.append(self.unbroken[s, index:stop])
        heard = np.stack(columns)
        heard[rng.uniform(size=len(heard)) < UNTOLD, : self.spec.packets - self.spec.whole] = 0
        told = self.sessions.geometry[around[:, 0]]  # a copy
        told[rng.uniform(size=len(told)) < UNTOLD] = 0.0
        told[rng.uniform(size=len(told)) < UNTOLD, CARRIER] = 0.0
        x = with_geometry(heard.astype(np.float32) / IMAGE_SCALE, told)
        return x, targets(np.stack(joints), np.stack(weight).astype(np.float32), np.stack(moving))

    def _truth(self, session: int, index: int, outputs: int) -> Array:
        """Joints of some outputs and of the margins around them, (outputs + 6, 17, 3) float32 metres."""
        span = slice(index - self.margin, index + outputs + self.margin)
        return np.asarray(self.sessions.truth[session, span] * np.float32(TRUTH_UNIT_M))


def unbroken(sessions: Sessions, margin: int) -> Array:
    """(S, G / 5) bool: where the truth so many points before and after belongs to the same motion.

    Not to its very first point, which may hold some of the motion before.
    """
    before, after = sessions.run[:, : -2 * margin].astype(np.int64), sessions.run[:, 2 * margin :]
    same = np.zeros(sessions.run.shape, bool)
    same[:, margin:-margin] = (before > 0) & (after - before == 2 * margin * TRUTH_EVERY)
    return same


def with_geometry(columns: Array, told: Array) -> Array:
    """Put where the radios are, (B, 20), behind the values of every grid point of columns (B, points, 140)."""
    behind = np.broadcast_to(told[:, None], (*columns.shape[:2], told.shape[1]))
    return np.concatenate((columns, behind), axis=2)


def network_input(network: str, sessions: Sessions, windows: Array) -> Array:
    """What a network reads of windows (W, 2): their images, of wimose-plus with the geometry of their rooms."""
    images = sessions.images(windows)
    return with_geometry(images, sessions.geometry[windows[:, 0]]) if network in PLACED else images


def predict(model: Any, network: str, normal: Normal, sessions: Sessions, windows: Array) -> Array:
    """What a float model, as it trains or as it ships, says of windows (W, 2): joints (W, 17, 3) metres."""
    said = []
    for start in range(0, len(windows), 256):
        output = model.predict_on_batch(network_input(network, sessions, windows[start : start + 256]))
        said.append(np.asarray(output).reshape(len(output), -1)[:, : normal.mean.size])
    values = normal.mean + normal.scale * np.concatenate(said)
    return joints_of(values, FORMS[network], normal.limb_m)


def host_model(model: Any, network: str) -> Any:
    """The model that ships: without what only training needs, the optimiser too."""
    if network == "wimose-plus":
        from models.plus import for_host

        return for_host(model)
    import keras

    for layer in model.layers:
        if isinstance(layer, keras.layers.LSTM):
            layer.unroll = True  # the converter knows no loops; read when the saved model is loaded
    return keras.Model(model.input, model.output, name=model.name)  # the same layers, not compiled


def with_features(model: Any, network: str) -> tuple[Any, int]:
    """The model with what its last layer reads as a second output, and how many values that is; 0 of wipose."""
    import keras

    if network not in FEATURES:
        return model, 0
    features = model.get_layer(FEATURES[network]).output
    return keras.Model(model.input, [model.output, features], name=model.name), int(features.shape[-1])


def _coordinates(joints: Array) -> Normal:
    from models.kinematics import initial_skeleton, limb_lengths

    flat = joints.reshape(len(joints), -1).astype(np.float64)
    scale = np.full(3 * N_JOINTS, flat.std(axis=0).max())
    return Normal(flat.mean(axis=0), scale, limb_lengths(joints).mean(axis=0), initial_skeleton(joints))


def _parts(joints: Array) -> Normal:
    from models.kinematics import initial_skeleton, limb_lengths
    from models.plus import standard

    mean, scale = standard(joints.astype(np.float64))
    assert mean.size == SPLIT_1
    return Normal(mean, scale, limb_lengths(joints).mean(axis=0), initial_skeleton(joints))
