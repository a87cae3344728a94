"""A picture of a training run: the loss, and the error on clips kept away beside what learning nothing scores."""

import csv
from pathlib import Path

from edge.arrays import Array
from models.baselines import MeanPoses
from models.metrics import pose_error


def draw_history(folder: Path, poses: MeanPoses, truth: Array) -> None:
    """`history.csv` to `history.png`. Without matplotlib, which is only good for this, nothing is drawn.

    truth  (W, 17, 3) metres, of the windows that were measured
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return
    rows = history_rows(folder)
    mean, _, canonical = (pose_error(truth, guess) for guess in poses.guesses(truth).values())
    figure = Figure(figsize=(12, 3.6), layout="constrained")
    loss, place, pose = figure.subplots(1, 3)
    loss.plot([row[0] for row in rows], [row[2] for row in rows])
    loss.set(title="loss", xlabel="step", yscale="log")
    checked = [row for row in rows if row[3] is not None]
    for axes, column, baseline, name, title in (
        (place, 3, mean.mpjpe_mm, "mean pose", "MPJPE, mm"),
        (pose, 4, canonical.p_mpjpe_mm, "canonical pose", "P-MPJPE, mm"),
    ):
        axes.plot([row[0] for row in checked], [row[column] for row in checked], "o-", label="clips kept away")
        axes.axhline(baseline, color="grey", linestyle="--", label=name)
        axes.set(title=title, xlabel="step", ylim=(0, None))
        axes.legend()
    figure.savefig(folder / "history.png", dpi=100)


def history_rows(folder: Path) -> list[list[float | None]]:
    """Step, learning rate, loss and, where it was measured, MPJPE and P-MPJPE: `history.csv` of a run."""
    with (folder / "history.csv").open() as file:
        return [[float(cell) if cell else None for cell in row] for row in csv.reader(file)]
