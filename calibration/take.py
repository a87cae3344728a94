"""A live recording for calibration: both receivers into a session's folder, with an eye on what is heard meanwhile.

What is recorded lies in `<folder>.new` until it is whole, and then takes the place of what was there before. A
recording that was broken off leaves nothing, unless what there is of it is worth keeping.
"""

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec

from calibration.guide import TICK_S
from calibration.meter import SILENT_S, Meter
from calibration.walk import Walk, write_walk
from edge.capture.inbox import Chunk, Inbox
from edge.commands.record import open_captures, stopped_by_signals
from edge.config import Config
from edge.errors import RecordingError
from edge.recorder import Recorder
from edge.session import SessionFile

HEAR_S = 10.0  # for both receivers to be heard; a relay is connected within one
RESERVE_BYTES = 1 << 16  # kept free for walk.yaml, which is written when the disk may be full


class Ended(Exception):
    """The recording cannot go on; what came before is whole. The message says why."""


class Stopped(Ended):
    """Ctrl-C."""


class Take:
    """One recording under way."""

    def __init__(
        self, recorder: Recorder, inbox: Inbox, names: tuple[str, str], stop: threading.Event,
        clock: Callable[[], float],
    ) -> None:  # fmt: skip
        self.meters = (Meter(names[0]), Meter(names[1]))
        self.clock = clock
        self.whole = False  # session.yaml is there
        self._recorder = recorder
        self._inbox = inbox
        self._stop = stop

    @property
    def stopped(self) -> bool:
        return self._stop.is_set()

    def listen(self) -> float:
        """Take what comes within a tick; returns the time by `clock`. Raises Ended."""
        chunks = self._inbox.take(TICK_S)
        now = self.clock()
        for chunk in chunks:
            self._take(chunk, now)
        if self._stop.is_set():
            raise Stopped("stopped")
        return now

    def wait_for_both(self) -> None:
        """Until both receivers have been heard. Raises Ended."""
        begun = self.clock()
        while any(meter.heard is None for meter in self.meters):
            if self.listen() - begun > HEAR_S:
                silent = " and ".join(meter.name for meter in self.meters if meter.heard is None)
                raise Ended(f"no packets from {silent}")

    def silent(self, now: float) -> list[str]:
        """Receivers that are lost."""
        lengths = [(meter.name, meter.silent_s(now)) for meter in self.meters]
        return [name for name, length in lengths if length is None or length > SILENT_S]

    def session_s(self, now: float) -> float:
        """`now` on the session's clock: receiver 1's, from its first packet."""
        return now - self.began

    @property
    def began(self) -> float:
        """The session's beginning by `clock`."""
        began = self.meters[0].began
        assert began is not None  # both have been heard
        return began

    def finish(self) -> None:
        """Write session.yaml; from then on it is a session."""
        if not self.whole:
            self._recorder.finish(self._inbox.dropped)
            self.whole = True

    def _take(self, chunk: Chunk, now: float) -> None:
        meter = self.meters[chunk.receiver]
        if not meter.push(chunk.log, now):
            raise Ended(f"{meter.name} began anew: its clock leapt")  # one session cannot hold both
        try:
            self._recorder.write(chunk)
        except RecordingError as error:  # the recorder has finished what it could
            self.whole = all(other.heard is not None for other in self.meters)
            reason = error.__cause__.strerror if isinstance(error.__cause__, OSError) else str(error)
            raise Ended(f"what {meter.name} sends cannot be written any more: {reason}") from error


@contextmanager
def recording(
    folder: Path, config: Config, described: Config, carrier_hz: float, clock: Callable[[], float]
) -> Iterator[Take]:
    """Record beside `folder` for as long as the block runs. What it leaves is `settle`d or `discard`ed.

    config     where packets come from
    described  what the session's file says of its room and geometry
    """
    discard(folder)
    inbox, stop = Inbox(), threading.Event()
    with ExitStack() as stack:
        stack.enter_context(stopped_by_signals(stop))
        recorder = stack.enter_context(Recorder(begun(folder), described, carrier_hz))
        _reserve(folder).write_bytes(b"\n" * RESERVE_BYTES)
        open_captures(stack, config, inbox)
        names = (config.receivers[0].name, config.receivers[1].name)
        yield Take(recorder, inbox, names, stop, clock)


def begun(folder: Path) -> Path:
    """Where a recording lies until it is whole."""
    return folder.with_name(folder.name + ".new")


def settle(folder: Path, walk: Walk | None = None, empty_s: float | None = None) -> None:
    """Put what was recorded in the place of what was there before. Raises OSError where the disk is full."""
    new = begun(folder)
    _reserve(folder).unlink(missing_ok=True)
    if walk is not None:
        write_walk(new, walk)
    if empty_s is not None:
        path = new / "session.yaml"
        file = msgspec.yaml.decode(path.read_bytes(), type=SessionFile)
        whole = path.with_name("session.yaml.new")
        whole.write_bytes(msgspec.yaml.encode(msgspec.structs.replace(file, empty_s=empty_s)))
        whole.replace(path)
    old = _old(folder)
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    new.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def discard(folder: Path) -> None:
    """Take away what a recording that was broken off has left; what was there before stays, or comes back."""
    shutil.rmtree(begun(folder), ignore_errors=True)
    _reserve(folder).unlink(missing_ok=True)
    if _old(folder).exists() and not folder.exists():
        _old(folder).rename(folder)


def _old(folder: Path) -> Path:
    return folder.with_name(folder.name + ".old")


def _reserve(folder: Path) -> Path:
    return folder.with_name(folder.name + ".reserve")
