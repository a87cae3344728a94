"""A dataset of a few minutes, made once."""

from pathlib import Path

import pytest

from firmware_tools.dataset import Definition, build


@pytest.fixture(scope="session")
def definition(data: Path) -> Definition:
    return Definition(
        room="basic",
        seed=7,
        hours={"train": 3 / 60, "clip": 1 / 60, "subject": 1 / 60},
        windows_per_s=7.5,
        packets_per_s=150.0,
        motion=str(data / "mocap17"),
    )


@pytest.fixture(scope="session")
def dataset_folder(definition: Definition, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dataset")
    build(definition, folder, workers=1)
    return folder
