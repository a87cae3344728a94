"""The host hears what a replay hears, bit for bit; and says nothing where it hears too little."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from edge.capture.inbox import Chunk
from edge.capture.reading import AHEAD_S
from edge.estimate import Estimated, Labels
from edge.inference.bundle import find_bundle, load_bundle
from edge.inference.engine import Engine
from edge.parse.framing import find_records
from edge.parse.intel5300 import parse_log
from edge.recording import as_heard
from edge.replay import replay
from edge.service.host import EARLY_S, REST_S, RESTART_S, SILENT_S, Host
from edge.signal.links import Links
from tests.service.processes import restamped

LABELS = Labels("simulated", "array", "simulated", "test@00000000", 0.0)
RELAY_S = 0.05  # how much later the second receiver's packets come
WALL = 1_700_000_000.0


@pytest.fixture(scope="module", params=["wimose-basic", "wimose-plus-basic"])
def engine(request: pytest.FixtureRequest) -> Engine:
    return Engine(load_bundle(find_bundle(request.param)))


@pytest.fixture(scope="module")
def demo() -> tuple[bytes, bytes]:
    folder = Path(__file__).parents[2] / "edge" / "demo" / "session"
    return (folder / "receiver1.dat").read_bytes(), (folder / "receiver2.dat").read_bytes()


def chunks(logs: tuple[bytes, bytes], seed: int = 1, tick_s: float = 0.03) -> Iterator[tuple[float, list[Chunk]]]:
    """(seconds, what has come since the last time) of two logs played at their own pace, in random pieces."""
    rng = np.random.default_rng(seed)
    arrays = [np.frombuffer(log, np.uint8) for log in logs]
    offsets = [np.append(find_records(array)[0], array.size) for array in arrays]
    stamps = [parse_log(log).timestamp_us for log in logs]
    times = [(stamp - stamp[0]).astype(float) * 1e-6 + late for stamp, late in zip(stamps, (0.0, RELAY_S), strict=True)]
    at, now = [0, 0], 0.0
    while any(at[r] < times[r].size for r in (0, 1)):
        now += float(rng.uniform(0.0, 2 * tick_s))
        come = []
        for r in (0, 1):
            stop = int(np.searchsorted(times[r], now))
            if stop > at[r]:
                come.append(Chunk(r, logs[r][offsets[r][at[r]] : offsets[r][stop]], now))
                at[r] = stop
        yield now, come


def made_of(host: Host, logs: tuple[bytes, bytes], seed: int = 1) -> list[Estimated]:
    return [made for now, come in chunks(logs, seed) for made in host.push(come, now, WALL + now)]


def assert_same(host_made: list[Estimated], logs: tuple[bytes, bytes], engine: Engine) -> None:
    first, second = (parse_log(log) for log in logs)
    replayed = {made.time_s: made for made in replay(as_heard((first, second)), engine, LABELS, [], speed="max")}
    assert len(host_made) > 20
    for made in host_made:
        wanted = replayed[made.time_s]
        np.testing.assert_array_equal(made.joints, wanted.joints)
        assert made.motion == wanted.motion
        assert (made.message.present, made.message.confidence) == (wanted.message.present, wanted.message.confidence)
    # Nothing is missing from the first that was told to the end.
    begun = [time for time in replayed if time >= host_made[0].time_s]
    assert [made.time_s for made in host_made] == begun
    assert host_made[0].time_s < 5.0
    assert [made.message.seq for made in host_made] == list(range(len(host_made)))


@pytest.mark.parametrize("seed", [1, 2])
def test_poses_are_those_of_a_replay(engine: Engine, demo: tuple[bytes, bytes], seed: int) -> None:
    host = Host(("one", "two"), engine, LABELS)
    assert_same(made_of(host, demo, seed=seed), demo, engine)
    assert host.sessions == 1


def test_poses_of_a_real_walk_are_those_of_a_replay(engine: Engine, data: Path) -> None:
    folder = data / "csi" / "wivelo"
    logs = ((folder / "8-1-6-1-r1.dat").read_bytes(), (folder / "8-1-6-1-r2.dat").read_bytes())
    assert_same(made_of(Host(("one", "two"), engine, LABELS), logs), logs, engine)


def test_a_pose_says_when_its_last_packets_came(engine: Engine, demo: tuple[bytes, bytes]) -> None:
    made = made_of(Host(("one", "two"), engine, LABELS), demo)
    late = np.array([one.message.t - WALL - one.time_s for one in made[30:]])
    assert np.abs(late).max() < 0.06  # the pieces are up to 60 ms long


def test_links_of_the_profile_are_kept(demo: tuple[bytes, bytes]) -> None:
    engine = Engine(load_bundle(find_bundle("wimose-basic")))
    chosen = made_of(Host(("one", "two"), engine, LABELS), demo)
    kept = made_of(Host(("one", "two"), engine, LABELS, links=(Links(2, 0), Links(1, 0))), demo)
    assert len(chosen) == len(kept)
    assert not np.array_equal(chosen[-1].joints, kept[-1].joints)


@pytest.fixture(scope="module")
def basic() -> Engine:
    return Engine(load_bundle(find_bundle("wimose-basic")))


def test_half_the_input_makes_no_pose(basic: Engine, demo: tuple[bytes, bytes]) -> None:
    host = Host(("one", "two"), basic, LABELS)
    silent_from, back = 8.0, 8.0 + RESTART_S / 2
    told: dict[str, int] = {}
    for now, come in chunks(demo):
        silent = silent_from <= now < back
        made = host.push([chunk for chunk in come if chunk.receiver == 0 or not silent], now, WALL + now)
        if silent_from + 0.2 < now < back:
            assert made == []
        if silent_from + SILENT_S + 0.1 < now < back:
            assert host.problem(now) == "no packets from two"
        told["after"] = told.get("after", 0) + len(made) * (now > back)
    assert told["after"] > 20  # by itself
    assert host.sessions == 1  # the clocks had not been lost
    assert host.problem(now) == ""
    assert host.problem(now + SILENT_S + 0.1) == "no packets from either receiver"


def test_long_silence_begins_a_new_session_and_keeps_nothing(basic: Engine, demo: tuple[bytes, bytes]) -> None:
    host = Host(("one", "two"), basic, LABELS)
    now = 0.0
    for now, come in chunks(demo):
        host.push(come, now, WALL + now)
    for second in range(30):
        host.push([], now + second, WALL)
    assert host.clocks is None
    assert made_at(host, demo, now + 30) > 100
    assert host.sessions == 2


def made_at(host: Host, logs: tuple[bytes, bytes], start: float) -> int:
    """Poses made of logs whose first packet comes at `start`."""
    return sum(
        len(host.push([Chunk(c.receiver, c.log, start + c.arrived) for c in come], start + now, WALL + start + now))
        for now, come in chunks(logs)
    )


def test_a_receiver_that_restarts_is_survived(basic: Engine, demo: tuple[bytes, bytes]) -> None:
    host = Host(("one", "two"), basic, LABELS)
    assert made_at(host, demo, 0.0) > 100
    assert made_at(host, (demo[0], restamped(demo[1], -3_000_000)), 20.0) > 100  # both jump back
    assert [ear.restarts for ear in host.ears] == [1, 1]
    assert host.sessions == 2


def test_a_clock_that_wraps_changes_nothing(basic: Engine, demo: tuple[bytes, bytes]) -> None:
    first = parse_log(demo[1]).timestamp_us[0]
    wrapping = restamped(demo[1], int((1 << 32) - 6_000_000 - first))
    straight = made_of(Host(("one", "two"), basic, LABELS), demo)
    wrapped = made_of(Host(("one", "two"), basic, LABELS), (demo[0], wrapping))
    assert len(straight) == len(wrapped)
    np.testing.assert_array_equal(straight[-1].joints, wrapped[-1].joints)


def test_damage_is_counted_and_does_not_stop_it(basic: Engine, demo: tuple[bytes, bytes]) -> None:
    host = Host(("one", "two"), basic, LABELS)
    rng = np.random.default_rng(3)
    made = 0
    for now, come in chunks(demo):
        if rng.uniform() < 0.2:
            come = [*come, Chunk(int(rng.integers(2)), rng.bytes(500), now, missed=1)]
        made += len(host.push(come, now, WALL + now))
    assert made > 100
    assert sum(ear.damaged for ear in host.ears) > 20
    assert sum(ear.missed for ear in host.ears) > 20


@dataclass(frozen=True)
class Pushed:
    now: float
    chunks: list[Chunk]
    made: list[Estimated]


def played(host: Host, logs: tuple[bytes, bytes], late_s: Callable[[float], float], rests: bool) -> list[Pushed]:
    """Play logs of which every packet comes by itself, `late_s` after its time; where it rests, pushed when due."""
    coming = [(now + late_s(now), one) for now, come in chunks(logs, tick_s=0.002) for one in come]
    coming.sort(key=lambda packet: packet[0])
    waiting: list[Chunk] = []
    pushes = []
    for at, one in coming:
        due = host.due()
        if rests and waiting and due < at:  # the loop wakes by itself
            now = max(due, waiting[-1].arrived)
            pushes.append(Pushed(now, waiting, host.push(waiting, now, WALL + now)))
            waiting = []
        # Captures rest as well: what they left in the kernel came, for all they know, when they read it.
        waiting.append(Chunk(one.receiver, one.log, max(at, host.due() - AHEAD_S) if rests else at))
        if not rests or at >= host.due():
            pushes.append(Pushed(at, waiting, host.push(waiting, at, WALL + at)))
            waiting = []
    return pushes


def test_packets_that_rest_until_they_are_due_make_the_same_poses_of_fewer_pushes(
    basic: Engine, demo: tuple[bytes, bytes]
) -> None:
    hosts = Host(("one", "two"), basic, LABELS), Host(("one", "two"), basic, LABELS)
    awake, resting = (
        played(host, demo, lambda _: 0.0, rests) for host, rests in zip(hosts, (False, True), strict=True)
    )
    poses, others = ({m.time_s: m for pushed in pushes for m in pushed.made} for pushes in (awake, resting))
    begun = max(min(poses), min(others))  # of the first seconds, only what is not too old is told
    assert len(poses) > 100
    assert [time for time in poses if time >= begun] == [time for time in others if time >= begun]
    for time in others:
        if time >= begun:
            np.testing.assert_array_equal(others[time].joints, poses[time].joints)
    assert len(resting) < len(awake) / 3
    late = [pushed.now - max(chunk.arrived for chunk in pushed.chunks) for pushed in resting if pushed.made]
    assert np.median(late[20:]) == 0.0  # the last packet was not waited with
    assert np.quantile(late[20:], 0.9) < 0.004


def test_no_pose_comes_before_it_is_due(basic: Engine, demo: tuple[bytes, bytes]) -> None:
    host = Host(("one", "two"), basic, LABELS)
    early, made = 0, 0
    for now, come in chunks(demo, tick_s=0.002):
        due = host.due()
        poses = host.push(come, now, WALL + now)
        made += len(poses)
        early += len(poses) if now < due else 0
    assert made > 100
    assert early < 0.05 * made  # packets do not come evenly: one in fifty comes sooner than any of the last 64


def test_packets_that_begin_to_come_sooner_are_soon_expected_sooner(basic: Engine, demo: tuple[bytes, bytes]) -> None:
    earlier_s = 0.02  # of 50 ms

    def late_s(at: float) -> float:
        return 0.05 - min(max((at - 8.0) / 2, 0.0), earlier_s)  # not so suddenly that packets overtake each other

    pushes = played(Host(("one", "two"), basic, LABELS), demo, late_s, rests=True)
    ages = [(pushed.now, pushed.now - pushed.made[-1].time_s) for pushed in pushes if pushed.made]
    seconds = earlier_s / EARLY_S / 30.0  # a millisecond with every image
    before = np.median([age for now, age in ages if 7.0 < now < 8.0])
    after = np.median([age for now, age in ages if now > 8.1 + 1.5 * seconds])
    assert before - after == pytest.approx(earlier_s, abs=0.002)


def test_nothing_waits_longer_than_that_whatever_is_expected(basic: Engine, demo: tuple[bytes, bytes]) -> None:
    host = Host(("one", "two"), basic, LABELS)
    pushed = 0.0
    for now, come in chunks(demo):
        assert host.due() <= pushed + REST_S
        host.push(come, now, WALL + now)
        pushed = now if come else pushed


def test_another_model_goes_on_with_the_next_pose(basic: Engine, demo: tuple[bytes, bytes]) -> None:
    host = Host(("one", "two"), basic, LABELS)
    poses = []
    for now, come in chunks(demo):
        if 8.0 < now < 8.1:
            again = Engine(load_bundle(find_bundle("wimose-basic")))
            host.exchange(again, Labels("simulated", "room", "simulated", "other@11111111", 0.0), None)
        poses += [made.message for made in host.push(come, now, WALL + now)]
    assert {pose.model for pose in poses} == {"test@00000000", "other@11111111"}
    assert [pose.seq for pose in poses] == list(range(len(poses)))
    assert host.sessions == 1
    assert np.diff([pose.t for pose in poses]).max() < 0.2  # not one packet was lost on the way
