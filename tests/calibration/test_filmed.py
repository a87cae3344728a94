"""A filmed walk against the motion capture it was made from."""

from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from calibration.filmed import MAX_HIDDEN_S, Filmed, film
from calibration.walk import Walk
from edge.arrays import Array
from edge.errors import RecordingError
from edge.skeleton import EDGES, JOINTS
from tests.calibration.filming import Flaws, Scene, scene

SEARCH_S = 30.0


def true_joints(true: Scene, time_s: Array) -> Array:
    flat = true.joints.reshape(len(true.joints), -1)
    columns = [np.interp(time_s, true.time_s, column) for column in flat.T]
    return np.stack(columns, axis=1).reshape(-1, len(JOINTS), 3)


def made_of(true: Scene) -> Filmed:
    return film(true.marks, true.channel, true.walk, SEARCH_S)


@pytest.fixture(scope="module")
def noisy(data: Path) -> Scene:
    return scene(data, "cmu86", "86_09", Flaws())


@pytest.fixture(scope="module")
def filmed(noisy: Scene) -> Filmed:
    return made_of(noisy)


def test_the_joints_are_where_they_were(noisy: Scene, filmed: Filmed) -> None:
    """Landmarks 15 mm off, 30 mm in depth: roots and joints within a few centimetres."""
    off = filmed.joints - true_joints(noisy, filmed.time_s)
    assert filmed.joints.dtype == np.float32
    assert np.linalg.norm(off, axis=2).mean() < 0.06
    assert np.linalg.norm(off[:, 0], axis=1).mean() < 0.05
    assert np.linalg.norm(off[:, 0].mean(axis=0)) < 0.025  # no bias: a calibration would learn it


def test_the_report_says_what_is_true(noisy: Scene, filmed: Filmed) -> None:
    report = filmed.report
    assert report.offset_s == pytest.approx(1.234, abs=0.03)
    assert report.body_scale == pytest.approx(1.08, rel=0.02)
    assert report.height_m == pytest.approx(noisy.walk.height_m, rel=0.03)
    np.testing.assert_allclose(report.camera_m, noisy.camera_m, atol=0.12)
    assert report.spots == 5
    assert report.spot_mm < 25.0
    assert report.spot_left_out_mm is not None and report.spot_mm < report.spot_left_out_mm < 50.0
    assert report.kept > 0.95
    assert 0.02 < report.limb_spread < 0.15
    assert msgspec.json.decode(msgspec.json.encode(report))["pictures"] == len(noisy.marks.time_s)


def test_limbs_have_one_length_alike_on_both_sides(filmed: Filmed) -> None:
    joints = filmed.joints
    lengths = np.stack([np.linalg.norm(joints[:, b] - joints[:, a], axis=1) for a, b in EDGES], axis=1)
    np.testing.assert_allclose(lengths, np.broadcast_to(lengths[0], lengths.shape), atol=1e-5)
    thighs = [EDGES.index((JOINTS.index(side + "Hip"), JOINTS.index(side + "Knee"))) for side in "LR"]
    assert lengths[0, thighs[0]] == pytest.approx(lengths[0, thighs[1]], abs=1e-5)


def test_short_occlusion_is_bridged_and_long_occlusion_left_out(data: Path) -> None:
    """A wrist hidden for 0.3 s at 10 s, an ankle for 3 s at 20 s (video time), guessed 0.3 m off while hidden."""
    true = scene(data, "cmu86", "86_09", Flaws(hidden=((15, 10.0, 10.3), (27, 20.0, 23.0))))
    filmed = made_of(true)
    time_s = filmed.time_s - 1.234
    off = np.linalg.norm(filmed.joints - true_joints(true, filmed.time_s), axis=2)
    short = (time_s > 9.9) & (time_s < 10.4)
    assert short.sum() > 10
    assert off[short, JOINTS.index("LWrist")].mean() < 0.15
    assert not ((time_s > 20.1) & (time_s < 22.9)).any()
    assert np.diff(filmed.time_s).max() > 2.5 > filmed.gap_s
    assert MAX_HIDDEN_S < 3.0
    assert off.mean() < 0.06


def test_a_body_that_is_hardly_ever_whole_is_refused(data: Path) -> None:
    true = scene(data, "cmu86", "86_09", Flaws(hidden=((15, 7.0, 100.0),)))
    with pytest.raises(RecordingError, match=r"whole body in only 1\d% .* move it back"):
        made_of(true)


def test_a_mirrored_picture_is_refused(data: Path) -> None:
    true = scene(data, "cmu86", "86_09", Flaws(mirrored=True))
    with pytest.raises(RecordingError, match="is the picture mirrored"):
        made_of(true)


def test_spots_in_feet_are_refused(noisy: Scene) -> None:
    def feet(place: tuple[float, float]) -> tuple[float, float]:
        return (place[0] / 0.3048, place[1] / 0.3048)

    prompts = [
        msgspec.structs.replace(prompt, start_m=feet(prompt.start_m), end_m=feet(prompt.end_m))
        for prompt in noisy.walk.prompts
    ]
    walk = Walk(1, noisy.walk.height_m, prompts)
    with pytest.raises(
        RecordingError, match=r"is 5\.\d\d m tall, and 1\.79 m was given: are the spots' places in metres"
    ):
        made_of(replace(noisy, walk=walk))


def test_a_spot_somewhere_else_is_refused(noisy: Scene) -> None:
    """One of five marks was measured from the wrong wall."""
    prompts = list(noisy.walk.prompts)
    wrong = (prompts[1].start_m[0], prompts[1].start_m[1] + 2.0)
    prompts[1] = msgspec.structs.replace(prompts[1], start_m=wrong, end_m=wrong)
    with pytest.raises(RecordingError, match="mm off the marked spots"):
        made_of(replace(noisy, walk=Walk(1, noisy.walk.height_m, prompts)))


def test_feet_that_are_never_seen_on_a_spot_are_refused(data: Path) -> None:
    true = scene(data, "cmu86", "86_09", Flaws(hidden=((31, -10.0, 100.0),)))
    with pytest.raises(RecordingError, match="never saw the feet"):
        made_of(true)


def test_another_walks_packets_are_refused(data: Path, noisy: Scene) -> None:
    other = scene(data, "cmu61", "61_13", Flaws(), holds=7)
    with pytest.raises(RecordingError, match="do not match"):
        made_of(replace(noisy, channel=other.channel))
