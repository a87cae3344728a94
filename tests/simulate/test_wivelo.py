import json
from pathlib import Path

import numpy as np
import pytest

from edge.skeleton import ROOT
from firmware_tools.simulate.room import BASIC, WIVELO
from firmware_tools.simulate.wivelo import (
    AREA,
    RAMP_S,
    SPEED,
    STAND_S,
    draw_polyline,
    from_room,
    path_along,
    single_walk,
    to_room,
    walk_scene,
)
from tests.simulate.test_gait import straight_walk

RATE_HZ = 150.0
LEG_TURN = np.array([[0.0, 1.0], [0.0, 3.0], [-2.0, 3.0]])  # 4 m with one corner


def test_radios_stand_where_the_recordings_say(data: Path) -> None:
    published = json.loads((data / "csi/wivelo/ground_truth_tracks.json").read_text())
    antennas = published["rx_antennas"]["r1"] + published["rx_antennas"]["r2"]
    np.testing.assert_allclose(from_room(WIVELO.antennas()[:, :2]), antennas, atol=1e-9)
    np.testing.assert_allclose(from_room(np.array(WIVELO.transmitter[:2])), published["tx"])
    assert WIVELO.carrier_hz == published["carrier_hz"]
    low, high = np.array(AREA)
    for track in published["tracks"].values():
        assert ((np.array(track) > low) & (np.array(track) < high)).all()
    corners = to_room(np.array(AREA))
    assert (corners > 0).all()
    assert (corners < WIVELO.size[:2]).all()


def test_a_path_stands_walks_at_the_speed_and_stands() -> None:
    root, towards = path_along(LEG_TURN, 0.8, np.array([1.0, 1.5]), RATE_HZ)
    assert len(root) == pytest.approx((1.0 + 4.0 / 0.8 + RAMP_S + 1.5) * RATE_HZ, abs=1)
    np.testing.assert_allclose(root[[0, -1]], LEG_TURN[[0, -1]], atol=1e-3)
    speed = np.linalg.norm(np.diff(root, axis=0), axis=1) * RATE_HZ
    assert speed[: round(0.4 * RATE_HZ)].max() < 0.01
    assert speed[-round(0.9 * RATE_HZ) :].max() < 0.01
    middle_of_leg = round((1.0 + RAMP_S / 2 + 1.0 / 0.8) * RATE_HZ)
    assert speed[middle_of_leg] == pytest.approx(0.8, rel=0.01)
    assert root[middle_of_leg] == pytest.approx((0.0, 2.0), abs=0.02)
    assert speed.max() < 0.81
    # The corner is cut by less than a shoulder's width, and turned within a second.
    assert np.linalg.norm(root - LEG_TURN[1], axis=1).min() < 0.2
    assert towards[[0, -1]] == pytest.approx((np.pi / 2, np.pi), abs=1e-3)
    assert ((towards > np.pi / 2 + 0.05) & (towards < np.pi - 0.05)).sum() < RATE_HZ


def test_polylines_stay_in_the_area() -> None:
    rng = np.random.default_rng(1)
    low, high = np.array(AREA)
    corners = [draw_polyline(rng) for _ in range(300)]
    assert {len(polyline) for polyline in corners} == {2, 3, 4, 5, 6}
    together = np.concatenate(corners)
    assert (together >= low).all()
    assert (together <= high).all()
    assert np.ptp(together, axis=0) == pytest.approx(high - low, abs=0.2)  # and fill it


def test_a_scene_of_walks() -> None:
    scene = walk_scene(WIVELO, [straight_walk(0.0)], 60.0, np.random.default_rng(2), RATE_HZ)
    assert scene.joints.shape == (9000, 17, 3)
    assert scene.time_s.shape == scene.take.shape == (9000,)
    assert scene.take[-1] >= 3
    speed = np.linalg.norm(np.diff(scene.joints[..., :2], axis=0), axis=2) * RATE_HZ
    within = np.diff(scene.take) == 0
    assert speed[within].max() < 6.0  # no limb jumps within a take
    assert 0.3 < np.median(speed[within, ROOT]) < SPEED[1]
    for take in range(scene.take[-1]):  # the last is cut
        first = np.flatnonzero(scene.take == take)[0]
        assert speed[first : first + int((STAND_S[0] - 0.4) * RATE_HZ), ROOT].max() < 0.02
    hips = from_room(scene.joints[:, ROOT, :2])
    assert (hips > np.array(AREA[0]) - 0.1).all()
    assert (hips < np.array(AREA[1]) + 0.1).all()


def test_same_seed_same_walk() -> None:
    clips = [straight_walk(0.0)]
    one, same, other = (single_walk(WIVELO, clips, np.random.default_rng(seed), RATE_HZ) for seed in (3, 3, 4))
    assert (one.joints == same.joints).all()
    assert one.joints.shape != other.joints.shape
    assert (one.take == 0).all()


def test_walks_belong_to_their_room_and_need_walkers() -> None:
    rng = np.random.default_rng(5)
    with pytest.raises(ValueError, match="wivelo"):
        walk_scene(BASIC, [straight_walk(0.0)], 5.0, rng, RATE_HZ)
    with pytest.raises(ValueError, match="straight"):
        walk_scene(WIVELO, [straight_walk(0.0, label="dance")], 5.0, rng, RATE_HZ)
