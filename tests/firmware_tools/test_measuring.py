"""A bundle's table: an entry for every split, room, condition and kind of motion that says something."""

from collections import Counter
from pathlib import Path

import msgspec
import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="the training extra is not installed")

from edge.errors import ConfigError
from edge.inference.bundle import Bundle
from edge.inference.engine import Engine
from firmware_tools import dataset, measuring
from firmware_tools.bundling import quantize_run
from firmware_tools.measuring import measure_dataset
from firmware_tools.simulate.motion import load_clips
from firmware_tools.splits import kind_of
from firmware_tools.tasks import held_out
from firmware_tools.tasks import test_windows as whole_windows

FEWEST = 40
Kind = tuple[str, str, str]  # split, condition, kind of motion


@pytest.fixture(scope="module")
def bundle(plus_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return quantize_run(plus_run, tmp_path_factory.mktemp("bundle"), "tiny")


def expected(folder: Path, seed: int) -> Counter[Kind]:
    """How many windows there are of each kind, by counting."""
    definition = dataset.read_definition(folder)
    clips = load_clips(Path(definition.motion))
    counts: Counter[Kind] = Counter()
    for part in ("train", "clip", "subject"):
        sessions = dataset.load(folder, part, "plus-1")
        mine = dataset.clips_of(part, clips)
        kept_away = held_out(sessions, seed)
        for session, index in whole_windows(sessions):
            if part == "train" and not kept_away[session, index]:
                continue
            condition = "NLoS" if sessions.rooms[session] == "basic-nlos" else "LoS"
            kind = kind_of(mine[sessions.clip[session, index]])
            counts["paper" if part == "train" else part, condition, kind] += 1
    return counts


def test_there_is_an_entry_for_every_kind_with_enough_windows(
    bundle: Bundle, dataset_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measuring, "FEWEST_WINDOWS", FEWEST)
    entries = measure_dataset(bundle, Engine(bundle), dataset_folder)
    counts = expected(dataset_folder, seed=1)
    made = {(entry.split, entry.condition, entry.motion): entry.windows for entry in entries}
    assert made == {kind: count for kind, count in counts.items() if count >= FEWEST}
    assert {split for split, _, _ in made} == {"paper", "clip", "subject"}
    assert {condition for _, condition, _ in made} == {"LoS", "NLoS"}
    assert len(made) < len(counts)  # something is left out, too
    for entry in entries:
        assert (entry.room, entry.network, entry.seed) == ("basic", "wimose-plus", 1)
        assert entry.float_mpjpe_mm is None


def test_one_part_alone(bundle: Bundle, dataset_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "FEWEST_WINDOWS", FEWEST)
    entries = measure_dataset(bundle, Engine(bundle), dataset_folder, parts=["clip"])
    assert {entry.split for entry in entries} == {"clip"}
    with pytest.raises(ConfigError, match="has no rooms-test"):
        measure_dataset(bundle, Engine(bundle), dataset_folder, parts=["rooms-test"])


def test_nothing_of_another_dataset_was_learnt_from(
    bundle: Bundle, dataset_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measuring, "FEWEST_WINDOWS", FEWEST)
    training = bundle.description.training | {"dataset_seed": 99}
    other = msgspec.structs.replace(bundle, description=msgspec.structs.replace(bundle.description, training=training))
    entries = measure_dataset(other, Engine(other), dataset_folder)
    assert {entry.split for entry in entries} == {"clip", "subject"}
    anywhere = msgspec.structs.replace(other, description=msgspec.structs.replace(other.description, room="any"))
    with pytest.raises(ConfigError, match="no part 'rooms-train'"):  # its baselines are of many rooms
        measure_dataset(anywhere, Engine(anywhere), dataset_folder)


def test_the_leaky_split_is_a_part_too(bundle: Bundle, dataset_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "FEWEST_WINDOWS", FEWEST)
    entries = measure_dataset(bundle, Engine(bundle), dataset_folder, parts=["paper"])
    assert {entry.split for entry in entries} == {"paper"}


def test_rooms_are_grouped_by_what_they_were_drawn_for() -> None:
    assert measuring._group("basic") == ("basic", False)
    assert measuring._group("basic-nlos") == ("basic", True)
    assert measuring._group("test-3") == ("test rooms", False)
    assert measuring._group("train-17") == ("train rooms", False)
    screened = [measuring._group(f"fresh-{number}") for number in range(20)]
    assert set(screened) == {("fresh rooms", False), ("fresh rooms", True)}


def test_a_take_is_one_sequence(dataset_folder: Path) -> None:
    """For the jitter: neighbours of one take share a number, takes and sessions do not."""
    sessions = dataset.load(dataset_folder, "train", "plus-1")
    windows = whole_windows(sessions)
    moments = measuring._moments(sessions, windows)
    assert len(np.unique(moments.sequence)) >= 4
    same = (np.diff(windows[:, 0]) == 0) & (np.diff(windows[:, 1]) == 4)
    np.testing.assert_array_equal(np.diff(moments.sequence) == 0, same)
    np.testing.assert_allclose(moments.time_s, windows[:, 1] / 30)
