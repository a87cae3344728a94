"""`python -m firmware_tools.curve RUN OUT`: how a run's error fell, as `curve-<model>.csv` for models/results/.

Windows shown, MPJPE and P-MPJPE in millimetres, a line for each time the clips kept away were measured.
"""

import csv
import sys
from pathlib import Path

from firmware_tools.bundling import read_run
from firmware_tools.history import history_rows


def write_curve(folder: Path, batch: int, out: Path) -> None:
    """The checks of a run of so many windows a step."""
    checked = {row[0]: row for row in history_rows(folder) if row[0] is not None and row[3] is not None}  # once each
    with out.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(
            (round(step * batch), f"{row[3]:.0f}", f"{row[4]:.1f}") for step, row in sorted(checked.items())
        )


def main() -> None:
    run = Path(sys.argv[1])
    write_curve(run, read_run(run).batch, Path(sys.argv[2]))


if __name__ == "__main__":
    main()
