"""Who goes somewhere and who stays is told by the truth, and every window is measured once."""

from pathlib import Path

import pytest

from edge.errors import ConfigError
from firmware_tools import dataset
from firmware_tools.study.still import still
from firmware_tools.study.trial import error_figures, household, motion_figures, motions


def test_every_window_is_measured_once(plus_run: Path, dataset_folder: Path) -> None:
    trials = still(plus_run)
    assert [trial.name for trial in trials] == [
        split + who for split in ("clip", "subject") for who in ("", ", going", ", staying")
    ]
    definition = dataset.read_definition(dataset_folder)
    for split, (both, going, staying) in (("clip", trials[:3]), ("subject", trials[3:])):
        sessions = dataset.load(dataset_folder, split, "plus-1")
        whole, _ = motions(sessions, household(definition, split, sessions))
        assert going.accuracy.windows + staying.accuracy.windows == both.accuracy.windows == whole.sum()
        assert going.accuracy.split == split
        assert going.accuracy.p_mpjpe_mm != staying.accuracy.p_mpjpe_mm
        assert (going.run, going.samples, going.leaky) == (plus_run.name, 24, None)
    assert {row.cells[8] for row in error_figures(trials, "split").rows} == {"-"}
    assert all(float(cell) < 1 for row in motion_figures(trials, "split").rows for cell in row.cells[:10])


def test_a_run_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="wimose train"):
        still(tmp_path)
