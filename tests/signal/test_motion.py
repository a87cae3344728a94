import numpy as np
import pytest

from edge.signal.baseline import AMPLITUDE_GAIN
from edge.signal.imagespec import PLUS_1
from edge.signal.motion import HOLD_US, PRESENT_LEVEL, Presence, motion


def test_shared_deviation_is_motion_and_the_rest_is_noise() -> None:
    rng = np.random.default_rng(1)
    image = np.zeros((30, 20, 4), np.float32)
    moving = np.tanh(AMPLITUDE_GAIN * 0.2 * np.sin(np.arange(20)))  # 20 % at every subcarrier of receiver 1
    image[:, :, 0] = moving
    level = 0.2 * np.sqrt(np.mean(np.sin(np.arange(20)) ** 2))
    assert motion(image).level == pytest.approx(level / 2, rel=1e-4)  # mean over the two receivers
    assert motion(image).confidence == pytest.approx(0.5)
    image[:, :, 2] = moving
    image[:, :, 1::2] = rng.uniform(-1, 1, (30, 20, 2))  # the phase does not count
    assert motion(image).level == pytest.approx(level, rel=1e-4)
    assert motion(image).confidence == pytest.approx(1.0, abs=1e-4)


def test_noise_alone_is_no_motion() -> None:
    rng = np.random.default_rng(2)
    image = np.tanh(AMPLITUDE_GAIN * rng.normal(0.0, 0.1, (30, 20, 4))).astype(np.float32)
    assert motion(image).level < 0.1 * 0.4
    assert motion(image).confidence < 0.1
    assert motion(np.zeros((30, 20, 4), np.float32)) == motion(-np.zeros((30, 20, 4), np.float32))


def test_all_antennas_are_judged_by_their_last_moment() -> None:
    """Of 2.2 s the last 0.13 s count: as fast to see somebody leave as with the short image."""
    rng = np.random.default_rng(3)
    image = rng.uniform(-1, 1, PLUS_1.shape).astype(np.float32)  # products do not count, nor does what was before
    moving = 0.2 * np.sin(np.arange(20))
    for antenna in range(6):
        at = 70 * (antenna // 3) + 10 * (antenna % 3)
        image[-20:, at : at + 10] = np.tanh(AMPLITUDE_GAIN * moving)[:, None]
    assert motion(image, PLUS_1).level == pytest.approx(np.sqrt(np.mean(moving**2)), rel=1e-4)
    assert motion(image, PLUS_1).confidence == pytest.approx(1.0, abs=1e-4)
    image[-20:, :10] = 0.0  # one antenna of six sees nothing
    assert motion(image, PLUS_1).level == pytest.approx(5 / 6 * np.sqrt(np.mean(moving**2)), rel=1e-4)
    image[-20:] = 0.0
    assert motion(image, PLUS_1).level == 0.0


def test_presence_holds_between_two_steps() -> None:
    presence = Presence()
    assert not presence.update(0.0, PRESENT_LEVEL * 0.99)
    assert presence.update(1e6, PRESENT_LEVEL)
    assert presence.update(1e6 + HOLD_US, 0.0)
    assert not presence.update(1e6 + HOLD_US + 1.0, 0.0)
