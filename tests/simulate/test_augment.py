"""Motion that nobody captured is still motion of a body."""

import numpy as np
import pytest

from edge.pose import CHAIN
from edge.skeleton import JOINTS, ROOT
from firmware_tools.simulate import augment
from firmware_tools.simulate.augment import ARMS, LIMB, UPPER, augmented
from firmware_tools.simulate.motion import Clip
from models.kinematics import limb_lengths
from models.metrics import heading, turned
from tests.simulate.stickman import walk


@pytest.fixture(autouse=True)
def never_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(augment, "PLAIN", 0.0)


@pytest.fixture
def waving() -> Clip:
    """Walking, the right arm going round."""
    joints = walk(6.0).joints.copy()
    angle = 3.0 * np.arange(len(joints)) / 30
    shoulder = joints[:, JOINTS.index("RShoulder")]
    for name, reach in (("RElbow", 0.3), ("RWrist", 0.55)):
        joints[:, JOINTS.index(name)] = shoulder + reach * np.stack((0 * angle, np.cos(angle), np.sin(angle)), axis=1)
    return Clip("waver", "waver", "wave", "wave", joints.astype(np.float32), 30.0)


def trading(monkeypatch: pytest.MonkeyPatch, trade: str) -> None:
    """Nothing but that is changed."""
    monkeypatch.setattr(augment, "TRADED", {trade: 1.0})
    for name in ("PACE", "TURNING", "LENGTH"):
        monkeypatch.setattr(augment, name, 0.0)
    monkeypatch.setattr(augment, "POSTURE_DEG", {})


def test_a_body_keeps_its_limbs_and_its_floor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(augment, "PACE", 0.0)  # the made-up person's limbs stretch with every step
    clip = walk(8.0)
    drawn = [augmented(clip, [walk(3.0)], np.random.default_rng(seed)) for seed in range(30)]
    ratios = np.array([limb_lengths(one.joints) / limb_lengths(clip.joints) for one in drawn])
    np.testing.assert_allclose(ratios, np.broadcast_to(ratios[:, :1], ratios.shape), rtol=1e-3)  # all the while
    left, right = (LIMB[side + "Wrist"] for side in "LR")
    np.testing.assert_allclose(ratios[:, 0, left], ratios[:, 0, right], rtol=1e-4)
    assert 0.03 < ratios[:, 0, left].std() < 0.12
    for one in drawn:
        assert one.joints.shape == clip.joints.shape
        assert np.isfinite(one.joints).all()
        np.testing.assert_allclose(one.joints[..., 2].min(axis=1), clip.joints[..., 2].min(), atol=0.01)
        assert np.abs(np.diff(one.joints, axis=0)).max() < 0.2  # 6 m/s: nobody jumps
    assert len({one.joints.tobytes() for one in drawn}) == 30


def test_same_seed_same_take() -> None:
    one, again = (augmented(walk(4.0), [walk(4.0)], np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(one.joints, again.joints)
    assert one.name != walk(4.0).name


def test_some_takes_stay_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(augment, "PLAIN", 1.0)
    clip = walk(4.0)
    assert augmented(clip, [clip], np.random.default_rng(1)) is clip


def test_nothing_changed_is_what_was_captured(monkeypatch: pytest.MonkeyPatch) -> None:
    trading(monkeypatch, "nothing")
    clip = walk(5.0)
    np.testing.assert_allclose(augmented(clip, [clip], np.random.default_rng(1)).joints, clip.joints, atol=1e-5)


@pytest.mark.parametrize("trade", list(ARMS))
def test_arms_of_another_move_on_the_own_trunk(trade: str, waving: Clip, monkeypatch: pytest.MonkeyPatch) -> None:
    trading(monkeypatch, trade)
    clip = walk(6.0)
    drawn = augmented(clip, [waving], np.random.default_rng(2)).joints
    theirs = [JOINTS.index(name) for name in ARMS[trade]]
    others = [n for n in range(len(JOINTS)) if n not in theirs]
    np.testing.assert_allclose(drawn[:, others], clip.joints[:, others], atol=1e-5)
    np.testing.assert_allclose(limb_lengths(drawn), limb_lengths(clip.joints), atol=1e-4)
    assert np.abs(drawn[:, theirs] - clip.joints[:, theirs]).max() > (0.3 if trade == "arms" else 0.0)


def test_an_upper_body_of_another_stands_on_the_own_legs(waving: Clip, monkeypatch: pytest.MonkeyPatch) -> None:
    trading(monkeypatch, "upper body")
    clip = walk(6.0)
    drawn = augmented(clip, [waving], np.random.default_rng(2)).joints
    legs = [n for n, chain in enumerate(CHAIN) if not chain[UPPER].any()]
    assert {JOINTS[n] for n in legs} == {"MidHip", *(side + part for side in "LR" for part in ("Hip", "Knee", "Ankle"))}
    np.testing.assert_allclose(drawn[:, legs], clip.joints[:, legs], atol=1e-5)


def test_a_way_bends_as_the_body_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    trading(monkeypatch, "nothing")
    monkeypatch.setattr(augment, "TURNING", 1.0)
    clip = walk(8.0)
    drawn = augmented(clip, [clip], np.random.default_rng(4)).joints.astype(np.float64)
    turn = heading(drawn) - heading(clip.joints)
    assert np.ptp(np.unwrap(turn)) > 0.3
    steps, captured = (np.diff(one[:, ROOT, :2], axis=0) for one in (drawn, clip.joints.astype(np.float64)))
    np.testing.assert_allclose(np.linalg.norm(steps, axis=1), np.linalg.norm(captured, axis=1), atol=1e-5)
    body, own = (one - one[:, ROOT : ROOT + 1] for one in (drawn, clip.joints.astype(np.float64)))
    np.testing.assert_allclose(turned(body, -turn)[:, ROOT + 1 :], own[:, ROOT + 1 :], atol=1e-4)
