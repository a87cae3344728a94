"""What the captures listen to, where there is no NIC: datagrams as the kernel sends them, and a socket that does."""

import queue
import socket
import struct
import time
from collections.abc import Callable
from typing import Any

from edge.capture.frames import count_frames
from edge.capture.inbox import Chunk, Inbox
from tests.conftest import WAIT_S

NOOP, ERROR, DONE, OVERRUN = 1, 2, 3, 4  # linux/netlink.h


def datagram(frame: bytes, idx: int = 26, val: int = 1, kind: int = DONE, padded: bool = False, **fields: int) -> bytes:
    """What the kernel sends for one frame of the log. Written from the kernel's headers, not from edge."""
    body = frame[2:]
    message = struct.pack("@IIIIHH", idx, val, 0, 0, fields.get("len", len(body)), 0) + body
    padding = b"\0" * (-len(message) % 4)
    size = 16 + len(message) + (len(padding) if padded else 0)
    return struct.pack("@IHHII", fields.get("nlmsg_len", size), kind, 0, 0, 0) + message + padding


class StandIn:
    """Sends datagrams as the kernel would; each carries the address it is to come from in its first four bytes."""

    def __init__(self) -> None:
        self.ours, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.faults: queue.Queue[OSError] = queue.Queue()
        self.opened = 0

    def send(self, datagram: bytes, sender: int = 0) -> None:
        self.ours.send(struct.pack("=I", sender) + datagram)

    def open(self) -> "StandIn":
        self.opened += 1
        return self

    def fileno(self) -> int:
        return self._theirs.fileno()

    def recvfrom(self, bufsize: int, flags: int, /) -> tuple[bytes, Any]:
        if not self.faults.empty():
            raise self.faults.get()
        received = self._theirs.recv(bufsize, flags)
        return received[4:], (struct.unpack("=I", received[:4])[0], 1 << 25)

    def close(self) -> None:
        pass

    def end(self) -> None:
        self.ours.close()
        self._theirs.close()


def take_until(inbox: Inbox, frames: int) -> list[Chunk]:
    chunks: list[Chunk] = []
    while sum(count_frames(chunk.log) or 0 for chunk in chunks) < frames:
        some = inbox.take(WAIT_S)
        assert some, f"{len(chunks)} chunks came, {frames} frames were wanted"
        chunks += some
    return chunks


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)
