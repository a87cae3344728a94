"""The tables: what is measured, what stands in them, and that nothing stands in them that was not measured."""

import io

import msgspec
import numpy as np
import pytest
from rich.console import Console
from rich.table import Table

from edge.arrays import Array
from edge.inference.bundle import Accuracy
from edge.skeleton import JOINTS
from firmware_tools import evaluate
from firmware_tools.evaluate import accuracy_figures, accuracy_table, measure, per_joint_figures
from models.baselines import MeanPoses
from models.metrics import Moments, pose_error, turned
from tests.simulate.stickman import STANDING

WINDOWS = 200
RATE_HZ = 7.5


@pytest.fixture(scope="module")
def truth() -> Array:
    """(W, 17, 3) m: somebody who walks about, swings the arms and turns."""
    rng = np.random.default_rng(1)
    limbs = STANDING + np.cumsum(rng.normal(0.0, 0.01, (WINDOWS, 17, 3)), axis=0)
    place = np.cumsum(rng.normal(0.0, 0.05, (WINDOWS, 1, 3)), axis=0) * (1, 1, 0) + (3, 3, 0)
    return np.asarray(turned(limbs, np.linspace(0, 6, WINDOWS)) + place).astype(np.float32)


@pytest.fixture(scope="module")
def joints(truth: Array) -> Array:
    return truth + np.random.default_rng(2).normal(0.0, 0.05, truth.shape).astype(np.float32)


@pytest.fixture(scope="module")
def moments() -> Moments:
    return Moments(np.arange(WINDOWS) // 50, np.arange(WINDOWS) / RATE_HZ)


@pytest.fixture(scope="module")
def entry(truth: Array, joints: Array, moments: Moments) -> Accuracy:
    """Everything measured."""
    return measure(
        "clip", "basic", truth, joints, poses=MeanPoses.of(truth), condition="NLoS", knn_joints=truth + 0.3,
        float_joints=truth + 0.01, moments=moments, network="wimose", seed=3,
    )  # fmt: skip


@pytest.fixture(scope="module")
def bare(truth: Array, joints: Array) -> Accuracy:
    return measure("subject", "basic", truth, joints, poses=MeanPoses.of(truth), motion="dance")


def text_of(table: Table) -> str:
    out = io.StringIO()
    Console(file=out, width=80).print(table)
    return out.getvalue()


def test_the_model_s_own_figures_are_those_of_its_poses(
    entry: Accuracy, truth: Array, joints: Array, moments: Moments
) -> None:
    error = pose_error(truth, joints, moments)
    assert error.jitter_mm_s2 is not None
    for name in ("mpjpe_mm", "root_mm", "relative_mpjpe_mm", "p_mpjpe_mm", "heading_deg", "jitter_mm_s2",
                 "relative_jitter_mm_s2", "pck", "relative_pck", "per_joint_mm", "relative_per_joint_mm",
                 "p_per_joint_mm"):  # fmt: skip
        assert getattr(entry, name) == pytest.approx(getattr(error, name), abs=0.051), name
    assert (entry.split, entry.room, entry.windows, entry.condition, entry.motion, entry.network, entry.seed) == (
        "clip", "basic", WINDOWS, "NLoS", "household", "wimose", 3,
    )  # fmt: skip


def test_each_baseline_is_what_it_says(entry: Accuracy) -> None:
    assert entry.canonical_root_mm == 0
    assert entry.canonical_p_mpjpe_mm < entry.mean_p_mpjpe_mm
    assert np.mean(entry.canonical_p_per_joint_mm) == pytest.approx(entry.canonical_p_mpjpe_mm, abs=0.1)
    assert entry.true_root_mpjpe_mm < entry.mean_mpjpe_mm
    assert entry.knn_mpjpe_mm == entry.knn_root_mm == pytest.approx(300 * np.sqrt(3), abs=0.1)
    assert entry.knn_p_mpjpe_mm == pytest.approx(0.0, abs=0.1)
    assert entry.knn_jitter_mm_s2 == pytest.approx(0.0, abs=1.0)
    assert entry.float_per_joint_mm == pytest.approx([10 * np.sqrt(3)] * 17, abs=0.1)
    assert entry.float_pck == (100, 100, 100)
    assert entry.mean_jitter_mm_s2 is not None
    assert entry.mean_jitter_mm_s2 > 0  # of the truth: the guess stands still


def test_shuffled_poses_belong_to_other_moments(entry: Accuracy, truth: Array) -> None:
    """Same poses, so as far off as two moments are from each other, and more than the mean pose."""
    assert entry.shuffled_mpjpe_mm > entry.mean_mpjpe_mm > 3 * entry.mpjpe_mm
    perfect = measure("clip", "basic", truth, truth, poses=MeanPoses.of(truth))
    assert perfect.mpjpe_mm == 0
    assert perfect.shuffled_p_mpjpe_mm > 10


def test_what_was_not_measured_is_not_there(bare: Accuracy) -> None:
    fields = set(msgspec.to_builtins(bare))
    assert not {name for name in fields if name.startswith(("knn_", "float_")) or "jitter" in name}
    assert {"split", "room", "mpjpe_mm", "canonical_p_mpjpe_mm", "shuffled_p_mpjpe_mm", "pck"} <= fields


def test_an_entry_survives_the_bundle(entry: Accuracy) -> None:
    assert msgspec.yaml.decode(msgspec.yaml.encode([entry]), type=list[Accuracy]) == [entry]


def test_the_table_has_a_row_a_baseline_and_a_column_a_figure(entry: Accuracy) -> None:
    figures = accuracy_figures([entry])
    assert figures.columns == (
        "MPJPE", "root", "relative", "P-MPJPE", "heading", "PCK@50/ 100/150", "jitter, m/s²",
    )  # fmt: skip
    assert [row.own for row in figures.rows] == [True] + [False] * 6
    own, unquantised, shuffled, knn, mean, told, canonical = figures.rows
    assert own.label == "clip (known people, clips never seen), NLoS, household motion, 200 windows"
    assert own.cells[:2] == (f"{entry.mpjpe_mm:.0f}", f"{entry.root_mm:.0f}")
    assert entry.jitter_mm_s2 is not None
    assert own.cells[-1] == f"{entry.jitter_mm_s2 / 1e3:.1f}"
    assert own.cells[5] == "/".join(f"{share:.0f}" for share in entry.relative_pck)
    assert unquantised.cells[5] == "100/100/100"
    assert shuffled.cells[-1] == "-"
    assert knn.cells[:4] == ("520", "520", "0", "0")
    assert mean.cells[0] == f"{entry.mean_mpjpe_mm:.0f}"
    assert told.cells[1] == "0"
    assert canonical.cells[5] == "/".join(f"{share:.0f}" for share in entry.canonical_pck)
    assert told.cells[5] == "/".join(f"{share:.0f}" for share in entry.true_root_pck)
    assert entry.mean_pck < entry.true_root_pck < entry.canonical_pck  # the more it is told
    assert canonical.cells[3] == f"{entry.canonical_p_mpjpe_mm:.0f}"


def test_the_table_fits_a_terminal(entry: Accuracy) -> None:
    shown = text_of(accuracy_table([entry], "title"))
    for part in ("the same model, shuffled", "100/100/100", f"{entry.canonical_p_mpjpe_mm:.0f}", "jitter", "PCK@50"):
        assert part in shown
    assert "…" not in shown


def test_rows_and_columns_that_nobody_measured_are_left_out(bare: Accuracy, entry: Accuracy) -> None:
    figures = accuracy_figures([bare])
    assert len(figures.rows) == 5
    assert len(figures.columns) == 6  # no jitter
    assert "dance and acrobatics" in figures.rows[0].label
    both = accuracy_figures([entry, bare])
    assert len(both.rows) == 7 + 5
    assert {len(row.cells) for row in both.rows} == {len(both.columns)} == {7}
    assert both.rows[7].cells[-1] == "-"


def test_entries_of_older_bundles_have_their_five_columns(entry: Accuracy) -> None:
    optional = {field.name: field.default for field in msgspec.structs.fields(Accuracy) if not field.required}
    old = msgspec.structs.replace(entry, **{**optional, "float_mpjpe_mm": 50.0, "float_p_mpjpe_mm": 40.0})
    figures = accuracy_figures([old])
    assert figures.columns == ("MPJPE", "root", "relative", "P-MPJPE", "heading")
    assert len(figures.rows) == 5
    assert figures.rows[0].label == "clip (known people, clips never seen), 200 windows"


def test_the_table_of_joints(entry: Accuracy, bare: Accuracy) -> None:
    figures = per_joint_figures([entry, bare])
    assert [row.label for row in figures.rows] == [*JOINTS, "overall"]
    assert figures.columns == ("clip, NLoS, household motion", "subject, LoS, dance and acrobatics")
    assert figures.rows[3].cells[0] == f"{entry.p_per_joint_mm[3]:.0f} ({entry.canonical_p_per_joint_mm[3]:.0f})"
    assert figures.rows[-1].cells[1] == f"{bare.p_mpjpe_mm:.0f} ({bare.canonical_p_mpjpe_mm:.0f})"
    assert "LAnkle" in text_of(evaluate.per_joint_table([entry], "title"))
    unmeasured = msgspec.structs.replace(entry, p_per_joint_mm=())
    assert per_joint_figures([unmeasured]).columns == ()
