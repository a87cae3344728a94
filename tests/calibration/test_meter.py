"""What the screen shows of a receiver while it listens."""

import numpy as np
import pytest

from calibration.meter import Meter
from edge.commands.demo import SESSION
from edge.parse.framing import find_records

LOG = (SESSION / "receiver1.dat").read_bytes()
OFFSETS = find_records(np.frombuffer(LOG, np.uint8))[0]


def part(start: int, stop: int) -> bytes:
    return LOG[OFFSETS[start] : OFFSETS[stop]]


def test_rate_level_and_time() -> None:
    meter = Meter("left")
    assert meter.silent_s(3.0) is None
    for n in range(30):  # fifteen packets each tenth of a second
        assert meter.push(part(15 * n, 15 * n + 15), 10.0 + 0.1 * n)
    assert meter.packets_per_s(12.9) == pytest.approx(150)
    assert meter.seconds == pytest.approx(3.0, abs=0.05)
    assert meter.began is not None
    assert meter.began == pytest.approx(9.9, abs=0.05), "what came with least delay tells"
    assert meter.level is not None
    assert 0.02 < meter.level < 0.5
    assert meter.silent_s(15.0) == pytest.approx(2.1)
    assert meter.packets_per_s(20.0) == 0


def test_a_late_batch_does_not_move_the_beginning() -> None:
    meter = Meter("left")
    meter.push(part(0, 15), 10.0)
    began = meter.began
    meter.push(part(15, 30), 14.0)
    assert meter.began == began


def test_a_clock_that_leaps_back() -> None:
    meter = Meter("left")
    assert meter.push(part(100, 200), 1.0)
    assert not meter.push(part(0, 50), 2.0)


def test_what_holds_no_packets_is_not_heard() -> None:
    meter = Meter("left")
    assert meter.push(b"", 1.0)
    assert meter.heard is None
