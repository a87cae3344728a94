"""What a guided walk asks for."""

from itertools import pairwise
from math import dist

import pytest

from calibration.frame import array_at
from calibration.script import CLEAR_M, PACE, WALL_M, Spot, chair_spot, route, script, spots
from edge.geometry import Geometry
from tests.calibration.rehearsal import GEOMETRY

SMALL = Geometry(
    (2.5, 3.0, 2.4), (0.2, 0.2, 1.0), (array_at((2.3, 0.2, 1), "y", 0.03), array_at((0.2, 2.8, 1), "x", 0.03))
)


def stops(geometry: Geometry, seconds: float) -> list[Spot]:
    return [prompt.start_m for prompt in script(geometry, seconds) if prompt.pose != "walk"]


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


@pytest.mark.parametrize("seconds", [60.0, 300.0])
def test_the_frame_is_checked_first_on_three_spots_that_span_it(seconds: float) -> None:
    prompts = [prompt for prompt in script(GEOMETRY, seconds) if prompt.pose != "walk"][:3]
    assert [(prompt.pose, round(prompt.end_s - prompt.start_s, 2)) for prompt in prompts] == [("stand", 5.0)] * 3
    (ax, ay), (bx, by), (cx, cy) = (prompt.start_m for prompt in prompts)
    area = abs((bx - ax) * (cy - ay) - (by - ay) * (cx - ax)) / 2
    assert area > 0.2 * GEOMETRY.size_m[0] * GEOMETRY.size_m[1], "not in a line"


@pytest.mark.parametrize(("geometry", "first_s"), [(GEOMETRY, 60), (SMALL, 30)])
def test_a_walk_of_any_length_covers_the_room(geometry: Geometry, first_s: int) -> None:
    """Row by row, a minute left one side of the room alone, and the calibration was worse than none there."""
    places = spots(geometry, first_s)
    neighbours = min(dist(a, b) for a in places for b in places if a != b)
    for seconds in range(first_s, 180, 5):
        met = stops(geometry, seconds)
        assert max(min(dist(place, stop) for stop in met) for place in places) <= neighbours + 0.01
        for axis in (0, 1):
            middle = sum(stop[axis] for stop in met) / len(met)
            assert middle == pytest.approx(geometry.size_m[axis] / 2, abs=0.11 * geometry.size_m[axis]), seconds


def test_a_longer_walk_goes_on_where_a_shorter_one_ends() -> None:
    """But for its last stop, which is what still fitted."""
    longest = stops(GEOMETRY, 190.0)
    for seconds in range(30, 190, 5):
        met = stops(GEOMETRY, seconds)
        assert met[:-1] == longest[: len(met) - 1]


@pytest.mark.parametrize("geometry", [GEOMETRY, SMALL])
def test_all_spots_are_met_before_any_is_met_again(geometry: Geometry) -> None:
    places = spots(geometry, 300.0)
    met = stops(geometry, 300.0)
    assert set(met[: len(places)]) == set(places)
    visits = [met.count(place) for place in places]
    assert max(visits) <= 2 * min(visits) + 1
    assert all(a != b for a, b in pairwise(met))


def test_spots_are_met_again_from_elsewhere() -> None:
    """So that a visit can be kept away from the fit, and tells something there."""
    met = stops(GEOMETRY, 300.0)
    assert len(met) > 2 * len(spots(GEOMETRY, 300.0))
    assert len(set(pairwise(met))) > 0.9 * (len(met) - 1)


def test_nobody_crosses_the_room_for_what_is_hardly_further() -> None:
    """The last two are 3 and 3.2 m from what was met before, but the one 3 m and the other 8.6 m to go."""
    ends, off, near, far = [(0.0, 0.0), (8.0, 6.0)], (8.0, 0.0), (5.0, 0.0), (0.0, 3.2)
    assert route([far, near, off, *ends], 80.0)[:5] == [*ends, off, near, far]


def test_what_does_not_fit_is_left_for_what_does() -> None:
    corner, near, far = (1.0, 1.0), (1.0, 3.0), (7.0, 1.0)
    assert route([far, near, corner], 60.0)[:2] == [far, near]
    assert route([far, near, corner], 15.0) == [far]
    assert route([near, far, corner], 15.0) == [near, corner]
    assert route([(1.0, 2.0), (15.0, 1.0), corner], 25.0) == [(1.0, 2.0), corner], "nor is one met again meanwhile"
    assert route([corner], 60.0) == [corner]


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
