import numpy as np
import pytest

from firmware_tools.simulate.paths import EDGE, TRUNK_RADIUS, knife_edge, larger, past_screen, past_torso, smaller

WAVELENGTH = 0.0515  # m
SCREEN = (2.0, -1.0, 2.0, 1.0, -1000.0, 1.8)  # across x = 2, two metres wide


def test_smaller_and_larger_without_a_branch() -> None:
    a, b = np.random.default_rng(1).normal(size=(2, 100))
    np.testing.assert_allclose(smaller(a, b), np.minimum(a, b), atol=1e-15)
    np.testing.assert_allclose(larger(a, b), np.maximum(a, b), atol=1e-15)


def test_knife_edge_loses_nothing_when_clear() -> None:
    v = np.array([-5.0, -0.79, 0.0, 1.0, 5.0])
    np.testing.assert_allclose(knife_edge(v), [1.0, 1.0, 0.4993, 0.2016, 0.0454], atol=2e-3)
    assert knife_edge(0.1) == pytest.approx(EDGE)


def past(height: float, across: float = 0.0, passing: float = 0.1) -> float:
    return float(past_screen(0.0, across, height, 4.0, across, height, *SCREEN, passing, WAVELENGTH))


def test_a_screen_passes_its_share_in_the_middle_and_nothing_is_lost_beside_it() -> None:
    assert past(1.0) == pytest.approx(0.1)
    assert past(1.8) == pytest.approx(knife_edge(0.0))
    assert past(2.5) == past(1.0, across=1.5) == 1.0
    assert past(1.7, passing=0.0) == pytest.approx(knife_edge(0.1 * np.sqrt(2 / (WAVELENGTH * 4 * 0.25))))


def test_a_screen_is_nothing_to_those_on_one_side_of_it() -> None:
    assert past_screen(0.0, 0.0, 1.0, 1.9, 0.3, 1.0, *SCREEN, 0.1, WAVELENGTH) == 1.0
    assert past_screen(2.1, 0.0, 1.0, 4.0, 0.3, 1.0, *SCREEN, 0.1, WAVELENGTH) == 1.0


def past_upright(x: float, y: float) -> float:
    """From a limb at (x, y) off an upright trunk to a point 3 m along x."""
    return float(past_torso(x, y, 0.1, 1.0, 0.0, 0.0, 3.0, 0.0, 0.0, 1.0, 0.25, WAVELENGTH))


def test_a_trunk_weakens_only_what_lies_behind_it() -> None:
    v = TRUNK_RADIUS * np.sqrt(2 / WAVELENGTH * (1 / 0.4 + 1 / 3.0))
    assert past_upright(-0.4, 0.0) == pytest.approx(knife_edge(v), rel=1e-2)
    assert past_upright(0.4, 0.0) == past_upright(-0.4, 0.5) == 1.0
    assert past_upright(-0.4, 0.1) == pytest.approx(past_upright(-0.4, -0.1))
    assert past_upright(-0.4, 0.0) < past_upright(-0.4, 0.1) < past_upright(-0.4, 0.2) < 1.0


def test_a_trunk_s_shadow_has_no_jumps() -> None:
    """Around the trunk at an arm's length, a millimetre a step."""
    angle = np.linspace(-np.pi, np.pi, 2000)
    for reach in (0.05, 0.2, 0.3):
        left = np.array([past_upright(reach * np.cos(a), reach * np.sin(a)) for a in angle])
        assert np.abs(np.diff(left)).max() < 0.02
