"""A dataset of a few minutes, and a training run of a few steps, made once."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from firmware_tools.dataset import Definition, Part, build

if TYPE_CHECKING:
    from firmware_tools.train import Run

os.environ.setdefault("KERAS_BACKEND", "tensorflow")  # read once, when Keras is first imported
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

STEPS, BATCH = 3, 8

SESSION_S = 25.0
EMPTY_S = 3.0
ROOMS = ["basic", "basic-nlos"]


def hours(sessions: int) -> float:
    return sessions * SESSION_S / 3600


@pytest.fixture(scope="session")
def definition(data: Path) -> Definition:
    return Definition(
        version="tiny",
        seed=7,
        parts={
            "train": Part(ROOMS, "train", hours(4)),
            "clip": Part(ROOMS, "clip", hours(2)),
            "subject": Part(ROOMS, "subject", hours(2)),
        },
        specs=["wimose-1", "plus-1"],
        motion=str(data / "mocap17"),
        session_s=SESSION_S,
        empty_s=EMPTY_S,
    )


@pytest.fixture(scope="session")
def dataset_folder(definition: Definition, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dataset")
    build(definition, folder, workers=1)
    return folder


@pytest.fixture(scope="package")
def tiny() -> Iterator[None]:
    """Networks of a few channels that compile in a second, for as long as the tests of this folder run."""
    keras = pytest.importorskip("keras", reason="the training extra is not installed")
    from firmware_tools import train
    from models import plus as plus_module
    from models import wimose as wimose_module

    whole = plus_module.plus

    def plus(width: int = 8, points: int | None = None, training: bool = True) -> Any:
        return whole(min(width, 8), points, training)

    def wimose() -> Any:
        image = keras.Input((30, 20, 4))
        x = keras.layers.BatchNormalization(name="bn")(keras.layers.Conv2D(4, 3, 5, name="conv")(image))
        return keras.Model(image, keras.layers.Dense(51, name="joints")(keras.layers.Flatten()(x)))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plus_module, "plus", plus)
        patch.setattr(wimose_module, "wimose", wimose)
        patch.setattr(train, "XLA", False)
        yield


@pytest.fixture(scope="package")
def plus_run(dataset_folder: Path, tiny: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of wimose-plus, three steps long."""
    from firmware_tools.train import train

    folder = tmp_path_factory.mktemp("plus-run")
    train(run_of(dataset_folder, "wimose-plus"), folder)
    return folder


def run_of(dataset_folder: Path, network: str) -> "Run":
    from firmware_tools.train import Run

    return Run(dataset=str(dataset_folder), samples=STEPS * BATCH, batch=BATCH, network=network)
