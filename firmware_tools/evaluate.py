"""The tables of DESIGN.md: errors on every split, beside what guesses that have learned nothing score."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from rich import box
from rich.table import Table

from edge.arrays import Array
from edge.inference.bundle import Accuracy
from edge.skeleton import JOINTS
from models.baselines import MeanPoses
from models.metrics import Moments, PoseError, pose_error

MAX_WINDOWS = 4_000  # of a split, room, condition and kind of motion; more moves the last digit

SPLIT_NAMES = {
    "paper": "paper (random 75/25 of windows, leaky)",
    "clip": "clip (known people, clips never seen)",
    "subject": "subject (people never seen)",
    "room": "room (rooms never seen)",
    "motion": "motion (people from another folder)",
}
MOTION_NAMES = {"household": "household motion", "dance": "dance and acrobatics"}
MISSING = "-"

Values = tuple[float | None, ...]


@dataclass(frozen=True)
class Row:
    """One line of a table."""

    own: bool  # the model's own, not a baseline's
    label: str
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Figures:
    """A table before it is drawn, here or in the README."""

    what: str  # heading of the labels
    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    def drawn(self, title: str) -> Table:
        # One blank between columns: eight of them and their labels have to fit a terminal of 80.
        table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=0, show_edge=False)
        table.add_column(self.what)
        for column in self.columns:
            table.add_column(column.replace(" ", "\n"), justify="right", no_wrap=True)
        for row in self.rows:
            table.add_row(row.label, *row.cells, style="bold" if row.own else None)
        return table


def measure(
    split: str, room: str, truth: Array, joints: Array, *, poses: MeanPoses, condition: str = "LoS",
    motion: str = "household", knn_joints: Array | None = None, float_joints: Array | None = None,
    moments: Moments | None = None, network: str = "", seed: int | None = None,
) -> Accuracy:  # fmt: skip
    """What a model said, beside what each baseline says, for bundle.yaml.

    truth, joints  (W, 17, 3) metres, room frame; joints as the model ships (int8)
    poses          the constants of the training poses
    knn_joints     (W, 17, 3) metres, of a KnnRegressor fitted on the training windows
    float_joints   (W, 17, 3) metres, of the same model before quantisation
    moments        when each window was, for the jitter; the windows must then be whole stretches, not every n-th
    """
    mean, true_root, canonical = (pose_error(truth, guess, moments) for guess in poses.guesses(truth).values())
    model = pose_error(truth, joints, moments)
    # Each truth is held against what the model said of another moment: the same poses, the wrong CSI. No jitter, which
    # would be that of the shuffling.
    shuffled = pose_error(truth, joints[np.random.default_rng(0).permutation(len(truth))])
    unquantised = pose_error(truth, float_joints, moments) if float_joints is not None else None
    return Accuracy(
        split=split, room=room, windows=len(truth), condition=condition, motion=motion, network=network, seed=seed,
        **_fields("", model), relative_jitter_mm_s2=_round(model.relative_jitter_mm_s2),
        per_joint_mm=_all(model.per_joint_mm), relative_per_joint_mm=_all(model.relative_per_joint_mm),
        p_per_joint_mm=_all(model.p_per_joint_mm),
        **_fields("mean_", mean),
        true_root_mpjpe_mm=_round(true_root.mpjpe_mm), true_root_p_mpjpe_mm=_round(true_root.p_mpjpe_mm),
        true_root_pck=_all(true_root.pck), true_root_jitter_mm_s2=_round(true_root.jitter_mm_s2),
        canonical_mpjpe_mm=_round(canonical.mpjpe_mm), canonical_root_mm=_round(canonical.root_mm),
        canonical_relative_mpjpe_mm=_round(canonical.relative_mpjpe_mm),
        canonical_p_mpjpe_mm=_round(canonical.p_mpjpe_mm), canonical_pck=_all(canonical.pck),
        canonical_jitter_mm_s2=_round(canonical.jitter_mm_s2),
        canonical_p_per_joint_mm=_all(canonical.p_per_joint_mm),
        **_fields("shuffled_", shuffled),
        **(_fields("knn_", pose_error(truth, knn_joints, moments)) if knn_joints is not None else {}),
        **(_fields("float_", unquantised) if unquantised else {}),
        float_per_joint_mm=_all(unquantised.per_joint_mm) if unquantised else (),
    )  # fmt: skip


def accuracy_table(entries: list[Accuracy], title: str) -> Table:
    """The table for people."""
    return accuracy_figures(entries).drawn(title)


def per_joint_table(entries: list[Accuracy], title: str) -> Table:
    """As Table II of the paper, upright."""
    return per_joint_figures(entries).drawn(title)


def accuracy_figures(entries: list[Accuracy]) -> Figures:
    """Errors in mm and degrees; PCK, root-relative, within 50, 100 and 150 mm, percent.

    Columns and baselines that nobody measured are left out.
    """
    columns = ("MPJPE", "root", "relative", "P-MPJPE", "heading", "PCK@50/ 100/150", "jitter, m/s²")
    rows = tuple(row for entry in entries for row in _rows(entry))
    seen = [n for n in range(len(columns)) if any(row.cells[n] != MISSING for row in rows)]
    return Figures(
        "split and what is compared",
        tuple(columns[n] for n in seen),
        tuple(Row(row.own, row.label, tuple(row.cells[n] for n in seen)) for row in rows),
    )


def per_joint_figures(entries: list[Accuracy]) -> Figures:
    """P-MPJPE of each joint and of all, mm; in brackets what the canonical baseline scores, told root and heading."""
    measured = [entry for entry in entries if entry.p_per_joint_mm]
    pairs = [
        ((*entry.p_per_joint_mm, entry.p_mpjpe_mm), (*entry.canonical_p_per_joint_mm, entry.canonical_p_mpjpe_mm))
        for entry in measured
    ]
    return Figures(
        "joint, and canonical baseline",
        tuple(f"{entry.split}, {entry.condition}{_motion(entry)}" for entry in measured),
        tuple(
            Row(joint == "overall", joint, tuple(f"{own[n]:.0f} ({canonical[n]:.0f})" for own, canonical in pairs))
            for n, joint in enumerate((*JOINTS, "overall"))
        ),
    )


def confidence_figures(entries: list[Accuracy]) -> Figures:
    """How sure a model is, and how right it is to be; percent of joints within 150 mm."""
    return Figures(
        "split",
        ("expected", "true", "mean difference over tenths"),
        tuple(
            Row(
                False,
                _label(entry),
                (f"{entry.confidence:.0f}", f"{entry.pck[2]:.0f}", f"{entry.confidence_error:.1f}"),
            )
            for entry in entries
            if entry.confidence is not None and entry.confidence_error is not None
        ),
    )


def _rows(a: Accuracy) -> list[Row]:
    told = a.true_root_mpjpe_mm, 0.0, a.true_root_mpjpe_mm, a.true_root_p_mpjpe_mm, a.mean_heading_deg
    canonical = a.canonical_mpjpe_mm, a.canonical_root_mm, a.canonical_relative_mpjpe_mm, a.canonical_p_mpjpe_mm, 0.0
    rows = [
        _row(True, f"{_label(a)}, {a.windows} windows",
             (a.mpjpe_mm, a.root_mm, a.relative_mpjpe_mm, a.p_mpjpe_mm, a.heading_deg),
             a.relative_pck, a.jitter_mm_s2),
        _row(False, "the same model before quantisation",
             (a.float_mpjpe_mm, a.float_root_mm, a.float_relative_mpjpe_mm, a.float_p_mpjpe_mm, a.float_heading_deg),
             a.float_relative_pck, a.float_jitter_mm_s2),
        _row(False, "the same model, shuffled CSI",
             (a.shuffled_mpjpe_mm, a.shuffled_root_mm, a.shuffled_relative_mpjpe_mm, a.shuffled_p_mpjpe_mm,
              a.shuffled_heading_deg),
             a.shuffled_relative_pck, None),
        _row(False, "nearest neighbours among the training windows",
             (a.knn_mpjpe_mm, a.knn_root_mm, a.knn_relative_mpjpe_mm, a.knn_p_mpjpe_mm, a.knn_heading_deg),
             a.knn_relative_pck, a.knn_jitter_mm_s2),
        _row(False, "mean pose",
             (a.mean_mpjpe_mm, a.mean_root_mm, a.mean_relative_mpjpe_mm, a.mean_p_mpjpe_mm, a.mean_heading_deg),
             a.mean_relative_pck, a.mean_jitter_mm_s2),
        # With the true root, absolute and relative shares are the same.
        _row(False, "mean pose, told the true root", told, a.true_root_pck, a.true_root_jitter_mm_s2),
        _row(False, "canonical: mean pose, told the true root and heading", canonical,
             a.canonical_pck, a.canonical_jitter_mm_s2),
    ]  # fmt: skip
    return [row for row in rows if row is not None]


def _row(own: bool, label: str, errors: Values, pck: Values, jitter: float | None) -> Row | None:
    """None unless all the errors were measured."""
    if None in errors:
        return None
    shares = "/".join(f"{share:.0f}" for share in pck) or MISSING
    shaking = MISSING if jitter is None else f"{jitter / 1e3:.1f}"
    return Row(own, label, (*(f"{error:.0f}" for error in errors), shares, shaking))


def _label(entry: Accuracy) -> str:
    """What was measured. The room stands in the title of a table, or names the split."""
    condition = ", NLoS" if entry.condition == "NLoS" else ""
    which = f", {entry.room}" if entry.split == "room" else ""
    return f"{SPLIT_NAMES.get(entry.split, entry.split)}{which}{condition}{_motion(entry)}"


def _motion(entry: Accuracy) -> str:
    return f", {MOTION_NAMES[entry.motion]}" if entry.motion in MOTION_NAMES else ""


def _fields(prefix: str, error: PoseError) -> dict[str, Any]:
    """What every row of the table needs; no jitter where there is none."""
    fields = {
        f"{prefix}mpjpe_mm": _round(error.mpjpe_mm),
        f"{prefix}root_mm": _round(error.root_mm),
        f"{prefix}relative_mpjpe_mm": _round(error.relative_mpjpe_mm),
        f"{prefix}p_mpjpe_mm": _round(error.p_mpjpe_mm),
        f"{prefix}heading_deg": _round(error.heading_deg),
        f"{prefix}pck": _all(error.pck),
        f"{prefix}relative_pck": _all(error.relative_pck),
    }
    return fields if error.jitter_mm_s2 is None else {**fields, f"{prefix}jitter_mm_s2": _round(error.jitter_mm_s2)}


def _round(value: float | None) -> Any:
    return None if value is None else round(value, 1)


def _all(values: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(round(value, 1) for value in values)
