"""The table of DESIGN.md: a bundle's errors on every split, beside what guesses that have learned nothing score."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from rich.table import Table

from edge.arrays import Array
from edge.inference.bundle import Accuracy
from edge.progress import track
from edge.skeleton import N_JOINTS
from firmware_tools.dataset import IMAGE_SCALE, Windows
from models.baselines import MeanPoses
from models.metrics import PoseError, pose_error

MAX_WINDOWS = 12_000  # of a split, evenly over it; more no longer changes a millimetre

SPLIT_NAMES = {
    "paper": "paper (random 75/25 of windows, leaky)",
    "clip": "clip (known people, clips never seen)",
    "subject": "subject (people never seen)",
}


@dataclass(frozen=True, eq=False)
class SplitErrors:
    """Everything measured on one split."""

    split: str
    room: str
    windows: int
    model: PoseError  # int8, as it ships
    shuffled: PoseError  # the same model shown the CSI of another window
    unquantised: PoseError | None
    baselines: dict[str, PoseError]

    def accuracy(self) -> Accuracy:
        """For bundle.yaml."""
        mean, true_root, canonical = self.baselines.values()
        return Accuracy(
            split=self.split, room=self.room, windows=self.windows,
            **_fields("", self.model),
            **_fields("mean_", mean),
            true_root_mpjpe_mm=_mm(true_root.mpjpe_mm), true_root_p_mpjpe_mm=_mm(true_root.p_mpjpe_mm),
            canonical_mpjpe_mm=_mm(canonical.mpjpe_mm), canonical_root_mm=_mm(canonical.root_mm),
            canonical_relative_mpjpe_mm=_mm(canonical.relative_mpjpe_mm),
            canonical_p_mpjpe_mm=_mm(canonical.p_mpjpe_mm),
            **_fields("shuffled_", self.shuffled),
            float_mpjpe_mm=_mm(self.unquantised.mpjpe_mm) if self.unquantised else None,
            float_p_mpjpe_mm=_mm(self.unquantised.p_mpjpe_mm) if self.unquantised else None,
        )  # fmt: skip


def measure(
    split: str, room: str, windows: Windows, poses: MeanPoses, run: Callable[[Array], Array],
    unquantised: Callable[[Array], Array] | None = None,
) -> SplitErrors:  # fmt: skip
    """Measure a model on one split.

    run          image (30, 20, 4) float32 to joints (17, 3) metres: the int8 engine
    unquantised  images (W, 30, 20, 4) float32 to joints (W, 17, 3): the float model
    """
    every = max(len(windows.joints) // MAX_WINDOWS, 1)
    images = windows.images[::every].astype(np.float32) / IMAGE_SCALE
    truth = windows.joints[::every].astype(np.float64)
    joints = np.stack([run(image) for image in track(images, f"measuring {split}", len(images))])
    # Each truth is held against what the model said of another moment: the same poses, the wrong CSI.
    elsewhere = np.random.default_rng(0).permutation(len(truth))
    return SplitErrors(
        split=split,
        room=room,
        windows=len(truth),
        model=pose_error(truth, joints),
        shuffled=pose_error(truth, joints[elsewhere]),
        unquantised=pose_error(truth, unquantised(images).reshape(-1, N_JOINTS, 3)) if unquantised else None,
        baselines={name: pose_error(truth, guess) for name, guess in poses.guesses(truth).items()},
    )


def accuracy_table(entries: list[Accuracy], title: str) -> Table:
    """The table for people. Millimetres and degrees."""
    table = Table(title=title, title_justify="left")
    table.add_column("split and what is compared")
    for column in ("MPJPE", "root", "relative", "P-MPJPE", "heading"):
        table.add_column(column, justify="right")
    for row in table_rows(entries):
        table.add_row(*row[1:], style="bold" if row[0] else None)
    return table


def table_rows(entries: list[Accuracy]) -> list[tuple[bool, str, str, str, str, str, str]]:
    """Rows of the table: whether it is the model's own, what it is, and five figures."""
    rows = []
    for a in entries:
        rows += [
            (True, f"{SPLIT_NAMES.get(a.split, a.split)}, {a.windows} windows",
             *_cells(a.mpjpe_mm, a.root_mm, a.relative_mpjpe_mm, a.p_mpjpe_mm, a.heading_deg)),
            (False, "the same model, shuffled CSI",
             *_cells(a.shuffled_mpjpe_mm, a.shuffled_root_mm, a.shuffled_relative_mpjpe_mm, a.shuffled_p_mpjpe_mm,
                     a.shuffled_heading_deg)),
            (False, "mean pose",
             *_cells(a.mean_mpjpe_mm, a.mean_root_mm, a.mean_relative_mpjpe_mm, a.mean_p_mpjpe_mm, a.mean_heading_deg)),
            (False, "mean pose, told the true root",
             *_cells(a.true_root_mpjpe_mm, 0.0, a.true_root_mpjpe_mm, a.true_root_p_mpjpe_mm, a.mean_heading_deg)),
            (False, "canonical: mean pose, told the true root and heading",
             *_cells(a.canonical_mpjpe_mm, a.canonical_root_mm, a.canonical_relative_mpjpe_mm, a.canonical_p_mpjpe_mm,
                     0.0)),
        ]  # fmt: skip
    return rows


def _cells(
    mpjpe: float, root: float, relative: float, p_mpjpe: float, heading: float
) -> tuple[str, str, str, str, str]:
    return f"{mpjpe:.0f}", f"{root:.0f}", f"{relative:.0f}", f"{p_mpjpe:.0f}", f"{heading:.0f}"


def _fields(prefix: str, error: PoseError) -> dict[str, float]:
    return {
        f"{prefix}mpjpe_mm": _mm(error.mpjpe_mm),
        f"{prefix}root_mm": _mm(error.root_mm),
        f"{prefix}relative_mpjpe_mm": _mm(error.relative_mpjpe_mm),
        f"{prefix}p_mpjpe_mm": _mm(error.p_mpjpe_mm),
        f"{prefix}heading_deg": _mm(error.heading_deg),
    }


def _mm(value: float) -> float:
    return round(value, 1)
