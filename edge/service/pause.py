"""A room's pause switch, which the hub shows."""

import logging
from pathlib import Path

from edge.publish.discovery import device_id

log = logging.getLogger(__name__)


class Pause:
    """Kept over restarts: who switched a room off does not want to find it on after a power cut."""

    def __init__(self, folder: Path | None, room: str) -> None:
        """folder: where the service keeps its state; None forgets at the end."""
        self._file = folder / f"paused-{device_id(room)}" if folder else None
        self.on = self._file is not None and self._file.exists()

    def set(self, on: bool) -> None:
        self.on = on
        if self._file is None:
            return
        try:
            if on:
                self._file.touch()
            else:
                self._file.unlink(missing_ok=True)
        except OSError as error:
            log.warning("the pause switch will not outlast a restart: %s: %s", self._file, error.strerror)
