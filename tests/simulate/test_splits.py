from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge.errors import ConfigError
from firmware_tools.dataset import clips_of
from firmware_tools.simulate.motion import Clip, load_clips
from firmware_tools.simulate.scene import MAX_TAKE_S
from firmware_tools.splits import CAP_SHARE, CAPPED, HELD_OUT_GROUPS, SPLITS, draw_weights, split_of
from tests.simulate.stickman import walk


@pytest.fixture(scope="module")
def clips(data: Path) -> list[Clip]:
    return load_clips(data / "mocap17")


def identity(clips: list[Clip]) -> set[tuple[str, str]]:
    return {(clip.person, clip.name) for clip in clips}


def test_no_clip_is_in_two_splits(clips: list[Clip]) -> None:
    parts = [identity(clips_of(split, clips)) for split in SPLITS]
    assert all(parts)
    assert sum(map(len, parts)) == len(set.union(*parts)) == len(clips)


def test_held_out_people_are_only_in_subject(clips: list[Clip]) -> None:
    groups = {split: {clip.group for clip in clips_of(split, clips)} for split in SPLITS}
    assert groups["subject"] == set(HELD_OUT_GROUPS)
    assert not groups["subject"] & (groups["train"] | groups["clip"])


def test_clip_has_only_people_that_training_sees(clips: list[Clip]) -> None:
    groups = {split: {clip.group for clip in clips_of(split, clips)} for split in SPLITS}
    assert groups["clip"] <= groups["train"]


def test_partners_stay_together(clips: list[Clip]) -> None:
    """cmu60 and cmu61 were recorded at once: either would give the other away."""
    assert {split_of(clip) for clip in clips if clip.person in CAPPED} == {"train"}


def test_weights_sum_to_one_and_the_capped_people_have_their_share(clips: list[Clip]) -> None:
    assert CAP_SHARE == 0.08
    for split in SPLITS:
        chosen = clips_of(split, clips)
        weights = draw_weights(chosen, MAX_TAKE_S)
        assert weights.shape == (len(chosen),)
        assert weights.min() > 0
        assert weights.sum() == pytest.approx(1.0)
        capped = np.array([clip.person in CAPPED for clip in chosen])
        assert weights[capped].sum() == pytest.approx(0.08 if split == "train" else 0.0)


def test_clips_are_drawn_by_their_length() -> None:
    weights = draw_weights([walk(5.0), walk(15.0), walk(45.0)], max_take_s=15.0)
    np.testing.assert_allclose(weights, [0.2, 0.2, 0.6])


def test_capped_people_alone_share_everything() -> None:
    assert draw_weights([replace(walk(1.0), person="cmu60")] * 2, MAX_TAKE_S) == pytest.approx([0.5, 0.5])


def test_an_empty_split_is_refused() -> None:
    with pytest.raises(ConfigError, match="more people"):
        draw_weights([], MAX_TAKE_S)
