"""The camera's place from somebody on marked spots, without noise and with too few spots."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from calibration.landmarks import FEET
from calibration.lens import Stills, fit_lens, spots_of
from edge.arrays import Array
from edge.errors import RecordingError
from tests.calibration.filming import ASPECT, Flaws, Scene, landmarks_of_joints, scene

CLEAN = Flaws(noise_m=0.0, image=0.0)


@pytest.fixture(scope="module")
def clean(data: Path) -> Scene:
    return scene(data, "cmu86", "86_09", CLEAN)


def stills_of(true: Scene) -> Stills:
    """One picture of each stop, the feet's own place as the spot."""
    frame = [int(np.searchsorted(true.time_s, prompt.start_s + 2.0)) for prompt in true.walk.prompts]
    spot = np.array([prompt.start_m for prompt in true.walk.prompts])
    marks = true.marks.part(np.array(frame))
    return Stills(marks.points, marks.image, marks.visibility, spot, np.full(len(frame), np.nan))


def feet_of(true: Scene) -> Array:
    return np.asarray(landmarks_of_joints(true.joints)[:, FEET].mean(axis=1))


def test_the_camera_is_found_from_the_spots(clean: Scene) -> None:
    lens = fit_lens(stills_of(clean), ASPECT, 1.1)
    assert lens.focal == pytest.approx(clean.focal, rel=0.03)
    assert lens.scale == pytest.approx(1.08, rel=0.02)  # the stated height says 1.1
    np.testing.assert_allclose(lens.place_m, clean.camera_m, atol=0.12)


def test_any_picture_then_has_a_place(clean: Scene) -> None:
    lens = fit_lens(stills_of(clean), ASPECT, 1.08)
    hips, body = lens.hips(clean.marks)
    off = np.linalg.norm(hips - clean.joints[:, 0], axis=1)
    assert off.mean() < 0.05
    feet = hips + body[:, FEET].mean(axis=1)
    assert np.linalg.norm(feet - feet_of(clean), axis=1).mean() < 0.05


def test_hidden_feet_leave_the_size_to_tell_the_distance(clean: Scene) -> None:
    lens = fit_lens(stills_of(clean), ASPECT, 1.08)
    visibility = clean.marks.visibility.copy()
    visibility[:, FEET] = 0.1
    hips, _ = lens.hips(replace(clean.marks, visibility=visibility))
    assert np.linalg.norm(hips - clean.joints[:, 0], axis=1).mean() < 0.1


def test_a_picture_in_which_nothing_is_seen_has_no_place(clean: Scene) -> None:
    lens = fit_lens(stills_of(clean), ASPECT, 1.08)
    visibility = clean.marks.visibility.copy()
    visibility[3] = 0.0
    hips, _ = lens.hips(replace(clean.marks, visibility=visibility))
    assert np.isnan(hips[3]).all()
    assert np.isfinite(np.delete(hips, 3, axis=0)).all()


def test_where_people_face_helps(clean: Scene) -> None:
    """With three spots and a facing that was asked for, the heading is as asked."""
    stills = stills_of(clean)
    shoulders = landmarks_of_joints(clean.joints)[:, (11, 12)]
    frame = [int(np.searchsorted(clean.time_s, prompt.start_s + 2.0)) for prompt in clean.walk.prompts]
    left = shoulders[frame, 0] - shoulders[frame, 1]
    asked = replace(stills, facing_rad=np.arctan2(-left[:, 0], left[:, 1]))
    lens = fit_lens(asked, ASPECT, 1.08)
    np.testing.assert_allclose(lens.place_m, clean.camera_m, atol=0.12)
    off = np.angle(np.exp(1j * (lens.facing(stills) - asked.facing_rad)))
    assert np.degrees(np.abs(off)).max() < 3.0


@pytest.mark.parametrize("spots", [[0, 1], [0, 1, 1]])
def test_too_few_spots_are_refused(clean: Scene, spots: list[int]) -> None:
    stills = stills_of(clean)
    few = Stills(stills.points[spots], stills.image[spots], stills.visibility[spots], stills.spot_m[spots],
                 stills.facing_rad[spots])  # fmt: skip
    with pytest.raises(RecordingError, match="standing on 2 marked spots"):
        fit_lens(few, ASPECT, 1.08)


def test_spots_on_a_line_are_refused(clean: Scene) -> None:
    stills = stills_of(clean)
    line = replace(stills, spot_m=np.column_stack((np.arange(5.0), np.arange(5.0))))
    with pytest.raises(RecordingError, match="not on one line"):
        fit_lens(line, ASPECT, 1.08)


def test_places_close_together_are_one_spot() -> None:
    places = np.array([(0, 0), (0.1, 0.1), (1, 0), (0.05, 0), (1.1, 0.1)])
    assert spots_of(places).tolist() == [0, 0, 1, 0, 1]


def test_whoever_kicks_stands_on_the_other_foot(clean: Scene, data: Path) -> None:
    lens = fit_lens(stills_of(clean), ASPECT, 1.08)
    kicks = scene(data, "cmu86", "86_01", CLEAN)  # the same camera
    soles = landmarks_of_joints(kicks.joints)[:, FEET, 2].reshape(-1, 2, 2).mean(axis=1)  # heel and toe; left and right
    high = (soles.max(axis=1) > 0.3) & (soles.min(axis=1) < 0.08)
    assert high.sum() > 30
    hips, _ = lens.hips(kicks.marks)
    assert np.linalg.norm(hips - kicks.joints[:, 0], axis=1)[high].mean() < 0.05
