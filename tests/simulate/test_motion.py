from pathlib import Path

import numpy as np
import pytest

from edge.errors import ConfigError
from edge.skeleton import JOINTS
from firmware_tools.simulate.motion import load_clips
from tests.simulate.stickman import walk


def test_mirroring_exchanges_left_and_right() -> None:
    clip = walk(2.0)
    mirrored = clip.mirrored()
    for name, twin in (("LWrist", "RWrist"), ("RAnkle", "LAnkle"), ("Nose", "Nose"), ("MidHip", "MidHip")):
        np.testing.assert_array_equal(
            mirrored.joints[:, JOINTS.index(name)], clip.joints[:, JOINTS.index(twin)] * (-1, 1, 1)
        )
    np.testing.assert_array_equal(mirrored.mirrored().joints, clip.joints)
    assert mirrored.name != clip.name
    assert (mirrored.person, mirrored.group) == (clip.person, clip.group)


def test_motion_between_frames_is_smooth() -> None:
    clip, finer = walk(3.0), walk(3.0)
    assert clip.seconds == 3.0
    np.testing.assert_allclose(clip.at(np.arange(91) / 30), clip.joints, atol=1e-6)
    between = finer.at(np.array([1.234]))[0, 0]
    np.testing.assert_allclose(between, [np.sin(1.234), -np.cos(1.234), 1.0], atol=1e-5)


def test_missing_motion_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="WIMOSE_DATA"):
        load_clips(tmp_path)


def test_real_motion_stands_on_the_floor(data: Path) -> None:
    clips = load_clips(data / "mocap17")
    assert len({(clip.person, clip.name) for clip in clips}) == len(clips) > 100
    for clip in clips:
        assert clip.joints.shape[1:] == (17, 3)
        assert np.isfinite(clip.joints).all()
        assert -0.3 < clip.joints[..., 2].min() < clip.joints[..., 2].max() < 3.5, clip.name
