from dataclasses import replace

import numpy as np
import pytest

from edge.arrays import Array
from edge.parse.subcarriers import INDEX_20_MHZ, SPACING_HZ
from firmware_tools.simulate.channel import TRUNK_RADIUS, channel, channel_plain, static_channel
from firmware_tools.simulate.room import BASIC, SPEED_OF_LIGHT
from tests.simulate.stickman import STANDING


def random_poses(count: int, seed: int) -> Array:
    """(N, 17, 3) m: people all over the room, some on a line of sight, limbs anyhow."""
    rng = np.random.default_rng(seed)
    places = rng.uniform((0.8, 0.8), (6.2, 7.2), (count, 2))
    places[::4] = rng.uniform((1.0, 0.4), (6.0, 0.8), (len(places[::4]), 2))  # between transmitter and receiver 1
    poses = STANDING + rng.normal(0.0, 0.1, (count, 17, 3))
    poses[..., :2] += places[:, None]
    return np.asarray(poses)


def test_equals_its_plain_twin() -> None:
    poses = random_poses(40, seed=1)
    fast, plain = channel(BASIC, poses), channel_plain(BASIC, poses)
    moving = plain - plain.mean(axis=0)
    # Each leaves 1 um to a limb's length in another place, which shows in the pattern.
    assert np.abs(fast - plain).max() < 1e-4 * np.sqrt(np.mean(np.abs(moving) ** 2))


def test_the_body_s_echo_grows_with_its_cross_section() -> None:
    poses = random_poses(5, seed=2) + np.array([0.0, 3.0, 0.0])
    empty = channel(BASIC, poses, gain=0.0)
    one, four = channel(BASIC, poses, gain=1.0) - empty, channel(BASIC, poses, gain=4.0) - empty
    np.testing.assert_allclose(four, 2.0 * one, rtol=1e-9)
    assert np.abs(one).max() < 0.5 * np.abs(empty).mean()


def test_line_of_sight_is_free_space() -> None:
    """Friis: lambda / (4 pi d), one turn a wavelength."""
    direct, _ = static_channel(BASIC)
    distance = np.linalg.norm(BASIC.antennas() - np.array(BASIC.transmitter), axis=1)
    frequency = BASIC.carrier_hz + INDEX_20_MHZ * SPACING_HZ
    expected = SPEED_OF_LIGHT / BASIC.carrier_hz / (4 * np.pi * distance)[:, None]
    np.testing.assert_allclose(np.abs(direct[0]), np.broadcast_to(expected, (6, 30)), rtol=1e-12)
    turns = distance[:, None] * frequency / SPEED_OF_LIGHT
    np.testing.assert_allclose(direct[0] * np.exp(2j * np.pi * turns), np.abs(direct[0]), rtol=1e-9)


def test_clutter_lies_the_rician_factor_under_the_line_of_sight() -> None:
    direct, clutter = static_channel(BASIC)
    for receiver in (slice(0, 3), slice(3, 6)):
        ratio = np.mean(np.abs(direct[0, receiver]) ** 2) / np.mean(np.abs(clutter[receiver]) ** 2)
        assert 10 * np.log10(ratio) == pytest.approx(BASIC.rician_k_db)


@pytest.mark.parametrize(
    ("v", "loss_db"),
    [(0.0, 6.03), (0.9, 13.26), (-0.5, 1.96), (-0.77, 0.07), (-0.79, 0.0)],  # ITU-R P.526-15, Eq. 31
)
def test_the_trunk_is_a_knife_edge(v: float, loss_db: float) -> None:
    """Line of sight to receiver 1's middle antenna, with the trunk beside its middle; walls that reflect nothing."""
    room = replace(BASIC, wall_reflection=0.0)
    source, sink = np.array(BASIC.transmitter), np.array(BASIC.receivers[0])
    half = (sink[0] - source[0]) / 2
    wavelength = SPEED_OF_LIGHT / BASIC.carrier_hz
    clearance = TRUNK_RADIUS - v / np.sqrt(2 * 2 * half / (wavelength * half * half))
    place = np.array([source[0] + half, source[1] + clearance, 0.0])
    poses = np.stack((STANDING + place, STANDING + place))
    poses[1, 10, 2] = poses[1, 0, 2] = 1.0  # hip and head lie under the line of sight: nothing is blocked
    with_trunk, without = channel(room, poses, gain=0.0)[:, 1]
    direct, _ = static_channel(room)
    blocked = np.abs(1 - (without - with_trunk) / direct[0, 1])
    np.testing.assert_allclose(-20 * np.log10(blocked), loss_db, atol=0.02)
