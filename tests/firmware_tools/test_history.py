"""The picture of a training run."""

import sys
from pathlib import Path

import numpy as np
import pytest

from edge.arrays import Array
from firmware_tools.history import draw_history
from models.baselines import MeanPoses
from tests.simulate.stickman import walk

ROWS = "100,1e-3,2.5,,\n150,1e-3,2.1,900.0,120.0\n200,5e-4,1.9,,\n300,0.0,1.5,800.0,110.0\n"


@pytest.fixture
def poses() -> Array:
    return walk(2.0).joints.astype(np.float64)


def test_a_picture_is_drawn(tmp_path: Path, poses: Array) -> None:
    pytest.importorskip("matplotlib", reason="the training extra is not installed")
    (tmp_path / "history.csv").write_text(ROWS)
    draw_history(tmp_path, MeanPoses.of(poses), poses)
    picture = (tmp_path / "history.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    (tmp_path / "history.csv").write_text(ROWS.replace("800.0", "100.0"))
    draw_history(tmp_path, MeanPoses.of(poses), poses)
    assert (tmp_path / "history.png").read_bytes() != picture  # the figures are in it


def test_without_matplotlib_nothing_is_drawn(tmp_path: Path, poses: Array, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    (tmp_path / "history.csv").write_text(ROWS)
    draw_history(tmp_path, MeanPoses.of(poses), poses)
    assert not (tmp_path / "history.png").exists()
