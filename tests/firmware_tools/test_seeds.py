"""Three networks on equal terms: the same minutes each, seed by seed, and tables that say what was measured."""

import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import msgspec
import numpy as np
import pytest

pytest.importorskip("keras", reason="the training extra is not installed")

from edge.errors import ConfigError
from edge.inference.bundle import Accuracy
from edge.skeleton import N_JOINTS
from firmware_tools import dataset, results
from firmware_tools.evaluate import measure
from firmware_tools.measuring import NLOS
from firmware_tools.study import seeds
from firmware_tools.study.seeds import (
    ASKED,
    Asked,
    Budget,
    Seeds,
    Training,
    budget,
    budget_figures,
    less_figures,
    score,
    seeds_tables,
    split_figures,
    splits,
    spread,
    study,
)
from firmware_tools.study.trial import household
from firmware_tools.tasks import held_out
from firmware_tools.train import Run, read_asked
from models.baselines import MeanPoses
from tests.firmware_tools.conftest import BATCH

FEW = {"wimose": Asked(BATCH, 2e-3), "wimose-plus": Asked(BATCH, 1e-3)}
MINUTES = 2.0


@pytest.fixture(scope="module")
def short() -> Iterator[None]:
    """Two networks, one seed, two steps."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(seeds, "ASKED", FEW)
        patch.setattr(seeds, "SEEDS", (2,))
        patch.setattr(
            seeds, "budget",
            lambda data, network, minutes: Budget(BATCH, FEW[network].learning_rate, 10.0, int(minutes) * BATCH),
        )  # fmt: skip
        yield


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("seeds") / "out"


@pytest.fixture(scope="module")
def done(dataset_folder: Path, out: Path, tiny: None, short: None) -> Seeds:
    return study(dataset_folder, out, MINUTES)


@pytest.fixture
def made_up() -> Seeds:
    """Three seeds of three networks, of figures that are easy to follow; the leaky split in one condition alone."""
    truth = np.random.default_rng(1).normal(size=(4, N_JOINTS, 3))
    some = measure("clip", "basic", truth, truth + 0.1, poses=MeanPoses.of(truth))
    budgets = {network: Budget(64, 1e-3, 100.0 * n, 640 * n) for n, network in enumerate(ASKED, start=1)}
    trainings = [
        Training(network, seed, f"run-{network}-{seed}", 6.0 + seed, [
            entry_of(some, network, seed, "clip", "LoS", 100.0 * n + 10 * seed),
            entry_of(some, network, seed, "clip", "NLoS", 300.0),
            entry_of(some, network, seed, "paper", "LoS", 50.0),
        ])
        for seed in (1, 2, 3) for n, network in enumerate(ASKED, start=1)
    ]  # fmt: skip
    return Seeds("bench", 6.0, budgets, trainings)


def entry_of(some: Accuracy, network: str, seed: int, split: str, condition: str, mpjpe_mm: float) -> Accuracy:
    return msgspec.structs.replace(
        some, network=network, seed=seed, split=split, condition=condition, mpjpe_mm=mpjpe_mm, root_mm=7.0,
        shuffled_mpjpe_mm=2 * mpjpe_mm, mean_mpjpe_mm=900.0 + seed, canonical_p_mpjpe_mm=99.0,
    )  # fmt: skip


def test_every_network_of_a_seed_comes_before_the_next_seed(
    short: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seeds, "SEEDS", (1, 2))
    monkeypatch.setattr(
        seeds, "_training", lambda network, seed, given, data, out: Training(network, seed, "run", None, [])
    )
    done = study(Path("data"), tmp_path, MINUTES)
    assert [(one.seed, one.network) for one in done.trainings] == [(s, n) for s in (1, 2) for n in FEW]


def test_every_network_is_trained_as_it_was_asked_for(done: Seeds, out: Path, dataset_folder: Path) -> None:
    assert [one.network for one in done.trainings] == list(FEW)
    for one in done.trainings:
        rate = FEW[one.network].learning_rate
        assert read_asked(out / one.run) == Run(str(dataset_folder), 2 * BATCH, BATCH, rate, 2, one.network)
        assert one.minutes is not None
        assert one.minutes > 0
    assert msgspec.yaml.decode((out / "seeds.yaml").read_bytes(), type=Seeds) == done


def test_every_training_is_measured_on_the_same_windows(done: Seeds, dataset_folder: Path) -> None:
    places = [(split, condition) for split in ("paper", "clip", "subject") for condition in ("LoS", "NLoS")]
    places.remove(("paper", "NLoS"))  # the tiny training sessions hold dances there
    wimose, plus = (one.accuracy for one in done.trainings)
    assert [(entry.split, entry.condition) for entry in wimose] == places
    for one, other in zip(wimose, plus, strict=True):
        assert (one.seed, one.network, other.network, one.room) == (2, "wimose", "wimose-plus", "basic")
        assert (one.windows, one.mean_mpjpe_mm) == (other.windows, other.mean_mpjpe_mm)
        assert one.mpjpe_mm != other.mpjpe_mm
    definition, sessions = dataset.read_definition(dataset_folder), dataset.load(dataset_folder, "train", "wimose-1")
    windows = household(definition, "train", sessions)
    leaky = windows[held_out(sessions, 2)[windows[:, 0], windows[:, 1]]]
    nlos = sum(sessions.rooms[session].endswith(NLOS) for session in leaky[:, 0])
    assert nlos == 0
    assert wimose[0].windows == len(leaky) > 0


def test_what_was_done_is_not_done_again(
    done: Seeds, out: Path, dataset_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seeds, "train", None)
    monkeypatch.setattr(seeds, "budget", None)
    assert study(dataset_folder, out, MINUTES) == done
    stopped = msgspec.structs.replace(done, trainings=done.trainings[:-1])
    (out / "seeds.yaml").write_bytes(msgspec.yaml.encode(stopped))
    last = msgspec.structs.replace(done.trainings[-1], minutes=None)  # trained by then, but nobody knows how long
    assert study(dataset_folder, out, MINUTES) == msgspec.structs.replace(stopped, trainings=[*stopped.trainings, last])
    with pytest.raises(ConfigError, match="2 minutes each"):
        study(dataset_folder, out, 3.0)


def test_nobody_knows_how_long_a_training_took_that_was_stopped(
    short: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seeds, "train", lambda run, folder: None)
    monkeypatch.setattr(seeds, "score", lambda run, folder: [])
    (tmp_path / "run-wimose-2").mkdir()
    stopped, whole = study(Path("data"), tmp_path, MINUTES).trainings
    assert stopped.minutes is None
    assert whole.minutes is not None


def test_a_budget_is_counted_in_processor_time(
    dataset_folder: Path, tiny: None, short: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a clock that goes on by a quarter of a second whenever it is looked at."""
    clock = count(step=0.25)
    monkeypatch.setattr(seeds, "TIMED_S", 1.0)
    monkeypatch.setattr(time, "process_time", lambda: next(clock))
    found = budget(dataset_folder, "wimose", 0.5)
    # Looked at once at the beginning, before each of three steps, when it is over and for the rate: 1.25 s.
    rate = 3 * BATCH / 1.25
    assert found == Budget(BATCH, 2e-3, round(rate, 1), round(30 * rate / BATCH) * BATCH)


def test_a_study_needs_household_motion(done: Seeds, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seeds, "household", lambda definition, part, sessions: np.zeros((0, 2), np.int64))
    run = read_asked(out / "run-wimose-2")
    assert run is not None
    with pytest.raises(ConfigError, match="larger dataset"):
        score(run, out / "run-wimose-2")


def test_mean_and_spread() -> None:
    assert spread([90.0, 100.0, 110.0]) == "100.0±10.0"
    assert spread([90.0]) == "90.0"
    assert spread([]) == "-"


def test_a_split_s_table_has_every_network_beside_its_baselines(made_up: Seeds) -> None:
    assert splits(made_up) == ["paper", "clip"]
    figures = split_figures(made_up, "clip")
    rows = {row.label: row for row in figures.rows}
    assert list(rows) == [
        label
        for condition in ("LoS", "NLoS")
        for label in (*(f"{network}, {condition}" for network in ASKED),
                      *(f"{network}, {condition}, shuffled CSI" for network in ASKED),
                      f"mean pose, {condition}", f"canonical, {condition}")
    ]  # fmt: skip
    assert {len(row.cells) for row in figures.rows} == {len(figures.columns)} == {7}
    assert rows["wipose, LoS"].cells[:4] == ("1280", "3", "220.0±10.0", "7.0±0.0")
    assert rows["wipose, LoS, shuffled CSI"].cells[:3] == ("", "3", "440.0±20.0")
    assert rows["mean pose, LoS"].cells[1:3] == ("3", "902.0±1.0")
    assert rows["canonical, NLoS"].cells[5:] == ("99.0±0.0", "0.0±0.0")
    assert [label for label, row in rows.items() if row.own] == [
        f"{network}, {condition}" for condition in ("LoS", "NLoS") for network in ASKED
    ]
    assert len(split_figures(made_up, "paper").rows) == 8


def test_networks_are_compared_seed_by_seed(made_up: Seeds) -> None:
    figures = less_figures(made_up)
    assert figures.columns[0] == "wimose under wipose, %"
    assert [row.label for row in figures.rows] == ["paper, LoS", "clip, LoS", "clip, NLoS"]
    percent = [100 * (1 - (100 + 10 * seed) / (200 + 10 * seed)) for seed in (1, 2, 3)]
    assert figures.rows[1].cells[0] == spread(percent) == f"{np.mean(percent):.1f}±{np.std(percent, ddof=1):.1f}"
    assert figures.rows[1].cells[2].startswith("-")  # wimose-plus is the worse one here
    assert figures.rows[2].cells == ("0.0±0.0",) * 3
    begun = msgspec.structs.replace(made_up, trainings=made_up.trainings[:5])  # the last seed of wimose-plus is missing
    assert less_figures(begun).rows[1].cells[2] == f"{100 * (1 - 310 / 110):.1f}"


def test_the_budgets_are_shown(made_up: Seeds) -> None:
    rows = {row.label: row.cells for row in budget_figures(made_up).rows}
    assert rows["wimose-plus"] == ("64", "0.001", "300", "1920", "6", "8.0±1.0")
    resumed = msgspec.structs.replace(made_up.trainings[0], minutes=None)
    some = msgspec.structs.replace(made_up, trainings=[resumed, *made_up.trainings[1:]])
    assert budget_figures(some).rows[0].cells[-1] == spread([8.0, 9.0])


def test_the_page_has_the_tables(made_up: Seeds, tmp_path: Path) -> None:
    assert "equal terms" not in results.page(tmp_path)
    (tmp_path / "seeds.yaml").write_bytes(msgspec.yaml.encode(made_up))
    text = results.page(tmp_path)
    for part in (
        "## Three networks on equal terms", "for 6 minutes", "simulated", "### paper (random", "### clip (known",
        "| **wipose, LoS** | **1280** | **3** | **220.0±10.0** |", "wimose under wipose, %", "8.0±1.0",
    ):  # fmt: skip
        assert part in text
    assert "### subject" not in text
    assert len(seeds_tables(made_up).renderables) == 4


def test_a_study_that_has_only_begun_has_its_tables(made_up: Seeds) -> None:
    bare = msgspec.structs.replace(made_up, trainings=[])
    assert splits(bare) == []
    assert [row.cells[-1] for row in budget_figures(bare).rows] == ["-"] * 3
    assert len(seeds_tables(bare).renderables) == 2
