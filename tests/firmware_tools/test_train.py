"""Training: the split it keeps away, the schedule, and that stopping and resuming changes nothing."""

import csv
import os
from pathlib import Path

import msgspec
import numpy as np
import pytest

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
keras = pytest.importorskip("keras")

from edge.cli import main  # noqa: E402  Keras reads its backend at import
from edge.errors import ConfigError  # noqa: E402
from edge.inference.bundle import Accuracy, load_bundle  # noqa: E402
from firmware_tools import train as training  # noqa: E402
from firmware_tools.train import Run, learning_rate, random_split, train  # noqa: E402

STEPS, BATCH = 3, 8


class PowerCut(Exception):
    pass


@pytest.fixture(scope="module")
def finished(dataset_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    train(run_of(dataset_folder), folder)
    return folder


def run_of(dataset_folder: Path) -> Run:
    return Run(dataset=str(dataset_folder), samples=STEPS * BATCH, batch=BATCH)


def test_the_random_split_is_three_quarters_and_covers_all() -> None:
    chosen, test = random_split(1000, seed=1)
    assert (len(chosen), len(test)) == (750, 250)
    assert sorted([*chosen, *test]) == list(range(1000))
    assert not np.array_equal(chosen, random_split(1000, seed=2)[0])


def test_the_learning_rate_rises_then_falls_to_nothing() -> None:
    run = Run(dataset="", samples=64 * 2000)
    rates = [learning_rate(run, step) for step in range(2000)]
    assert rates.index(max(rates)) == pytest.approx(training.WARM_UP_STEPS, abs=1)
    assert max(rates) == pytest.approx(run.learning_rate)
    assert rates[-1] < 1e-3 * run.learning_rate


def test_stopped_and_resumed_it_gives_the_same_weights(
    finished: Path, dataset_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "CHECKPOINT_S", 0.0)  # after every step
    save = training._save
    saves = []

    def save_then_fail(model: object, folder: Path, step: int) -> None:
        save(model, folder, step)
        saves.append(step)
        if len(saves) == 1:
            raise PowerCut

    monkeypatch.setattr(training, "_save", save_then_fail)
    with pytest.raises(PowerCut):
        train(run_of(dataset_folder), tmp_path)
    train(run_of(dataset_folder), tmp_path)
    assert saves[:2] == [1, 2]
    resumed, whole = (keras.saving.load_model(folder / "model.keras").get_weights() for folder in (tmp_path, finished))
    assert all(np.array_equal(a, b) for a, b in zip(resumed, whole, strict=True))
    assert not (tmp_path / training.CHECKPOINT).exists()


def test_another_run_does_not_overwrite(finished: Path, dataset_folder: Path) -> None:
    with pytest.raises(ConfigError, match="another run"):
        train(Run(dataset=str(dataset_folder), samples=1), finished)


def test_the_loss_is_logged(finished: Path) -> None:
    rows = list(csv.reader((finished / "history.csv").open()))
    assert int(rows[-1][0]) == STEPS
    assert float(rows[-1][2]) > 0


def test_a_run_becomes_a_bundle_with_its_table(
    finished: Path, dataset_folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("tensorflow")
    assert main(["bundle", str(finished), str(tmp_path / "bundle"), "--name", "tiny"]) == 0
    bundle = load_bundle(tmp_path / "bundle")
    assert bundle.description.name == "tiny"
    assert [entry.split for entry in bundle.description.accuracy] == ["paper", "clip", "subject"]
    for entry in bundle.description.accuracy:
        assert entry.canonical_root_mm == 0
        assert entry.float_mpjpe_mm is not None
        assert entry.canonical_p_mpjpe_mm < entry.mean_p_mpjpe_mm
    assert "shuffled CSI" in capfd.readouterr().out

    assert main(["evaluate", str(tmp_path / "bundle"), str(dataset_folder), "--json"]) == 0
    again = msgspec.json.decode(capfd.readouterr().out, type=list[Accuracy])
    without = [msgspec.structs.replace(entry, float_mpjpe_mm=None, float_p_mpjpe_mm=None)
               for entry in bundle.description.accuracy]  # fmt: skip
    assert again == without  # measured again, without the float model: the same figures
