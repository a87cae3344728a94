"""Is simulated CSI like real CSI? Both measured by the same functions, side by side, misses named.

python -m firmware_tools.realism.check --measure DATA    measures the real recordings again, DATA/csi/...
"""

import argparse
import sys
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np
import yaml
from rich.table import Table

from edge.arrays import Array
from edge.progress import track
from firmware_tools.realism.reference import (
    LEVELS,
    TABLE,
    Reference,
    Samples,
    load_reference,
    measure_reference,
    sample,
)
from firmware_tools.realism.sessions import simulate_takes
from firmware_tools.realism.statistics import ACTIVITIES
from firmware_tools.simulate.motion import Clip
from firmware_tools.simulate.room import Room

SESSIONS = 16  # of each activity; two receivers each
NARROW = 0.2  # a simulated spread under this share of the real one is one place and one NIC over and over
_AT = {percent: int(np.abs(LEVELS - percent / 100).argmin()) for percent in (5, 25, 50, 75, 95)}

Verdict = Literal["inside", "low", "high", "wide", "narrow"]


class Row(msgspec.Struct, frozen=True):
    """One statistic of one activity, real beside simulated."""

    statistic: str
    activity: str
    unit: str
    real: list[float]  # quantiles 5, 25, 50, 75, 95 %
    simulated: list[float]  # the same
    distance: float  # Wasserstein distance of the two distributions over the real spread from 5 to 95 %
    largest_step: float  # Kolmogorov-Smirnov distance, 0 to 1
    verdict: Verdict
    real_recordings: dict[str, int]
    real_samples: int
    simulated_samples: int

    @property
    def name(self) -> str:
        return f"{self.statistic}, {self.activity}"


class RealismReport(msgspec.Struct, frozen=True):
    """`wimose simulate --check --json`."""

    room: str  # or the kind of rooms drawn
    seed: int
    sessions: int
    rows: list[Row]
    misses: list[str]


def check(name: str, rooms: list[Room], clips: list[Clip], sessions: int, seconds: float, seed: int) -> RealismReport:
    """Simulate sessions of every activity, in one room or in several in turn, and compare with the committed ranges."""
    takes = simulate_takes(rooms, clips, sessions, seconds, np.random.default_rng(seed))
    samples = sample(track(takes, "simulating", 2 * sessions * len(ACTIVITIES)))
    rows = [
        compare(reference, samples[key])
        for reference in load_reference()
        if (key := (reference.statistic, reference.activity)) in samples
    ]
    misses = [f"{row.name}: {row.verdict}" for row in rows if row.verdict != "inside"]
    return RealismReport(name, seed, sessions, rows, misses)


def compare(reference: Reference, samples: Samples) -> Row:
    real, simulated = np.array(reference.quantiles), samples.quantiles()
    spread = max(float(real[_AT[95]] - real[_AT[5]]), 1e-9)
    apart = np.abs(simulated - real)  # its integral over the levels is the Wasserstein distance
    return Row(
        statistic=reference.statistic,
        activity=reference.activity,
        unit=reference.unit,
        real=[float(real[at]) for at in _AT.values()],
        simulated=[float(simulated[at]) for at in _AT.values()],
        distance=float((apart[1:] + apart[:-1]).mean() / 2 / spread),
        largest_step=_largest_step(real, simulated),
        verdict=judge(real, simulated),
        real_recordings=reference.recordings,
        real_samples=reference.samples,
        simulated_samples=samples.values.size,
    )


def judge(real: Array, simulated: Array) -> Verdict:
    """Whether the middle half of the simulated values lies within 5 to 95 % of the real ones, and is no needle in it.

    real, simulated  (21,) quantiles at LEVELS
    """
    low, high = real[_AT[5]], real[_AT[95]]
    below, above = simulated[_AT[25]] < low, simulated[_AT[75]] > high
    if below and above:
        return "wide"
    if below:
        return "low"
    if above:
        return "high"
    return "narrow" if simulated[_AT[95]] - simulated[_AT[5]] < NARROW * (high - low) else "inside"


def _largest_step(real: Array, simulated: Array) -> float:
    """Largest difference of the two distribution functions, read from their quantiles."""
    values = np.union1d(real, simulated)
    return float(np.abs(_share_below(values, real) - _share_below(values, simulated)).max())


def _share_below(values: Array, quantiles: Array) -> Array:
    """Distribution function at `values`; quantiles that are equal are a step."""
    distinct, last = np.unique(quantiles[::-1], return_index=True)
    return np.interp(values, distinct, LEVELS[::-1][last], left=0.0, right=1.0)


def realism_table(report: RealismReport) -> Table:
    title = f"Simulated ({report.room}, seed {report.seed}) beside real recordings: 5, 25, 50, 75, 95 %"
    table = Table(title=title, title_justify="left")
    for column in ("statistic", "activity", "unit", "real", "logs", "simulated", "distance", ""):
        table.add_column(column, justify="right" if column in ("logs", "distance") else "left")
    for row in report.rows:
        verdict = row.verdict if row.verdict == "inside" else f"MISS, {row.verdict}"
        table.add_row(
            row.statistic, row.activity, row.unit, _figures(row.real), f"{sum(row.real_recordings.values())}",
            _figures(row.simulated), f"{row.distance:.2f}", verdict,
        )  # fmt: skip
    return table


def _figures(values: list[float]) -> str:
    return " ".join(f"{value:.3g}" for value in values)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Measure the real recordings that simulated ones are compared with.")
    parser.add_argument("--measure", required=True, metavar="DATA", help="folder that holds csi/wivelo, csi/wiar ...")
    parser.add_argument("--out", default=str(TABLE), help="table to write (default: the committed one)")
    arguments = parser.parse_args(argv)
    table = measure_reference(Path(arguments.measure) / "csi")
    # Lists of figures in one line each.
    Path(arguments.out).write_text(
        yaml.safe_dump(msgspec.to_builtins(table), sort_keys=False, default_flow_style=None, width=120)
    )
    print(f"{arguments.out}: {len(table.rows)} rows", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
