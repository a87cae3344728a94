"""Before and after on what was held out, and the verdict."""

from dataclasses import replace

import numpy as np
import pytest

from calibration.assess import assess, judge, presence_accuracy, spot_errors
from calibration.labels import of_truth, of_walk
from edge.arrays import Array
from edge.session import Truth
from tests.calibration.test_adapt import walk
from tests.simulate.stickman import STANDING

SCRIPT = walk(8)
TIME_S = np.arange(0.0, SCRIPT.prompts[-1].end_s, 0.1)
LABELS = of_walk(SCRIPT, TIME_S)


def bodies(root: Array) -> Array:
    return np.asarray(STANDING - STANDING[0] + root[:, None])


def test_errors_are_distances_to_where_somebody_was() -> None:
    off = LABELS.root + np.array((0.3, 0.4, 0.0))
    found = assess(bodies(off), bodies(LABELS.root), LABELS, 50.0)
    assert found.before.root_mm == pytest.approx(500.0)
    assert found.before.spot_mm == pytest.approx(500.0)
    assert found.after.root_mm == pytest.approx(0.0, abs=1e-9)
    assert found.before.mpjpe_mm is None
    assert found.baselines[0].root_mm > 1000.0
    assert found.verdict == "pass"


def test_truth_gives_the_four_errors_beside_the_mean_poses() -> None:
    truth = of_truth(Truth(TIME_S, bodies(LABELS.root).astype(np.float32)), TIME_S[1:-1], SCRIPT)
    off = bodies(truth.root + np.array((0.0, 0.5, 0.0)))
    found = assess(bodies(truth.root + np.array((1.0, 0.0, 0.0))), off, truth, 50.0)
    assert found.after.mpjpe_mm == pytest.approx(500.0)
    assert found.after.relative_mm == pytest.approx(0.0, abs=1e-3)
    assert [row.name[:9] for row in found.baselines] == ["mean pose", "canonical"]
    assert found.baselines[1].root_mm == pytest.approx(0.0, abs=1e-9)
    assert found.baselines[1].p_mpjpe_mm == pytest.approx(0.0, abs=1e-3)


def test_what_nobody_knows_is_not_counted() -> None:
    nonsense = np.where(LABELS.known[:, None], LABELS.root, 100.0)
    assert assess(bodies(LABELS.root + 1.0), bodies(nonsense), LABELS, 50.0).after.root_mm == pytest.approx(
        0.0, abs=1e-9
    )


def test_stops_are_judged_by_their_median() -> None:
    root = LABELS.root + np.array((0.1, 0.0, 0.0))
    root[np.random.default_rng(0).random(len(root)) < 0.1] += 3.0  # now and then quite elsewhere
    stops = spot_errors(bodies(root), LABELS)
    assert len(stops) == 8
    np.testing.assert_allclose(stops[:, 1:], np.tile((0.1, 0.0), (8, 1)), atol=1e-6)


@pytest.mark.parametrize(
    ("before", "after", "middle", "verdict"),
    [
        (1500.0, 600.0, 1200.0, "pass"),
        (1500.0, 1100.0, 1200.0, "weak"),  # hardly better than the middle
        (1500.0, 1300.0, 1200.0, "fail"),
        (700.0, 701.0, 1200.0, "fail"),
        (600.0, 590.0, 1200.0, "weak"),  # was as good before
    ],
)
def test_the_verdict(before: float, after: float, middle: float, verdict: str) -> None:
    said, why = judge(before, after, middle)
    assert said == verdict
    assert f"{after:.0f} mm" in why


def test_presence_counts_empty_and_inhabited_moments_alike() -> None:
    level = np.where(LABELS.known, 0.2, 0.01)
    assert presence_accuracy(TIME_S, level, 0.05, (0.0, 4.0), LABELS) == 1.0
    assert presence_accuracy(TIME_S, level, 0.5, (0.0, 4.0), LABELS) == 0.5
    assert presence_accuracy(TIME_S, level, 0.001, (0.0, 4.0), LABELS) == 0.5
    assert presence_accuracy(TIME_S, level, 0.05, (500.0, 510.0), LABELS) is None
    nobody = replace(LABELS, segment=np.full(len(TIME_S), -1))
    assert presence_accuracy(TIME_S, level, 0.05, (0.0, 4.0), nobody) is None
