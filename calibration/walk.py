"""The guided walk of a calibration: who was asked to be where, doing what, and when. `walk.yaml` beside a session.

Times are seconds on the session's clock (receiver 1's, from its first usable packet); places are metres in the room's
frame, whose origin is a corner at the floor.
"""

from pathlib import Path
from typing import Literal

import msgspec

from edge.errors import ConfigError

SCHEMA = 1
FILE = "walk.yaml"
MAX_FILE_BYTES = 1 << 20

PromptPose = Literal["stand", "arms-up", "arms-wide", "sit", "walk"]


class Prompt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that was asked for. At one spot, or from one to another at an even pace."""

    start_s: float
    end_s: float
    pose: PromptPose
    start_m: tuple[float, float]
    end_m: tuple[float, float]  # the same as start_m unless the pose is `walk`
    facing_deg: float | None = None  # counter-clockwise from the x axis; None: not asked for


class Walk(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`walk.yaml`."""

    schema: Literal[1]
    height_m: float  # of the person
    prompts: list[Prompt]
    empty_s: tuple[float, float] | None = None  # while nobody was in the room


def load_walk(folder: Path) -> Walk | None:
    """The walk of a session's folder, None where there is none. Raises ConfigError where it cannot be used."""
    path = folder / FILE
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ConfigError(f"{path} is larger than any walk; record it again")
        walk = msgspec.yaml.decode(path.read_bytes(), type=Walk)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise ConfigError(f"{path}: {error}; record the walk again, or mend the file") from error
    times = [time for prompt in walk.prompts for time in (prompt.start_s, prompt.end_s)]
    if times != sorted(times):
        raise ConfigError(f"{path}: the prompts must follow each other in time")
    return walk


def write_walk(folder: Path, walk: Walk) -> None:
    """Whole or not at all."""
    new = folder / f"{FILE}.new"
    new.write_bytes(msgspec.yaml.encode(walk))
    new.replace(folder / FILE)
