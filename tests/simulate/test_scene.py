from dataclasses import replace

import numpy as np
import pytest

from edge.parse.intel5300 import parse_log
from edge.skeleton import ROOT
from firmware_tools.simulate import scene
from firmware_tools.simulate.nic import draw_nic
from firmware_tools.simulate.room import BASIC
from firmware_tools.simulate.scene import MARGIN_M, MAX_TAKE_S, draw_scene, place
from tests.simulate.stickman import simulated_logs, walk


def test_truth_is_on_receiver_1_s_clock() -> None:
    """Every stamp of receiver 1, counted from its first, is the time of a packet that was sent."""
    simulated = simulated_logs(20.0, seed=4)
    stamps = parse_log(simulated.logs[0]).timestamp_us
    heard_s = (stamps - stamps[0]).astype(np.float64) * 1e-6
    after = np.searchsorted(simulated.time_s, heard_s).clip(1, simulated.time_s.size - 1)
    nearest = np.minimum(abs(simulated.time_s[after] - heard_s), abs(simulated.time_s[after - 1] - heard_s))
    assert heard_s.size < simulated.time_s.size == 3000  # some were lost
    assert nearest.max() < 5e-6
    assert simulated.joints.shape == (3000, 17, 3)
    assert (np.diff(simulated.time_s) > 0).all()


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_session_begins_at_the_first_packet_receiver_1_heard(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    monkeypatch.setattr(scene, "draw_nic", lambda rng: replace(draw_nic(rng), loss=0.6))
    simulated = simulated_logs(1.0, seed)
    stamps = parse_log(simulated.logs[0]).timestamp_us
    heard_s = (stamps - stamps[0]).astype(np.float64) * 1e-6
    assert np.abs(simulated.time_s[:, None] - heard_s).min(axis=0).max() < 5e-6
    assert 0.0 in simulated.time_s


def test_same_seed_same_bytes() -> None:
    assert simulated_logs(2.0, seed=5).logs == simulated_logs(2.0, seed=5).logs
    assert simulated_logs(2.0, seed=5).logs != simulated_logs(2.0, seed=6).logs


def test_a_scene_is_takes_inside_the_room() -> None:
    rng = np.random.default_rng(7)
    drawn = draw_scene(BASIC, [walk(4.0), walk(40.0)], np.array([0.5, 0.5]), 60.0, rng, rate_hz=150.0)
    assert 60.0 * 150 <= drawn.time_s.size < 61.0 * 150
    assert drawn.joints.shape == (drawn.time_s.size, 17, 3)
    assert (np.diff(drawn.time_s) > 0).all()
    hips = drawn.joints[:, ROOT, :2]
    assert (hips > MARGIN_M - 1e-9).all()
    assert (hips < np.array(BASIC.size[:2]) - MARGIN_M + 1e-9).all()
    jumps = np.linalg.norm(np.diff(drawn.joints[:, ROOT], axis=0), axis=1) > 0.05
    assert set(np.flatnonzero(jumps)) <= set(np.flatnonzero(np.diff(drawn.take)))
    assert np.bincount(drawn.take).max() <= MAX_TAKE_S * 150
    assert drawn.take[-1] >= 4


def test_a_take_that_is_too_long_for_the_room_is_left_out() -> None:
    joints = walk(7.0).joints
    assert place(BASIC, joints, np.random.default_rng(8)) is not None
    assert place(BASIC, joints * 5.0, np.random.default_rng(8)) is None


def test_place_only_turns_and_moves() -> None:
    joints = walk(3.0).joints.astype(np.float64)
    placed = place(BASIC, joints, np.random.default_rng(9))
    assert placed is not None
    np.testing.assert_allclose(placed[..., 2], joints[..., 2])
    for a, b in ((3, 13), (0, 10)):
        assert np.linalg.norm(placed[:, a] - placed[:, b], axis=1) == pytest.approx(
            np.linalg.norm(joints[:, a] - joints[:, b], axis=1)
        )
