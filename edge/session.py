"""A session: a folder with `session.yaml`, one `<receiver>.dat` each and, where there is truth, `joints.npz`."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np

from edge.arrays import Array
from edge.errors import ConfigError
from edge.geometry import Geometry, known_geometry
from edge.parse.intel5300 import CsiLog, read_log
from edge.signal.links import Links
from edge.skeleton import N_JOINTS, ROOT

SCHEMA = 1
FASTEST_M_S = 12.5  # the hips of the fastest sprinters; whoever is faster goes on somewhere else


class ReceiverEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One receiver of a session."""

    name: str
    file: str  # in the session's folder
    clock: Literal["nic"]  # stamps are the NIC's own 1 MHz clock
    antennas_m: list[tuple[float, float, float]] | None = None  # room frame
    links: Links | None = None  # antennas kept for this room; chosen from the recording if absent


class SessionFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`session.yaml`."""

    schema: int
    source: Literal["recorded", "simulated"]
    room: str
    carrier_hz: float
    bandwidth_mhz: int
    packets_per_s: float
    receivers: tuple[ReceiverEntry, ReceiverEntry]
    room_size_m: tuple[float, float, float] | None = None
    transmitter_m: tuple[float, float, float] | None = None
    empty_s: float | None = None  # from the beginning, the room is known to have been empty for so long
    started: float | None = None  # unix seconds of the session's beginning
    note: str = ""

    @property
    def geometry(self) -> Geometry | None:
        """What it knows of where it was recorded; None where that is not all."""
        first, second = (entry.antennas_m for entry in self.receivers)
        return known_geometry(self.room_size_m, self.transmitter_m, first, second)


@dataclass(frozen=True, eq=False)
class Truth:
    """Where the joints really were."""

    time_s: Array  # (T,) float64, on the session's clock, increasing
    joints: Array  # (T, 17, 3) float32 metres, room frame

    @cached_property
    def _jumps(self) -> Array:
        """Points before which the person was somewhere else: a simulation plays one take after another."""
        moved = np.linalg.norm(np.diff(self.joints[:, ROOT].astype(np.float64), axis=0), axis=1)
        return np.flatnonzero(moved > FASTEST_M_S * np.diff(self.time_s)) + 1

    def at(self, time_s: float, context_s: float = 0.0) -> Array | None:
        """Joints (17, 3) float64 at a time, between the two nearest.

        None outside the truth, and where the person jumped in the `context_s` before.
        """
        after = int(np.searchsorted(self.time_s, time_s))
        if after == 0 or after == self.time_s.size:
            return None
        seen = np.searchsorted(self.time_s, time_s - context_s, side="right")
        if ((self._jumps >= seen) & (self._jumps <= after)).any():
            return None
        share = (time_s - self.time_s[after - 1]) / (self.time_s[after] - self.time_s[after - 1])
        return np.asarray((1 - share) * self.joints[after - 1] + share * self.joints[after], np.float64)


@dataclass(frozen=True, eq=False)
class Session:
    """A recording of two receivers, parsed."""

    file: SessionFile
    logs: tuple[CsiLog, CsiLog]
    truth: Truth | None

    @property
    def links(self) -> tuple[Links, Links] | None:
        first, second = (entry.links for entry in self.file.receivers)
        return (first, second) if first and second else None


def load_session(folder: Path) -> Session:
    """Read a session. Raises ConfigError, saying which file to mend."""
    path = folder / "session.yaml"
    try:
        file = msgspec.yaml.decode(path.read_bytes(), type=SessionFile)
    except OSError as error:
        raise ConfigError(
            f"{path}: {error.strerror}; give a session's folder, or two logs with --receiver A.dat --receiver B.dat"
        ) from error
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise ConfigError(f"{path}: {error}") from error
    if file.schema != SCHEMA:
        raise ConfigError(
            f"{path}: schema {file.schema} is not known to this version (it knows {SCHEMA}); update wimose"
        )
    first, second = (_log(folder, entry) for entry in file.receivers)
    return Session(file, (first, second), _truth(folder / "joints.npz"))


def _log(folder: Path, entry: ReceiverEntry) -> CsiLog:
    if Path(entry.file).name != entry.file:
        raise ConfigError(
            f"{folder / 'session.yaml'}: file {entry.file!r} must be a plain name in the session's folder"
        )
    if entry.links and not {entry.links.reference, entry.links.partner} <= {0, 1, 2}:
        raise ConfigError(f"{folder / 'session.yaml'}: links of {entry.name} name antennas other than 0, 1, 2")
    return read_log(folder / entry.file)


def _truth(path: Path) -> Truth | None:
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as arrays:
            truth = Truth(arrays["t"].astype(np.float64), arrays["joints"].astype(np.float32))
    except (OSError, ValueError, KeyError) as error:
        raise ConfigError(f"{path}: cannot be read ({error}); it needs the arrays t and joints") from error
    if truth.joints.shape != (truth.time_s.size, N_JOINTS, 3) or (np.diff(truth.time_s) <= 0).any():
        raise ConfigError(f"{path}: needs t (T,) increasing and joints (T, {N_JOINTS}, 3)")
    return truth
