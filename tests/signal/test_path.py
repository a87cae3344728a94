from itertools import pairwise

import numpy as np
import pytest

from edge.arrays import Array
from edge.errors import ConfigError
from edge.recording import Recording, slices
from edge.signal import hampel, resample
from edge.signal import path as path_module
from edge.signal.grid import stride_of
from edge.signal.imagespec import KNOWN, PLUS_2, WIMOSE_1, ImageSpec
from edge.signal.links import Links
from edge.signal.path import CsiImage, Packets, ReceiverPath, SignalPath

Both = tuple[Packets, Packets]
NOTHING = Packets(np.empty(0), np.empty((0, 3, 30), np.complex64))


def part(packets: Packets, where: slice | Array) -> Packets:
    return Packets(packets.time_us[where], packets.csi[where])


@pytest.fixture(params=list(KNOWN.values()), ids=list(KNOWN))
def spec(request: pytest.FixtureRequest) -> ImageSpec:
    chosen: ImageSpec = request.param
    return chosen


def one_piece(
    recording: Recording, spec: ImageSpec, poses_per_s: float = 30.0, empty_us: float | None = None
) -> list[CsiImage]:
    return SignalPath(recording.links, poses_per_s, spec, empty_us).push(recording.receivers)


def assert_same(images: list[CsiImage], expected: list[CsiImage]) -> None:
    """Equal times, and equal images bit for bit."""
    assert [image.time_us for image in images] == [image.time_us for image in expected]
    for image, other in zip(images, expected, strict=True):
        assert image.values.dtype == np.float32
        assert image.values.shape == other.values.shape
        assert image.values.tobytes() == other.values.tobytes()


def by_packet(recording: Recording, path: SignalPath) -> list[CsiImage]:
    """Pushed as they come in live, each packet alone."""
    first, second = recording.receivers
    receiver = np.repeat([0, 1], [first.time_us.size, second.time_us.size])
    number = np.concatenate([np.arange(packets.time_us.size) for packets in recording.receivers])
    images = []
    for n in np.argsort(np.concatenate((first.time_us, second.time_us)), kind="stable"):
        one = part(recording.receivers[receiver[n]], slice(number[n], number[n] + 1))
        images += path.push((one, NOTHING) if receiver[n] == 0 else (NOTHING, one))
    return images


def by_chunk(recording: Recording, path: SignalPath, seed: int) -> list[CsiImage]:
    """Pushed in chunks of random size, so that either receiver is ahead at times, by up to a second."""
    rng = np.random.default_rng(seed)
    at = [0, 0]
    images = []
    while any(at[r] < recording.receivers[r].time_us.size for r in range(2)):
        chunks = []
        for r, packets in enumerate(recording.receivers):
            size = int(rng.choice([0, 1, 2, 7, 50, packets.time_us.size // 8]))
            chunks.append(part(packets, slice(at[r], at[r] + size)))
            at[r] += size
        images += path.push((chunks[0], chunks[1]))
    return images


def assert_streams_as_a_whole(recording: Recording, spec: ImageSpec, fewest: int, empty_us: float | None) -> None:
    """fewest: images of a window of 20"""

    def path() -> SignalPath:
        return SignalPath(recording.links, spec=spec, empty_us=empty_us)

    whole = path().push(recording.receivers)
    assert len(whole) >= fewest - (spec.packets - 20) // 5
    assert all(image.values.shape == spec.shape for image in whole)
    assert all(np.isfinite(image.values).all() and image.values.std() > 0.01 for image in whole)
    assert_same(by_packet(recording, path()), whole)
    for seed in range(3):
        assert_same(by_chunk(recording, path(), seed), whole)
    sliced = path()
    assert_same([image for _, packets in slices(recording, 1e6 / 30) for image in sliced.push(packets)], whole)


EMPTY = pytest.mark.parametrize("empty_us", [None, 1.234e6])


@EMPTY
def test_a_real_walk_streams_as_a_whole(wivelo_recording: Recording, spec: ImageSpec, empty_us: float | None) -> None:
    assert_streams_as_a_whole(wivelo_recording, spec, 130, empty_us)


@EMPTY
def test_a_simulated_walk_streams_as_a_whole(recording: Recording, spec: ImageSpec, empty_us: float | None) -> None:
    first, second = recording.receivers
    assert first.time_us.size != second.time_us.size  # packets were lost
    assert recording.pairing.paired_share < 1.0
    assert_streams_as_a_whole(recording, spec, 220, empty_us)


def expected_stops(receivers: Both, size: int, stride: int) -> tuple[Array, Array]:
    """Grid points that end a window, from the packets' times alone: those with an image, those withheld."""
    known, decided = [], []
    for packets in receivers:
        time = packets.time_us[hampel.HALF_WIDTH : -hampel.HALF_WIDTH]
        decided.append(int((time[-1] - resample.SUPPORT_US) * 150 / 1e6) + 1)
        grid = np.arange(decided[-1]) / 150 * 1e6
        before, after = np.searchsorted(time, grid, side="right") - 1, np.searchsorted(time, grid, side="right")
        inside = (before >= 0) & (after < time.size)
        gap = time[after.clip(max=time.size - 1)] - time[before.clip(min=0)]
        known.append(inside & (gap <= resample.MAX_GAP_US))
    both = known[0][: min(decided)] & known[1][: min(decided)]
    stops = np.array([stop for stop in range(size, both.size + 1) if stop % stride == 0])
    whole = np.array([both[stop - size : stop].all() for stop in stops])
    return stops[whole], stops[~whole]


@pytest.mark.parametrize("poses_per_s", [30.0, 7.5])
def test_one_image_every_stride(recording: Recording, spec: ImageSpec, poses_per_s: float) -> None:
    path = SignalPath(recording.links, poses_per_s, spec)
    images = path.push(recording.receivers)
    made, withheld = expected_stops(recording.receivers, spec.whole, stride=round(150 / poses_per_s))
    np.testing.assert_allclose([image.time_us for image in images], (made - 1) / 150 * 1e6)
    assert path.withheld == withheld.size


def test_the_slower_rate_gives_every_fourth_image(recording: Recording, spec: ImageSpec) -> None:
    slow, fast = one_piece(recording, spec, poses_per_s=7.5), one_piece(recording, spec)
    times = {image.time_us for image in slow}
    assert 40 < len(slow) < len(fast) / 3.9
    assert_same(slow, [image for image in fast if image.time_us in times])


def test_a_window_s_columns_are_the_grid_s(recording: Recording, spec: ImageSpec) -> None:
    """One stride later, the columns have moved by five."""
    columns, _ = SignalPath(recording.links, spec=spec).columns(recording.receivers)
    images = one_piece(recording, spec)
    for image, later in pairwise(images[100:110]):
        stop = round(image.time_us * 150e-6) + 1
        np.testing.assert_array_equal(image.values, spec.image(columns[stop - spec.packets : stop]))
        # An image's layout is its own inverse: columns in time again.
        np.testing.assert_array_equal(spec.image(image.values)[5:], spec.image(later.values)[:-5])


def test_a_gap_withholds_exactly_the_windows_that_touch_it(recording: Recording, spec: ImageSpec) -> None:
    first, second = recording.receivers
    holed = first, part(second, (second.time_us < 4.0e6) | (second.time_us > 4.1e6))
    path = SignalPath(recording.links, spec=spec)
    images = path.push(holed)
    made, withheld = expected_stops(holed, spec.whole, stride=5)
    _, withheld_anyway = expected_stops(recording.receivers, spec.whole, stride=5)
    # 100 ms and a window, in strides of 5
    assert withheld.size - withheld_anyway.size == pytest.approx((15 + spec.whole) / 5, abs=1.01)
    assert path.withheld == withheld.size
    np.testing.assert_allclose([image.time_us for image in images], (made - 1) / 150 * 1e6)
    before = [image for image in images if image.time_us < 3.95e6]
    assert len(before) > 40
    assert_same(before, one_piece(recording, spec)[: len(before)])


def test_before_the_first_packet_and_in_a_gap_there_are_zeros(recording: Recording) -> None:
    """A window that looks further back than somebody was heard is not waited for."""
    first, second = recording.receivers
    holed = first, part(second, (second.time_us < 4.0e6) | (second.time_us > 4.1e6))
    columns, known = SignalPath(recording.links, spec=PLUS_2).columns(holed)
    images = SignalPath(recording.links, spec=PLUS_2).push(holed)
    size, whole = PLUS_2.packets, PLUS_2.whole
    (early,) = images[0].values[None]
    stop = round(images[0].time_us * 150e-6) + 1
    assert whole <= stop <= whole + 5
    assert not early[: size - stop].any()
    np.testing.assert_array_equal(early[size - stop :], columns[:stop])
    behind = [round(image.time_us * 150e-6) + 1 for image in images if image.time_us > 4.2e6]
    assert 4.1 * 150 + whole - 5 < behind[0] < 4.1 * 150 + whole + 15  # not the whole window after the gap
    late = next(image.values for image in images if image.time_us > 4.2e6)
    gap = ~known[behind[0] - size : behind[0]]
    assert 10 < gap.sum() < 30
    assert not late[gap, 70:].any()  # the second receiver's half
    assert np.abs(late[: int(np.flatnonzero(gap)[0])]).max() > 0.1  # and what was heard before it


def test_a_gap_under_50_ms_withholds_nothing(recording: Recording) -> None:
    first, second = recording.receivers
    quiet = part(second, (second.time_us < 4.0e6) | (second.time_us > 4.033e6))
    assert second.time_us.size - quiet.time_us.size >= 4
    path, untouched = SignalPath(recording.links), SignalPath(recording.links)
    assert len(path.push((first, quiet))) == len(untouched.push(recording.receivers))
    assert path.withheld == untouched.withheld


def test_packets_whose_clock_does_not_advance_are_counted_and_left_out(recording: Recording) -> None:
    first, second = recording.receivers
    order = np.insert(np.arange(first.time_us.size), [200, 200, 500], [199, 150, 400])  # twice, back, far back
    disturbed = part(first, order)
    for cut in (100, 201, 202):  # the late ones inside a push, and at its beginning
        path = SignalPath(recording.links)
        images = path.push((part(disturbed, slice(cut)), NOTHING))
        images += path.push((part(disturbed, slice(cut, None)), second))
        assert path.receivers[0].late == 3
        assert path.receivers[1].late == 0
        assert_same(images, one_piece(recording, WIMOSE_1))


@pytest.mark.parametrize("block", [1, 7, 100, 10**6])
def test_neither_blocks_nor_threads_change_a_bit(
    recording: Recording, spec: ImageSpec, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = one_piece(recording, spec)
    monkeypatch.setattr(path_module, "BLOCK", block)
    assert_same(SignalPath(recording.links, spec=spec, threads=2).push(recording.receivers), whole)


def test_an_image_comes_when_what_is_due_has_come_and_not_before(recording: Recording, spec: ImageSpec) -> None:
    path = SignalPath(recording.links, spec=spec)
    images = 0
    newest: tuple[list[float], list[float]] = ([], [])  # times that Hampel's window is whole for, and those beyond
    for at_us, packets in slices(recording, 3000.0):
        if at_us > 1e6 * (1.0 + spec.packets / spec.rate_hz):
            break
        for times, more in zip(newest, packets, strict=True):
            times.extend(more.time_us)
        due_us, withheld = path.due_us, path.withheld
        pushed = path.push(packets)
        made = len(pushed) + path.withheld - withheld  # the first windows begin before the first packet
        complete = all(len(times) > hampel.HALF_WIDTH and times[-1 - hampel.HALF_WIDTH] >= due_us for times in newest)
        assert bool(made) == complete
        assert (path.due_us > due_us) == complete
        if pushed:
            step_us = path.stride * resample.GRID_US
            assert path.due_us == pytest.approx(pushed[-1].time_us + step_us + resample.SUPPORT_US)
        images += made
    assert images - path.withheld > 20


def test_nothing_comes_of_nothing(recording: Recording) -> None:
    path = SignalPath(recording.links)
    assert path.push((NOTHING, NOTHING)) == []
    assert path.push((recording.receivers[0], NOTHING)) == []
    assert_same(path.push((NOTHING, recording.receivers[1])), one_piece(recording, WIMOSE_1))


def still(first: Array, then: Array, at: int, count: int) -> Packets:
    """`count` packets at 150/s of a channel (3, 30) that changes once, at packet `at`."""
    csi = np.where((np.arange(count) < at)[:, None, None], first, then)
    return Packets(np.arange(count) / 150 * 1e6, csi.astype(np.complex64))


def test_the_empty_room_is_what_everything_after_is_compared_with(spec: ImageSpec) -> None:
    """Who comes after two seconds and stands still for eight stays visible; without the empty room he fades."""
    rng = np.random.default_rng(1)
    first, then = 20 + rng.normal(0, 5, (2, 3, 30)) + 1j * rng.normal(0, 5, (2, 3, 30))
    packets = still(first, then, at=330, count=1500)
    links = Links(reference=0, partner=1)
    known, learnt = (ReceiverPath(links, spec, empty_us).push(packets) for empty_us in (2e6, None))
    assert known.known[3:].all()
    for columns in (known, learnt):  # nobody there
        np.testing.assert_allclose(columns.values[:300], 0.0, atol=1e-6)
    assert np.abs(known.values[400]).mean() > 0.05
    np.testing.assert_allclose(known.values[1400], known.values[400], rtol=0, atol=1e-6)
    assert np.abs(learnt.values[1400]).mean() < 0.7 * np.abs(learnt.values[400]).mean()


def test_until_the_empty_room_ends_nothing_differs(recording: Recording, spec: ImageSpec) -> None:
    empty_us = 4e6
    known, learnt = one_piece(recording, spec, empty_us=empty_us), one_piece(recording, spec)
    early = [image.time_us < empty_us for image in known]
    assert_same(known[: sum(early)], learnt[: sum(early)])
    assert sum(early) > 40
    assert not np.array_equal(known[-1].values, learnt[-1].values)


def test_rates_that_divide_the_grid() -> None:
    assert [stride_of(rate) for rate in (150.0, 30.0, 15.0, 10.0, 7.5)] == [1, 5, 10, 15, 20]
    for rate in (29.0, 31.0, 0.0, -30.0, 400.0):
        with pytest.raises(ConfigError, match="use 30, 15, 10"):
            stride_of(rate)
