"""Datagrams byte by byte as linux/connector.h has them, from records of real logs, and a socket that sends them."""

import errno
import logging
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.capture import netlink
from edge.capture.frames import count_frames, frames
from edge.capture.inbox import Inbox
from edge.capture.netlink import NetlinkCapture, decode, open_connector
from edge.errors import ConfigError
from tests.capture.standin import ERROR, NOOP, OVERRUN, StandIn, datagram, take_until, wait_until
from tests.parse.encoder import mpdu, records

little_endian = pytest.mark.skipif(sys.byteorder != "little", reason="the golden bytes are those of a PC")


@little_endian
def test_a_golden_datagram() -> None:
    golden = bytes.fromhex(
        "2c000000 0300 0000 00000000 00000000"  # nlmsghdr: 44 bytes, NLMSG_DONE
        "1a000000 01000000 00000000 00000000 0800 0000"  # cn_msg: 26, 1, 8 bytes follow
        "c1 11223344556677"
    )
    decoded = decode(golden)
    assert decoded.frames == bytes.fromhex("0008 c1 11223344556677")
    assert (decoded.records, decoded.malformed, decoded.foreign, decoded.group) == (1, 0, 0, 26)
    assert golden == datagram(decoded.frames)


@pytest.mark.parametrize("idx", [26, 25])
@pytest.mark.parametrize("padded", [False, True])  # older kernels count the padding
def test_records_of_a_real_log_come_back_byte_for_byte(data: Path, idx: int, padded: bool) -> None:
    log = (data / "csi/wivelo/1-1-1-1-r1.dat").read_bytes()
    for frame in list(frames(log))[:200]:
        decoded = decode(datagram(frame, idx, padded=padded))
        assert decoded.frames == frame
        assert (decoded.records, decoded.malformed, decoded.foreign, decoded.group) == (1, 0, 0, idx)


def test_several_messages_in_one_datagram() -> None:
    wanted = [*records(2), mpdu(1, 61), *records(1, nrx=1)]  # sizes that need padding between
    decoded = decode(b"".join(map(datagram, wanted)))
    assert decoded.frames == b"".join(wanted)
    assert (decoded.records, decoded.malformed, decoded.foreign) == (4, 0, 0)


@pytest.mark.parametrize("kind", [NOOP, ERROR, OVERRUN, 16])
def test_messages_that_carry_no_record(kind: int) -> None:
    one = records(1)[0]
    decoded = decode(datagram(one, kind=kind) + datagram(one))
    assert (decoded.frames, decoded.records, decoded.malformed, decoded.foreign) == (one, 1, 0, 1)


@pytest.mark.parametrize(("idx", "val"), [(1, 1), (24, 1), (27, 1), (26, 0), (26, 2)])
def test_other_connectors(idx: int, val: int) -> None:
    decoded = decode(datagram(records(1)[0], idx, val))
    assert (decoded.frames, decoded.malformed, decoded.foreign, decoded.group) == (b"", 0, 1, None)


def test_only_the_kernel_is_believed() -> None:
    decoded = decode(datagram(records(1)[0]), sender=4711)
    assert (decoded.frames, decoded.records, decoded.foreign) == (b"", 0, 1)


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        b"\0" * 15,
        datagram(records(1)[0])[:-60],  # cut off
        datagram(records(1)[0], nlmsg_len=15),
        datagram(records(1)[0], nlmsg_len=1 << 20),
        datagram(records(1)[0], nlmsg_len=16)[:16],  # no connector message in it
        datagram(records(1)[0], nlmsg_len=35)[:35],
        datagram(records(1)[0], len=0),
        datagram(records(1)[0], len=1000),
        datagram(records(1)[0], len=100),  # more follows than padding explains
    ],
)
def test_lengths_that_do_not_fit_are_counted(wrong: bytes) -> None:
    decoded = decode(wrong)
    assert (decoded.frames, decoded.records, decoded.foreign) == (b"", 0, 0)
    assert decoded.malformed >= 1


def test_a_bad_message_does_not_hide_the_next() -> None:
    one = records(1)[0]
    decoded = decode(datagram(one, len=1000) + datagram(one))
    assert (decoded.frames, decoded.records, decoded.malformed) == (one, 1, 1)


@given(st.binary(max_size=300))
@settings(deadline=None)
def test_anything_may_come(bytes_: bytes) -> None:
    decoded = decode(bytes_)
    assert decoded.records + decoded.malformed + decoded.foreign >= 1
    assert count_frames(decoded.frames) == decoded.records


@given(st.lists(st.tuples(st.integers(0, 600), st.integers(0, 255)), min_size=1, max_size=6), st.integers(0, 600))
@settings(deadline=None)
def test_any_bytes_may_be_wrong(changes: list[tuple[int, int]], cut: int) -> None:
    whole = bytearray(b"".join(map(datagram, records(2))))
    for at, value in changes:
        whole[at % len(whole)] = value
    decoded = decode(bytes(whole[: max(cut, 1)]))
    assert 1 <= decoded.records + decoded.malformed + decoded.foreign <= 3
    assert count_frames(decoded.frames) == decoded.records


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    connector = StandIn()
    yield connector
    connector.end()


def test_what_the_nic_sends_goes_into_the_inbox(
    stand_in: StandIn, data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    log = (data / "csi/wivelo/1-1-1-1-r1.dat").read_bytes()
    wanted = list(frames(log))[:300]
    inbox = Inbox()
    capture = NetlinkCapture(1, inbox, stand_in.open, clock=lambda: 12.5)
    assert capture.name == "netlink group 26 or 25"
    capture.open()
    for frame in wanted:
        stand_in.send(datagram(frame))
    chunks = take_until(inbox, len(wanted))
    capture.close()
    assert b"".join(chunk.log for chunk in chunks) == b"".join(wanted)
    assert {(chunk.receiver, chunk.arrived, chunk.missed) for chunk in chunks} == {(1, 12.5, 0)}
    assert (capture.malformed, capture.foreign, capture.overruns) == (0, 0, 0)
    assert capture.name == "netlink group 26"
    assert "netlink group 26 (kernel 4.x or later)" in caplog.text


def test_what_waits_becomes_one_chunk_of_bounded_size(stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(netlink, "MAX_DATAGRAMS", 4)
    wanted = records(10)
    for frame in wanted:
        stand_in.send(datagram(frame))
    inbox = Inbox()
    capture = NetlinkCapture(0, inbox, stand_in.open)
    capture.open()
    chunks = take_until(inbox, len(wanted))
    capture.close()
    assert [count_frames(chunk.log) for chunk in chunks] == [4, 4, 2]
    assert b"".join(chunk.log for chunk in chunks) == b"".join(wanted)


def test_what_is_not_the_drivers_is_counted(stand_in: StandIn) -> None:
    inbox = Inbox()
    one = records(1)[0]
    stand_in.send(datagram(one), sender=99)
    stand_in.send(datagram(one, kind=NOOP))
    stand_in.send(b"short")
    stand_in.send(datagram(one, idx=25))
    capture = NetlinkCapture(0, inbox, stand_in.open)
    capture.open()
    assert [chunk.log for chunk in take_until(inbox, 1)] == [one]
    capture.close()
    assert (capture.malformed, capture.foreign) == (1, 2)
    assert capture.name == "netlink group 25"


def test_a_full_buffer_is_loss(stand_in: StandIn) -> None:
    inbox = Inbox()
    stand_in.faults.put(OSError(errno.ENOBUFS, "No buffer space available"))
    stand_in.send(datagram(records(1)[0]))
    capture = NetlinkCapture(0, inbox, stand_in.open)
    capture.open()
    assert [chunk.missed for chunk in take_until(inbox, 1)] == [1]
    capture.close()
    assert (capture.overruns, stand_in.opened) == (1, 1)


@pytest.mark.parametrize("fault", [OSError(errno.ENODEV, "No such device"), ValueError("a fault of ours")])
def test_after_any_other_fault_it_begins_anew(
    stand_in: StandIn, fault: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("edge.capture.reading.BACKOFF_MIN_S", 0.01)
    inbox = Inbox()
    stand_in.faults.put(fault)  # type: ignore[arg-type]
    stand_in.send(datagram(records(1)[0]))
    capture = NetlinkCapture(0, inbox, stand_in.open)
    capture.open()
    take_until(inbox, 1)
    capture.close()
    assert stand_in.opened == 2
    assert str(fault) in caplog.text


def test_closing_ends_the_thread_and_may_be_said_twice(stand_in: StandIn) -> None:
    before = threading.active_count()
    capture = NetlinkCapture(0, Inbox(), stand_in.open)
    capture.close()
    capture.open()
    assert threading.active_count() == before + 1
    capture.close()
    capture.close()
    assert threading.active_count() == before


class Kernel:
    """Stands in for the socket module's class: refuses what it is told to refuse."""

    def __init__(self, refusals: dict[str, int]) -> None:
        self.refusals = refusals
        self.asked: list[tuple[int, int, int]] = []
        self.closed = False

    def __call__(self, *_: int) -> "Kernel":
        self._maybe("socket")
        return self

    def bind(self, address: tuple[int, int]) -> None:
        assert address == (0, 0)
        self._maybe("bind")

    def setsockopt(self, level: int, option: int, value: int) -> None:
        self.asked.append((level, option, value))
        self._maybe(f"{level}:{option}:{value}")
        self._maybe(f"{level}:{option}")

    def close(self) -> None:
        self.closed = True

    def _maybe(self, what: str) -> None:
        if what in self.refusals:
            number = self.refusals[what]
            raise OSError(number, errno.errorcode[number])


JOIN = f"{netlink.SOL_NETLINK}:{netlink.NETLINK_ADD_MEMBERSHIP}"


@pytest.mark.parametrize(
    ("refusals", "says"),
    [
        ({"socket": errno.EPROTONOSUPPORT}, "modprobe cn"),
        ({"socket": errno.EAFNOSUPPORT}, "RestrictAddressFamilies"),
        ({"socket": errno.EMFILE}, "wimose doctor"),
        ({JOIN: errno.EPERM}, "CAP_NET_ADMIN"),
        ({JOIN: errno.EINVAL}, "connector_log"),
        ({"bind": errno.EADDRINUSE}, "wimose doctor"),
    ],
)
def test_where_joining_fails_it_says_what_to_do(
    refusals: dict[str, int], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel = Kernel(refusals)
    monkeypatch.setattr(socket, "socket", kernel)
    with pytest.raises(ConfigError, match=says):
        NetlinkCapture(0, Inbox(), open_connector).open()
    assert kernel.closed == ("socket" not in refusals)


@pytest.mark.parametrize("refusals", [{}, {f"{JOIN}:26": errno.EINVAL}, {f"{JOIN}:25": errno.EINVAL}])
def test_both_groups_are_tried_and_one_is_enough(refusals: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = Kernel(refusals | {f"{socket.SOL_SOCKET}:{netlink.SO_RCVBUFFORCE}": errno.EPERM})
    monkeypatch.setattr(socket, "socket", kernel)
    open_connector()
    assert [value for *_, value in kernel.asked[:2]] == [26, 25]
    assert kernel.asked[-1] == (socket.SOL_SOCKET, socket.SO_RCVBUF, netlink.RECEIVE_BUFFER)
    assert not kernel.closed


@pytest.mark.parametrize("group", [26, 25])
def test_through_the_real_kernel(group: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the capability a process may send to the driver's group as well; it is believed in the kernel's place."""
    wanted = records(20)
    inbox = Inbox()
    capture = NetlinkCapture(0, inbox)
    try:
        capture.open()
        sender = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, netlink.NETLINK_CONNECTOR)
        sender.bind((0, 0))
        monkeypatch.setattr(netlink, "KERNEL", sender.getsockname()[0])
        for frame in wanted:
            sender.sendto(datagram(frame, group), (0, 1 << (group - 1)))
    except (ConfigError, OSError) as error:
        capture.close()
        pytest.skip(f"not here: {error}")
    with sender:
        assert b"".join(chunk.log for chunk in take_until(inbox, len(wanted))) == b"".join(wanted)
    capture.close()
    assert capture.name == f"netlink group {group}"


def test_another_process_is_not_believed_by_the_real_kernels_word() -> None:
    capture = NetlinkCapture(0, Inbox())
    try:
        capture.open()
        with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, netlink.NETLINK_CONNECTOR) as sender:
            sender.sendto(datagram(records(1)[0]), (0, 1 << 25))
    except (ConfigError, OSError) as error:
        capture.close()
        pytest.skip(f"not here: {error}")
    wait_until(lambda: capture.foreign == 1)
    capture.close()
