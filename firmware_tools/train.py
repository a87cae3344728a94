"""The training loop: batches of windows in, a Keras model out. Resumes where it was stopped; same seed, same batches.

A run is a folder: `run.yaml` (what was asked for), `normal.npz` (what the outputs are relative to), `history.csv`
(step, learning rate, loss, and of the clips kept away MPJPE and P-MPJPE), `history.png`, `checkpoint.npz` while it
lasts, and at the end `model.keras` (what ships) and `training.weights.h5` (what another run can begin with).
"""

import csv
import math
import time
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from edge.errors import ConfigError
from edge.progress import progress_bar
from firmware_tools import dataset
from firmware_tools.fresh import FreshTask, ring_size, sessions_each_step
from firmware_tools.history import draw_history
from firmware_tools.tasks import (
    Normal,
    Task,
    host_model,
    keras_or_complain,
    network_spec,
    predict,
    task_of,
    test_windows,
)
from models.baselines import MeanPoses
from models.metrics import pose_error

CHECKPOINT = "checkpoint.npz"
WEIGHTS = "training.weights.h5"
WARM_UP_SHARE = 0.05  # of the steps, at most WARM_UP_STEPS
WARM_UP_STEPS = 500
CHECKPOINT_S = 300.0  # a power cut costs five minutes
LOG_EVERY = 100  # steps
CHECKS = 10  # how often the clips kept away are measured
CHECKED_WINDOWS = 512
TIMED_STEPS = 20  # the first ones tell how many fit into the minutes
XLA = True  # costs seconds at the first step, pays within a minute


class Run(msgspec.Struct, frozen=True):
    """What a training run was asked for."""

    dataset: str
    samples: int  # windows shown in all
    batch: int = 64
    learning_rate: float = 1e-3
    seed: int = 1
    network: str = "wimose"
    part: str = "train"
    held_out: str = "clip"  # the part that is measured on the way
    start: str = ""  # folder of a run whose weights this one begins with
    shown: float = 0.0  # how often a session drawn meanwhile is shown (`fresh`); 0: the dataset's own, again and again
    augment: bool = False  # whether those are of augmented motion (`simulate.augment`)
    drawn: int = 0  # sessions that were drawn for the runs it goes on from; its own are others
    averaged: list[str] = []  # names of the runs whose weights it is the average of (`soup`)


def learning_rate(run: Run, step: int) -> float:
    """Linear warm-up, then half a cosine down to zero."""
    steps = max(run.samples // run.batch, 1)
    warm_up = max(min(round(steps * WARM_UP_SHARE), WARM_UP_STEPS), 1)
    if step < warm_up:
        return run.learning_rate * (step + 1) / warm_up
    share = min((step - warm_up) / max(steps - warm_up, 1), 1.0)
    return run.learning_rate * 0.5 * (1.0 + math.cos(math.pi * share))


def samples_in(run: Run, minutes: float) -> int:
    """How many windows this machine shows in so many minutes, by timing a few steps."""
    keras = keras_or_complain()
    task = _task(run)
    model = _model(keras, task, run)
    model.train_on_batch(*task.batch(0))  # compiles
    begun = time.monotonic()
    for step in range(TIMED_STEPS):
        model.train_on_batch(*task.batch(step))
    each = (time.monotonic() - begun) / TIMED_STEPS
    return max(int(minutes * 60 / each), 1) * run.batch


def train(run: Run, folder: Path) -> None:
    """Train, or go on with what the folder holds. Raises ConfigError if that was another run."""
    keras = keras_or_complain()
    task = _task(run)
    kept = dataset.load(Path(run.dataset), run.held_out, task.spec.name)
    windows = test_windows(kept)
    windows = windows[:: max(len(windows) // CHECKED_WINDOWS, 1)]
    truth = kept.joints(windows)

    if read_asked(folder) not in (None, run):
        raise ConfigError(f"{folder} holds another run; give an empty folder or the same options")
    model = _model(keras, task, run)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run.yaml").write_bytes(msgspec.yaml.encode(run))
    task.normal.save(folder / "normal.npz")

    step = _resume(model, folder)
    steps = max(run.samples // run.batch, 1)
    saved = time.monotonic()
    sums, count = 0.0, 0
    with progress_bar() as bar, (folder / "history.csv").open("a", newline="") as history:
        bar_task = bar.add_task("training", total=steps, completed=step)
        log = csv.writer(history)
        while step < steps:
            model.optimizer.learning_rate.assign(learning_rate(run, step))
            sums += float(model.train_on_batch(*task.batch(step)))
            count += 1
            step += 1
            bar.update(bar_task, completed=step)
            check = step % max(steps // CHECKS, 1) == 0 or step == steps
            if check or step % LOG_EVERY == 0:
                row: list[Any] = [step, f"{learning_rate(run, step):.2e}", f"{sums / count:.4f}", "", ""]
                if check:
                    error = pose_error(truth, predict(model, run.network, task.normal, kept, windows))
                    row[3:] = [f"{error.mpjpe_mm:.1f}", f"{error.p_mpjpe_mm:.1f}"]
                log.writerow(row)
                history.flush()
                bar.update(bar_task, description=f"training, loss {sums / count:.3f}")
                sums, count = 0.0, 0
            if time.monotonic() - saved > CHECKPOINT_S:
                _save(model, folder, step)
                saved = time.monotonic()
    host_model(model, run.network).save(folder / "model.keras")
    model.save_weights(folder / WEIGHTS)  # with what only training needs, for a run that starts here
    draw_history(folder, MeanPoses.of(_poses(task)), truth)
    (folder / CHECKPOINT).unlink(missing_ok=True)


def read_asked(folder: Path) -> Run | None:
    """What a run that has begun was asked for; None where there is none."""
    file = folder / "run.yaml"
    return msgspec.yaml.decode(file.read_bytes(), type=Run) if file.exists() else None


def drawn_until(run: Run, definition: dataset.Definition) -> int:
    """How many sessions were drawn for a run and for those it went on from."""
    if not run.shown:
        return run.drawn
    steps = max(run.samples // run.batch, 1)
    each_step = sessions_each_step(definition, run.batch, run.shown)
    return run.drawn + ring_size(definition) + int(steps * each_step)


def _task(run: Run) -> Task:
    sessions = dataset.load(Path(run.dataset), run.part, network_spec(run.network).name)
    normal = Normal.read(Path(run.start) / "normal.npz") if run.start else None
    if run.shown:
        definition = dataset.read_definition(Path(run.dataset))
        definition = dataset.augmented(definition, run.part) if run.augment else definition
        return FreshTask(sessions, run.seed, run.batch, normal, definition, run.part, run.shown, run.drawn)
    return task_of(run.network, sessions, run.seed, run.batch, normal)


def _poses(task: Any) -> Any:
    """A few thousand training poses."""
    windows = test_windows(task.sessions)
    return task.sessions.joints(windows[:: max(len(windows) // 4000, 1)])


def _model(keras: Any, task: Task, run: Run) -> Any:
    keras.utils.set_random_seed(run.seed)
    model = task.build()
    if run.start:
        try:
            model.load_weights(Path(run.start) / WEIGHTS)
        except (ValueError, KeyError) as error:
            raise ConfigError(
                f"--from {run.start}: its weights are of another network than this version's {run.network}; give a run "
                "of the same network, or leave --from out"
            ) from error
    model.compile(optimizer=task.optimizer(), loss=task.loss(), jit_compile=XLA)
    return model


def _save(model: Any, folder: Path, step: int) -> None:
    """Weights, optimiser and step in one file, replaced at once: a run can be stopped at any time."""
    with (folder / "saving").open("wb") as file:
        np.savez(file, np.array(step), *(np.asarray(variable) for variable in _state(model)))
    (folder / "saving").replace(folder / CHECKPOINT)


def _resume(model: Any, folder: Path) -> int:
    """Go back to the checkpoint, if there is one; returns the step it was taken at."""
    model.optimizer.build(model.trainable_variables)
    if not (folder / CHECKPOINT).exists():
        return 0
    with np.load(folder / CHECKPOINT) as saved:
        arrays = [saved[name] for name in saved.files]
    for variable, value in zip(_state(model), arrays[1:], strict=True):
        variable.assign(value)
    return int(arrays[0])


def _state(model: Any) -> list[Any]:
    return [*model.weights, *model.optimizer.variables]
