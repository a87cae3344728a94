"""One line of the ladder or of the ablations: a float wimose-plus on a part of a dataset, beside its baselines.

All figures are of simulated CSI and of household motion; dance and acrobatics are for the benchmark's tables.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from edge.arrays import Array
from edge.errors import ConfigError
from edge.inference.bundle import Accuracy
from edge.pose import joints_of
from edge.skeleton import JOINTS, N_JOINTS, ROOT
from firmware_tools import dataset
from firmware_tools.dataset import Sessions, clips_of
from firmware_tools.evaluate import Figures, Row, measure
from firmware_tools.simulate.motion import load_clips
from firmware_tools.splits import kind_of
from firmware_tools.tasks import Normal, held_out, network_input, test_windows, unbroken
from models.baselines import MeanPoses

SPEC = "plus-2"
MAX_WINDOWS = 4000  # of a part, evenly over it: two models differ by millimetres, not by tenths
LIMBS = ("Wrist", "Elbow", "Knee", "Ankle")


class Trial(msgspec.Struct, frozen=True):
    """A run, and what it scores."""

    name: str
    run: str  # name of its folder
    samples: int  # windows it was shown
    accuracy: Accuracy
    velocity_r2: dict[str, float]  # see `motion_r2`
    speed_r2: dict[str, float] = {}  # of their sizes alone; not known of the runs before they were learnt
    leaky: Accuracy | None = None  # the same model on the paper's random split of its own training part

    @property
    def skill(self) -> float:
        return skill(self.accuracy)


@dataclass(frozen=True, eq=False)
class Learnt:
    """A trained network, with its motion."""

    model: Any
    normal: Normal
    form: str = "split-1"
    see: Callable[[Array], Array] = np.asarray  # what of its input (B, 645, 160) it is shown


def skill(accuracy: Accuracy) -> float:
    """Share of the canonical baseline's P-MPJPE that is gone; 0 has shown no pose."""
    return 1.0 - accuracy.p_mpjpe_mm / accuracy.canonical_p_mpjpe_mm


def run_trial(
    name: str, run: Path, samples: int, learnt: Learnt, data: Path, train: str, test: str, split: str, room: str,
    seed: int, known: Sessions | None = None, spec: str = SPEC,
) -> Trial:  # fmt: skip
    """Measure a run on the part `test` and on what was held out of the part it was trained on.

    known  the sessions it was trained on; all of `train` if None
    """
    definition = dataset.read_definition(data)
    known = known or dataset.load(data, train, spec)
    poses, leaky = learnt_from(definition, train, known, seed)
    kept = dataset.load(data, test, spec)
    trial = measured(name, run, samples, learnt, kept, household(definition, test, kept), poses, split, room, seed)
    own = measured(name, run, samples, learnt, known, leaky, poses, "paper", room, seed)
    return msgspec.structs.replace(trial, leaky=own.accuracy)


def learnt_from(definition: dataset.Definition, train: str, known: Sessions, seed: int) -> tuple[MeanPoses, Array]:
    """The mean poses of what is learnt from, and the windows (W, 2) that are held out of it; household motion."""
    windows = household(definition, train, known)
    leaky = held_out(known, seed)[windows[:, 0], windows[:, 1]]
    return MeanPoses.of(known.joints(_spread(windows[~leaky], 10 * MAX_WINDOWS)).astype(np.float64)), windows[leaky]


def measured(
    name: str, run: Path, samples: int, learnt: Learnt, sessions: Sessions, windows: Array, poses: MeanPoses,
    split: str, room: str, seed: int,
) -> Trial:  # fmt: skip
    """What the network says of at most MAX_WINDOWS of some windows (W, 2)."""
    some = _spread(windows, MAX_WINDOWS)
    if not len(some):
        raise ConfigError(f"no windows of household motion for the {split} split; make a larger dataset")
    said = _outputs(learnt, sessions, some)
    values = learnt.normal.mean + learnt.normal.scale * said[:, : learnt.normal.mean.size]
    joints = joints_of(values, learnt.form, learnt.normal.limb_m)
    accuracy = measure(
        split, room, sessions.joints(some).astype(np.float64), joints, poses=poses,
        condition=_condition(sessions), network="wimose-plus", seed=seed,
    )  # fmt: skip
    whole, truth = motions(sessions, some)
    return Trial(name, run.name, samples, accuracy, *motion_r2(truth, said[whole, learnt.normal.mean.size :]))


def motion_r2(truth: Array, said: Array) -> tuple[dict[str, float], dict[str, float]]:
    """Shares of the variance of velocities, all three components, and of their sizes that are explained.

    Of limbs relative to the hips, so that walking is not counted at every joint; of the whole body that of the hips.

    truth, said  (W, 68) m/s, as of `models.plus.motion`
    """
    groups = {"body": [ROOT]} | {f"{limb.lower()}s": [JOINTS.index(side + limb) for side in "LR"] for limb in LIMBS}
    velocity: dict[str, float] = {}
    speed: dict[str, float] = {}
    off, spread = np.square(said - truth), np.square(truth - truth.mean(axis=0))
    for name, joints in groups.items():
        components = np.add.outer(3 * np.array(joints), range(3)).ravel()
        for r2, columns in ((velocity, components), (speed, 3 * N_JOINTS + np.array(joints))):
            r2[name] = round(float(1 - off[:, columns].sum() / spread[:, columns].sum()), 3)
    return velocity, speed


def error_figures(trials: list[Trial], what: str) -> Figures:
    """Errors in mm and degrees, skill in percent; leaky: skill on the paper's random split of the same sessions."""
    return Figures(
        what,
        ("MPJPE", "root", "relative", "P-MPJPE", "canonical", "shuffled", "heading", "skill %", "leaky skill %"),
        tuple(
            Row(True, trial.name, (
                *(f"{value:.0f}" for value in (a.mpjpe_mm, a.root_mm, a.relative_mpjpe_mm)),
                *(f"{value:.1f}" for value in (a.p_mpjpe_mm, a.canonical_p_mpjpe_mm, a.shuffled_p_mpjpe_mm)),
                f"{a.heading_deg:.0f}", f"{100 * trial.skill:.1f}",
                f"{100 * skill(trial.leaky):.1f}" if trial.leaky else "-",
            ))
            for trial in trials for a in (trial.accuracy,)
        ),
    )  # fmt: skip


def motion_figures(trials: list[Trial], what: str) -> Figures:
    """R2 of velocities, of hips and of limbs relative to them, and of their sizes; the run each line comes from."""
    names = tuple(trials[0].velocity_r2) if trials else ()
    rows = (
        Row(True, t.name, (
            *(f"{t.velocity_r2[name]:.2f}" for name in names),
            *(f"{t.speed_r2[name]:.2f}" if t.speed_r2 else "-" for name in names), t.run,
        ))
        for t in trials
    )  # fmt: skip
    return Figures(what, (*names, *(f"{name} speed" for name in names), "run"), tuple(rows))


def household(definition: dataset.Definition, part: str, sessions: Sessions) -> Array:
    """Test windows of household motion (W, 2)."""
    kinds = np.array(
        [kind_of(clip) for clip in clips_of(definition.parts[part].split, load_clips(Path(definition.motion)))]
    )
    windows = test_windows(sessions)
    return np.asarray(windows[kinds[sessions.clip[windows[:, 0], windows[:, 1]]] == "household"])


def _spread(windows: Array, most: int) -> Array:
    """At most so many, evenly over all."""
    return windows[:: -(-len(windows) // most) or 1]


def _condition(sessions: Sessions) -> str:
    nlos = {room.endswith("-nlos") for room in sessions.rooms}
    return " and ".join(name for name, there in (("LoS", False), ("NLoS", True)) if there in nlos)


def _outputs(learnt: Learnt, sessions: Sessions, windows: Array) -> Array:
    """(W, pose + 68) float32, as they come."""
    said = []
    for start in range(0, len(windows), 256):
        output = learnt.model.predict_on_batch(
            learnt.see(network_input("wimose-plus", sessions, windows[start : start + 256]))
        )
        said.append(np.asarray(output).reshape(len(output), -1))
    return np.concatenate(said)


def motions(sessions: Sessions, windows: Array) -> tuple[Array, Array]:
    """Which windows (W,) have the same motion on either side, and how those move (N, 68), see `models.plus.motion`."""
    from models.plus import MOTION_STEPS, motion

    session, index = windows.T
    whole = unbroken(sessions, MOTION_STEPS)[session, index]
    steps = range(-MOTION_STEPS, MOTION_STEPS + 1)
    around = np.stack([sessions.joints(windows[whole] + (0, step)) for step in steps], axis=1)
    return whole, motion(around)[:, 0]
