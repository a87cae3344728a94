from itertools import pairwise

import numpy as np

from edge.arrays import Array
from edge.skeleton import JOINTS
from edge.track.presence import OFF_S, ON_S
from edge.track.tracker import GAP_S, MAX_POSES, MOVED_M, PAUSE_S, Tracked, Tracker

NOBODY = Tracked(present=False)


def standing(x: float = 0.0, y: float = 0.0) -> Array:
    """A person of straight lines on their feet."""
    height = {"Hip": 0.9, "Knee": 0.5, "Ankle": 0.1, "Back": 1.2, "Neck": 1.45, "Nose": 1.6, "Head": 1.7}
    body = np.full((17, 3), [x, y, 1.2])
    for index, name in enumerate(JOINTS):
        body[index, 2] = height.get(name.removeprefix("L").removeprefix("R").removeprefix("Mid"), 1.2)
        body[index, 1] += 0.1 * ((name[0] == "L") - (name[0] == "R"))
    return body


def test_somebody_stands_there() -> None:
    tracker = Tracker()
    said = [tracker.update(k / 30, standing(1.0, 2.0), 0.5, True) for k in range(90)]
    assert said[0] == NOBODY
    assert said[-1] == Tracked(True, "standing", (1.0, 2.0), 0.5)
    changes = sum(first != second for first, second in pairwise(said))
    assert changes == 2, "somebody, then their posture"


def test_nobody_has_neither_a_place_nor_a_posture() -> None:
    tracker = Tracker()
    for k in range(90):
        tracker.update(k / 30, standing(), 0.5, True)
    absent = [tracker.update(3 + k / 30, standing(9.0), 0.5, False) for k in range(round(30 * OFF_S) + 30)]
    kept = round(30 * (OFF_S - 1))
    assert set(absent[:kept]) == {Tracked(True, "standing", (0.0, 0.0), 0.5)}, "joints of nobody are not looked at"
    assert absent[-1] == NOBODY


def test_who_walks_is_moving_and_sends_a_few_states_a_second() -> None:
    tracker = Tracker()
    said = [tracker.update(k / 30, standing(1.2 * k / 30), 0.5, True) for k in range(300)]
    assert said[-1].posture == "moving"
    assert all(tracked.posture == "moving" for tracked in said[60:])
    moments = [k / 30 for k in range(1, 300) if said[k] != said[k - 1]]
    assert len(moments) <= 10 / PAUSE_S + 3
    places = [tracked.position for tracked in said if tracked.position is not None]
    assert abs(places[-1][0] - 1.2 * 299 / 30) < 1.2 * (0.5 + PAUSE_S) + MOVED_M, "half a window and a pause behind"


def test_small_changes_are_kept_to_itself_and_large_ones_are_not() -> None:
    generator = np.random.default_rng(1)
    tracker = Tracker()
    said = []
    for k in range(600):
        shake = generator.normal(0, 0.1, (17, 3))
        said.append(tracker.update(k / 30, standing() + shake, 0.5 + generator.uniform(-0.2, 0.2), True))
    assert len(set(said[60:])) == 1
    for k in range(600, 660):
        last = tracker.update(k / 30, standing(), 0.9, True)
    assert last.confidence is not None
    assert abs(last.confidence - 0.9) <= 0.1


def test_after_a_gap_nothing_is_known() -> None:
    tracker = Tracker()
    for k in range(90):
        tracker.update(k / 30, standing(), 0.5, True)
    assert tracker.update(3.0 + GAP_S + 1.0, standing(), 0.5, True) == NOBODY
    for k in range(90):
        tracker.update(100 + k / 30, standing(), 0.5, True)
    assert tracker.update(50.0, standing(), 0.5, True) == NOBODY, "a clock that was set back"


def test_its_memory_is_bounded_at_any_rate() -> None:
    tracker = Tracker()
    for k in range(3 * MAX_POSES):
        tracker.update(ON_S + k / 1e4, standing(), 0.5, True)
    assert len(tracker._seen) <= MAX_POSES
