"""The training loop: batches of windows in, a Keras model out. Resumes where it was stopped; same seed, same batches.

A run is a folder: `run.yaml` (what was asked for), `normal.npz` (mean and scale of the joints), `history.csv` (step,
learning rate, loss, held-out loss), `checkpoint.npz` while it lasts, and at the end `model.keras`.
"""

import csv
import math
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from edge.arrays import Array
from edge.errors import ConfigError, MissingDependency
from edge.progress import progress_bar
from firmware_tools import dataset

CHECKPOINT = "checkpoint.npz"
WARM_UP_STEPS = 500
CHECKPOINT_S = 600.0  # a power cut costs ten minutes
HELD_OUT_SHARE = 0.25  # of the windows of the training sessions: the test part of the paper's random split
LOG_EVERY = 100  # steps


class Run(msgspec.Struct, frozen=True):
    """What a training run was asked for."""

    dataset: str
    samples: int  # windows shown in all
    batch: int = 64
    learning_rate: float = 1e-3
    seed: int = 1
    network: str = "wimose"


def random_split(count: int, seed: int) -> tuple[Array, Array]:
    """The paper's 75/25 split of windows; neighbours land on both sides, which is why it is called leaky.

    returns  indices to train on and indices to test on, increasing
    """
    order = np.random.default_rng([seed, 25]).permutation(count)
    test = round(count * HELD_OUT_SHARE)
    return np.sort(order[test:]), np.sort(order[:test])


def learning_rate(run: Run, step: int) -> float:
    """Linear warm-up, then half a cosine down to zero."""
    steps = max(run.samples // run.batch, 1)
    if step < WARM_UP_STEPS:
        return run.learning_rate * (step + 1) / WARM_UP_STEPS
    share = min((step - WARM_UP_STEPS) / max(steps - WARM_UP_STEPS, 1), 1.0)
    return run.learning_rate * 0.5 * (1.0 + math.cos(math.pi * share))


def train(run: Run, folder: Path) -> None:
    """Train, or go on with what the folder holds. Raises ConfigError if that was another run."""
    windows = dataset.load(Path(run.dataset), "train")
    held_out = dataset.load(Path(run.dataset), "clip")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        import keras
    except ImportError as error:
        raise MissingDependency("training needs Keras: pip install 'wimose[train]'") from error
    from models.losses import wimose_loss
    from models.wimose import wimose

    folder.mkdir(parents=True, exist_ok=True)
    asked = folder / "run.yaml"
    if asked.exists() and asked.read_bytes() != msgspec.yaml.encode(run):
        raise ConfigError(f"{folder} holds another run; give an empty folder or the same options")
    asked.write_bytes(msgspec.yaml.encode(run))

    chosen, _ = random_split(len(windows.joints), run.seed)
    flat = windows.joints[chosen].reshape(len(chosen), -1)
    mean, scale = flat.mean(axis=0), np.full(flat.shape[1], flat.std(axis=0).max(), np.float32)
    np.savez(folder / "normal.npz", mean=mean, scale=scale)

    keras.utils.set_random_seed(run.seed)
    model = wimose()
    loss = wimose_loss(mean, scale)
    model.compile(optimizer=keras.optimizers.Adam(), loss=loss, jit_compile=True)
    step = _resume(model, folder)
    steps = run.samples // run.batch
    saved = time.monotonic()
    sums = 0.0
    with progress_bar() as bar, (folder / "history.csv").open("a", newline="") as history:
        task = bar.add_task("training", total=steps, completed=step)
        log = csv.writer(history)
        for images, joints in batches(windows, chosen, run, step):
            if step == steps:
                break
            model.optimizer.learning_rate.assign(learning_rate(run, step))
            sums += float(model.train_on_batch(images, joints))
            step += 1
            bar.update(task, completed=step)
            if step % LOG_EVERY == 0 or step == steps:
                checked = "" if step % (20 * LOG_EVERY) else f"{_held_out_loss(model, held_out):.4f}"
                log.writerow([step, f"{learning_rate(run, step):.2e}", f"{sums / LOG_EVERY:.4f}", checked])
                history.flush()
                bar.update(task, description=f"training, loss {sums / LOG_EVERY:.3f} m")
                sums = 0.0
            if time.monotonic() - saved > CHECKPOINT_S:
                _save(model, folder, step)
                saved = time.monotonic()
    shipped = wimose()  # without the optimiser, which is twice the size of the weights
    shipped.set_weights(model.get_weights())
    shipped.save(folder / "model.keras")
    (folder / CHECKPOINT).unlink(missing_ok=True)


def batches(windows: dataset.Windows, chosen: Array, run: Run, step: int) -> Iterator[tuple[Array, Array]]:
    """Endless batches from a step on: images (B, 30, 20, 4) float32 and joints (B, 51) float32 metres."""
    per_epoch = len(chosen) // run.batch
    while True:
        epoch, start = divmod(step, per_epoch)
        order = np.random.default_rng([run.seed, epoch]).permutation(chosen)
        for n in range(start, per_epoch):
            rows = np.sort(order[n * run.batch : (n + 1) * run.batch])
            yield (
                windows.images[rows].astype(np.float32) / dataset.IMAGE_SCALE,
                windows.joints[rows].reshape(len(rows), -1),
            )
            step += 1


def _held_out_loss(model: Any, windows: dataset.Windows) -> float:
    every = max(len(windows.joints) // 2048, 1)
    images = windows.images[::every].astype(np.float32) / dataset.IMAGE_SCALE
    return float(model.evaluate(images, windows.joints[::every].reshape(len(images), -1), batch_size=256, verbose=0))


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
