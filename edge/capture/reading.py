"""A capture that reads a descriptor: its thread, how it is told to stop, and how it begins anew after a fault."""

import logging
import os
import select
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable

from edge.capture.capture import Capture
from edge.capture.inbox import Chunk, Inbox
from edge.errors import ConfigError

BACKOFF_MIN_S, BACKOFF_MAX_S = 1.0, 60.0  # a driver that is loaded again takes seconds
IDLE_S = 1.0  # how often a quiet source is looked after
REST_S = 0.05  # longest that packets are left in the kernel: a pipe's 64 kB hold twice that at 1000 packets/s
AHEAD_S = 0.001  # they are read so long before the loop wants them: then it need not wait for us

log = logging.getLogger(__name__)


class ReadingCapture(Capture, ABC):
    """One thread: wait for the descriptor, hand on what is there, again."""

    def __init__(self, receiver: int, inbox: Inbox, clock: Callable[[], float] = time.monotonic) -> None:
        self._receiver = receiver
        self._inbox = inbox
        self._clock = clock
        self._stop = -1  # an eventfd: readable once `close` was called
        self._thread: threading.Thread | None = None
        self._backoff = BACKOFF_MIN_S
        self._missed = 0  # not handed on yet

    def open(self) -> None:
        self._begin()
        self._stop = os.eventfd(0, os.EFD_CLOEXEC)
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
        self._thread.start()

    def close(self) -> None:
        thread, self._thread = self._thread, None
        if thread is None:
            return
        os.eventfd_write(self._stop, 1)
        thread.join()
        os.close(self._stop)

    @abstractmethod
    def _begin(self) -> None:
        """Open the source. Raises ConfigError where it cannot, saying what to do."""

    @abstractmethod
    def _end(self) -> None:
        """Close it."""

    @abstractmethod
    def _descriptor(self) -> int:
        """What to wait for; it may be another after every `_read` and `_idle`."""

    @abstractmethod
    def _read(self) -> None:
        """Hand on what is there without waiting for more."""

    def _idle(self) -> None:
        """Nothing came for IDLE_S."""

    def _put(self, frames: bytes, missed: int) -> None:
        """Hand on; a loss alone waits for the next frames, as a chunk says that the receiver was heard."""
        self._missed += missed
        if frames:
            self._inbox.put(Chunk(self._receiver, frames, self._clock(), self._missed))
            self._missed = 0

    def _run(self) -> None:
        is_open = True
        while True:
            try:
                if not is_open:
                    self._begin()
                    is_open = True
                    log.info("%s: open again", self.name)
                self._follow()
                return
            except (OSError, ConfigError) as error:
                log.warning("%s: %s; trying again in %.0f s", self.name, error, self._backoff)
            except Exception:
                log.exception("%s: a fault in the capture; trying again in %.0f s", self.name, self._backoff)
            finally:
                if is_open:
                    self._end()
                    is_open = False
            if self._wait(self._backoff):
                return
            self._backoff = min(2 * self._backoff, BACKOFF_MAX_S)

    def _follow(self) -> None:
        """Read until told to stop."""
        while not self._rest() and self._stop not in (ready := self._wait(IDLE_S, self._descriptor())):
            if ready:
                self._read()
                self._backoff = BACKOFF_MIN_S
            else:
                self._idle()

    def _rest(self) -> bool:
        """Leave in the kernel what nobody wants yet: one wake for many packets. Returns whether told to stop."""
        rest_s = min(self._inbox.due(self._receiver) - AHEAD_S - self._clock(), REST_S)
        return rest_s > 0.0 and bool(self._wait(rest_s))

    def _wait(self, timeout_s: float, *descriptors: int) -> set[int]:
        """Which of these, or `_stop`, have something to say."""
        poll = select.poll()
        for descriptor in (self._stop, *descriptors):
            poll.register(descriptor, select.POLLIN)
        return {descriptor for descriptor, _ in poll.poll(1e3 * timeout_s)}
