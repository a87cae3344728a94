from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge.errors import ConfigError
from firmware_tools.dataset import clips_of
from firmware_tools.simulate.motion import Clip, load_clips
from firmware_tools.simulate.scene import MAX_TAKE_S
from firmware_tools.splits import CAPPED, HELD_OUT_GROUPS, SHARES, SPLITS, draw_weights, kind_of, split_of
from tests.simulate.stickman import walk

HOUSEHOLD = {
    "Start Hop Stop", "bend over, scoop up, rise, lift arm", "brisk walk", "depositFloorR",
    "elbowToKnee1RepsLelbowStart", "grabHighR", "hopBothLegs1hops", "jogLeftCircle4StepsRstart", "jump, balance",
    "jumping jacks, jog, squats, side twists, stretches", "jumping jacks, side twists, bend over, jog",
    "jumping jacks, side twists, bend over, squats", "jumping jacks, side twists, reach up, bend over",
    "jumping jacks, side twists, squats, jog", "jumps kicks and punches", "kickLFront1Reps", "lieDownFloor",
    "punch/strike", "rotateArmsBothBackward1Reps", "run", "run/jog", "slow walk", "sneak2StepsLStart",
    "soccer - kick ball", "squat1Reps", "throwBasketball", "walk", "walk on uneven terrain",
    "walking, sitting, looking, stand up", "wash self", "zombie",
}  # fmt: skip


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


def test_weights_sum_to_one_and_each_kind_has_its_share(clips: list[Clip]) -> None:
    assert SHARES == {"household": 0.80, "dance": 0.12, "capped": 0.08}
    for split in SPLITS:
        chosen = clips_of(split, clips)
        weights = draw_weights(chosen, MAX_TAKE_S)
        assert weights.shape == (len(chosen),)
        assert weights.min() > 0
        assert weights.sum() == pytest.approx(1.0)
        kinds = np.array(["capped" if clip.person in CAPPED else kind_of(clip) for clip in chosen])
        there = sum(SHARES[kind] for kind in set(kinds))  # a split without one kind divides its share among the others
        for kind in set(kinds):
            assert weights[kinds == kind].sum() == pytest.approx(SHARES[kind] / there)
    assert set(kinds) < set(SHARES)  # people never seen: nobody of the capped


def test_clips_are_drawn_by_their_length() -> None:
    weights = draw_weights([walk(5.0), walk(15.0), walk(45.0)], max_take_s=15.0)
    np.testing.assert_allclose(weights, [0.2, 0.2, 0.6])


def test_capped_people_alone_share_everything() -> None:
    assert draw_weights([replace(walk(1.0), person="cmu60")] * 2, MAX_TAKE_S) == pytest.approx([0.5, 0.5])


def test_an_empty_split_is_refused() -> None:
    with pytest.raises(ConfigError, match="more people"):
        draw_weights([], MAX_TAKE_S)


def clip_of(label: str, name: str = "01_01") -> Clip:
    return replace(walk(0.1), label=label, name=name)


@pytest.mark.parametrize("label", [
    "walk", "turn", "stand", "sit", "bend over, scoop up, rise, lift arm", "reach", "wave", "kickLFront1Reps",
    "lieDownFloor", "squat1Reps", "grabHighR", "throwBasketball", "hopBothLegs1hops", "jumping jacks, side twists",
])  # fmt: skip
def test_what_people_do_at_home_is_household_motion(label: str) -> None:
    assert kind_of(clip_of(label)) == "household"


@pytest.mark.parametrize("label", [
    "salsa dance", "dance - small jetes, pirouette", "lambada", "charleston1", "swordplay", "Heiansyodan",
    "playground - climb, hang, swing", "cartwheelLHandStart1Reps",
])  # fmt: skip
def test_dance_and_acrobatics_are_apart(label: str) -> None:
    assert kind_of(clip_of(label)) == "dance"


def test_the_name_tells_where_the_label_does_not() -> None:
    assert kind_of(clip_of("motion", "cartwheel_003")) == "dance"


def test_every_label_of_the_motion_is_sorted(clips: list[Clip]) -> None:
    """Read by a person, once: a new label has to be looked at."""
    kinds = {kind: {clip.label for clip in clips if kind_of(clip) == kind} for kind in ("household", "dance")}
    assert kinds["household"] == HOUSEHOLD
    beginnings = ("dance - ", "playground - ", "charleston")
    assert {label for label in kinds["dance"] if not label.startswith(beginnings)} == {
        "Heiansyodan", "lambada", "salsa dance", "swordplay",
    }  # fmt: skip
