"""Training: the schedule, and that stopping and resuming changes nothing."""

import csv
import time
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="the training extra is not installed")

from edge.cli import main  # noqa: E402
from edge.errors import ConfigError  # noqa: E402
from firmware_tools import train as training  # noqa: E402
from firmware_tools.tasks import Normal  # noqa: E402
from firmware_tools.train import Run, learning_rate, read_asked, train  # noqa: E402
from tests.firmware_tools.conftest import BATCH, STEPS, run_of  # noqa: E402


class PowerCut(Exception):
    pass


@pytest.fixture(scope="module")
def wimose_run(dataset_folder: Path, tiny: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    train(run_of(dataset_folder, "wimose"), folder)
    return folder


@pytest.fixture(params=["wimose", "wimose-plus"])
def network(request: pytest.FixtureRequest, tiny: None) -> str:
    return str(request.param)


@pytest.fixture
def finished(network: str, wimose_run: Path, plus_run: Path) -> Path:
    return plus_run if network == "wimose-plus" else wimose_run


def weights(folder: Path) -> list[Any]:
    return list(keras.saving.load_model(folder / "model.keras").get_weights())


def test_the_learning_rate_rises_then_falls_to_nothing() -> None:
    run = Run(dataset="", samples=64 * 20_000)
    rates = [learning_rate(run, step) for step in range(20_000)]
    assert rates.index(max(rates)) == pytest.approx(training.WARM_UP_STEPS, abs=1)
    assert max(rates) == pytest.approx(run.learning_rate)
    assert rates[-1] < 1e-3 * run.learning_rate


def test_a_short_run_warms_up_in_a_twentieth() -> None:
    run = Run(dataset="", samples=64 * 200)
    rates = [learning_rate(run, step) for step in range(200)]
    assert rates.index(max(rates)) == pytest.approx(10, abs=1)


def test_stopped_and_resumed_it_gives_the_same_weights(
    network: str, finished: Path, dataset_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
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
        train(run_of(dataset_folder, network), tmp_path)
    train(run_of(dataset_folder, network), tmp_path)
    assert saves[:2] == [1, 2]
    resumed, whole = weights(tmp_path), weights(finished)
    assert all(np.array_equal(a, b) for a, b in zip(resumed, whole, strict=True))
    assert not (tmp_path / training.CHECKPOINT).exists()


def test_a_run_changes_its_weights(network: str, finished: Path, dataset_folder: Path) -> None:
    """Nothing would be easier to resume than a run that learns nothing."""
    task = training._task(run_of(dataset_folder, network))
    keras.utils.set_random_seed(1)
    begun = {layer.name: layer.get_weights() for layer in task.build().layers}
    model = keras.saving.load_model(finished / "model.keras")
    moved = [
        np.abs(before - after).max()
        for layer in model.layers
        for before, after in zip(begun.get(layer.name, []), layer.get_weights(), strict=True)
    ]
    assert len(moved) >= 6
    assert min(moved) > 0


def test_another_run_does_not_overwrite(wimose_run: Path, dataset_folder: Path) -> None:
    with pytest.raises(ConfigError, match="another run"):
        train(Run(dataset=str(dataset_folder), samples=1), wimose_run)


def test_the_loss_and_the_error_on_clips_kept_away_are_logged(finished: Path) -> None:
    rows = list(csv.reader((finished / "history.csv").open()))
    assert int(rows[-1][0]) == STEPS
    step, rate, loss, mpjpe, p_mpjpe = map(float, rows[-1])
    assert (step, rate > 0) == (STEPS, False)  # down to nothing
    assert np.isfinite(loss)
    assert 0 < p_mpjpe < mpjpe < 10_000


def test_a_finished_run_is_whole(finished: Path, network: str, dataset_folder: Path) -> None:
    assert read_asked(finished) == run_of(dataset_folder, network)
    assert Normal.read(finished / "normal.npz").limb_m.shape == (16,)
    model = keras.saving.load_model(finished / "model.keras")
    shapes = {"wimose": ((None, 30, 20, 4), (None, 51)), "wimose-plus": ((None, 645, 160), (None, 71))}
    assert (model.input_shape, model.output_shape) == shapes[network]


@pytest.mark.filterwarnings("ignore:Skipping nested container")
def test_weights_of_another_network_are_no_beginning(plus_run: Path, dataset_folder: Path, tmp_path: Path) -> None:
    run = msgspec.structs.replace(run_of(dataset_folder, "wimose"), start=str(plus_run))
    with pytest.raises(ConfigError, match="of another network"):
        train(run, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_run_can_begin_with_another_s_weights(
    plus_run: Path, dataset_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On another part, with the first one's normalisation: outputs mean the same. Here it stands still."""
    run = msgspec.structs.replace(
        run_of(dataset_folder, "wimose-plus"), part="subject", start=str(plus_run), samples=BATCH
    )
    monkeypatch.setattr(training, "learning_rate", lambda run, step: 0.0)
    train(run, tmp_path)
    normals = [Normal.read(folder / "normal.npz") for folder in (tmp_path, plus_run)]
    np.testing.assert_array_equal(normals[0].mean, normals[1].mean)
    model, first = (keras.saving.load_model(folder / "model.keras") for folder in (tmp_path, plus_run))
    for layer in model.layers:
        if "_bn" not in layer.name:  # running means go on
            for after, before in zip(layer.get_weights(), first.get_layer(layer.name).get_weights(), strict=True):
                np.testing.assert_array_equal(after, before)


def test_minutes_become_windows_once(
    dataset_folder: Path, tiny: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """A run that goes on keeps the number it began with, however fast the machine is then."""
    monkeypatch.setattr(training, "TIMED_STEPS", 1)
    clock = iter([0.0, 0.5])  # half a second for the step
    with monkeypatch.context() as patch:
        patch.setattr(time, "monotonic", lambda: next(clock))
        samples = training.samples_in(run_of(dataset_folder, "wimose-plus"), minutes=0.05)
    assert samples == 6 * BATCH

    asked: list[Run] = []
    monkeypatch.setattr(training, "samples_in", lambda run, minutes: round(minutes * 100) * run.batch)
    monkeypatch.setattr(training, "train", lambda run, folder: asked.append(run))
    arguments = ["train", str(dataset_folder), str(tmp_path), "--batch", str(BATCH), "--minutes"]
    assert main([*arguments, "0.05"]) == 0
    assert asked[0].samples == 5 * BATCH
    assert (asked[0].network, asked[0].batch) == ("wimose-plus", BATCH)
    (tmp_path / "run.yaml").write_bytes(msgspec.yaml.encode(asked[0]))
    assert main([*arguments, "3"]) == 0
    assert asked[1] == asked[0]
    assert main([*arguments, "-1"]) == 2
    assert "positive" in capfd.readouterr().err
