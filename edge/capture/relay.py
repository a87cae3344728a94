"""Packets of the other receiver's host, over the broker on `wimose/<room>/csi/<receiver>`, QoS 0.

A message, big-endian:

    offset  width  field
    0       3      "WMR"
    3       1      version   1
    4       8      session   random, anew whenever the sender starts
    12      4      sequence  0, 1, 2, ..., of every batch that was made, sent or not; wraps at 2^32
    16      2      missed    datagrams that the sender itself is known to have lost before these; 65535 and more
    18      2      records   how many follow, at least 1
    20      ...    frames of the 5300 tool's log, whole: length (2), code 0xBB (1), body, see `parse.framing`

Only CSI records are sent. The tool's driver can log whole frames of other people's traffic too; nobody needs them
here, and a broker is no place for them.
"""

import logging
import os
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass

from edge.capture.capture import Capture
from edge.capture.frames import CODE_CSI, MAX_FRAME, count_frames, frames
from edge.capture.inbox import Chunk, Inbox

BATCH_S = 0.05  # longest that a record waits for others: 20 messages/s, whatever the packets' rate
MAX_BATCH = MAX_FRAME  # bytes of frames in a message, so that any one fits: 300 packets of three antennas
MAX_COUNT = 0xFFFF
SESSION_BYTES = 8

_MAGIC, _VERSION = b"WMR", 1
_HEADER = struct.Struct(f">3sB{SESSION_BYTES}sIHH")
MAX_MESSAGE = _HEADER.size + MAX_BATCH

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Batch:
    """One message."""

    session: bytes
    sequence: int
    missed: int
    records: int
    log: bytes  # whole frames

    def encode(self) -> bytes:
        counts = (self.sequence, min(self.missed, MAX_COUNT), self.records)
        return _HEADER.pack(_MAGIC, _VERSION, self.session, *counts) + self.log


def decode(payload: bytes) -> Batch | None:
    """A batch, or None where this is none. Never raises."""
    if not _HEADER.size < len(payload) <= MAX_MESSAGE:
        return None
    magic, version, session, sequence, missed, records = _HEADER.unpack_from(payload)
    body = payload[_HEADER.size :]
    if (magic, version) != (_MAGIC, _VERSION) or count_frames(body) != records:
        return None
    if any(frame[2] != CODE_CSI for frame in frames(body)):
        return None
    return Batch(session, sequence, missed, records, body)


class RelaySender:
    """Makes messages of chunks: at most BATCH_S old, at most MAX_BATCH large."""

    def __init__(self, session: bytes | None = None) -> None:
        self._session = session or os.urandom(SESSION_BYTES)
        self._sequence = 0
        self._frames: list[bytes] = []
        self._bytes = 0
        self._missed = 0
        self._begun = 0.0  # s, when the first record of the batch came

    def lost(self, number: int) -> None:
        """Datagrams that will not come any more, told with the next message."""
        self._missed += number

    def add(self, chunk: Chunk) -> list[bytes]:
        """Take a chunk; the messages that are full because of it."""
        self.lost(chunk.missed)
        full = []
        for frame in frames(chunk.log):
            if frame[2] != CODE_CSI:
                continue
            if self._bytes + len(frame) > MAX_BATCH:
                full.append(self._message())
            if not self._frames:
                self._begun = chunk.arrived
            self._frames.append(frame)
            self._bytes += len(frame)
        return full

    def wait_s(self, now: float) -> float | None:
        """Until the batch must go, 0 if it is late; None where nothing waits."""
        return max(self._begun + BATCH_S - now, 0.0) if self._frames else None

    def due(self, now: float) -> list[bytes]:
        """The message that must go now, if any."""
        return [self._message()] if self.wait_s(now) == 0.0 else []

    def _message(self) -> bytes:
        batch = Batch(self._session, self._sequence, self._missed, len(self._frames), b"".join(self._frames))
        self._sequence = (self._sequence + 1) % (1 << 32)
        self._frames = []
        self._bytes = self._missed = 0
        return batch.encode()


class RelayCapture(Capture):
    """Takes the messages of a subscription that somebody else keeps."""

    def __init__(self, receiver: int, inbox: Inbox, topic: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.topic = topic
        self.malformed = 0  # messages that are no batch
        self.repeated = 0  # batches that came twice or after a later one, not used
        self.missed = 0  # batches that never came, and what the sender lost
        self.restarts = 0  # of the sender
        self._receiver = receiver
        self._inbox = inbox
        self._clock = clock
        self._open = False
        self._session: bytes | None = None
        self._next = 0  # sequence that comes next

    @property
    def name(self) -> str:
        return f"relay {self.topic}"

    def open(self) -> None:
        self._open = True

    def close(self) -> None:
        self._open = False

    def message(self, payload: bytes) -> None:
        """One message of the topic, in the thread of the MQTT client. Never raises for what it holds."""
        if not self._open:
            return
        batch = decode(payload)
        if batch is None:
            self.malformed += 1
            return
        missed = batch.missed
        if batch.session == self._session:
            ahead = (batch.sequence - self._next) % (1 << 32)
            if ahead >= 1 << 31:
                self.repeated += 1
                return
            missed += ahead
        elif self._session is not None:
            self.restarts += 1
            missed += batch.sequence  # what the new one made while nobody let it through
            log.info("%s: the sender has started anew", self.name)
        self._session = batch.session
        self._next = (batch.sequence + 1) % (1 << 32)
        self.missed += missed
        self._inbox.put(Chunk(self._receiver, batch.log, self._clock(), missed))
