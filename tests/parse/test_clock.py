"""The 32-bit clock: wraps are undone, jumps backward are shown, and nothing turns negative."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.parse.clock import follow, follow_plain, unwrap
from edge.parse.intel5300 import read_log

WRAP = 1 << 32
HALF = 1 << 31


def _unwrap(times: list[int]) -> tuple[list[int], list[int]]:
    time, backward = unwrap(np.array(times, np.uint32))
    assert time.dtype == np.uint64
    return time.tolist(), backward.tolist()


@pytest.mark.parametrize(
    ("recorded", "time", "backward"),
    [
        ([], [], []),
        ([7], [7], []),
        ([5, 5, 6], [5, 5, 6], []),  # the same microsecond twice is not backward
        ([WRAP - 1, 0, 1], [WRAP - 1, WRAP, WRAP + 1], []),
        ([WRAP - 500, 500], [WRAP - 500, WRAP + 500], []),
        ([0, HALF - 1], [0, HALF - 1], []),  # the longest pause that is still forward
        ([WRAP - 1, HALF - 2], [WRAP - 1, WRAP + HALF - 2], []),
        ([HALF, 0], [HALF, 0], [1]),  # half way round either way: backward
        ([1000, 400, 500], [1000, 400, 500], [1]),
        ([3000, 2000, 1000], [3000, 2000, 1000], [1, 2]),
        ([100, WRAP - 100], [WRAP + 100, WRAP - 100], [1]),  # set back through zero: all moves up by one wrap
        ([100, WRAP - 100, 100], [WRAP + 100, WRAP - 100, WRAP + 100], [1]),
        ([0, HALF, 0, HALF, 0], [2 * WRAP, WRAP + HALF, WRAP, HALF, 0], [1, 2, 3, 4]),
    ],
)
def test_wraps_and_jumps(recorded: list[int], time: list[int], backward: list[int]) -> None:
    assert _unwrap(recorded) == (time, backward)


def test_three_wraps_of_a_long_recording() -> None:
    true = 4_000_000_000 + np.arange(0, 3 * WRAP, 1_000_000_007, dtype=np.uint64)
    time, backward = unwrap((true % WRAP).astype(np.uint32))
    assert np.array_equal(time, true)
    assert backward.size == 0


@given(st.lists(st.integers(0, WRAP - 1), max_size=50))
def test_the_low_bits_stay_and_every_step_is_the_shorter_way_round(recorded: list[int]) -> None:
    time, backward = _unwrap(recorded)
    assert [at % WRAP for at in time] == recorded
    steps = [after - before for before, after in pairwise(time)]
    assert all(-HALF <= step < HALF for step in steps)
    assert backward == [n + 1 for n, step in enumerate(steps) if step < 0]


@pytest.mark.parametrize(("name", "backward"), [("los_100.dat", [87]), ("los_40.dat", [619, 756])])
def test_real_recordings_that_were_appended_to_one_another(data: Path, name: str, backward: list[int]) -> None:
    log = read_log(data / "csi/csikit/intel_office" / name)
    assert list(log.report.backward) == backward
    step = np.diff(log.timestamp_us.astype(np.int64))
    assert np.array_equal(np.flatnonzero(step < 0) + 1, backward)
    assert int(log.timestamp_us.max()) < WRAP


@given(st.lists(st.integers(0, WRAP - 1), min_size=1), st.integers(-5 * WRAP, 5 * WRAP))
def test_fast_and_plain_agree(stamps: list[int], before: int) -> None:
    low = np.array(stamps, np.int64)
    (time, backward, lowest), (plain_time, plain_backward, plain_lowest) = (
        follow(low, before),
        follow_plain(low, before),
    )
    np.testing.assert_array_equal(time, plain_time)
    np.testing.assert_array_equal(backward, plain_backward)
    assert lowest == plain_lowest
