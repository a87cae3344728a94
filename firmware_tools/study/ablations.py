"""Ablations: wimose-plus with something taken away, each shown the same windows as often, one line each with its run.

What it sees, how far back, of how many sessions, what it says, and what it is asked for. The paper's leaky split is a
column, not a run. Raw and line-fitted phase are no function of the values that the model's image spec keeps: in its
products of antennas a packet's phase has cancelled. They have specs of their own (`phases`).
The packet's power that all values are over is that of a receiver's three antennas, also where one pair alone is seen.

An ablation is a folder: `run-<name>` (weights, normal.npz, loss.csv), `ablations.yaml`. All of it is simulated.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from rich.console import Group

from edge.arrays import Array
from edge.errors import ConfigError
from edge.geometry import GEOMETRY_VALUES
from edge.pose import FORMS
from edge.progress import track
from edge.signal.antennas import ANTENNAS, BINS, PRODUCTS
from edge.signal.imagespec import columns_of
from edge.skeleton import N_JOINTS
from firmware_tools import dataset
from firmware_tools.dataset import Sessions
from firmware_tools.phases import FITTED_PHASE, RAW_PHASE
from firmware_tools.study.trial import SPEC, Learnt, Trial, error_figures, motion_figures, run_trial
from firmware_tools.tasks import LEARNING_RATES, Normal, PlusTask, keras_or_complain
from firmware_tools.train import WEIGHTS, Run, learning_rate, samples_in

SEED = 1
PART, TEST = "train", "clip"
# Of a receiver's values, in groups of a bin each: amplitudes, products along their mean, products across it.
AMPLITUDE = tuple(range(ANTENNAS))
PRODUCT = tuple(range(ANTENNAS, ANTENNAS + 2 * PRODUCTS))
EVERYTHING = AMPLITUDE + PRODUCT
FULL = (1, 2, 4, 8, 16, 32)  # dilations; every network has six blocks, whatever its context


@dataclass(frozen=True)
class Ablation:
    """What is left."""

    name: str  # of its folder too
    what: str
    receivers: tuple[int, ...] = (0, 1)
    groups: tuple[int, ...] = EVERYTHING
    dilations: tuple[int, ...] = FULL
    sessions: float = 1.0  # share of them, the first
    form: str = "split-1"
    motion_weight: float = 1.0
    spec: str = SPEC  # of the images; where the dataset has none of it, nothing is trained


ABLATIONS = (
    Ablation("all", "all antennas, 4.3 s, pose in parts"),
    Ablation("amplitude", "amplitudes only", groups=AMPLITUDE),
    Ablation("products", "conjugate products only", groups=PRODUCT),
    Ablation("pair", "amplitude of one antenna, its product with the next", groups=(0, ANTENNAS, ANTENNAS + PRODUCTS)),
    Ablation("raw-phase", "amplitudes, raw phase of two antennas", spec=RAW_PHASE.name),
    Ablation("fitted-phase", "amplitudes, phase of two antennas without its line", spec=FITTED_PHASE.name),
    Ablation("receiver1", "receiver 1 only", receivers=(0,)),
    Ablation("context-0.23s", "context 0.23 s", dilations=(1, 1, 0, 0, 0, 0)),
    Ablation("context-0.7s", "context 0.7 s", dilations=(1, 2, 2, 2, 2, 0)),
    Ablation("context-2.2s", "context 2.17 s", dilations=(1, 2, 4, 8, 16, 0)),
    Ablation("quarter", "a quarter of the sessions", sessions=0.25),
    Ablation("joints", "51 coordinates instead of a pose in parts", form="joints-1"),
    Ablation("no-motion", "not asked for motion", motion_weight=0.0),
)


class Ablated(msgspec.Struct, frozen=True):
    """`ablations.yaml`."""

    dataset: str
    batch: int
    samples: int  # windows shown to every model
    trials: list[Trial] = []
    seed: int = SEED
    source: str = "simulated"


class AblatedTask(PlusTask):
    """wimose-plus's task without what the ablation takes away."""

    def __init__(self, ablation: Ablation, sessions: Sessions, batch: int) -> None:
        from models.plus import context_points

        count = max(round(len(sessions.run) * ablation.sessions), 1)
        super().__init__("wimose-plus", _first(sessions, count), SEED, batch, None)
        self.ablation = ablation
        self.mask = np.append(mask(ablation), np.ones(GEOMETRY_VALUES, np.float32))  # all are told of the room
        self.older = self.spec.packets - context_points(ablation.dilations)  # grid points that are not seen
        if ablation.form == "joints-1":
            joints = self.sessions.joints(np.argwhere(self.weight)[::5]).reshape(-1, FORMS["joints-1"])
            scale = np.full(FORMS["joints-1"], joints.std(axis=0).max())
            self.normal = Normal(joints.mean(axis=0), scale, self.normal.limb_m, self.normal.skeleton)

    def build(self) -> Any:
        from models.plus import plus

        return plus(dilations=self.ablation.dilations, outputs=FORMS[self.ablation.form])

    def loss(self) -> Any:
        from models.plus import plus_loss

        weight, motion = self.ablation.motion_weight, self.motion_m_s()
        if self.ablation.form == "joints-1":
            return joints_loss(self.normal.mean, self.normal.scale, motion, weight)
        return plus_loss(self.normal.mean, self.normal.scale, self.normal.limb_m, motion, weight)

    def batch(self, step: int) -> tuple[Array, Array]:
        x, y = super().batch(step)
        return self.see(x), y

    def see(self, columns: Array) -> Array:
        """Of stretches or windows (B, points, 160): the later points, and zeros where a value is not seen."""
        return np.asarray(columns[:, self.older :] * self.mask)


def mask(ablation: Ablation) -> Array:
    """(140,) float32, 1 for values that are seen."""
    seen = np.zeros((2, len(EVERYTHING), BINS), np.float32)
    seen[np.ix_(ablation.receivers, ablation.groups)] = 1.0
    return seen.ravel()


def joints_loss(mean: Array, scale: Array, motion_m_s: Array, motion_weight: float) -> Callable[[Any, Any], Any]:
    """Mean distance of joints, weighted as the body of `models.plus.plus_loss`, and its motion."""
    from keras import ops

    from models.plus import motion_loss

    mean32, scale32 = mean.astype(np.float32), scale.astype(np.float32)
    moved = motion_loss(motion_m_s)

    def loss(truth: Any, output: Any) -> Any:
        size = mean32.size
        off = ops.reshape(output[..., :size] * scale32 + mean32 - truth[..., :size], (-1, N_JOINTS, 3))
        each = ops.mean(ops.sqrt(ops.sum(ops.square(off), axis=-1) + 1e-8), axis=1)  # finite gradient at zero
        weight = ops.reshape(truth[..., -2], (-1,))
        error = ops.sum(each * weight) / ops.maximum(ops.sum(weight), 1.0)
        return 10.0 * error + motion_weight * moved(truth, output[..., size:])

    return loss


def ablate(data: Path, out: Path, minutes: float, batch: int) -> Ablated:
    """Train and measure what is not there yet. Raises ConfigError if the folder holds ablations of something else.

    minutes  of training a model, measured on the whole network; what goes on keeps the number of windows it began with
    """
    file = out / "ablations.yaml"
    if file.exists():
        done = msgspec.yaml.decode(file.read_bytes(), type=Ablated)
        if (done.dataset, done.batch) != (str(data), batch):
            raise ConfigError(f"{out} holds ablations on {done.dataset}, batches of {done.batch}; give an empty folder")
    else:
        done = Ablated(str(data), batch, samples_in(_run(data, batch, batch), minutes))
        out.mkdir(parents=True, exist_ok=True)
    there = dataset.read_definition(data).specs
    for ablation in [ablation for ablation in ABLATIONS if columns_of(ablation.spec) in there]:
        if ablation.what not in {trial.name for trial in done.trials}:
            done = msgspec.structs.replace(done, trials=[*done.trials, _trial(ablation, done, data, out)])
            file.with_suffix(".new").write_bytes(msgspec.yaml.encode(done))
            file.with_suffix(".new").replace(file)  # at once: it can be stopped at any time
    return done


def ablation_tables(done: Ablated) -> Group:
    """For people."""
    title = f"Ablations of wimose-plus on {done.dataset}, simulated, {done.samples} windows shown. mm, degrees"
    return Group(
        error_figures(done.trials, "what is left").drawn(title),
        motion_figures(done.trials, "what is left").drawn(
            "R2 of velocities and speeds: hips, and limbs relative to them"
        ),
    )


def _trial(ablation: Ablation, asked: Ablated, data: Path, out: Path) -> Trial:
    folder = out / f"run-{ablation.name}"
    folder.mkdir(parents=True, exist_ok=True)
    task = AblatedTask(ablation, dataset.load(data, PART, ablation.spec), asked.batch)
    model = _fit(task, _run(data, asked.samples, asked.batch), folder)
    found = Learnt(model, task.normal, ablation.form, task.see)
    return run_trial(
        ablation.what,
        folder,
        asked.samples,
        found,
        data,
        PART,
        TEST,
        TEST,
        "all of the dataset",
        SEED,
        task.sessions,
        ablation.spec,
    )


def _fit(task: AblatedTask, run: Run, folder: Path) -> Any:
    """As `train`, with the same schedule, but without its checkpoints: these runs are short."""
    keras = keras_or_complain()
    keras.utils.set_random_seed(run.seed)
    model = task.build()
    model.compile(optimizer=task.optimizer(), loss=task.loss(), jit_compile=True)
    steps = max(run.samples // run.batch, 1)
    losses = []
    for step in track(range(steps), f"training {task.ablation.name}", steps):
        model.optimizer.learning_rate.assign(learning_rate(run, step))
        losses.append(float(model.train_on_batch(*task.batch(step))))
    np.savetxt(folder / "loss.csv", losses, "%.4f")
    task.normal.save(folder / "normal.npz")
    model.save_weights(folder / WEIGHTS)
    return model


def _run(data: Path, samples: int, batch: int) -> Run:
    rate = LEARNING_RATES["wimose-plus"]
    return Run(str(data), samples, batch, rate, SEED, network="wimose-plus", part=PART, held_out=TEST)


def _first(sessions: Sessions, count: int) -> Sessions:
    names = ("columns", "truth", "run", "clip", "rooms")
    return replace(sessions, **{name: getattr(sessions, name)[:count] for name in names})
