"""Sessions that are drawn while a network learns: the same at the same step, and never the dataset's own."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

pytest.importorskip("keras", reason="the training extra is not installed")

from edge.cli import main
from edge.errors import ConfigError
from firmware_tools import dataset
from firmware_tools.dataset import Definition, simulate
from firmware_tools.fresh import FreshTask, Ring
from firmware_tools.simulate.rooms import room_named
from firmware_tools.tasks import held_out
from firmware_tools.train import Run, drawn_until, read_asked, train

SPEC = "plus-1"
SIZE = 2


@pytest.fixture(scope="module")
def fresh(definition: Definition) -> Definition:
    """The tiny dataset's definition, in a room that is another every session."""
    parts = {name: msgspec.structs.replace(part, rooms=["fresh"]) for name, part in definition.parts.items()}
    return msgspec.structs.replace(definition, parts=parts, specs=[SPEC])


def test_the_ring_holds_the_newest_sessions_at_any_step(fresh: Definition) -> None:
    ring = Ring(fresh, "train", SPEC, each_step=0.5, size=SIZE)
    first = fresh.sessions("train")  # behind the dataset's own
    assert ring.at(0)
    assert not ring.at(1)
    before = ring.sessions.columns.copy()
    assert ring.at(2)
    np.testing.assert_array_equal(ring.sessions.columns[(first + 1) % SIZE], before[(first + 1) % SIZE])
    for number in (first + 1, first + 2):
        made, slot = simulate(fresh, "train", number), number % SIZE
        np.testing.assert_array_equal(ring.sessions.columns[slot], made.columns[SPEC])
        np.testing.assert_array_equal(ring.sessions.truth[slot], made.truth)
        np.testing.assert_array_equal(ring.sessions.run[slot], made.run)
        np.testing.assert_array_equal(ring.sessions.clip[slot], made.clip)
        assert ring.sessions.rooms[slot] == fresh.room("train", number)
    assert len(set(ring.sessions.rooms)) == SIZE
    assert np.abs(np.diff(ring.sessions.geometry, axis=0)).max() > 0.1

    resumed = Ring(fresh, "train", SPEC, each_step=0.5, size=SIZE)
    assert resumed.at(2)
    np.testing.assert_array_equal(resumed.sessions.columns, ring.sessions.columns)


def test_rooms_of_a_part_are_its_own(fresh: Definition) -> None:
    names = [fresh.room(part, number) for part in ("train", "clip") for number in range(50)]
    assert len(set(names)) == 100
    assert {room_named(name).name for name in names} == set(names)


def test_a_batch_is_of_the_sessions_of_its_step(
    definition: Definition, dataset_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("firmware_tools.fresh.RING_S", SIZE * definition.session_s)
    sessions = dataset.load(dataset_folder, "train", "plus-2")
    one, other = (FreshTask(sessions, 1, 60, None, definition, "train", shown=0.08) for _ in range(2))
    assert one.ring.size == SIZE
    early = one.batch(0)[0]
    later = one.batch(3)  # one session a step has made room
    for made, again in zip(later, other.batch(3), strict=True):  # as if it went on there
        np.testing.assert_array_equal(made, again)
    assert not np.array_equal(early, later[0])
    assert one.weight.mean() > 1.2 * (one.weight & ~held_out(one.sessions, 1)).mean()  # nothing of them is held out
    np.testing.assert_array_equal(one.motion_m_s(), other.motion_m_s())


def test_a_run_of_fresh_sessions(
    definition: Definition, dataset_folder: Path, tiny: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("firmware_tools.fresh.RING_S", SIZE * definition.session_s)
    train(Run(str(dataset_folder), samples=24, batch=8, network="wimose-plus", shown=4.0, augment=True), tmp_path)
    assert (tmp_path / "model.keras").exists()


def test_augmented_sessions_are_of_the_part_that_is_learnt(definition: Definition) -> None:
    wilder = dataset.augmented(definition, "train")
    assert [name for name, part in wilder.parts.items() if part.world.augmented] == ["train"]
    assert wilder.parts["clip"] == definition.parts["clip"]
    walks = {"train": msgspec.structs.replace(definition.parts["train"], motion="walk")}
    with pytest.raises(ConfigError, match="made up"):
        dataset.augmented(msgspec.structs.replace(definition, parts=walks), "train")
    captured, drawn = simulate(definition, "train", 3, [SPEC]), simulate(wilder, "train", 3, [SPEC])
    assert captured.truth.shape == drawn.truth.shape
    assert not np.array_equal(captured.truth, drawn.truth)


def test_augmented_motion_is_for_what_is_drawn_meanwhile(
    dataset_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", str(dataset_folder), str(tmp_path / "run"), "--augment"]) == 2
    assert "--fresh 3" in capsys.readouterr().err


@pytest.mark.parametrize("options", [["--fresh", "0"], ["--fresh", "4", "--network", "wipose"]])
def test_what_cannot_be_drawn_is_refused(
    options: list[str], dataset_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", str(dataset_folder), str(tmp_path / "run"), *options]) == 2
    assert "--fresh 4" in capsys.readouterr().err


def test_a_run_that_goes_on_draws_other_sessions(
    definition: Definition, dataset_folder: Path, tiny: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("firmware_tools.fresh.RING_S", SIZE * definition.session_s)
    options = ["--network", "wimose-plus", "--batch", "60", "--samples", "600", "--fresh", "0.1"]
    first, second = str(tmp_path / "first"), str(tmp_path / "second")
    assert main(["train", str(dataset_folder), first, *options]) == 0
    assert main(["train", str(dataset_folder), second, *options, "--from", first]) == 0
    before, after = (read_asked(Path(folder)) for folder in (first, second))
    assert before
    assert after
    assert before.drawn == 0
    assert drawn_until(before, definition) == after.drawn > SIZE
    assert drawn_until(after, definition) == 2 * after.drawn

    sessions = dataset.load(dataset_folder, "train", "plus-2")
    begun, going_on = (
        FreshTask(sessions, 1, 60, None, definition, "train", run.shown, run.drawn).ring for run in (before, after)
    )
    going_on.at(0)
    shown = []
    for step in range(10):
        begun.at(step)
        shown += list(begun.sessions.truth.copy())
    assert not any(np.array_equal(one, other) for one in shown for other in going_on.sessions.truth)
