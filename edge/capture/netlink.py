"""Packets of an Intel 5300 in this host, live: datagrams of the kernel's netlink connector.

A datagram holds one or more netlink messages, each beginning at a multiple of 4 bytes, in the byte order of the host
(linux/netlink.h, linux/connector.h, the tool's iwl-connector.c):

    offset  width  field
    0       4      nlmsg_len    bytes of this message with this header; older kernels count the padding as well
    4       2      nlmsg_type   3, NLMSG_DONE: the kernel's connector sends nothing else
    6       2      nlmsg_flags
    8       4      nlmsg_seq
    12      4      nlmsg_pid
    16      4      idx          CN_NETLINK_USERS + 0xf, which is also the multicast group
    20      4      val          1
    24      4      seq          always 0: what the driver loses shows in bfee_count only
    28      4      ack
    32      2      len          bytes of code and body
    34      2      flags
    36      1      code         0xBB is CSI, see `parse.framing`
    37      len-1  body

The tool's log_to_file writes `len`, two bytes big-endian, then code and body: so do we.
"""

import errno
import logging
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from edge.capture.inbox import Inbox
from edge.capture.reading import ReadingCapture
from edge.errors import ConfigError

# CN_NETLINK_USERS is 11 in kernels since 4.x and 10 before; which one counts is what the driver was compiled with.
GROUPS = {26: "kernel 4.x or later", 25: "a kernel before 4.x"}
CN_VAL = 1  # the driver's CN_VAL_IWLAGN
KERNEL = 0  # netlink address of the kernel
NLMSG_DONE = 3
NLMSG_ALIGNMENT = 4

MAX_DATAGRAM = 1 << 15  # bytes; the connector takes no message above 16 kB (its CONNECTOR_MAX_MSG_SIZE)
MAX_DATAGRAMS = 256  # in one chunk: far more than come while a capture rests; a stall is handed on in pieces
RECEIVE_BUFFER = 8 << 20  # bytes; the kernel counts about 1 kB a datagram: some seconds at 1000 packets/s

# What Python's socket module has no name for (asm-generic/socket.h, linux/netlink.h).
SO_RCVBUFFORCE = 33
NETLINK_CONNECTOR = 11
SOL_NETLINK = 270
NETLINK_ADD_MEMBERSHIP = 1

_NLMSG = struct.Struct("=IHHII")
_CN_MSG = struct.Struct("=IIIIHH")
FOREIGN = (-1, b"")  # no message of the driver

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Decoded:
    """What one datagram held. `records + malformed + foreign` is at least 1, whatever it was."""

    frames: bytes  # whole frames in the format of the tool's log
    records: int
    malformed: int  # messages whose lengths do not fit; where that hides the next one, the rest of the datagram too
    foreign: int  # messages of other senders, connectors and types
    group: int | None  # which the last record came by


class Datagrams(Protocol):
    """What is needed of a socket."""

    def fileno(self) -> int: ...

    def recvfrom(self, bufsize: int, flags: int, /) -> tuple[bytes, Any]: ...

    def close(self) -> None: ...


def decode(datagram: bytes, sender: int = KERNEL) -> Decoded:
    """Records out of a datagram. Never raises: what does not fit is counted.

    sender  netlink address it came from: any process may send to us, only the kernel is believed
    """
    frames = bytearray()
    records = malformed = foreign = 0
    group = None
    at = 0
    if sender != KERNEL:
        return Decoded(b"", 0, 0, 1, None)
    while at < len(datagram) or at == 0:
        if len(datagram) - at < _NLMSG.size:
            malformed += 1
            break
        length, kind, _, _, _ = _NLMSG.unpack_from(datagram, at)
        end = at + length
        if length < _NLMSG.size or end > len(datagram):
            malformed += 1
            break
        record = _record(datagram[at + _NLMSG.size : end]) if kind == NLMSG_DONE else FOREIGN
        if record is None:
            malformed += 1
        elif record is FOREIGN:
            foreign += 1
        else:
            group, payload = record
            frames += len(payload).to_bytes(2, "big") + payload
            records += 1
        at = end + -length % NLMSG_ALIGNMENT
    return Decoded(bytes(frames), records, malformed, foreign, group)


def _record(message: bytes) -> tuple[int, bytes] | None:
    """Group, and code and body, of a connector's message; FOREIGN, or None where its lengths do not fit."""
    if len(message) < _CN_MSG.size:
        return None
    idx, val, _, _, length, _ = _CN_MSG.unpack_from(message)
    if idx not in GROUPS or val != CN_VAL:
        return FOREIGN
    padding = len(message) - _CN_MSG.size - length
    if length == 0 or not 0 <= padding < NLMSG_ALIGNMENT:
        return None
    return idx, message[_CN_MSG.size : _CN_MSG.size + length]


def open_connector() -> socket.socket:
    """A socket that hears the driver. Raises ConfigError that says what this host lacks.

    Both groups are joined where the kernel lets us: it has groups up to 32 whether or not anybody sends to them, so
    only the packets tell which one the driver uses.
    """
    try:
        connector = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, NETLINK_CONNECTOR)
    except OSError as error:
        raise ConfigError(_no_socket(error)) from error
    try:
        connector.bind((0, 0))  # the kernel chooses our address; groups above 31 would not fit in here
        refused = [refusal for group in GROUPS if (refusal := _join(connector, group))]
        if len(refused) == len(GROUPS):
            raise ConfigError(_no_group(refused[0])) from refused[0]
        _enlarge(connector)
    except OSError as error:
        connector.close()
        raise ConfigError(f"netlink connector: {error.strerror}; look with `wimose doctor`") from error
    except ConfigError:
        connector.close()
        raise
    return connector


def _join(connector: socket.socket, group: int) -> OSError | None:
    try:
        connector.setsockopt(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group)
    except OSError as error:
        return error
    return None


def _enlarge(connector: socket.socket) -> None:
    try:
        connector.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER)
    except PermissionError:  # then as much as net.core.rmem_max allows
        connector.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)


def _no_socket(error: OSError) -> str:
    if error.errno == errno.EPROTONOSUPPORT:
        return "this kernel has no netlink connector: load it with `modprobe cn`, or boot the 5300 tool's kernel"
    if error.errno == errno.EAFNOSUPPORT:
        return "netlink is not allowed here: RestrictAddressFamilies= of the unit must name AF_NETLINK"
    return f"netlink connector: {error.strerror}; look with `wimose doctor`"


def _no_group(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return "listening to the NIC needs CAP_NET_ADMIN: run as the service, whose unit grants it, or with sudo"
    numbers = " or ".join(map(str, GROUPS))
    return (
        f"the kernel's connector has no group {numbers} ({error.strerror}): load the 5300 tool's driver "
        "(`modprobe iwlwifi connector_log=0x1`)"
    )


class NetlinkCapture(ReadingCapture):
    """The NIC of this host. A driver that is not loaded is silence, not an error: the radio may come later."""

    def __init__(
        self,
        receiver: int,
        inbox: Inbox,
        open_socket: Callable[[], Datagrams] = open_connector,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(receiver, inbox, clock)
        self.malformed = 0  # messages
        self.foreign = 0  # messages
        self.overruns = 0  # times that the kernel's buffer was full, each one or more lost datagrams
        self._open_socket = open_socket
        self._socket: Datagrams | None = None
        self._group: int | None = None

    @property
    def name(self) -> str:
        return f"netlink group {self._group or ' or '.join(map(str, GROUPS))}"

    def _begin(self) -> None:
        self._socket = self._open_socket()

    def _end(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _descriptor(self) -> int:
        assert self._socket is not None
        return self._socket.fileno()

    def _read(self) -> None:
        """Everything that waits, up to MAX_DATAGRAMS, as one chunk."""
        assert self._socket is not None
        frames = bytearray()
        missed = 0
        for _ in range(MAX_DATAGRAMS):
            try:
                datagram, address = self._socket.recvfrom(MAX_DATAGRAM, socket.MSG_DONTWAIT)
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                # Said before what the kernel had kept is handed on, so the gap is somewhere around here.
                missed += 1
                continue
            decoded = decode(datagram, address[0])
            frames += decoded.frames
            self.malformed += decoded.malformed
            self.foreign += decoded.foreign
            if decoded.group not in (None, self._group):
                self._group = decoded.group
                log.info("packets come by %s (%s)", self.name, GROUPS[decoded.group])
        self.overruns += missed
        self._put(bytes(frames), missed)
