from dataclasses import replace

import numpy as np
import pytest

from edge.parse.intel5300 import parse_log
from edge.skeleton import ROOT
from firmware_tools.simulate import scene
from firmware_tools.simulate.nic import draw_nic
from firmware_tools.simulate.room import BASIC, BASIC_NLOS
from firmware_tools.simulate.scene import BODY_SCALE, MARGIN_M, MAX_TAKE_S, SPEED, draw_scene, place, record
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


def test_a_scene_varies_speed_and_size() -> None:
    """The truth is what was played: a take's bones and speed are the clip's, scaled."""
    rng = np.random.default_rng(10)
    clip = walk(40.0)
    drawn = draw_scene(BASIC, [clip], np.ones(1), 200.0, rng, rate_hz=30.0)
    sizes, speeds = [], []
    for take in range(drawn.take[-1]):
        joints = drawn.joints[drawn.take == take]
        sizes.append(np.linalg.norm(joints[:, 10] - joints[:, 0], axis=1).mean() / 0.7)
        hips = np.linalg.norm(np.diff(joints[:, ROOT], axis=0), axis=1).mean() * 30.0
        speeds.append(hips / (sizes[-1] * 1.0))
        assert np.abs(joints[..., 2].min() - sizes[-1] * 0.08) < 1e-3  # the feet stay on the floor
    for found, (low, high) in ((sizes, BODY_SCALE), (speeds, SPEED)):
        assert low - 0.01 < min(found) < low + 0.4 * (high - low)
        assert high - 0.4 * (high - low) < max(found) < high + 0.01


def test_a_scene_may_be_played_as_it_was_captured() -> None:
    rng = np.random.default_rng(11)
    drawn = draw_scene(BASIC, [walk(9.0)], np.ones(1), 20.0, rng, 30.0, speed=(1.0, 1.0), body_scale=(1.0, 1.0))
    assert np.linalg.norm(drawn.joints[:, 10] - drawn.joints[:, 0], axis=1) == pytest.approx(0.7, abs=1e-4)
    assert np.bincount(drawn.take)[0] == 270


def test_the_room_is_empty_first() -> None:
    rng = np.random.default_rng(12)
    drawn = draw_scene(BASIC, [walk(3.0), walk(9.0)], np.array([0.5, 0.5]), 20.0, rng, 150.0, empty_s=4.0)
    assert 20 * 150 <= drawn.take.size < 21 * 150
    nobody = drawn.take < 0
    np.testing.assert_array_equal(nobody, np.arange(nobody.size) < 600)
    np.testing.assert_array_equal(drawn.clip < 0, nobody)
    assert set(drawn.clip[~nobody]) == {0, 1}
    amplitude = np.abs(parse_log(record(BASIC, drawn, rng).logs[0]).csi)
    amplitude = amplitude.reshape(len(amplitude), -1)
    amplitude /= amplitude.mean(axis=1, keepdims=True)
    assert amplitude[:500].std(axis=0).mean() < 0.5 * amplitude[700:].std(axis=0).mean()


def test_nobody_walks_through_a_screen() -> None:
    rng = np.random.default_rng(13)
    takes = [place(BASIC_NLOS, walk(7.0).joints, rng) for _ in range(200)]
    kept = np.concatenate([take for take in takes if take is not None])
    assert 20 < sum(take is None for take in takes) < 180
    hips = kept[:, ROOT]
    beside = (hips[:, 1] < 1.4) & (abs(hips[:, 0] - 3.5) < 0.34)
    assert not beside.any()
