"""A bundle's errors on every part of a dataset, each room, condition and kind of motion by itself."""

import os
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import numpy as np

from edge.arrays import Array
from edge.errors import ConfigError
from edge.inference.bundle import Accuracy, Bundle
from edge.inference.engine import Engine, Prediction
from edge.pose import NEAR_M
from edge.progress import track
from edge.signal.antennas import BINS
from edge.signal.grid import RATE_HZ
from edge.signal.imagespec import columns_of
from firmware_tools import dataset
from firmware_tools.dataset import TRUTH_EVERY, Sessions, clips_of
from firmware_tools.evaluate import MAX_WINDOWS, measure
from firmware_tools.simulate.motion import load_clips
from firmware_tools.simulate.rooms import room_named
from firmware_tools.splits import kind_of
from firmware_tools.tasks import Normal, held_out, predict, test_windows
from models.baselines import KnnRegressor, MeanPoses
from models.metrics import Moments

FEWEST_WINDOWS = 100  # of a kind of motion; fewer say nothing
KNN_WINDOWS = 20_000
BLOCK = 64  # windows in memory at once
PAPER = "paper"
ANY_ROOM = "any"  # of a bundle that was trained in many
MANY_ROOMS = "rooms-train"  # the benchmark's part that its baselines are of
NLOS = "-nlos"  # rooms with a screen end so


@dataclass(frozen=True, eq=False)
class Trained:
    """The float model that a bundle was made of."""

    model: Any
    network: str
    normal: Normal


def measure_dataset(
    bundle: Bundle, engine: Engine, data: Path, trained: Trained | None = None, parts: list[str] | None = None
) -> list[Accuracy]:
    """The table of a bundle: the paper's leaky split of its training part, and every other part of a dataset.

    data   the dataset it was trained on, or another: nothing of that was learnt from, so it has no leaky split
    parts  which to measure instead, PAPER among them; all that are not training parts if None
    """
    definition = dataset.read_definition(data)
    ruler = Ruler.of(bundle, engine, data, trained)
    if parts is None:
        parts = [name for name in definition.parts if "train" not in name]
        parts = [PAPER, *parts] if learnt_from(bundle, definition) else parts
    entries = []
    for name in parts:
        if name == PAPER:
            entries += ruler.measure(PAPER, ruler.train, ruler.leaky, _kinds(definition, ruler.part))
            continue
        sessions = dataset.load(data, name, bundle.spec.name)
        split = "room" if name.startswith("room") else definition.parts[name].split
        entries += ruler.measure(split, sessions, test_windows(sessions), _kinds(definition, name))
    return entries


def measure_motion(bundle: Bundle, engine: Engine, data: Path, motion: Path, hours: float, seed: int) -> list[Accuracy]:
    """The same in the rooms the bundle was trained in, with people from another folder of motion."""
    ruler = Ruler.of(bundle, engine, data, None)
    learnt = dataset.read_definition(data)
    part = dataset.Part(learnt.parts[ruler.part].rooms, dataset.EVERYBODY, hours)
    # The rest as it was learnt: sessions that begin with an empty room above all.
    definition = msgspec.structs.replace(
        learnt, version="motion", seed=seed, parts={"motion": part}, specs=[columns_of(bundle.spec.name)],
        motion=str(motion),
    )  # fmt: skip
    with TemporaryDirectory() as folder:
        dataset.build(definition, Path(folder), os.cpu_count() or 1)
        sessions = dataset.load(Path(folder), "motion", bundle.spec.name)
        return ruler.measure("motion", sessions, test_windows(sessions), _kinds(definition, "motion"))


def learnt_from(bundle: Bundle, definition: dataset.Definition) -> bool:
    """Whether a bundle was trained on that dataset."""
    training = bundle.description.training
    return (training.get("dataset"), training.get("dataset_seed")) == (definition.version, definition.seed)


@dataclass(frozen=True, eq=False)
class Ruler:
    """A bundle, and what it is compared with, fitted on the windows it was trained on."""

    bundle: Bundle
    engine: Engine
    trained: Trained | None
    part: str
    train: Sessions
    leaky: Array  # (W, 2) windows of the training sessions that the paper's split tests on
    poses: MeanPoses
    knn: KnnRegressor

    @classmethod
    def of(cls, bundle: Bundle, engine: Engine, data: Path, trained: Trained | None) -> "Ruler":
        """Raises ConfigError where the dataset is not one the bundle can be measured on."""
        definition = dataset.read_definition(data)
        part = str(bundle.description.training.get("part", "train"))
        if not learnt_from(bundle, definition) and bundle.description.room == ANY_ROOM:
            part = MANY_ROOMS
        if part not in definition.parts:
            raise ConfigError(f"{data} has no part {part!r}, as {bundle.identity} was trained on; give its dataset")
        if columns_of(bundle.spec.name) not in definition.specs:
            raise ConfigError(f"{data} has no columns of {bundle.spec.name}; make it with `--spec {bundle.spec.name}`")
        train = dataset.load(data, part, bundle.spec.name)
        windows = test_windows(train)
        leaky = held_out(train, int(bundle.description.training["seed"]))[windows[:, 0], windows[:, 1]]
        known = windows[~leaky]
        poses = MeanPoses.of(train.joints(known[:: max(len(known) // 50_000, 1)]).astype(np.float64))
        near = known[:: max(len(known) // KNN_WINDOWS, 1)]
        knn = KnnRegressor.fit(_features(train, near), train.joints(near))
        return cls(bundle, engine, trained, part, train, windows[leaky], poses, knn)

    def measure(self, split: str, sessions: Sessions, windows: Array, kinds: Array) -> list[Accuracy]:
        """One entry for every room (or set of drawn rooms), condition and kind of motion.

        windows  (W, 2); kinds of every clip number of the sessions
        """
        entries = []
        for room, nlos in sorted({_group(name) for name in sessions.rooms}):
            mine = np.array([_group(name) == (room, nlos) for name in sessions.rooms])
            here = windows[mine[windows[:, 0]]]
            for kind in ("household", "dance"):
                some = _evenly(here[kinds[sessions.clip[here[:, 0], here[:, 1]]] == kind])
                if len(some) >= FEWEST_WINDOWS:
                    entries.append(self._entry(split, room, "NLoS" if nlos else "LoS", kind, sessions, some))
        return entries

    def _entry(self, split: str, room: str, condition: str, kind: str, sessions: Sessions, windows: Array) -> Accuracy:
        blocks = range(0, len(windows), BLOCK)
        said: list[Prediction] = []
        engine, told = self.engine, -1  # of the session that was told last
        for start in track(blocks, f"measuring {split}, {room}, {condition}, {kind}", len(blocks)):
            some = windows[start : start + BLOCK]
            for session, image in zip(some[:, 0], sessions.images(some), strict=True):
                if session != told:
                    engine, told = self.engine.sibling(geometry=sessions.geometry[session]), session
                said.append(engine.predict(image))
        truth, joints = sessions.joints(windows).astype(np.float64), np.stack([one.joints for one in said])
        float_joints = None
        if self.trained:
            float_joints = predict(self.trained.model, self.trained.network, self.trained.normal, sessions, windows)
        training = self.bundle.description.training
        accuracy = measure(
            split, room, truth, joints, poses=self.poses, condition=condition, motion=kind,
            knn_joints=self.knn.predict(_features(sessions, windows)).astype(np.float64), float_joints=float_joints,
            moments=_moments(sessions, windows), network=str(training.get("network", "")), seed=int(training["seed"]),
        )  # fmt: skip
        return _with_confidence(accuracy, said, truth, joints)


def _with_confidence(accuracy: Accuracy, said: list[Prediction], truth: Array, joints: Array) -> Accuracy:
    """How sure the model was, and how right it was to be, where it says so."""
    confidence = np.array([one.confidence for one in said if one.confidence is not None])
    if len(confidence) < len(said):
        return accuracy
    near = (np.linalg.norm(joints - truth, axis=2) < NEAR_M).mean(axis=1)
    tenths = np.array_split(np.argsort(confidence), 10)
    error = np.mean([abs(confidence[tenth].mean() - near[tenth].mean()) for tenth in tenths])
    return msgspec.structs.replace(
        accuracy, confidence=round(100 * float(confidence.mean()), 1), confidence_error=round(100 * float(error), 1)
    )


def _evenly(windows: Array) -> Array:
    """At most about MAX_WINDOWS, of whole sessions evenly over all: jitter needs windows in a row."""
    there = np.unique(windows[:, 0])
    return windows[np.isin(windows[:, 0], there[:: max(-(-len(windows) // MAX_WINDOWS), 1)])]


def _group(room: str) -> tuple[str, bool]:
    """What a session is counted under: its room, or the set of drawn rooms it belongs to; and whether it is NLoS."""
    nlos = bool(room_named(room).screens)
    name = room.removesuffix(NLOS)
    head, _, number = name.rpartition("-")
    return (f"{head} rooms" if head and number.isdigit() else name), nlos


def _kinds(definition: dataset.Definition, part: str) -> Array:
    """Kind of motion of every clip a part was drawn from; a walk counts as its only one."""
    if definition.parts[part].motion == "walk":
        return np.array(["household"])
    clips = clips_of(definition.parts[part].split, load_clips(Path(definition.motion)))
    return np.array([kind_of(clip) for clip in clips])


def _features(sessions: Sessions, windows: Array) -> Array:
    """What neighbours are looked for by, (W, D) float32: the last 20 grid points, three subcarriers and five points
    averaged, or of all antennas the last second, mean and deviation of ten stretches."""
    rows = []
    for start in range(0, len(windows), 512):
        images = sessions.images(windows[start : start + 512])
        if sessions.spec.across:
            pooled = images.reshape(len(images), BINS, -1, 4, 5, images.shape[3]).mean(axis=(2, 4))
            rows.append(pooled.reshape(len(images), -1))
        else:
            second = images[:, -RATE_HZ:].reshape(len(images), 10, -1, images.shape[2])
            rows.append(np.concatenate((second.mean(axis=2), second.std(axis=2)), axis=1).reshape(len(images), -1))
    return np.concatenate(rows)


def _moments(sessions: Sessions, windows: Array) -> Moments:
    """A take is one sequence; takes of a session are told apart by where their run began."""
    began = windows[:, 1] * TRUTH_EVERY - sessions.run[windows[:, 0], windows[:, 1]].astype(np.int64)
    _, sequence = np.unique(windows[:, 0] * 10**7 + began, return_inverse=True)
    return Moments(sequence, windows[:, 1] * TRUTH_EVERY / RATE_HZ)
