"""Ablations: what is taken away cannot be seen, nothing else changes, and what was done is not done again."""

import os
from pathlib import Path

import msgspec
import numpy as np
import pytest

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
keras = pytest.importorskip("keras")

from edge.arrays import Array  # noqa: E402  Keras reads its backend at import
from edge.errors import ConfigError  # noqa: E402
from edge.signal.antennas import array_values  # noqa: E402
from edge.signal.grid import RATE_HZ  # noqa: E402
from edge.signal.imagespec import PLUS_2  # noqa: E402
from firmware_tools import dataset  # noqa: E402
from firmware_tools.dataset import Definition, Part, Sessions  # noqa: E402
from firmware_tools.study import ablations  # noqa: E402
from firmware_tools.study.ablations import (  # noqa: E402
    ABLATIONS,
    FULL,
    Ablated,
    AblatedTask,
    ablate,
    ablation_tables,
    joints_loss,
    mask,
)
from models.plus import DILATIONS, context_points, plus  # noqa: E402

BATCH = 40
BY_NAME = {ablation.name: ablation for ablation in ABLATIONS}


@pytest.fixture(scope="module")
def folder(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four sessions to train on and one to test on, of 12 s."""
    definition = Definition(
        "own", 5, {"train": Part(["basic"], "train", 48 / 3600), "clip": Part(["basic"], "clip", 12 / 3600)},
        ["plus-1"], str(data / "mocap17"), session_s=12.0,
    )  # fmt: skip
    made = tmp_path_factory.mktemp("ablated") / "data"
    dataset.build(definition, made, workers=1)
    return made


@pytest.fixture(scope="module")
def sessions(folder: Path) -> Sessions:
    return dataset.load(folder, "train", "plus-2")


@pytest.fixture(scope="module")
def done(folder: Path) -> Ablated:
    """Two ablations of two steps."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ablations, "samples_in", lambda run, minutes: int(minutes) * run.batch)
        patch.setattr(ablations, "ABLATIONS", few())
        return ablate(folder, folder.parent / "out", 2.0, BATCH)


def few() -> tuple[ablations.Ablation, ...]:
    return BY_NAME["all"], BY_NAME["joints"]


def seen(name: str, csi: Array) -> Array:
    """Of both receivers, hearing the same, what the ablation leaves."""
    return np.asarray(np.tile(array_values(csi.astype(np.complex64)), 2) * mask(BY_NAME[name]))


def test_one_ablation_takes_nothing_away_and_every_other_something() -> None:
    assert len({ablation.name for ablation in ABLATIONS}) == len({ablation.what for ablation in ABLATIONS}) == 13
    assert mask(ABLATIONS[0]).all()
    assert ABLATIONS[0].dilations == FULL == DILATIONS
    counts = {name: int(mask(BY_NAME[name]).sum()) for name in ("amplitude", "products", "pair", "receiver1")}
    assert counts == {"amplitude": 60, "products": 80, "pair": 60, "receiver1": 70}


def test_what_is_masked_cannot_be_seen() -> None:
    rng = np.random.default_rng(1)
    csi = rng.normal(size=(5, 3, 30)) + 1j * rng.normal(size=(5, 3, 30))
    turned_1, turned_2 = csi.copy(), csi.copy()
    turned_1[:, 1] *= 1j
    turned_2[:, 2] *= 1j
    assert seen("amplitude", csi) == pytest.approx(seen("amplitude", turned_2))
    assert seen("pair", csi) == pytest.approx(seen("pair", turned_2))
    assert np.abs(seen("pair", csi) - seen("pair", turned_1)).max() > 0.1
    assert np.abs(seen("products", csi) - seen("products", turned_2)).max() > 0.1
    halves = seen("receiver1", csi).reshape(5, 2, 70)
    assert halves[:, 0].all()
    assert not halves[:, 1].any()
    assert seen("amplitude", csi) + seen("products", csi) == pytest.approx(seen("all", csi))


def test_contexts_are_as_long_as_they_say() -> None:
    assert context_points(DILATIONS) == PLUS_2.packets
    for name, seconds in (("context-0.23s", 0.23), ("context-0.7s", 0.7), ("context-2.2s", 2.17), ("all", 4.3)):
        assert context_points(BY_NAME[name].dilations) / RATE_HZ == pytest.approx(seconds, abs=0.005)
        assert name in ("all", f"context-{seconds}s", f"context-{seconds:.1f}s")


@pytest.mark.parametrize("name", ["all", "context-0.23s", "context-0.7s", "context-2.2s"])
def test_a_stretch_says_what_its_windows_say(name: str, sessions: Sessions) -> None:
    """So outputs, truth and windows end at the same point whatever the context."""
    task = AblatedTask(BY_NAME[name], sessions, BATCH)
    model = plus(width=8, dilations=BY_NAME[name].dilations)
    stretch = np.random.default_rng(2).normal(size=(1, 645 + 5 * (BATCH - 1), 160)).astype(np.float32)
    stretch[..., 140:] = stretch[:, :1, 140:]  # the radios stand still
    whole = np.asarray(model(task.see(stretch)))
    assert whole.shape == (1, BATCH, 71 + 68)
    window = stretch[:, 5 * 7 : 5 * 7 + 645]
    assert np.asarray(model(task.see(window)))[0, 0] == pytest.approx(whole[0, 7], abs=1e-5)
    assert np.array_equal(task.see(window)[:, -1], window[:, -1])
    x, y = task.batch(0)
    assert np.asarray(model(x)).shape[:2] == y.shape[:2]


def test_a_quarter_of_the_sessions(sessions: Sessions) -> None:
    task = AblatedTask(BY_NAME["quarter"], sessions, BATCH)
    assert (len(task.sessions.run), len(task.sessions.columns), len(task.sessions.rooms)) == (1, 1, 1)
    assert np.array_equal(task.weight, AblatedTask(BY_NAME["all"], sessions, BATCH).weight[:1])


def test_the_loss_of_coordinates_is_their_mean_distance_and_their_motion_s() -> None:
    rng = np.random.default_rng(4)
    mean, scale, motion_m_s = rng.normal(size=51), np.full(51, 2.0), np.full(68, 0.5)
    truth = rng.normal(size=(1, 3, 121)).astype(np.float32)
    truth[..., -2] = truth[..., -1] = (1, 1, 0)
    right = np.concatenate(((truth[..., :51] - mean) / scale, truth[..., 51:119]), axis=2).astype(np.float32)
    loss = joints_loss(mean, scale, motion_m_s, 0.1)
    assert float(loss(truth, right)) == pytest.approx(0.0, abs=2e-3)
    off = right.copy()
    off[..., 0:51:3] += 0.15  # 0.3 m along x
    off[..., 51:102] += 0.5  # one deviation
    off[:, 2] += 100.0  # weight 0
    assert float(loss(truth, off)) == pytest.approx(10.0 * 0.3 + 0.1 * 1.0, abs=2e-3)
    assert float(joints_loss(mean, scale, motion_m_s, 0.0)(truth, off)) == pytest.approx(10.0 * 0.3, abs=2e-3)


def test_every_ablation_is_a_line_with_its_run(done: Ablated, folder: Path) -> None:
    out = folder.parent / "out"
    assert [trial.name for trial in done.trials] == [ablation.what for ablation in few()]
    for trial, ablation in zip(done.trials, few(), strict=True):
        assert trial.run == f"run-{ablation.name}"
        assert {file.name for file in (out / trial.run).iterdir()} == {"loss.csv", "normal.npz", "training.weights.h5"}
        assert len(np.loadtxt(out / trial.run / "loss.csv")) == 2
        assert trial.leaky is not None
        assert (trial.samples, trial.accuracy.split, trial.leaky.split) == (2 * BATCH, "clip", "paper")
        assert 0 < trial.accuracy.mpjpe_mm < 10_000
    assert done.trials[0].accuracy.canonical_p_mpjpe_mm == done.trials[1].accuracy.canonical_p_mpjpe_mm
    assert msgspec.yaml.decode((out / "ablations.yaml").read_bytes(), type=Ablated) == done
    assert len(ablation_tables(done).renderables) == 2


def test_what_was_done_is_not_done_again(done: Ablated, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ablations, "ABLATIONS", few())
    monkeypatch.setattr(ablations, "_fit", None)
    assert ablate(folder, folder.parent / "out", 2.0, BATCH) == done
    with pytest.raises(ConfigError, match="batches of 40"):
        ablate(folder, folder.parent / "out", 2.0, 80)
