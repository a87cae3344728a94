"""The ladder: each rung is one step harder, what was done is not done again, and skill is measured, not assumed."""

import os
from pathlib import Path

import msgspec
import numpy as np
import pytest

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
pytest.importorskip("keras")

from edge.errors import ConfigError
from edge.skeleton import JOINTS, ROOT
from firmware_tools import dataset
from firmware_tools.dataset import TRUTH_EVERY, Part
from firmware_tools.simulate.nic import receive
from firmware_tools.simulate.room import BASIC
from firmware_tools.simulate.scene import place
from firmware_tools.simulate.world import IDEAL_NIC, World
from firmware_tools.study import ladder
from firmware_tools.study.ladder import RUNGS, WORLDS, Ladder, climb, definition_of, ladder_tables
from firmware_tools.study.trial import error_figures, motion_figures, motion_r2, motions
from models.metrics import heading, turned
from tests.simulate.stickman import walk

BATCH = 40
FEW = tuple(rung for rung in RUNGS if rung.train == "body-train" and rung.split != "room")  # rungs 5 and 6


@pytest.fixture(scope="module")
def folder(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ladder")


@pytest.fixture(scope="module")
def climbed(data: Path, folder: Path) -> Ladder:
    """Two rungs, two steps."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ladder, "samples_in", lambda run, minutes: int(minutes) * run.batch)
        patch.setattr(ladder, "RUNGS", FEW)
        return climb(few_parts(data), folder, 2.0, BATCH, workers=1)


def few_parts(data: Path) -> dataset.Definition:
    whole = definition_of(data / "mocap17", 24 / 3600, session_s=12.0)
    parts = {name: whole.parts[name] for name in ("body-train", "body-clip", "subject")}
    return msgspec.structs.replace(whole, parts=parts)


def test_every_rung_takes_one_thing_back_until_the_world_is_whole() -> None:
    worlds = [msgspec.structs.astuple(world) for world in WORLDS.values()]
    assert not any(worlds[0])
    assert [sum(world) for world in worlds] == [0, 1, 2, 3, 4]
    assert (np.diff(np.array(worlds, np.int64), axis=0) >= 0).all()
    assert WORLDS["body"] == World()
    assert not any(world.augmented for world in WORLDS.values())  # the world as it is captured


def test_every_rung_has_its_parts(data: Path) -> None:
    parts = definition_of(data, 2.0).parts
    assert {name for rung in RUNGS for name in (rung.train, rung.test)} == set(parts)
    for rung in RUNGS:
        assert parts[rung.train].split == "train"
        assert parts[rung.test].split in ("clip", "subject")
        if rung.split != "room":
            assert parts[rung.test].world == parts[rung.train].world
    assert not set(parts["rooms-train"].rooms) & set(parts["rooms-test"].rooms)


def test_a_definition_that_names_no_world_means_the_whole_one() -> None:
    part = msgspec.yaml.decode(b"{rooms: [basic], split: train, hours: 1.0}", type=Part)
    assert part == Part(["basic"], "train", 1.0)
    assert part.world == World(spot=True, heading=True, nic=True, varied=True)


def test_a_fixed_take_lies_in_the_middle_and_faces_along_x() -> None:
    joints = turned(walk(4.0).joints.astype(np.float64), 1.1)
    there = place(BASIC, joints, np.random.default_rng(1), any_spot=False, any_heading=False)
    assert there is not None
    hips = there[:, ROOT, :2]
    assert (hips.min(axis=0) + hips.max(axis=0)) / 2 == pytest.approx(np.array(BASIC.size[:2]) / 2)
    assert np.angle(np.exp(1j * heading(there)).mean()) == pytest.approx(0.0, abs=1e-9)
    free = place(BASIC, joints, np.random.default_rng(1), any_spot=False)
    assert free is not None
    assert abs(np.angle(np.exp(1j * heading(free)).mean())) > 0.05


def test_the_ideal_nic_adds_nothing_but_whole_counts() -> None:
    rng = np.random.default_rng(2)
    still = rng.normal(size=(3, 30)) + 1j * rng.normal(size=(3, 30))
    records, first = receive(np.tile(still, (500, 1, 1)), np.arange(500) / 150, IDEAL_NIC, rng)
    assert (len(records.iq), first) == (500, 0)
    csi = records.iq[..., 0] + 1j * records.iq[..., 1]
    ratio = csi[:, 0] / csi[:, 1]
    strong = np.abs(still[:2]).min(axis=0) > 0.7
    assert np.abs(ratio / (still[0] / still[1]) - 1)[:, strong].max() < 0.1


def test_a_climb_has_a_line_for_every_rung(climbed: Ladder, folder: Path) -> None:
    assert [trial.name for trial in climbed.trials] == [rung.name for rung in FEW]
    assert len({trial.run for trial in climbed.trials}) == 1  # one model
    assert climbed.samples == 2 * BATCH
    known, people = climbed.trials
    assert known.leaky is not None
    assert (known.accuracy.split, people.accuracy.split, known.leaky.split) == ("clip", "subject", "paper")
    assert known.accuracy.canonical_root_mm == 0
    assert known.accuracy.p_mpjpe_mm != people.accuracy.p_mpjpe_mm
    assert known.skill == pytest.approx(1 - known.accuracy.p_mpjpe_mm / known.accuracy.canonical_p_mpjpe_mm)
    assert set(known.velocity_r2) == set(known.speed_r2) == {"body", "wrists", "elbows", "knees", "ankles"}
    assert msgspec.yaml.decode((folder / "ladder.yaml").read_bytes(), type=Ladder) == climbed


def test_what_was_done_is_not_done_again(
    climbed: Ladder, data: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ladder, "RUNGS", FEW)
    monkeypatch.setattr(ladder, "train", None)
    monkeypatch.setattr(ladder, "samples_in", None)
    stopped = msgspec.structs.replace(climbed, trials=climbed.trials[:1])
    (folder / "ladder.yaml").write_bytes(msgspec.yaml.encode(stopped))
    assert climb(few_parts(data), folder, 9.0, BATCH, workers=1) == climbed
    with pytest.raises(ConfigError, match="another dataset"):
        climb(msgspec.structs.replace(few_parts(data), seed=9), folder, 2.0, BATCH, workers=1)
    with pytest.raises(ConfigError, match="batches of 40"):
        climb(few_parts(data), folder, 2.0, 80, workers=1)


def test_the_table_says_what_was_measured(climbed: Ladder) -> None:
    figures = error_figures(climbed.trials, "rung")
    row = figures.rows[1]
    accuracy = climbed.trials[1].accuracy
    assert row.label == FEW[1].name
    assert row.cells[3:6] == (
        f"{accuracy.p_mpjpe_mm:.1f}", f"{accuracy.canonical_p_mpjpe_mm:.1f}", f"{accuracy.shuffled_p_mpjpe_mm:.1f}",
    )  # fmt: skip
    assert row.cells[7] == f"{100 * climbed.trials[1].skill:.1f}"
    assert len(row.cells) == len(figures.columns)
    assert len(ladder_tables(climbed).renderables) == 2


def test_motion_r2_is_one_for_the_truth_and_zero_for_its_mean() -> None:
    rng = np.random.default_rng(3)
    truth = rng.normal(size=(400, 68)) + 1.0
    assert {value for r2 in motion_r2(truth, truth) for value in r2.values()} == {1.0}
    said = truth.copy()
    left, right = (JOINTS.index(side + "Wrist") for side in "LR")
    for column in (3 * left, 3 * left + 1, 3 * left + 2, 3 * right, 3 * right + 1, 3 * right + 2):
        said[:, column] = truth[:, column].mean()
    said[:, 51 + left] += 3.0
    velocity, speed = motion_r2(truth, said)
    assert velocity == {"body": 1.0, "wrists": 0.0, "elbows": 1.0, "knees": 1.0, "ankles": 1.0}
    assert speed["wrists"] == pytest.approx(1 - 9.0 / 2, abs=0.6)
    assert set(speed.values()) - {speed["wrists"]} == {1.0}


def test_motion_is_that_of_the_truth_within_one_take(climbed: Ladder, folder: Path) -> None:
    sessions = dataset.load(folder / "data", "body-clip", "plus-1")
    windows = sessions.windows()
    whole, moved = motions(sessions, windows)
    assert 0 < whole.sum() < len(windows)  # the last ones of a take have nothing after them
    s, index = windows[whole].T
    assert (sessions.run[s, index + 3] - sessions.run[s, index - 3] == 6 * TRUTH_EVERY).all()
    before, after = (sessions.joints(np.stack((s, index + step), axis=1)) for step in (-3, 3))
    velocity = (after - before) / 0.2
    assert moved[:, :3] == pytest.approx(velocity[:, ROOT], abs=1e-4)
    wrist = JOINTS.index("LWrist")
    relative = velocity[:, wrist] - velocity[:, ROOT]
    assert moved[:, 3 * wrist : 3 * wrist + 3] == pytest.approx(relative, abs=1e-4)
    assert moved[:, 51 + wrist] == pytest.approx(np.linalg.norm(relative, axis=1), abs=1e-4)
    assert np.linalg.norm(moved[:, :3], axis=1).max() < 8.0  # nobody jumps into the next take


def test_a_run_from_before_speeds_were_learnt_has_a_dash(climbed: Ladder) -> None:
    (row,) = motion_figures([msgspec.structs.replace(climbed.trials[0], speed_r2={})], "rung").rows
    assert row.cells[5:10] == ("-",) * 5
    assert row.cells[:5] == tuple(f"{value:.2f}" for value in climbed.trials[0].velocity_r2.values())
