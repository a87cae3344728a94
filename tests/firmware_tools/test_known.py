"""What is known by heart is told apart from what is known."""

from pathlib import Path

import numpy as np
import pytest

from edge.errors import ConfigError
from firmware_tools import dataset
from firmware_tools.study.known import FAR, known, unseen
from firmware_tools.study.trial import household
from firmware_tools.tasks import held_out


def test_every_line_is_of_windows_of_its_own(plus_run: Path, dataset_folder: Path) -> None:
    trials = known(plus_run, count=2)
    assert [trial.name.partition(": ")[2] for trial in trials] == [
        "the dataset's sessions", "windows between those", "their clips in new sessions", "clips never seen",
        "people never seen",
    ]  # fmt: skip
    definition = dataset.read_definition(dataset_folder)
    own = dataset.load(dataset_folder, "train", "plus-2")
    windows = household(definition, "train", own)
    leaky = held_out(own, 1)[windows[:, 0], windows[:, 1]]
    assert [trial.accuracy.windows for trial in trials[:2]] == [int((~leaky).sum()), int(leaky.sum())]
    assert len({trial.accuracy.mpjpe_mm for trial in trials}) == len(trials)


def test_new_sessions_are_none_of_the_datasets(dataset_folder: Path) -> None:
    definition = dataset.read_definition(dataset_folder)
    new = unseen(definition, "train", 2)
    again = dataset.simulate(definition, "train", FAR + 1, ["plus-1"])
    np.testing.assert_array_equal(new.columns[1], again.columns["plus-1"])
    own = dataset.load(dataset_folder, "train", "plus-2")
    assert not any(np.array_equal(mine, theirs) for mine in new.truth for theirs in own.truth)


def test_a_run_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="wimose train"):
        known(tmp_path)
