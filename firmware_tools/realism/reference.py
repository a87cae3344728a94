"""What the statistics are in real recordings, kept in `reference.yaml`, so that no recording is needed."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from edge.arrays import Array
from edge.errors import ConfigError
from edge.parse.intel5300 import read_log
from firmware_tools.realism.statistics import ANY, EMPTY, STATISTICS, STILL, WALKING, WAVING
from firmware_tools.realism.stretch import Stretch, stretch_of

LEVELS = np.linspace(0.0, 1.0, 21)  # of the quantiles kept
TABLE = Path(__file__).with_name("reference.yaml")

# Where what lies, relative to the folder of recordings; activities as their authors name them. Chores and such count
# only where motion does not matter. Not used: csikit/intel_office, of which nobody says who moved.
OTHER = "other"
STANDING_S = 1.0  # walkers of csi/wivelo stand for 1 to 1.5 s before they go
WALKING_FROM_S = 1.5
RECORDINGS = (
    ("csi-data/activity", "sleeping*.dat", EMPTY),
    ("csi-data/activity", "walk*.dat", WALKING),
    ("csi-data/activity", "brushteeth*.dat", OTHER),
    ("csi-data/activity", "cook*.dat", OTHER),
    ("csi-data/activity", "getintobed*.dat", OTHER),
    ("csi-data/activity", "washingdishes*.dat", OTHER),
    ("csi-data/heart_rate", "*b*.dat", STILL),
    ("csikit/intel", "*.dat", OTHER),
    ("wiar", "h90_csi_a[1-7]_*.dat", WAVING),
    ("wiar", "h90_csi_a11_*.dat", WAVING),
    ("wiar", "h90_csi_a12_*.dat", WALKING),
    ("wiar", "h90_csi_a[89]_*.dat", OTHER),
    ("wiar", "h90_csi_a1[03456]_*.dat", OTHER),
    ("wivelo", "*.dat", WALKING),
)


@dataclass(frozen=True, eq=False)
class Take:
    """A recording, or a part of one, of one activity."""

    source: str  # data set
    file: str
    activity: str
    stretch: Stretch


class Reference(msgspec.Struct, frozen=True):
    """One statistic of one activity in the real recordings."""

    statistic: str
    activity: str
    unit: str
    recordings: dict[str, int]  # how many logs of each data set
    samples: int
    quantiles: list[float]  # at LEVELS; every data set weighs the same


class ReferenceTable(msgspec.Struct, frozen=True):
    made_by: str
    rows: list[Reference]


@dataclass(frozen=True, eq=False)
class Samples:
    """Every value of one statistic of one activity."""

    values: Array  # (S,) float64
    weights: Array  # (S,) float64, sum 1
    recordings: dict[str, int]

    def quantiles(self) -> Array:
        """At LEVELS (21,): the inverse of the weighted distribution function, linear between the samples' middles."""
        order = np.argsort(self.values)
        weights = self.weights[order]
        return np.asarray(np.interp(LEVELS, np.cumsum(weights) - weights / 2, self.values[order]))


def find_takes(folder: Path) -> Iterator[Take]:
    """The recordings known by activity below a folder of data sets."""
    for source, pattern, activity in RECORDINGS:
        for path in sorted((folder / source).glob(pattern)):
            log = read_log(path)
            if len(log) == 0:
                continue
            stretch = stretch_of(log)
            if source == "wivelo":
                yield Take(source, path.name, STILL, stretch.part(0.0, STANDING_S))
                stretch = stretch.part(WALKING_FROM_S, math.inf)
            yield Take(source, path.name, activity, stretch)


def sample(takes: Iterable[Take]) -> dict[tuple[str, str], Samples]:
    """Every statistic of every segment, by statistic and activity. Every source weighs the same."""
    found: dict[tuple[str, str], list[tuple[Take, Array]]] = {}
    for take in takes:
        for segment in take.stretch.segments():
            for statistic in STATISTICS:
                activity = ANY if ANY in statistic.activities else take.activity
                if activity in statistic.activities:
                    found.setdefault((statistic.name, activity), []).append((take, statistic.measure(segment)))
    return {key: _pooled(measured) for key, measured in found.items() if any(values.size for _, values in measured)}


def _pooled(measured: list[tuple[Take, Array]]) -> Samples:
    values = np.concatenate([values for _, values in measured])
    sources = np.concatenate([np.full(values.size, take.source) for take, values in measured])
    names, which, counts = np.unique(sources, return_inverse=True, return_counts=True)
    files = {str(name): len({take.file for take, v in measured if take.source == name and v.size}) for name in names}
    return Samples(values, 1.0 / (counts[which] * names.size), files)


def measure_reference(folder: Path) -> ReferenceTable:
    """Measure all known recordings below `folder`. Raises ConfigError where there are none."""
    samples = sample(find_takes(folder))
    if not samples:
        raise ConfigError(f"no known recordings in {folder}; it should hold {', '.join({r[0] for r in RECORDINGS})}")
    rows = []
    for statistic in STATISTICS:
        for activity in statistic.activities:
            if (statistic.name, activity) in samples:
                pool = samples[statistic.name, activity]
                quantiles = [float(f"{value:.4g}") for value in pool.quantiles()]
                rows.append(
                    Reference(statistic.name, activity, statistic.unit, pool.recordings, pool.values.size, quantiles)
                )
    return ReferenceTable("python -m firmware_tools.realism.check --measure DATA", rows)


def load_reference(path: Path = TABLE) -> list[Reference]:
    """The committed table."""
    return msgspec.yaml.decode(path.read_bytes(), type=ReferenceTable).rows
