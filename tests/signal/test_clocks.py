"""Clocks followed live: as over the whole recording, whatever the pieces, for as long as the receivers agree."""

from pathlib import Path

import numpy as np
import pytest

from edge.arrays import Array
from edge.recording import align, as_heard
from edge.signal.clocks import ACQUIRE_US, BLOCK_US, LOST, MAX_APART_US, Clocks, Line, acquire
from edge.signal.path import Packets
from tests.signal.conftest import wivelo

SECONDS = 20.0


def packets(time_us: Array) -> Packets:
    """Packets that hold no CSI to speak of."""
    return Packets(time_us.astype(np.int64), np.zeros((time_us.size, 3, 30), np.complex64))


def heard(seed: int = 1, loss: float = 0.02, seconds: float = SECONDS, wander_ppm: float = 0.0) -> tuple[Array, Array]:
    """An irregular sender's packets by two clocks, the second 6 ppm faster and moving by `wander_ppm` in all."""
    rng = np.random.default_rng(seed)
    sent = np.cumsum(500.0 + rng.exponential(6167.0, round(seconds * 150)))
    drift = 6e-6 * sent + wander_ppm * 1e-6 * sent**2 / (2 * sent[-1])
    first = sent + 1e6 + rng.normal(0, 0.5, sent.size)
    second = sent + drift + 5e8 + rng.normal(0, 0.5, sent.size)
    kept = rng.uniform(size=(2, sent.size)) >= loss
    return np.round(first[kept[0]]), np.round(second[kept[1]])


def line_of(a: Array, b: Array) -> Line:
    line = acquire(a.astype(np.int64), b.astype(np.int64))
    assert line is not None
    return line


def pushed(clocks: Clocks, a: Packets, b: Packets, rng: np.random.Generator | None = None) -> tuple[Array, Array]:
    """Times on the session's clock, pushed whole or in random pieces with one receiver ahead of the other."""
    if rng is None:
        first, second = clocks.push((a, b))
        return first.time_us, second.time_us
    at, got = [0, 0], ([np.empty(0)], [np.empty(0)])
    while at[0] < a.time_us.size or at[1] < b.time_us.size:
        step = [int(rng.integers(0, 200)), 0 if rng.uniform() < 0.2 else int(rng.integers(0, 200))]
        placed = clocks.push((a.part(at[0], at[0] + step[0]), b.part(at[1], at[1] + step[1])))
        at = [at[0] + step[0], at[1] + step[1]]
        for r in (0, 1):
            got[r].append(placed[r].time_us)
    return np.concatenate(got[0]), np.concatenate(got[1])


@pytest.mark.parametrize("seed", range(5))
def test_the_pieces_make_no_difference(seed: int) -> None:
    a, b = heard()
    whole = pushed(Clocks(line_of(a, b)), packets(a), packets(b))
    pieces = pushed(Clocks(line_of(a, b)), packets(a), packets(b), np.random.default_rng(seed))
    for r in (0, 1):
        np.testing.assert_array_equal(whole[r], pieces[r])


def test_a_real_walk_gets_the_clock_of_the_whole_recording(data: Path) -> None:
    logs = wivelo(data, "12-1-6-3")
    whole, live = align(logs), as_heard(logs)
    placed = live.receivers[1].time_us
    assert placed.size == whole.receivers[1].time_us.size
    assert np.abs(placed - whole.receivers[1].time_us).max() < 0.2
    np.testing.assert_array_equal(live.receivers[0].time_us, whole.receivers[0].time_us)
    assert not np.array_equal(placed, whole.receivers[1].time_us)  # or this compares a thing with itself


def test_a_crystal_that_warms_up_is_followed() -> None:
    a, b = heard(seconds=300.0, wander_ppm=4.0)
    line = line_of(a, b)
    first, second = pushed(Clocks(line), packets(a), packets(b))
    # Every packet both heard stands at the same time; the line of the beginning would be half a millisecond off.
    nearest = first[np.abs(first[:, None] - second[None, -50:]).argmin(axis=0)]
    near = np.abs(nearest - second[-50:])
    assert np.median(near) < 5.0
    assert abs(second[-1] - line.to_a(b[-1:])[0]) > 400.0


def test_nothing_is_acquired_from_too_little_or_from_strangers() -> None:
    a, b = heard()
    short = a[a < a[0] + ACQUIRE_US / 2].astype(np.int64)
    assert acquire(short, b.astype(np.int64)) is None
    assert acquire(short, b.astype(np.int64), whole=True) is not None
    stranger = heard(seed=2)[1].astype(np.int64)
    assert acquire(a.astype(np.int64), stranger, whole=True) is None
    assert acquire(np.empty(0, np.int64), stranger) is None


def test_another_sender_at_one_receiver_is_noticed() -> None:
    a, b = heard(seconds=40.0)
    stranger = heard(seed=9, seconds=40.0)[1]
    half = b[0] + 15e6
    mixed = np.concatenate((b[b < half], stranger[stranger >= half]))
    clocks = Clocks(line_of(a, b))
    end = 15e6 + (LOST - 2) * BLOCK_US
    clocks.push((packets(a[a - a[0] < end]), packets(mixed[mixed - b[0] < end])))
    assert not clocks.lost  # a second of bad luck is none
    clocks.push((packets(a[a - a[0] >= end]), packets(mixed[mixed - b[0] >= end])))
    assert clocks.lost


def test_loss_is_counted_by_receiver() -> None:
    a, b = heard(loss=0.0)
    rng = np.random.default_rng(5)
    clocks = Clocks(line_of(a, b))
    clocks.push((packets(a), packets(b[rng.uniform(size=b.size) > 0.3])))
    for block in list(clocks.heard)[-5:]:
        assert block.pairs <= block.packets[1] < block.packets[0]
        assert block.pairs >= 0.95 * block.packets[1]
        assert 0 < block.residual_us < 2.0


def test_a_clock_that_stands_still_keeps_nothing_waiting_for_ever() -> None:
    a, b = heard()
    clocks = Clocks(line_of(a, b))
    still = np.full(1000, b[0])
    for start in range(0, a.size, 100):
        clocks.push((packets(a[start : start + 100]), packets(still)))
        if clocks.lost:
            break
    assert clocks.lost
    assert a[start] - a[0] < MAX_APART_US + 2e6
