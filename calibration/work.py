"""The folder of a room's calibration: what each step left, so that the next can be done alone, or tomorrow.

geometry.yaml        of the frame
survey/, empty/      short recordings; session/ with walk.yaml: the guided walk
survey.yaml, empty.yaml, report.html
"""

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import msgspec

from edge.errors import ConfigError, RecordingError

STATE = Path("/var/lib/wimose")
STALE_S = 86400.0  # a step done longer ago is done again: furniture, antennas and people move
MAX_FILE_BYTES = 1 << 20

T = TypeVar("T")


class Work:
    """The folder of one room."""

    def __init__(self, folder: Path) -> None:
        """Raises ConfigError where it cannot be made."""
        self.folder = folder
        self.survey = folder / "survey.yaml"
        self.empty = folder / "empty.yaml"
        self.session = folder / "session"
        self.report = folder / "report.html"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"cannot make {folder}: {error.strerror}; run it with sudo") from error
        if not os.access(folder, os.W_OK):
            raise ConfigError(f"cannot write in {folder}: run it with sudo")

    @classmethod
    def of_room(cls, room: str, environ: Mapping[str, str] = os.environ) -> "Work":
        return cls(Path(environ.get("STATE_DIRECTORY") or STATE) / "calibration" / room)

    def save(self, path: Path, value: object) -> None:
        """Whole or not at all. Raises RecordingError where the disk is full."""
        write_whole(path, msgspec.yaml.encode(value))

    def load(self, path: Path, kind: type[T]) -> T | None:
        """None where the step was not done, or too long ago."""
        if not recent(path):
            return None
        try:
            if path.stat().st_size > MAX_FILE_BYTES:
                return None
            return msgspec.yaml.decode(path.read_bytes(), type=kind)
        except (OSError, msgspec.DecodeError):
            return None  # of another version, or damaged: the step is done again


def write_whole(path: Path, data: bytes) -> None:
    """Replace a file, or leave what was there. Raises RecordingError where that cannot be."""
    new = path.with_name(path.name + ".new")
    try:
        new.write_bytes(data)
        new.replace(path)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise RecordingError(
            f"cannot write {path}: {error.strerror}; nothing was changed. Free some space, and run it again: it "
            "goes on with this step"
        ) from error
    except BaseException:  # ctrl-C too
        new.unlink(missing_ok=True)
        raise


def recent(path: Path) -> bool:
    """There, and not older than STALE_S."""
    try:
        return time.time() - path.stat().st_mtime < STALE_S
    except OSError:
        return False
