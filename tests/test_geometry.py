"""Where the radios are, and what a network is told of it."""

import numpy as np
import pytest
from msgspec.structs import replace

from edge.commands.demo import SESSION
from edge.config import Config, Receiver
from edge.geometry import CARRIER, GEOMETRY_VALUES, Geometry, geometry_values
from edge.session import load_session

GEOMETRY = Geometry(
    (7.0, 8.0, 2.8),
    (0.6, 0.6, 1.2),
    (
        [(6.4, 0.574, 1.2), (6.4, 0.6, 1.2), (6.4, 0.626, 1.2)],
        [(0.574, 7.4, 1.2), (0.6, 7.4, 1.2), (0.626, 7.4, 1.2)],
    ),
)


def test_the_table() -> None:
    values = geometry_values(GEOMETRY, 5.825e9)
    assert values.dtype == np.float32
    expected = (
        (-0.85, -0.85, 0.0), (0.6, -0.85, 0.0), (-0.85, 0.85, 0.0), (0.0, 1.0), (1.0, 0.0), (-0.74, -0.74),
        (0.75, 1.0, 4 / 3), (0.325 / 0.35,), (1.0,),
    )  # fmt: skip
    np.testing.assert_allclose(values, np.concatenate(expected).clip(-1, 1), atol=1e-6)


def test_arrays_are_told_with_their_direction() -> None:
    first, second = GEOMETRY.receivers_m
    turned = geometry_values(replace(GEOMETRY, receivers_m=(first[::-1], second)))
    same = np.delete(np.arange(GEOMETRY_VALUES), (9, 10))
    np.testing.assert_array_equal(turned[9:11], (0.0, -1.0))
    np.testing.assert_array_equal(turned[same], geometry_values(GEOMETRY)[same])
    upright = [(1.0, 2.0, z) for z in (1.0, 1.1, 1.2)]
    np.testing.assert_array_equal(geometry_values(replace(GEOMETRY, receivers_m=(upright, second)))[9:11], 0.0)
    alone = geometry_values(replace(GEOMETRY, receivers_m=(upright[:1], second)))  # one antenna has no direction
    np.testing.assert_array_equal(alone[[9, 10, 13]], (0.0, 0.0, -1.0))


def test_what_is_not_known_is_zero() -> None:
    np.testing.assert_array_equal(geometry_values(None, 5.2e9), np.zeros(GEOMETRY_VALUES))
    assert geometry_values(GEOMETRY)[CARRIER] == 0.0
    assert geometry_values(GEOMETRY)[-1] == 1.0


@pytest.mark.parametrize("size", [(1e9, -1e300, 3.0), (float("nan"), float("inf"), 0.0)])
def test_no_measure_leaves_the_range(size: tuple[float, float, float]) -> None:
    values = geometry_values(replace(GEOMETRY, size_m=size), 1e30)
    assert np.abs(values).max() <= 1.0


def test_what_sessions_and_configurations_know() -> None:
    file = load_session(SESSION).file
    assert file.geometry == GEOMETRY
    assert replace(file, transmitter_m=None).geometry is None
    assert Config().geometry is None
    first, second = GEOMETRY.receivers_m
    config = Config(
        room_size_m=GEOMETRY.size_m, transmitter_m=GEOMETRY.transmitter_m,
        receivers=(Receiver("a", antennas_m=first), Receiver("b", "relay", antennas_m=second)),
    )  # fmt: skip
    assert config.geometry == GEOMETRY
