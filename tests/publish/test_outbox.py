import threading

import pytest

from edge.publish import outbox
from edge.publish.outbox import Lane, Outbox, Topic


def messages(box: Outbox, now: float = 0.0) -> list[tuple[str, bytes]]:
    with box.news:
        return [(lane.topic.name, payload) for lane, payload in box.take(now)]


def test_one_on_its_way_and_the_newest_waits() -> None:
    lane = Lane(Topic("pose"))
    lane.opened()
    lane.offer(b"1")
    assert lane.take() == b"1"
    for payload in (b"2", b"3", b"4"):
        lane.offer(payload)
        assert not lane.ready, "the first is not done"
    lane.done()
    assert lane.ready
    assert lane.take() == b"4"
    assert lane.dropped == 2


def test_as_many_may_wait_as_it_says_and_the_oldest_goes() -> None:
    lane = Lane(Topic("pose", depth=3))
    lane.opened()
    for payload in (b"1", b"2", b"3", b"4"):
        lane.offer(payload)
    taken = []
    while lane.ready:
        taken.append(lane.take())
        lane.done()
    assert taken == [b"2", b"3", b"4"]
    assert lane.dropped == 1


def test_without_a_connection_nothing_waits_and_everything_is_counted() -> None:
    lane = Lane(Topic("pose", depth=3))
    lane.offer(b"1")
    lane.opened()
    assert not lane.ready
    for payload in (b"2", b"3", b"4"):
        lane.offer(payload)
    lane.take()
    lane.closed()
    assert lane.dropped == 4, "before, two that waited, and one on its way"
    lane.opened()
    assert not lane.ready


def test_what_has_to_be_known_is_said_on_every_connection() -> None:
    lane = Lane(Topic("info", again=True))
    lane.offer(b"old")
    lane.offer(b"new")
    for _ in range(2):
        lane.opened()
        assert lane.take() == b"new"
        assert not lane.ready
        lane.closed()


def test_a_hub_that_comes_anew_is_told_and_a_moment_later_told_what_is_not_retained() -> None:
    box = Outbox()
    box.add(Topic("pose"))
    box.add(Topic("info", retain=True, again=True))
    box.add(Topic("state", again=True))
    box.opened()
    for name in ("pose", "info", "state"):
        box.offer(name, name.encode())
    first = messages(box)
    assert first == [("pose", b"pose"), ("info", b"info"), ("state", b"state")]
    with box.news:
        for lane in box._lanes.values():
            lane.done()
    box.repeat()
    assert messages(box) == [("info", b"info"), ("state", b"state")]
    with box.news:
        for lane in box._lanes.values():
            lane.done()
    assert messages(box) == []
    assert messages(box, now=float("inf")) == [("state", b"state")]


def test_only_what_changed() -> None:
    box = Outbox()
    box.add(Topic("pause", retain=True, again=True))
    box.opened()
    box.offer("pause", b"ON", changed=True)
    assert messages(box) == [("pause", b"ON")]
    with box.news:
        box._lanes["pause"].done()
    box.offer("pause", b"ON", changed=True)
    assert messages(box) == []
    box.offer("pause", b"OFF", changed=True)
    assert messages(box) == [("pause", b"OFF")]


def test_news_wake_the_one_who_sends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "FOLLOW_S", 1e9)
    box = Outbox()
    box.add(Topic("pose"))
    box.opened()
    timer = threading.Timer(0.05, box.offer, ("pose", b"1"))
    timer.start()
    with box.news:
        assert box.news.wait_for(box.ready, 20.0)
