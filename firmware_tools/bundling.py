"""A trained run becomes a bundle: quantised, measured as it ships, described."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np

from edge import __version__
from edge.arrays import Array
from edge.errors import ConfigError
from edge.inference.bundle import Accuracy, Bundle, Description, load_bundle
from edge.inference.engine import Engine
from edge.signal.imagespec import WIMOSE_1
from edge.skeleton import JOINTS
from firmware_tools import dataset, evaluate
from firmware_tools.quantize import quantize
from firmware_tools.train import Run, random_split
from models.baselines import MeanPoses

LICENCE = (
    "Weights: Apache-2.0 AND CC-BY-SA-3.0. Trained on simulation driven by motion capture: the CMU Graphics Lab "
    "database (mocap.cs.cmu.edu, created with funding from NSF EIA-0196217) and HDM05 (CC BY-SA 3.0, "
    "Mueller et al., 2007)."
)


def make_bundle(run_folder: Path, out: Path, name: str) -> Description:
    """Quantise, measure and write a bundle. Raises ConfigError where the run is not finished."""
    run = _run(run_folder)
    data = Path(run.dataset)
    definition = dataset.read_definition(data)
    train = dataset.load(data, "train")
    chosen, _ = random_split(len(train.joints), run.seed)
    with np.load(run_folder / "normal.npz") as normal:
        mean, scale = normal["mean"].astype(float), normal["scale"].astype(float)

    model = quantize(run_folder / "model.keras", train.images[chosen[:: max(len(chosen) // 2000, 1)]])
    description = Description(
        schema=1,
        name=name,
        version=__version__,
        sha256=hashlib.sha256(model).hexdigest(),
        image_spec=WIMOSE_1.name,
        skeleton=list(JOINTS),
        output_mean_m=[round(float(value), 6) for value in mean],
        output_scale_m=[round(float(value), 6) for value in scale],
        room=definition.room,
        trained_on="simulated",
        training={
            "network": run.network,
            "dataset_seed": definition.seed,
            "hours": definition.hours["train"],
            "samples": run.samples,
            "batch": run.batch,
            "learning_rate": run.learning_rate,
            "seed": run.seed,
        },
        licence=LICENCE,
        accuracy=[],
    )
    out.mkdir(parents=True, exist_ok=True)
    (out / "model.tflite").write_bytes(model)
    (out / "bundle.yaml").write_bytes(msgspec.yaml.encode(description))
    bundle = load_bundle(out)
    accuracy = measure_bundle(bundle, Engine(bundle), data, run.seed, _float_model(run_folder, mean, scale))
    description = msgspec.structs.replace(description, accuracy=accuracy)
    (out / "bundle.yaml").write_bytes(msgspec.yaml.encode(description))
    return description


def measure_bundle(
    bundle: Bundle, engine: Engine, data: Path, seed: int | None = None,
    unquantised: Callable[[Array], Array] | None = None,
) -> list[Accuracy]:  # fmt: skip
    """The table of a bundle on a dataset: the paper's split, held-out clips, held-out people."""
    definition = dataset.read_definition(data)
    train = dataset.load(data, "train")
    seed = int(bundle.description.training["seed"]) if seed is None else seed
    chosen, leaky = random_split(len(train.joints), seed)
    leaky = leaky[:: max(len(leaky) // evaluate.MAX_WINDOWS, 1)]
    poses = MeanPoses.of(train.joints[chosen].astype(np.float64))
    splits = {
        "paper": dataset.Windows(train.images[leaky], train.joints[leaky], train.session[leaky]),
        "clip": dataset.load(data, "clip"),
        "subject": dataset.load(data, "subject"),
    }
    return [
        evaluate.measure(split, definition.room, windows, poses, engine, unquantised).accuracy()
        for split, windows in splits.items()
    ]


def _run(folder: Path) -> Run:
    if not (folder / "model.keras").is_file():
        raise ConfigError(f"{folder} holds no finished run; finish it with `wimose train`")
    return msgspec.yaml.decode((folder / "run.yaml").read_bytes(), type=Run)


def _float_model(folder: Path, mean: Array, scale: Array) -> Callable[[Array], Array]:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras

    model = keras.saving.load_model(folder / "model.keras", compile=False)
    return lambda images: np.asarray(mean + scale * model.predict(images, batch_size=256, verbose=0))
