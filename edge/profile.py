"""A room profile: what was measured in one room, and the bundle it was measured with.

`<room>.yaml` is written by `wimose calibrate`; a profile belongs to one bundle, named by its model's hash.
"""

from pathlib import Path
from typing import Literal

import msgspec

from edge.errors import BundleMismatch, ConfigError
from edge.inference.bundle import Bundle
from edge.signal.links import Links

SCHEMA = 1
MAX_FILE_BYTES = 1 << 20


class RoomProfile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`<room>.yaml`."""

    schema: Literal[1]
    room: str
    bundle_sha256: str  # of the model it was made with
    links: tuple[Links, Links] | None = None  # antennas kept; chosen from the first seconds of packets if absent


def load_profile(path: Path, bundle: Bundle) -> RoomProfile:
    """Read a profile. Raises ConfigError where it cannot be read, BundleMismatch where it is another bundle's."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ConfigError(f"{path} is larger than any room profile; name the file that `wimose calibrate` wrote")
        profile = msgspec.yaml.decode(path.read_bytes(), type=RoomProfile)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; run `wimose calibrate`, or leave `profile` out") from error
    except msgspec.DecodeError as error:
        raise ConfigError(f"{path}: not a room profile ({error}); run `wimose calibrate` again") from error
    if profile.bundle_sha256 != bundle.description.sha256:
        raise BundleMismatch(
            f"{path} was made with another model than {bundle.identity}: calibrate again, or name that model's bundle"
        )
    if profile.links and any({kept.reference, kept.partner} - {0, 1, 2} for kept in profile.links):
        raise ConfigError(f"{path}: links name antennas other than 0, 1, 2; run `wimose calibrate` again")
    return profile
