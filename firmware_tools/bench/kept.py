"""The figures that a report keeps: a file a part, so that measuring one again leaves the others as they are."""

from pathlib import Path

import msgspec
import numpy as np

from firmware_tools.bench.figures import Bench, Measured, Series

ORDER = ("parse", "signal", "infer", "start", "live", "soak", "rooms")
QUANTILES = 1001  # kept of a distribution: p99.9 and the extremes are still there
DIGITS = 4


def keep(bench: Bench, folder: Path) -> None:
    """Write every part that was measured over the file it had."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, measured in bench.parts.items():
        part = msgspec.structs.replace(measured.part, series=[_condensed(series) for series in measured.part.series])
        encoded = msgspec.json.encode(msgspec.structs.replace(measured, part=part))
        (folder / f"{name}.json").write_bytes(msgspec.json.format(encoded, indent=1) + b"\n")


def kept(folder: Path) -> Bench:
    """What stands in a folder, in the order of a page; nothing where there is none."""
    known = [name for name in ORDER if (folder / f"{name}.json").is_file()]
    return Bench({name: msgspec.json.decode((folder / f"{name}.json").read_bytes(), type=Measured) for name in known})


def _condensed(series: Series) -> Series:
    """Of an hour's poses, as many numbers as a plot can show."""
    values = np.array(series.values)
    if not series.at and values.size > QUANTILES:
        values = np.quantile(values, np.linspace(0.0, 1.0, QUANTILES))
    return msgspec.structs.replace(series, values=[float(f"{value:.{DIGITS}g}") for value in values])
