"""Real walks, calibrated on others of them: who is fitted on whom. The recordings are stood in for."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calibration.samples import Samples
from edge.arrays import Array
from edge.errors import ConfigError
from edge.inference.bundle import Bundle, find_bundle, load_bundle
from edge.inference.engine import Engine
from edge.inference.head import inputs
from firmware_tools.simulate.wivelo import to_room
from firmware_tools.walks import calibrated
from firmware_tools.walks.calibrated import HIPS_M, measure_calibrated
from firmware_tools.walks.track import ALL
from firmware_tools.walks.walk import Walk

NAMES = [f"{user}-1-{track}-1" for user, tracks in (("1", 5), ("12", 2), ("8", 3)) for track in range(1, tracks + 1)]
CORNERS = np.array([(-1.5, 1.5), (1.5, 1.5), (1.5, 4.0), (-1.5, 4.0)])


class Heard:
    """Stands for a recording."""


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return load_bundle(find_bundle("wimose-plus-basic"))


def walks() -> list[Walk]:
    recording: Any
    made = []
    for number, name in enumerate(sorted(NAMES)):
        recording = Heard()
        made.append(Walk(name, recording, np.roll(CORNERS, number, axis=0)[:3], 1.0, 9.0))
    return made


def measured(
    monkeypatch: pytest.MonkeyPatch, bundle: Bundle, tmp_path: Path, mixes: dict[str, Array]
) -> dict[str, float]:
    """Errors by walk, where what is heard of a walk is its place through its own mix."""
    made, engine = walks(), Engine(bundle)

    def samples(recording: object, engine: Engine) -> Samples:
        walk = next(walk for walk in made if walk.recording is recording)
        time_s = np.arange(2.2, 10.0, 0.1)
        place = np.column_stack((to_room(walk.at(time_s)), np.full(len(time_s), HIPS_M)))
        features = 0.5 + 0.1 * place @ mixes[walk.name]
        return Samples(time_s, features, np.zeros((len(time_s), 17, 3)), np.full(len(time_s), 0.2), 2.0)

    monkeypatch.setattr(calibrated, "load_walks", lambda folder, links: made)
    monkeypatch.setattr(calibrated, "middle", lambda folder: np.array([0.0, 2.75]))
    monkeypatch.setattr(calibrated, "samples", samples)
    return {walk.name: walk.model.mean_mm for walk in measure_calibrated(bundle, engine, tmp_path)}


def test_what_is_alike_in_all_walks_is_found_in_those_left_out(
    monkeypatch: pytest.MonkeyPatch, bundle: Bundle, tmp_path: Path
) -> None:
    mix = np.random.default_rng(0).normal(size=(3, inputs(bundle)))
    errors = measured(monkeypatch, bundle, tmp_path, dict.fromkeys(NAMES, mix))
    assert list(errors) == [*sorted(NAMES), ALL]
    assert max(errors.values()) < 400.0


def test_no_walk_is_measured_by_its_own_half(monkeypatch: pytest.MonkeyPatch, bundle: Bundle, tmp_path: Path) -> None:
    """Each half is heard in a way of its own: the other half's layer cannot know it."""
    rng = np.random.default_rng(1)
    halves = [rng.normal(size=(3, inputs(bundle))) for _ in range(2)]
    mine = [name for name in sorted(NAMES) if not name.startswith("12-")]
    mixes = {name: halves[mine.index(name) % 2] if name in mine else halves[0] for name in NAMES}
    errors = measured(monkeypatch, bundle, tmp_path, mixes)
    assert min(errors[name] for name in mine) > 600.0


def test_too_few_walks_are_refused(monkeypatch: pytest.MonkeyPatch, bundle: Bundle, tmp_path: Path) -> None:
    monkeypatch.setattr(calibrated, "load_walks", lambda folder, links: walks()[:2])
    monkeypatch.setattr(calibrated, "samples", lambda recording, engine: None)
    with pytest.raises(ConfigError, match="half of them"):
        measure_calibrated(bundle, Engine(bundle), tmp_path)
