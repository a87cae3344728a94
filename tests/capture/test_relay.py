"""The relay's messages byte by byte, what is counted on their way, and what comes of them on the other host."""

import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.capture.frames import MAX_FRAME, frames
from edge.capture.inbox import Chunk, Inbox
from edge.capture.relay import BATCH_S, MAX_BATCH, MAX_MESSAGE, Batch, RelayCapture, RelaySender, decode
from tests.parse.encoder import mpdu, records

TOPIC = "wimose/lab/csi/receiver2"


def chunk(*parts: bytes, arrived: float = 0.0, missed: int = 0) -> Chunk:
    return Chunk(0, b"".join(parts), arrived, missed)


def messages(sender: RelaySender, number: int, start: int = 0) -> list[bytes]:
    """Of one record each."""
    made = []
    for n in range(start, start + number):
        made += sender.add(chunk(records(number + start)[n], arrived=float(n)))
        made += sender.due(n + BATCH_S)
    assert len(made) == number
    return made


def listening() -> tuple[RelayCapture, Inbox]:
    inbox = Inbox()
    capture = RelayCapture(1, inbox, TOPIC, clock=lambda: 7.5)
    capture.open()
    return capture, inbox


def test_a_golden_message() -> None:
    frame = records(1, nrx=1)[0]
    golden = bytes.fromhex("574d52 01 0102030405060708 00000005 0002 0001") + frame
    batch = decode(golden)
    assert batch == Batch(bytes(range(1, 9)), sequence=5, missed=2, records=1, log=frame)
    assert batch.encode() == golden


def test_records_wait_for_others_and_no_longer_than_a_batch() -> None:
    sender = RelaySender(b"session!")
    wanted = records(3)
    assert sender.wait_s(0.0) is None
    assert sender.add(chunk(*wanted[:2], arrived=10.0)) == []
    assert sender.wait_s(10.0) == pytest.approx(BATCH_S)
    assert sender.add(chunk(wanted[2], arrived=10.04)) == []
    assert sender.due(10.04) == []
    [message] = sender.due(10.0 + BATCH_S)
    assert decode(message) == Batch(b"session!", 0, 0, 3, b"".join(wanted))
    assert sender.wait_s(11.0) is None
    assert sender.due(11.0) == []


def test_a_real_log_comes_through_in_messages_of_bounded_size(data: Path) -> None:
    log = (data / "csi/wivelo/1-1-1-1-r1.dat").read_bytes()
    sender = RelaySender()
    made = sender.add(chunk(log))
    made += sender.due(1.0)
    batches = [decode(message) for message in made]
    assert b"".join(batch.log for batch in batches if batch) == log
    assert [batch.sequence for batch in batches if batch] == list(range(len(made)))
    assert max(map(len, made)) <= MAX_MESSAGE
    assert len(made) == -(-len(log) // (MAX_BATCH // 215 * 215))


def test_other_peoples_traffic_stays_here() -> None:
    sender = RelaySender()
    wanted = records(2)
    sender.add(chunk(wanted[0], mpdu(1), wanted[1], mpdu(2)))
    [message] = sender.due(1.0)
    batch = decode(message)
    assert batch is not None
    assert list(frames(batch.log)) == wanted
    sender.add(chunk(mpdu(3)))
    assert sender.due(9.0) == []


def test_what_the_sender_lost_is_told_once() -> None:
    sender = RelaySender()
    sender.add(chunk(records(1)[0], missed=2))
    sender.lost(3)
    [first] = sender.due(1.0)
    [second] = messages(sender, 1)
    assert [batch and batch.missed for batch in (decode(first), decode(second))] == [5, 0]
    sender.lost(1 << 20)
    [third] = messages(sender, 1)
    assert (decode(third) or Batch(b"", 0, 0, 0, b"")).missed == 0xFFFF


def test_every_batch_becomes_a_chunk() -> None:
    capture, inbox = listening()
    for message in messages(RelaySender(), 3):
        capture.message(message)
    assert inbox.take(0) == [Chunk(1, frame, 7.5) for frame in records(3)]
    assert (capture.name, capture.topic) == (f"relay {TOPIC}", TOPIC)
    assert (capture.malformed, capture.repeated, capture.missed, capture.restarts) == (0, 0, 0, 0)


def test_what_never_came_is_counted() -> None:
    capture, inbox = listening()
    made = messages(RelaySender(), 6)
    for n in (2, 3, 5):  # joining in the middle is no loss
        capture.message(made[n])
    assert [taken.missed for taken in inbox.take(0)] == [0, 0, 1]
    assert capture.missed == 1


def test_what_comes_twice_or_late_is_not_used() -> None:
    capture, inbox = listening()
    made = messages(RelaySender(), 3)
    for n in (0, 2, 1, 2, 0):
        capture.message(made[n])
    assert [taken.log for taken in inbox.take(0)] == [records(3)[0], records(3)[2]]
    assert (capture.repeated, capture.missed) == (3, 1)


def test_a_sender_that_starts_anew() -> None:
    capture, inbox = listening()
    for message in messages(RelaySender(), 5):
        capture.message(message)
    again = messages(RelaySender(), 4)
    capture.message(again[2])  # two were lost meanwhile
    capture.message(again[3])
    assert [taken.missed for taken in inbox.take(0)] == [0, 0, 0, 0, 0, 2, 0]
    assert (capture.restarts, capture.repeated, capture.missed) == (1, 0, 2)


def test_the_sequence_wraps() -> None:
    capture, inbox = listening()
    sender = RelaySender()
    sender._sequence = (1 << 32) - 1
    for message in messages(sender, 3):
        capture.message(message)
    assert [taken.missed for taken in inbox.take(0)] == [0, 0, 0]


def test_nothing_is_taken_before_open_and_after_close() -> None:
    capture, inbox = listening()
    made = messages(RelaySender(), 2)
    capture.close()
    capture.message(made[0])
    assert inbox.take(0) == []
    capture.open()
    capture.message(made[1])
    assert len(inbox.take(0)) == 1


GOOD = Batch(b"session!", 9, 0, 2, b"".join(records(2))).encode()
HEADER = struct.Struct(">3sB8sIHH")


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        GOOD[:20],
        GOOD[:-1],
        GOOD + b"\0",
        b"wmr" + GOOD[3:],
        GOOD[:3] + b"\2" + GOOD[4:],  # a later version
        HEADER.pack(b"WMR", 1, b"session!", 0, 0, 3) + GOOD[20:],
        HEADER.pack(b"WMR", 1, b"session!", 0, 0, 0),
        HEADER.pack(b"WMR", 1, b"session!", 0, 0, 1) + mpdu(1),
        HEADER.pack(b"WMR", 1, b"session!", 0, 0, 4) + 4 * (b"\x44\0\xbb" + bytes(0x43FF)),  # too large
    ],
)
def test_what_is_no_batch_is_counted(wrong: bytes) -> None:
    capture, inbox = listening()
    capture.message(wrong)
    assert (capture.malformed, inbox.take(0)) == (1, [])


@given(st.binary(max_size=200) | st.tuples(st.integers(0, len(GOOD)), st.binary(max_size=8)).map(
    lambda change: GOOD[: change[0]] + change[1] + GOOD[change[0] + len(change[1]) :]))  # fmt: skip
@settings(max_examples=300, deadline=None)
def test_anything_may_come(payload: bytes) -> None:
    capture, inbox = listening()
    capture.message(GOOD)
    capture.message(payload)
    taken = inbox.take(0)
    assert capture.malformed + capture.repeated + len(taken) == 2
    assert all(len(one.log) <= MAX_FRAME for one in taken)
