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
from firmware_tools.dataset import TRUTH_EVERY, Sessions, clips_of
from firmware_tools.evaluate import Figures, Row, measure
from firmware_tools.simulate.motion import load_clips
from firmware_tools.splits import kind_of
from firmware_tools.tasks import Normal, held_out, test_windows
from models.baselines import MeanPoses

SPEC = "plus-1"
MAX_WINDOWS = 4000  # of a part, evenly over it: two models differ by millimetres, not by tenths
LIMBS = ("Wrist", "Elbow", "Knee", "Ankle")


class Trial(msgspec.Struct, frozen=True):
    """A run, and what it scores."""

    name: str
    run: str  # name of its folder
    samples: int  # windows it was shown
    accuracy: Accuracy
    leaky: Accuracy  # the same model on the paper's random split of its own training part
    speed_r2: dict[str, float]  # see `speed_r2`

    @property
    def skill(self) -> float:
        return skill(self.accuracy)


@dataclass(frozen=True, eq=False)
class Learnt:
    """A trained network, with its velocities."""

    model: Any
    normal: Normal
    form: str = "split-1"
    see: Callable[[Array], Array] = np.asarray  # what of images (B, 325, 140) it is shown


def skill(accuracy: Accuracy) -> float:
    """Share of the canonical baseline's P-MPJPE that is gone; 0 has shown no pose."""
    return 1.0 - accuracy.p_mpjpe_mm / accuracy.canonical_p_mpjpe_mm


def run_trial(
    name: str, run: Path, samples: int, learnt: Learnt, data: Path, train: str, test: str, split: str, room: str,
    seed: int, known: Sessions | None = None,
) -> Trial:  # fmt: skip
    """Measure a run on the part `test` and on what was held out of the part it was trained on.

    known  the sessions it was trained on; all of `train` if None
    """
    definition = dataset.read_definition(data)
    known = known or dataset.load(data, train, SPEC)
    windows = _household(definition, train, known)
    leaky = held_out(known, seed)[windows[:, 0], windows[:, 1]]
    poses = MeanPoses.of(known.joints(_spread(windows[~leaky], 10 * MAX_WINDOWS)).astype(np.float64))
    parts = []
    for split_name, sessions, chosen in (
        ("paper", known, windows[leaky]),
        (split, kept := dataset.load(data, test, SPEC), _household(definition, test, kept)),
    ):
        some = _spread(chosen, MAX_WINDOWS)
        if not len(some):
            raise ConfigError(f"{data} has no {split_name} windows of household motion; make a larger dataset")
        said = _outputs(learnt, sessions, some)
        values = learnt.normal.mean + learnt.normal.scale * said[:, : learnt.normal.mean.size]
        joints = joints_of(values, learnt.form, learnt.normal.limb_m)
        parts.append(measure(
            split_name, room, sessions.joints(some).astype(np.float64), joints, poses=poses,
            condition=_condition(sessions), network="wimose-plus", seed=seed,
        ))  # fmt: skip
    whole, truth = velocities(sessions, some)
    speeds = said[whole, learnt.normal.mean.size :].reshape(-1, N_JOINTS, 3)
    return Trial(name, run.name, samples, parts[1], parts[0], speed_r2(truth, speeds))


def speed_r2(truth: Array, said: Array) -> dict[str, float]:
    """Share of the velocities' variance that is explained, all three components.

    Of limbs relative to the hips, so that walking is not counted at every joint; of the whole body that of the hips.

    truth, said  (W, 17, 3) m/s in the frame of the hips
    """
    groups = {"body": ([ROOT], truth, said)}
    for limb in LIMBS:
        joints = [JOINTS.index(side + limb) for side in "LR"]
        groups[f"{limb.lower()}s"] = (joints, truth - truth[:, [ROOT]], said - said[:, [ROOT]])
    r2 = {}
    for name, (joints, true, guess) in groups.items():
        spread = true[:, joints] - true[:, joints].mean(axis=0)
        r2[name] = round(float(1 - np.square(guess - true)[:, joints].sum() / np.square(spread).sum()), 3)
    return r2


def error_figures(trials: list[Trial], what: str) -> Figures:
    """Errors in mm and degrees, skill in percent; leaky: skill on the paper's random split of the same sessions."""
    return Figures(
        what,
        ("MPJPE", "root", "relative", "P-MPJPE", "canonical", "shuffled", "heading", "skill %", "leaky skill %"),
        tuple(
            Row(True, trial.name, (
                *(f"{value:.0f}" for value in (a.mpjpe_mm, a.root_mm, a.relative_mpjpe_mm)),
                *(f"{value:.1f}" for value in (a.p_mpjpe_mm, a.canonical_p_mpjpe_mm, a.shuffled_p_mpjpe_mm)),
                f"{a.heading_deg:.0f}", f"{100 * trial.skill:.1f}", f"{100 * skill(trial.leaky):.1f}",
            ))
            for trial in trials for a in (trial.accuracy,)
        ),
    )  # fmt: skip


def speed_figures(trials: list[Trial], what: str) -> Figures:
    """R2 of the velocities, and the run each line comes from."""
    names = tuple(trials[0].speed_r2) if trials else ()
    rows = (Row(True, t.name, (*(f"{t.speed_r2[name]:.2f}" for name in names), t.run)) for t in trials)
    return Figures(what, (*names, "run"), tuple(rows))


def _household(definition: dataset.Definition, part: str, sessions: Sessions) -> Array:
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
    """(W, pose + 51) float32, as they come."""
    said = []
    for start in range(0, len(windows), 256):
        output = learnt.model.predict_on_batch(learnt.see(sessions.images(windows[start : start + 256])))
        said.append(np.asarray(output).reshape(len(output), -1))
    return np.concatenate(said)


def velocities(sessions: Sessions, windows: Array) -> tuple[Array, Array]:
    """Which windows (W,) have a truth on either side, and the velocities of those (N, 17, 3) m/s, hips' frame."""
    from models.plus import VELOCITY, VELOCITY_STEPS, targets

    session, index = windows.T
    after = np.minimum(index + VELOCITY_STEPS, sessions.run.shape[1] - 1)
    moved = sessions.run[session, after].astype(np.int64) - sessions.run[session, index]
    whole = moved == VELOCITY_STEPS * TRUTH_EVERY  # in the same take
    steps = range(-VELOCITY_STEPS, VELOCITY_STEPS + 1)
    around = np.stack([sessions.joints(windows[whole] + (0, step)) for step in steps], axis=1)
    truth = targets(around, np.ones((len(around), 1)))[:, 0, -1 - VELOCITY : -1]
    return whole, truth.reshape(-1, N_JOINTS, 3)
