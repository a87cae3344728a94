"""What a guided walk asks for."""

from itertools import pairwise
from math import dist

import pytest

from calibration.frame import array_at
from calibration.script import CLEAR_M, PACE, WALL_M, chair_spot, check_spots, script, spots
from edge.profile import Geometry
from tests.calibration.rehearsal import GEOMETRY

SMALL = Geometry(
    (2.5, 3.0, 2.4), (0.2, 0.2, 1.0), (array_at((2.3, 0.2, 1), "y", 0.03), array_at((0.2, 2.8, 1), "x", 0.03))
)


@pytest.mark.parametrize("geometry", [GEOMETRY, SMALL])
@pytest.mark.parametrize("seconds", [30.0, 60.0, 120.0, 300.0])
def test_every_prompt_follows_the_one_before(geometry: Geometry, seconds: float) -> None:
    prompts = script(geometry, seconds, 12.0)
    assert prompts[0].start_s == 12.0
    assert prompts[-1].end_s <= 12.0 + seconds + 0.01
    assert seconds <= 60 or prompts[-1].end_s > 12.0 + 0.85 * seconds, "the time is used"
    for before, after in pairwise(prompts):
        assert after.start_s == before.end_s
        assert after.start_m == before.end_m
    for prompt in prompts:
        away = dist(prompt.start_m, prompt.end_m)
        assert (prompt.pose == "walk") == (away > 0)
        assert away / (prompt.end_s - prompt.start_s) <= PACE + 0.01
        assert all(0 < at < side for at, side in zip(prompt.end_m, geometry.size_m, strict=False))


@pytest.mark.parametrize("geometry", [GEOMETRY, SMALL])
def test_spots_stand_clear(geometry: Geometry) -> None:
    for spot in spots(geometry, 120.0):
        for radio in (geometry.transmitter_m, *geometry.receivers_m[0], *geometry.receivers_m[1]):
            assert dist(spot, radio[:2]) >= CLEAR_M
        for at, side in zip(spot, geometry.size_m, strict=False):
            assert WALL_M[0] <= at <= side - WALL_M[0]
    assert len(spots(geometry, 300.0)) >= len(spots(geometry, 60.0)) > 3


def test_the_frame_is_checked_first_on_three_spots_that_span_it() -> None:
    first = [prompt for prompt in script(GEOMETRY, 120.0) if prompt.pose != "walk"][:3]
    assert [prompt.start_m for prompt in first] == check_spots(GEOMETRY, 120.0)
    (ax, ay), (bx, by), (cx, cy) = check_spots(GEOMETRY, 120.0)
    area = abs((bx - ax) * (cy - ay) - (by - ay) * (cx - ax)) / 2
    assert area > 0.2 * GEOMETRY.size_m[0] * GEOMETRY.size_m[1], "not in a line"


def test_two_minutes_hold_all_that_is_asked() -> None:
    prompts = script(GEOMETRY, 150.0)
    assert {prompt.pose for prompt in prompts} == {"stand", "walk", "arms-up", "arms-wide", "sit"}
    steps = [(b[0] - a[0], b[1] - a[1]) for a, b in ((p.start_m, p.end_m) for p in prompts if p.pose == "walk")]
    assert any(abs(x) > 1 and abs(y) < 0.1 for x, y in steps), "along one link"
    assert any(abs(y) > 5 and abs(x) < 0.1 for x, y in steps), "along the other, from one end to the other"
    visited = [prompt.start_m for prompt in prompts if prompt.pose != "walk"]
    assert set(visited) == set(spots(GEOMETRY, 150.0))
    assert any(visited.count(spot) > 1 for spot in visited), "met again, to be kept away from the fit"
    assert all(prompt.start_m == chair_spot(GEOMETRY, 150.0) for prompt in prompts if prompt.pose == "sit"), "one chair"


def test_who_raises_arms_faces_the_transmitter() -> None:
    prompt = next(prompt for prompt in script(GEOMETRY, 150.0) if prompt.pose == "arms-up")
    x, y = GEOMETRY.transmitter_m[0] - prompt.start_m[0], GEOMETRY.transmitter_m[1] - prompt.start_m[1]
    from math import atan2, degrees

    assert prompt.facing_deg == pytest.approx(degrees(atan2(y, x)), abs=0.1)
