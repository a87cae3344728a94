"""A room profile: what was measured in one room, and the bundle it was measured with.

    <room>.yaml          below
    <room>-<hash8>.npz   arrays of the adapted last layer (`weights`, `bias`), where there is one
    <room>.former.yaml   the profile before this one, with arrays of its own

Written by `wimose calibrate`. The YAML names its arrays by their hash, so that replacing the YAML, which happens whole
or not at all, replaces both; and its bundle by the model's hash.
"""

import hashlib
import io
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np

from edge.errors import BundleMismatch, ConfigError
from edge.geometry import Geometry
from edge.inference.bundle import Bundle
from edge.inference.head import Head
from edge.signal.links import Links

SCHEMA = 1
MAX_FILE_BYTES = 16 << 20  # the largest last layer has 512 x 51 numbers


class Fit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What calibration gained on segments that were kept away, millimetres and shares."""

    seconds: float  # of guided walk that were fitted on
    before_root_mm: float
    after_root_mm: float
    before_spot_mm: float
    after_spot_mm: float
    verdict: Literal["pass", "weak", "fail"]


class ProfileFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`<room>.yaml`."""

    schema: Literal[1]
    room: str
    bundle: str  # name@hash8, to read
    bundle_sha256: str  # of the model it was made with
    made: float  # unix seconds
    source: Literal["recorded", "simulated"]
    geometry: Geometry | None = None
    carrier_hz: float | None = None
    links: tuple[Links, Links] | None = None  # antennas kept; chosen from the first seconds of packets if absent
    presence_level: float | None = None  # relative amplitude above which somebody is there (`signal.motion`)
    height_m: float | None = None  # of the person it was calibrated with
    head_sha256: str | None = None  # of the arrays' file
    fit: Fit | None = None


@dataclass(frozen=True, eq=False)
class RoomProfile:
    """A profile whose parts have been checked."""

    file: ProfileFile
    head: Head | None


def load_profile(path: Path, bundle: Bundle) -> RoomProfile:
    """Read a profile. Raises ConfigError where it cannot be read, BundleMismatch where it is another bundle's."""
    file = read_profile(path)
    if file.bundle_sha256 != bundle.description.sha256:
        raise BundleMismatch(
            f"{path} was made with {file.bundle}, not with {bundle.identity}: calibrate again, or name that bundle"
        )
    if file.links and any({kept.reference, kept.partner} - {0, 1, 2} for kept in file.links):
        raise ConfigError(f"{path}: links name antennas other than 0, 1, 2; run `wimose calibrate` again")
    return RoomProfile(file, _head(_arrays(path, file.head_sha256), file.head_sha256) if file.head_sha256 else None)


def read_profile(path: Path) -> ProfileFile:
    """The YAML alone. Raises ConfigError where it cannot be read."""
    try:
        return msgspec.yaml.decode(_bounded(path), type=ProfileFile)
    except msgspec.DecodeError as error:
        raise ConfigError(f"{path}: not a room profile ({error}); run `wimose calibrate` again") from error


def write_profile(path: Path, file: ProfileFile, head: Head | None) -> None:
    """Write a profile and keep the former one; the room has the old one or the new one at any moment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if head is not None:
        buffer = io.BytesIO()
        np.savez(buffer, weights=head.weights, bias=head.bias)
        digest = hashlib.sha256(buffer.getvalue()).hexdigest()
        file = msgspec.structs.replace(file, head_sha256=digest)
        _replace(_arrays(path, digest), buffer.getvalue())
    if path.exists():
        _replace(former(path), path.read_bytes())
    _replace(path, msgspec.yaml.encode(file))
    _sweep(path)


def roll_back(path: Path) -> ProfileFile:
    """Exchange a profile and its former one. Raises ConfigError where there is none."""
    before = read_profile(former(path))
    now = path.read_bytes() if path.exists() else None
    _replace(path, former(path).read_bytes())
    if now is None:
        former(path).unlink()
    else:
        _replace(former(path), now)
    return before


def former(path: Path) -> Path:
    """Where the profile before this one is kept."""
    return path.with_name(f"{path.stem}.former{path.suffix}")


def _arrays(path: Path, sha256: str) -> Path:
    return path.with_name(f"{path.stem.removesuffix('.former')}-{sha256[:8]}.npz")


def _sweep(path: Path) -> None:
    """Remove arrays that neither profile names any more."""
    kept = set()
    for profile in (path, former(path)):
        with suppress(ConfigError):  # none there, or one that nobody could use
            if digest := read_profile(profile).head_sha256:
                kept.add(_arrays(path, digest))
    for arrays in path.parent.glob(f"{path.stem}-????????.npz"):
        if arrays not in kept:
            arrays.unlink()


def _head(path: Path, sha256: str) -> Head:
    data = _bounded(path)
    if hashlib.sha256(data).hexdigest() != sha256:
        raise ConfigError(f"{path} is not the file its profile names (hash); run `wimose calibrate` again")
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        return Head(arrays["weights"].astype(np.float64), arrays["bias"].astype(np.float64))


def _bounded(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ConfigError(f"{path} is larger than any room profile; name the file that `wimose calibrate` wrote")
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; run `wimose calibrate`, or leave `profile` out") from error


def _replace(path: Path, data: bytes) -> None:
    new = path.with_name(path.name + ".new")
    try:
        new.write_bytes(data)
    except OSError:  # a full disk
        new.unlink(missing_ok=True)
        raise
    new.replace(path)
