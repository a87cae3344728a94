"""Who is woken when, and what is let go."""

import threading
import time

import pytest

from edge.capture.inbox import Chunk, Inbox
from tests.capture.standin import wait_until
from tests.conftest import WAIT_S

SOON_S = 0.2


def chunk(receiver: int = 0, size: int = 10) -> Chunk:
    return Chunk(receiver, bytes(size), time.monotonic())


class Taking(threading.Thread):
    """Takes once, beside the test."""

    def __init__(self, inbox: Inbox, due: list[float]) -> None:
        super().__init__(daemon=True)
        self.taken: list[Chunk] | None = None
        self._inbox, self._due = inbox, due
        self.start()
        wait_until(lambda: inbox.due(0) == due[0])

    def run(self) -> None:
        self.taken = self._inbox.take(WAIT_S, self._due)
        self.at = time.monotonic()

    def ended(self) -> list[Chunk]:
        self.join(WAIT_S)
        assert self.taken is not None
        return self.taken


def test_a_room_is_left_alone_until_it_is_due_and_then_has_all_at_once() -> None:
    inbox = Inbox()
    due = time.monotonic() + SOON_S
    taking = Taking(inbox, [due])
    sent = [chunk(n % 2) for n in range(5)]
    for one in sent:
        inbox.put(one)
    assert taking.ended() == sent
    assert due <= taking.at < due + WAIT_S / 2


def test_what_comes_after_that_is_handed_on_at_once() -> None:
    inbox = Inbox()
    taking = Taking(inbox, [time.monotonic() - 1.0])
    inbox.put(sent := chunk())
    assert taking.ended() == [sent]


def test_a_chunk_that_was_read_early_and_put_late_wakes_too() -> None:
    inbox = Inbox()
    due = time.monotonic() + SOON_S / 4
    early = chunk()
    taking = Taking(inbox, [due])
    time.sleep(SOON_S / 2)  # its thread had to wait for a processor: the loop expects nothing more by now
    begun = time.monotonic()
    inbox.put(early)
    assert taking.ended() == [early]
    assert taking.at - begun < WAIT_S / 2  # not by the timeout


def test_one_room_does_not_wake_for_the_other() -> None:
    now = time.monotonic()
    inbox = Inbox()
    taking = Taking(inbox, [now + SOON_S, now])
    inbox.put(first := chunk(1))
    inbox.put(second := chunk(2))
    assert taking.ended() == [second]
    assert inbox.take(WAIT_S, [now, now]) == [first]


def test_the_timeout_ends_every_rest() -> None:
    inbox = Inbox()
    inbox.put(sent := chunk())
    assert inbox.take(0.01, [time.monotonic() + WAIT_S]) == [sent]
    assert inbox.take(0.01) == []


def test_a_receiver_that_floods_wakes_the_loop_and_loses_its_own_oldest_alone() -> None:
    inbox = Inbox(max_bytes=100)
    inbox.put(quiet := chunk(0))
    sent = [chunk(1) for _ in range(12)]
    for one in sent:
        inbox.put(one)
    assert inbox.take(WAIT_S, [time.monotonic() + WAIT_S]) == [quiet, *sent[2:]]
    assert (inbox.dropped, inbox.dropped_of(0), inbox.dropped_of(1), inbox.dropped_of(2, 3)) == (2, 0, 2, 0)
    for one in sent[:10]:  # what was taken no longer counts
        inbox.put(one)
    assert inbox.dropped == 2


@pytest.mark.parametrize("receiver", [0, 1])
def test_half_full_is_enough_to_wake(receiver: int) -> None:
    inbox = Inbox(max_bytes=100)
    taking = Taking(inbox, [time.monotonic() + WAIT_S])
    inbox.put(first := chunk(receiver, 40))
    inbox.put(second := chunk(receiver, 40))
    begun = time.monotonic()
    assert taking.ended() == [first, second]
    assert taking.at - begun < WAIT_S / 2
