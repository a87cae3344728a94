"""Where somebody was who followed the prompts."""

import numpy as np
import pytest

from calibration.labels import EDGE_S, HIPS_SITTING_M, HIPS_STANDING, LATE_S, NOWHERE, of_truth, of_walk
from calibration.walk import Prompt, Walk
from edge.session import Truth
from edge.skeleton import ROOT

A, B = (1.0, 1.0), (3.0, 2.0)
WALK = Walk(
    1,
    1.80,
    [
        Prompt(10.0, 14.0, "stand", A, A),
        Prompt(14.0, 18.0, "walk", A, B),
        Prompt(18.0, 22.0, "sit", B, B),
        Prompt(30.0, 34.0, "walk", B, A),  # after a pause: a receiver was lost
        Prompt(34.0, 38.0, "arms-up", A, A),
    ],
)
TIME_S = np.arange(0.0, 45.0, 0.1)


def at(time_s: float) -> int:
    return int(np.abs(TIME_S - time_s).argmin())


def test_the_pace_between_spots_is_even() -> None:
    labels = of_walk(WALK, TIME_S)
    np.testing.assert_allclose(labels.root[at(16.0 + LATE_S), :2], (2.0, 1.5), atol=0.01)
    np.testing.assert_allclose(labels.root[at(15.0 + LATE_S), :2], (1.5, 1.25), atol=0.01)
    np.testing.assert_allclose(labels.root[at(33.0 + LATE_S), :2], (1.5, 1.25), atol=0.01)
    assert labels.spot[at(16.0)] == NOWHERE


def test_hips_are_as_high_as_the_posture_says() -> None:
    labels = of_walk(WALK, TIME_S)
    assert labels.root[at(12.0), 2] == pytest.approx(HIPS_STANDING * 1.80)
    assert labels.root[at(20.0), 2] == HIPS_SITTING_M
    np.testing.assert_allclose(labels.spots[labels.spot[at(20.0)]], B)
    np.testing.assert_allclose(labels.spots[labels.spot[at(12.0)]], A)
    assert labels.spot[at(36.0)] == labels.spot[at(12.0)]


def test_nothing_is_known_around_the_prompts_ends_and_between_them() -> None:
    labels = of_walk(WALK, TIME_S)
    for end in (10.0, 14.0, 18.0, 22.0, 34.0, 38.0):
        assert not labels.known[np.abs(TIME_S - LATE_S - end) < EDGE_S - 0.01].any()
    assert not labels.known[(TIME_S < 10.0) | (TIME_S > 38.1) | ((TIME_S > 22.1) & (TIME_S < 30.0))].any()
    assert labels.known.sum() * 0.1 == pytest.approx(20.0 - 5 * 2 * EDGE_S, abs=0.6)


def test_a_walk_to_a_spot_and_the_stop_there_are_one_segment() -> None:
    labels = of_walk(WALK, TIME_S)
    assert [labels.segment[at(time)] for time in (12.0, 16.0, 20.0, 32.0, 36.0)] == [0, 1, 1, 2, 2]


def test_known_joints_replace_the_prompts_places_not_their_segments() -> None:
    time_s = np.arange(9.0, 20.01, 1 / 30)
    joints = np.tile(np.arange(17.0)[:, None], (time_s.size, 1, 3)) + time_s[:, None, None]
    labels = of_truth(Truth(time_s, joints.astype(np.float32)), TIME_S, WALK)
    assert labels.joints is not None
    np.testing.assert_allclose(labels.joints[at(16.0), 3], 19.0, atol=1e-4)
    np.testing.assert_allclose(labels.root[at(16.0)], labels.joints[at(16.0), ROOT])
    asked = of_walk(WALK, TIME_S)
    inside = TIME_S < 20.0
    np.testing.assert_array_equal(labels.segment[inside], asked.segment[inside])
    assert not labels.known[TIME_S > 20.1].any()


def test_joints_without_prompts_are_cut_into_segments() -> None:
    time_s = np.arange(0.0, 30.0, 1 / 30)
    labels = of_truth(Truth(time_s, np.zeros((time_s.size, 17, 3), np.float32)), np.arange(1.0, 29.0, 0.1))
    assert np.unique(labels.segment).size == 5
    assert (np.diff(labels.segment) >= 0).all()
    assert (labels.spot == NOWHERE).all()
