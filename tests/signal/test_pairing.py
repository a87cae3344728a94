from collections.abc import Callable

import numpy as np
import pytest

from edge.arrays import Array
from edge.errors import RecordingError
from edge.parse.clock import WRAP_US, unwrap
from edge.signal import pairing
from edge.signal.pairing import MIN_PAIRS, Pairing, fit_line, match, match_plain, pair, quick_line
from tests.signal.conftest import Walk

Sender = Callable[[float, np.random.Generator], Array]


def irregular(seconds: float, rng: np.random.Generator) -> Array:
    """150 packets/s as traffic has them: (N,) float64 us, never closer than 500 us."""
    return np.asarray(np.cumsum(500.0 + rng.exponential(6167.0, round(seconds * 150))))


def near_regular(seconds: float, rng: np.random.Generator) -> Array:
    """1000 packets/s with 10 us of jitter and the odd packet never sent, as csi/wivelo has them: (N,) float64 us."""
    count = round(seconds * 1000)
    times = np.arange(count) * 1000.0 + rng.normal(0.0, 10.0, count)
    return np.asarray(times[rng.uniform(size=count) > 0.0005])


def hear(sent: Array, rng: np.random.Generator, offset: float, ppm: float, loss: float) -> tuple[Array, Array]:
    """One receiver: which packets it heard (N,) int64, and its clock's whole microseconds (N,) uint64."""
    heard = np.flatnonzero(rng.uniform(size=sent.size) >= loss)
    ticks = sent[heard] * (1 + ppm * 1e-6) + offset + rng.normal(0.0, 0.5, heard.size)
    return heard, np.sort(np.round(ticks)).astype(np.uint64)


def assert_true_pairs(found: Pairing, sent: Array, heard_a: Array, heard_b: Array, offset: float, ppm: float) -> None:
    """The pairs are all packets that both heard, and the line is that of the clocks (A's own runs true)."""
    both = np.intersect1d(heard_a, heard_b)
    np.testing.assert_array_equal(heard_a[found.index_a], both)
    np.testing.assert_array_equal(heard_b[found.index_b], both)
    assert found.drift_ppm == pytest.approx(ppm, abs=0.1)
    assert found.offset_us == pytest.approx(offset + ppm * 1e-6 * sent[heard_a[0]], abs=1.0)
    assert found.residual_us < 1.0


@pytest.mark.parametrize(
    ("sender", "offset", "ppm"),
    [
        (irregular, 110_854_166.0, 6.2),
        (irregular, -4_000_000.0, -30.0),
        (irregular, 0.0, 0.0),
        (near_regular, 110_854_166.0, 6.2),
        (near_regular, 0.0, 0.0),
        (near_regular, -4_000_000.0, -30.0),
    ],
)
def test_known_clocks_are_found(sender: Sender, offset: float, ppm: float) -> None:
    rng = np.random.default_rng(5)
    sent = sender(20.0, rng)
    heard_a, time_a = hear(sent, rng, 9_000_000.0, 0.0, loss=0.01)
    heard_b, time_b = hear(sent, rng, 9_000_000.0 + offset, ppm, loss=0.02)
    assert_true_pairs(pair(time_a, time_b), sent, heard_a, heard_b, offset, ppm)


@pytest.mark.parametrize("sender", [irregular, near_regular])
@pytest.mark.parametrize("late", ["a", "b"])
def test_one_receiver_starts_40_s_later(sender: Sender, late: str) -> None:
    rng = np.random.default_rng(6)
    sent = sender(90.0, rng)
    begin = int(np.searchsorted(sent, 40e6))
    heard_a, time_a = hear(sent[begin if late == "a" else 0 :], rng, 1e6, 0.0, loss=0.01)
    heard_b, time_b = hear(sent[begin if late == "b" else 0 :], rng, 7e6, 15.0, loss=0.01)
    heard_a += begin if late == "a" else 0
    heard_b += begin if late == "b" else 0
    assert_true_pairs(pair(time_a, time_b), sent, heard_a, heard_b, 6e6, 15.0)


class Searched:
    """Notes how often impulses are looked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sizes: list[int] = []
        self._search = pairing._lags_of_impulses
        monkeypatch.setattr(pairing, "_lags_of_impulses", self)

    def __call__(self, a: Array, b: Array) -> list[tuple[float, float, float]]:
        self.sizes.append(a.size)
        return self._search(a, b)


def test_what_is_sure_by_its_jitter_is_what_both_searches_find(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(11)
    sent = near_regular(20.0, rng)
    _, time_a = hear(sent, rng, 9e6, 0.0, loss=0.01)
    _, time_b = hear(sent, rng, 3e7, 12.0, loss=0.02)
    searched = Searched(monkeypatch)
    sure = pair(time_a, time_b)
    assert searched.sizes == []
    monkeypatch.setattr(pairing, "SURE_PAIRS", time_a.size + 1)
    both = pair(time_a, time_b)
    assert searched.sizes == [time_a.size]
    np.testing.assert_array_equal(sure.index_a, both.index_a)
    np.testing.assert_array_equal(sure.index_b, both.index_b)
    assert (sure.offset_us, sure.drift_ppm) == (both.offset_us, both.drift_ppm)


def test_what_is_not_sure_by_its_jitter_is_looked_for_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(12)
    searched = Searched(monkeypatch)
    few = near_regular(0.4, rng)
    (_, time_a), (_, time_b) = (hear(few, rng, 1e6, 0.0, loss=0.0) for _ in range(2))
    pair(time_a, time_b)
    (_, time_a), (_, time_b) = (hear(near_regular(20.0, rng), rng, 1e6, 0.0, loss=0.0) for _ in range(2))
    with pytest.raises(RecordingError):
        pair(time_a, time_b)
    assert searched.sizes == [few.size, time_a.size]


def test_wrapped_clocks() -> None:
    """Both 32-bit clocks pass their end during the recording, at different moments."""
    rng = np.random.default_rng(7)
    sent = irregular(20.0, rng)
    offset = -6e6
    heard_a, time_a = hear(sent, rng, WRAP_US - 3e6, 0.0, loss=0.01)
    heard_b, time_b = hear(sent, rng, WRAP_US - 3e6 + offset, 8.0, loss=0.01)
    unwrapped = [unwrap((time % WRAP_US).astype(np.uint32))[0] for time in (time_a, time_b)]
    assert_true_pairs(pair(*unwrapped), sent, heard_a, heard_b, offset, 8.0)


def test_other_clock_is_carried_over() -> None:
    rng = np.random.default_rng(8)
    sent = irregular(20.0, rng)
    _, time_a = hear(sent, rng, 5e6, 0.0, loss=0.0)
    _, time_b = hear(sent, rng, 2e9, 40.0, loss=0.0)
    np.testing.assert_allclose(pair(time_a, time_b).to_clock_a(time_b), time_a.astype(np.float64), rtol=0, atol=5.0)


@pytest.mark.parametrize("loss", [(0.3, 0.0), (0.0, 0.3)])
def test_loss_at_either_receiver_lowers_the_share(loss: tuple[float, float]) -> None:
    rng = np.random.default_rng(9)
    sent = irregular(20.0, rng)
    (_, time_a), (_, time_b) = (hear(sent, rng, 1e6, 0.0, each) for each in loss)
    assert pair(time_a, time_b).paired_share == pytest.approx(0.7, abs=0.03)


@pytest.mark.parametrize("sender", [irregular, near_regular])
def test_unrelated_recordings_are_refused(sender: Sender) -> None:
    """Two recordings of a regular sender pair packet by packet, but with a jitter of their own."""
    rng = np.random.default_rng(10)
    _, time_a = hear(sender(20.0, rng), rng, 1e6, 0.0, loss=0.0)
    _, time_b = hear(sender(20.0, rng), rng, 1e6, 0.0, loss=0.0)
    with pytest.raises(RecordingError, match="do not hear the same packets"):
        pair(time_a, time_b)


def test_too_few_packets_are_refused() -> None:
    times = np.arange(MIN_PAIRS).astype(np.uint64) ** 2 * 1000
    with pytest.raises(RecordingError, match=f"{MIN_PAIRS} and {MIN_PAIRS - 1} packets"):
        pair(times, times[1:])


def test_equal_stamps_do_not_hide_a_nearer_packet() -> None:
    a, b = np.array([0.0, 1000.0, 2000.0]), np.array([0.0, 700.0, 700.0, 1000.0, 2000.0])
    for pairs in (match(a, b, 0.0, 0.0, 400.0), match_plain(a, b, 0.0, 0.0, 400.0)):
        assert [index.tolist() for index in pairs] == [[0, 1, 2], [0, 3, 4]]


@pytest.mark.parametrize("seed", range(20))
def test_match_equals_its_plain_twin(seed: int) -> None:
    """Dense and sparse stretches, so that several packets compete for one; loss on both sides."""
    rng = np.random.default_rng(seed)
    a = np.cumsum(rng.integers(1, rng.choice([60, 600, 6000]), 150)).astype(np.float64)
    b = np.unique(np.round(a * (1 + 2e-5) + 700.0 + rng.normal(0, 150.0, a.size)))
    a, b = a[rng.uniform(size=a.size) > 0.1], b[rng.uniform(size=b.size) > 0.1]
    fast, plain = match(a, b, 700.0, 2e-5, 400.0), match_plain(a, b, 700.0, 2e-5, 400.0)
    assert plain[0].size > 20
    np.testing.assert_array_equal(fast[0], plain[0])
    np.testing.assert_array_equal(fast[1], plain[1])


def test_real_walks(wivelo_walks: list[Walk]) -> None:
    assert len(wivelo_walks) == 12
    for walk in wivelo_walks:
        assert walk.pairing.paired_share >= 0.998, walk.name
        assert walk.pairing.residual_us < 1.0, walk.name  # a packet off it would be 8 to 13
        assert 5.0 < walk.pairing.drift_ppm < 7.0, walk.name
        assert abs(int(walk.pairing.index_a[0]) - int(walk.pairing.index_b[0])) <= 2, walk.name


@pytest.mark.parametrize(
    ("one", "other"),
    [("1-1-4-1", "1-1-5-1"), ("12-1-6-3", "1-1-5-1"), ("1-1-6-1", "8-1-6-1"), ("1-1-1-1", "8-1-1-1")],
)
def test_walks_at_different_times_are_refused(wivelo_walks: list[Walk], one: str, other: str) -> None:
    """The same sender, 1000 packets/s: 99.9 % pair whatever the offset; of 132 mixtures the first three look best."""
    stamps = {walk.name: walk.stamps_us for walk in wivelo_walks}
    with pytest.raises(RecordingError, match="do not hear the same packets"):
        pair(stamps[one][0], stamps[other][1])


@pytest.mark.parametrize("outliers", [0, 40])
def test_the_quick_line_is_the_exact_one(outliers: int) -> None:
    rng = np.random.default_rng(outliers)
    a = np.sort(rng.uniform(0.0, 20e6, 2000))
    b = a + 17.25 + 5.8e-6 * a + rng.normal(0.0, 0.6, a.size)
    b[rng.choice(a.size, outliers, replace=False)] += 300.0
    np.testing.assert_allclose(quick_line(a, b), fit_line(a, b), rtol=1e-9)
