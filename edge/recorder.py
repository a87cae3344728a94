"""A session's folder while it is being recorded: the logs as they come, and `session.yaml` at the end."""

import time
from pathlib import Path
from typing import Self

import msgspec
import numpy as np

from edge.capture.frames import CODE_CSI, frames
from edge.capture.inbox import Chunk
from edge.config import Config, Receiver
from edge.errors import ConfigError, RecordingError
from edge.parse.intel5300 import CsiLog, parse_log
from edge.parse.subcarriers import is_40_mhz
from edge.session import SCHEMA, ReceiverEntry, SessionFile

LOOKED_AT = 1 << 20  # bytes of each log, for the rate and the bandwidth: five seconds at 1000 packets/s
YAML_BYTES = 8192  # kept free for session.yaml, which is written when the disk may be full


class ReceiverReport(msgspec.Struct, frozen=True):
    """What was recorded of one receiver."""

    records: int  # CSI records
    bytes: int
    missed: int  # messages or datagrams known to be lost on the way


class RecordReport(msgspec.Struct, frozen=True):
    """`wimose record --json`."""

    session: str
    seconds: float  # from when both had been heard to the last packets
    packets_per_s: float  # of the sender: 1 over the median step
    dropped: int  # chunks, because the disk was too slow
    receivers: dict[str, ReceiverReport]


class _Track:
    """One receiver's file."""

    def __init__(self, folder: Path, receiver: Receiver) -> None:
        antennas = receiver.antennas_m
        self.entry = ReceiverEntry(receiver.name, f"{receiver.name}.dat", "nic", antennas)
        self.path = folder / self.entry.file
        self.size = 0  # bytes, whole frames
        self.records = 0
        self.missed = 0
        self._file = self.path.open("xb", buffering=0)

    def append(self, chunk: Chunk) -> None:
        """All of it or, where the disk is full, nothing."""
        left = chunk.log
        try:
            while left:  # an unbuffered file takes less than it is given where the disk has less
                left = left[self._file.write(left) :]
        except OSError:
            self._file.truncate(self.size)
            raise
        self.size += len(chunk.log)
        self.records += sum(frame[2] == CODE_CSI for frame in frames(chunk.log))
        self.missed += chunk.missed

    def beginning(self) -> CsiLog:
        with self.path.open("rb") as file:
            return parse_log(file.read(LOOKED_AT))

    def close(self) -> None:
        self._file.close()


class Recorder:
    """Writes chunks. What is there when the disk is full or the user stops is a session, if both were heard."""

    def __init__(self, folder: Path, config: Config, carrier_hz: float) -> None:
        """Raises ConfigError where the folder is there already, or cannot be made."""
        self.both_since: float | None = None  # s, monotonic, when both receivers had been heard
        self._folder = folder
        self._config = config
        self._carrier_hz = carrier_hz
        self._last = 0.0  # s, monotonic, arrival of the last chunk
        self._started: float | None = None  # unix s, of receiver 1's first packet
        self._draft = folder / "session.yaml.part"
        self._tracks: list[_Track] = []
        try:
            folder.mkdir(parents=True)
            self._draft.write_bytes(b"\n" * YAML_BYTES)
            for receiver in config.receivers:
                self._tracks.append(_Track(folder, receiver))
        except FileExistsError as error:
            raise ConfigError(f"{folder} is there already: name a folder that is not") from error
        except OSError as error:
            self.__exit__()
            raise ConfigError(f"cannot write {folder}: {error.strerror}; choose another folder") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """What cannot be replayed is taken away, and the folder's name is free again."""
        for track in self._tracks:
            track.close()
        if self._draft.exists():
            for path in (self._draft, *(track.path for track in self._tracks)):
                path.unlink()
            self._folder.rmdir()

    def write(self, chunk: Chunk) -> None:
        """Raises RecordingError where the disk is full; what was written before is then a session."""
        track = self._tracks[chunk.receiver]
        try:
            track.append(chunk)
        except OSError as error:
            kept = "nothing was recorded"
            if not self._silent():
                self.finish()
                kept = f"what came before is in {self._folder}"
            raise RecordingError(f"cannot go on writing {track.path}: {error.strerror}; {kept}") from error
        self._last = chunk.arrived
        if chunk.receiver == 0 and self._started is None:
            self._started = time.time() - (time.monotonic() - chunk.arrived)
        if self.both_since is None and not self._silent():
            self.both_since = chunk.arrived

    def finish(self, dropped: int = 0) -> RecordReport:
        """Write session.yaml. Raises RecordingError where a receiver was not heard.

        dropped  chunks that did not come here because the disk was too slow
        """
        if silent := self._silent():
            raise RecordingError(f"no packets from {' and '.join(silent)}: nothing recorded; see `wimose doctor`")
        logs = [track.beginning() for track in self._tracks]
        packets_per_s = round(float(np.median([_packets_per_s(log) for log in logs])), 1)
        session = SessionFile(
            schema=SCHEMA,
            source="simulated" if self._config.origin == "simulated" else "recorded",
            room=self._config.room,
            carrier_hz=self._carrier_hz,
            bandwidth_mhz=40 if all(is_40_mhz(log.rate).mean() > 0.5 for log in logs) else 20,
            packets_per_s=packets_per_s,
            receivers=(self._tracks[0].entry, self._tracks[1].entry),
            room_size_m=self._config.room_size_m,
            transmitter_m=self._config.transmitter_m,
            started=self._started,
        )
        with self._draft.open("r+b") as file:
            file.write(msgspec.yaml.encode(session))
            file.truncate()
        self._draft.rename(self._folder / "session.yaml")  # its presence means that the session is whole
        return RecordReport(
            session=str(self._folder),
            seconds=round(self._last - (self.both_since or self._last), 3),
            packets_per_s=packets_per_s,
            dropped=dropped,
            receivers={one.entry.name: ReceiverReport(one.records, one.size, one.missed) for one in self._tracks},
        )

    def _silent(self) -> list[str]:
        return [track.entry.name for track in self._tracks if not track.records]


def _packets_per_s(log: CsiLog) -> float:
    step = np.diff(log.timestamp_us.astype(np.int64))
    return 1e6 / float(np.median(step[step > 0])) if (step > 0).any() else 0.0
