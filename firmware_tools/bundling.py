"""A trained run becomes a bundle: quantised, measured as it ships, described."""

import hashlib
from pathlib import Path

import msgspec
import numpy as np

from edge import __version__
from edge.arrays import Array
from edge.errors import ConfigError
from edge.inference.bundle import Accuracy, Bundle, Description, load_bundle
from edge.inference.engine import Engine
from edge.pose import SPLIT_1
from edge.skeleton import JOINTS
from firmware_tools import dataset
from firmware_tools.dataset import Sessions
from firmware_tools.markdown import model_card
from firmware_tools.measuring import ANY_ROOM, PAPER, Trained, measure_dataset
from firmware_tools.quantize import MANY_ROOMS, REPRESENTATIVE, balance, load_model, quantize
from firmware_tools.simulate.room import FRESH
from firmware_tools.step import step_model
from firmware_tools.tasks import (
    FORMS,
    PLACED,
    Normal,
    held_out,
    network_input,
    network_spec,
    test_windows,
    with_features,
)
from firmware_tools.train import Run

ONE_ROOM = 2  # rooms at most: it, and it with a screen
CAUSAL = ("wimose-plus",)  # networks that read a window column by column: they get a step model
LICENCE = (
    "Weights: Apache-2.0 AND CC-BY-SA-3.0. Trained on simulation driven by motion capture: the CMU Graphics Lab "
    "database (mocap.cs.cmu.edu, created with funding from NSF EIA-0196217) and HDM05 (CC BY-SA 3.0, "
    "Mueller et al., 2007)."
)


def quantize_run(run_folder: Path, out: Path, name: str) -> Bundle:
    """Quantise a finished run into a bundle that nobody has measured yet. Raises ConfigError where it is unfinished."""
    run = read_run(run_folder)
    definition = dataset.read_definition(Path(run.dataset))
    sessions = dataset.load(Path(run.dataset), run.part, network_spec(run.network).name)
    normal = Normal.read(run_folder / "normal.npz")
    windows = test_windows(sessions)
    windows = windows[~held_out(sessions, run.seed)[windows[:, 0], windows[:, 1]]]
    part = definition.parts[run.part]
    many = len(part.rooms) > ONE_ROOM or FRESH in part.rooms
    representative = MANY_ROOMS if many and run.network in PLACED else REPRESENTATIVE[run.network]
    windows = windows[:: -(-len(windows) // representative.images)]
    images = network_input(run.network, sessions, windows)
    network = load_model(run_folder / "model.keras")
    if FORMS[run.network] == "split-1":
        normal = balance(network, normal, images)
    network, features = with_features(network, run.network)
    model = quantize(network, images, representative.ordinary)
    description = Description(
        schema=1,
        name=name,
        version=__version__,
        sha256=hashlib.sha256(model).hexdigest(),
        image_spec=sessions.spec.name,
        skeleton=list(JOINTS),
        output_mean_m=[round(float(value), 6) for value in normal.mean],
        output_scale_m=[round(float(value), 6) for value in normal.scale],
        outputs=FORMS[run.network],
        limb_m=[round(float(value), 6) for value in normal.limb_m],
        features=features,
        geometry=run.network in PLACED,
        room=ANY_ROOM if many else part.rooms[0],
        trained_on="simulated",
        training={
            "network": run.network,
            "dataset": definition.version,
            "dataset_seed": definition.seed,
            "part": run.part,
            "rooms": ", ".join(part.rooms),
            "hours": part.hours,
            "samples": run.samples,
            "batch": run.batch,
            "learning_rate": run.learning_rate,
            "seed": run.seed,
            **({"start": Path(run.start).name} if run.start else {}),
            **({"fresh, shown": run.shown} if run.shown else {}),
            **({"motion": "augmented"} if run.augment else {}),
            **({"average of": ", ".join(run.averaged)} if run.averaged else {}),
        },
        licence=LICENCE,
        accuracy=[],
    )
    out.mkdir(parents=True, exist_ok=True)
    (out / "model.tflite").write_bytes(model)
    (out / "bundle.yaml").write_bytes(msgspec.yaml.encode(description))
    if FORMS[run.network] == "split-1":
        unbias(out, normal, sessions, windows)
    if run.network in CAUSAL:
        add_step(out)
    return load_bundle(out)


def unbias(folder: Path, normal: Normal, sessions: Sessions, windows: Array) -> None:
    """Make a quantised bundle say in the mean over some windows (W, 2) what the balanced model says: `normal.mean`.

    Rounding shifts a layer's mean (Nagel et al., Data-Free Quantization Through Weight Equalization and Bias
    Correction, 2019, 4.2); of wimose-plus-rooms the root by 22 mm along x, which was half of what eight bits cost.
    """
    bundle = load_bundle(folder)
    engine = Engine(bundle)
    layer, said = engine.last_layer(), np.zeros(SPLIT_1)
    for session in np.unique(windows[:, 0]):
        there = engine.sibling(geometry=sessions.geometry[session])
        for image in sessions.images(windows[windows[:, 0] == session]):
            features = there.predict(image).features
            assert features is not None
            said += layer(features)
    shift = normal.mean - said / len(windows)
    mean = [round(float(value), 6) for value in bundle.output_mean + shift]
    description = msgspec.structs.replace(bundle.description, output_mean_m=mean)
    (folder / "bundle.yaml").write_bytes(msgspec.yaml.encode(description))


def add_step(folder: Path) -> Description:
    """Put the step model beside a bundle's window model: the host then pays for what is new in an image."""
    bundle = load_bundle(folder)
    step = step_model(bundle.model)
    description = msgspec.structs.replace(bundle.description, step_sha256=hashlib.sha256(step).hexdigest())
    (folder / "step.tflite").write_bytes(step)
    (folder / "bundle.yaml").write_bytes(msgspec.yaml.encode(description))
    return description


def make_bundle(run_folder: Path, out: Path, name: str, benchmark: Path | None = None) -> Description:
    """Quantise, measure with the float model beside it, and write a bundle.

    benchmark  another dataset to measure on: of its own then only the leaky split is
    """
    bundle = quantize_run(run_folder, out, name)
    run = read_run(run_folder)
    trained = Trained(load_model(run_folder / "model.keras"), run.network, Normal.read(run_folder / "normal.npz"))
    engine, own = Engine(bundle), Path(run.dataset)
    accuracy = measure_dataset(bundle, engine, own, trained, [PAPER] if benchmark else None)
    if benchmark:
        accuracy += measure_dataset(bundle, engine, benchmark, trained)
    return write_accuracy(bundle, out, accuracy)


def write_accuracy(bundle: Bundle, folder: Path, accuracy: list[Accuracy]) -> Description:
    """Put a table into a bundle, and its model card beside it."""
    description = msgspec.structs.replace(bundle.description, accuracy=accuracy)
    (folder / "bundle.yaml").write_bytes(msgspec.yaml.encode(description))
    (folder / "MODEL_CARD.md").write_text(model_card(description))
    return description


def read_run(folder: Path) -> Run:
    """Raises ConfigError where the run is not finished."""
    if not (folder / "model.keras").is_file():
        raise ConfigError(f"{folder} holds no finished run; finish it with `wimose train`")
    return msgspec.yaml.decode((folder / "run.yaml").read_bytes(), type=Run)
