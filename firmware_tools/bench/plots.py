"""Plots of a part of the benchmark: distributions, curves, and rates against their limits."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from firmware_tools.bench.figures import Part, Row, Series

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZE = 6.0, 3.6  # inches, of a drawing
BAR = 0.2  # inches, of a row held against its limit
MARKED = 50  # more points than that are a line


def draw(part: Part, file: Path) -> bool:
    """One picture with all of them; none where there is nothing to draw, or no matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return False
    drawings = [series for series in part.series if series.values]
    limited = [row for row in part.rows if row.limit and row.limit.value]
    count = len(drawings) + bool(limited)
    if not count:
        return False
    width, height = SIZE
    figure = Figure(figsize=(width * count, max(height, BAR * len(limited) + 1.0)), layout="constrained")
    axes = np.atleast_1d(figure.subplots(1, count))
    for series, axis in zip(drawings, axes, strict=False):
        _draw(series, axis)
    if limited:
        _draw_limits(limited, axes[-1])
    figure.savefig(file, dpi=80)
    return True


def _draw(series: Series, axis: "Axes") -> None:
    if series.at:
        axis.plot(series.at, series.values, "o-" if len(series.at) <= MARKED else "-", markersize=3)
        axis.set(title=series.what, xlabel=series.at_unit, ylabel=series.unit, ylim=(0, None))
        return
    axis.hist(series.values, bins=80, log=True, weights=np.full(len(series.values), 100.0 / len(series.values)))
    for percent in (50, 99):
        axis.axvline(float(np.percentile(series.values, percent)), color="black", linestyle="--", linewidth=0.8)
    axis.set(title=f"{series.what}; p50, p99", xlabel=series.unit, ylabel="percent")


def _draw_limits(rows: list[Row], axis: "Axes") -> None:
    """How far each is from what the machine allows; 1 is there."""
    axis.barh([row.what for row in rows], [row.limit_ratio or 0.0 for row in rows])
    axis.axvline(1.0, color="black", linestyle="--")
    axis.invert_yaxis()
    axis.tick_params(axis="y", labelsize=7)
    axis.set(title="times the limit", xlabel="1 is at the limit", xscale="log")
