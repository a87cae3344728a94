"""Runs averaged weight by weight are a run again, and only those that have a middle are averaged."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="the training extra is not installed")

from edge.cli import main
from edge.errors import ConfigError
from edge.inference.bundle import load_bundle
from firmware_tools.quantize import load_model
from firmware_tools.soup import average
from firmware_tools.soup import main as soup
from firmware_tools.train import train
from tests.firmware_tools.conftest import run_of


@pytest.fixture(scope="module")
def longer(plus_run: Path, dataset_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that went on from another."""
    folder = tmp_path_factory.mktemp("longer") / "longer"
    train(msgspec.structs.replace(run_of(dataset_folder, "wimose-plus"), start=str(plus_run)), folder)
    return folder


def test_the_average_is_between_its_runs_and_goes_on_as_they_do(
    plus_run: Path, longer: Path, dataset_folder: Path, tmp_path: Path
) -> None:
    run = average([plus_run, longer], tmp_path / "soup")
    assert run.averaged == [plus_run.name, "longer"]
    one, other, between = (load_model(folder / "model.keras").get_weights() for folder in
                           (plus_run, longer, tmp_path / "soup"))  # fmt: skip
    for a, b, middle in zip(one, other, between, strict=True):
        np.testing.assert_allclose(middle, (a + b) / 2, rtol=1e-5, atol=1e-7)
    assert any(not np.array_equal(a, b) for a, b in zip(one, other, strict=True))

    train(msgspec.structs.replace(run_of(dataset_folder, "wimose-plus"), start=str(tmp_path / "soup")), tmp_path / "on")
    assert main(["quantize", str(tmp_path / "soup"), str(tmp_path / "bundle"), "--name", "soup"]) == 0
    assert load_bundle(tmp_path / "bundle").description.training["average of"] == f"{plus_run.name}, longer"


def test_runs_of_two_parts_have_a_middle(plus_run: Path, dataset_folder: Path, tmp_path: Path) -> None:
    other = msgspec.structs.replace(run_of(dataset_folder, "wimose-plus"), start=str(plus_run), part="subject")
    train(other, tmp_path / "other")
    assert average([plus_run, tmp_path / "other"], tmp_path / "soup").part == "subject"


def test_a_run_is_not_written_over(
    plus_run: Path, longer: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = (longer / "model.keras").read_bytes()
    with pytest.raises(ConfigError, match="holds a run"):
        average([plus_run], longer)
    assert (longer / "model.keras").read_bytes() == before
    for arguments, said in (([], "usage"), ([str(plus_run), str(tmp_path), str(tmp_path / "soup")], "wimose train")):
        monkeypatch.setattr("sys.argv", ["soup", *arguments])
        with pytest.raises(SystemExit, match=said):
            soup()


def test_runs_without_a_middle_are_refused(plus_run: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="wimose train"):
        average([plus_run, tmp_path], tmp_path / "soup")
    for file in plus_run.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    run = msgspec.yaml.decode((plus_run / "run.yaml").read_bytes())
    (tmp_path / "run.yaml").write_bytes(msgspec.yaml.encode(run | {"seed": 2}))
    with pytest.raises(ConfigError, match="one network and seed"):
        average([plus_run, tmp_path], tmp_path / "soup")
    assert not (tmp_path / "soup").exists()
