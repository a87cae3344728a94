"""What a benchmark says: one row a figure, with its peer's, and the limit it is held against."""

import msgspec

from firmware_tools.bench.machine import Busy, Machine
from firmware_tools.bench.timing import Timing


class Peer(msgspec.Struct, frozen=True):
    """Somebody else's figure, from the same run on the same input. One that is not installed has none."""

    name: str
    median: float | None


class Limit(msgspec.Struct, frozen=True):
    """What the machine, or the interpreter, allows; in the row's unit."""

    what: str
    value: float


class Row(msgspec.Struct, frozen=True):
    part: str
    what: str
    unit: str
    median: float
    p99: float | None = None  # the bad end: of a rate, the slowest
    best: float | None = None  # the smallest time, the highest rate
    more_is_better: bool = False
    peers: list[Peer] = []
    limit: Limit | None = None
    aim: str = ""  # in words
    met: bool | None = None

    @property
    def ratios(self) -> dict[str, float]:
        """How many times better than each peer."""
        return {peer.name: self._better(peer.median) for peer in self.peers if peer.median}

    @property
    def limit_ratio(self) -> float | None:
        """How many times worse than the limit; 1 is at it."""
        return 1.0 / self._better(self.limit.value) if self.limit and self.limit.value and self.median else None

    def _better(self, other: float) -> float:
        return self.median / other if self.more_is_better else other / self.median


class Series(msgspec.Struct, frozen=True):
    """Numbers for a plot."""

    part: str
    what: str
    unit: str
    values: list[float]
    at: list[float] = []  # of a curve, where each was measured; empty for a distribution
    at_unit: str = ""


class Profile(msgspec.Struct, frozen=True):
    """Where the time, or the memory, goes."""

    what: str
    unit: str
    shares: dict[str, float]


class Part(msgspec.Struct, frozen=True):
    """What one part of the benchmark found."""

    rows: list[Row]
    series: list[Series] = []
    notes: list[str] = []  # what could not be measured, and why
    profiles: list[Profile] = []

    @property
    def missed(self) -> list[Row]:
        return [row for row in self.rows if row.met is False]


class Measured(msgspec.Struct, frozen=True):
    """One part with what it was measured on."""

    part: Part
    machine: Machine
    busy: Busy  # what else the machine did meanwhile
    on: str  # date, ISO 8601


class Bench(msgspec.Struct, frozen=True):
    """`wimose bench --json`."""

    parts: dict[str, Measured]


def rate_row(part: str, what: str, unit: str, count: float, timing: Timing, **more: object) -> Row:
    """A rate, from the time that `count` of them took."""
    return msgspec.convert(
        {"part": part, "what": what, "unit": unit, "median": count / timing.median, "p99": count / timing.p99,
         "best": count / timing.min, "more_is_better": True, **more},
        Row, from_attributes=True,
    )  # fmt: skip


def time_row(part: str, what: str, unit: str, scale: float, timing: Timing, **more: object) -> Row:
    """A time in a unit of which a second has `scale`."""
    return msgspec.convert(
        {"part": part, "what": what, "unit": unit, "median": scale * timing.median, "p99": scale * timing.p99,
         "best": scale * timing.min, **more},
        Row, from_attributes=True,
    )  # fmt: skip
