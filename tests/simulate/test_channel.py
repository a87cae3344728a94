from dataclasses import replace

import numpy as np
import pytest

from edge.arrays import Array
from edge.parse.subcarriers import INDEX_20_MHZ, SPACING_HZ
from firmware_tools.simulate.channel import channel, channel_plain, empty_channel
from firmware_tools.simulate.geometry import geometry, past_screens, screen_images, static_channel
from firmware_tools.simulate.paths import TRUNK_RADIUS
from firmware_tools.simulate.physics import echoes, static_paths
from firmware_tools.simulate.room import BASIC, BASIC_NLOS, SPEED_OF_LIGHT, Room
from firmware_tools.simulate.rooms import room_named
from tests.simulate.stickman import STANDING


def random_poses(count: int, seed: int) -> Array:
    """(N, 17, 3) m: people all over the room, some on a line of sight, limbs anyhow."""
    rng = np.random.default_rng(seed)
    places = rng.uniform((0.8, 0.8), (6.2, 7.2), (count, 2))
    places[::4] = rng.uniform((1.0, 0.4), (6.0, 0.8), (len(places[::4]), 2))  # between transmitter and receiver 1
    poses = STANDING + rng.normal(0.0, 0.1, (count, 17, 3))
    poses[..., :2] += places[:, None]
    return np.asarray(poses)


def rms(values: Array) -> float:
    return float(np.sqrt(np.mean(np.abs(values) ** 2)))


@pytest.mark.parametrize("room", ["basic", "basic-nlos", "wivelo", "test-0"])
def test_equals_its_plain_twin(room: str) -> None:
    poses = random_poses(70, seed=1)  # more than a block of packets
    fast, plain = channel(room_named(room), poses), channel_plain(room_named(room), poses)
    assert fast.shape == (70, 6, 30)
    assert np.abs(fast - plain).max() < 1e-9 * rms(plain - plain.mean(axis=0))


def test_the_body_s_echo_grows_with_its_cross_section() -> None:
    poses = random_poses(5, seed=2) + np.array([0.0, 3.0, 0.0])
    empty = channel(BASIC, poses, gain=0.0)
    one, four = channel(BASIC, poses, gain=1.0) - empty, channel(BASIC, poses, gain=4.0) - empty
    np.testing.assert_allclose(four, 2.0 * one, rtol=0, atol=1e-8 * rms(one))
    assert np.abs(one).max() < 0.5 * np.abs(empty).mean()


@pytest.mark.parametrize("room", [BASIC, BASIC_NLOS])
def test_the_channel_is_the_same_from_the_other_end(room: Room) -> None:
    """Reciprocity: transmitter and middle antenna exchanged."""
    poses = random_poses(20, seed=3)
    there = geometry(room)
    back = geometry(replace(room, transmitter=room.receivers[0], receivers=(room.transmitter, room.receivers[1])))
    forth, again = echoes(np, there, poses, 4.0)[:, 1], echoes(np, back, poses, 4.0)[:, 1]
    np.testing.assert_allclose(again, forth, rtol=0, atol=1e-9 * rms(forth))
    forth, again = ((static_paths(np, each, poses) - each.clutter)[:, 1] for each in (there, back))
    np.testing.assert_allclose(again, forth, rtol=0, atol=1e-9 * rms(forth))


def test_limbs_echo_by_way_of_the_receivers_walls() -> None:
    """A wall at each end: the echo has a part that grows with the square of the reflection."""
    poses = random_poses(5, seed=4)
    none, half, full = (
        echoes(np, geometry(replace(BASIC, wall_reflection=reflection)), poses, 4.0) for reflection in (0.0, 0.5, 1.0)
    )
    assert rms(full - 2 * half + none) > 0.2 * rms(none)


@pytest.mark.parametrize(("spacing", "error"), [(0.026, 0.01), (0.08, 0.03), (0.2, 0.06)])
def test_the_outer_antennas_are_nearly_exact(spacing: float, error: float) -> None:
    """Against the exact echo at an outer antenna, which is that of an array with its middle there."""
    room = replace(BASIC, spacing=spacing)
    poses = random_poses(50, seed=5)
    centres = [np.add(c, np.multiply(a, spacing)) for c, a in zip(room.receivers, room.array_axes, strict=True)]
    moved = replace(room, receivers=(tuple(centres[0]), tuple(centres[1])))
    near, exact = echoes(np, geometry(room), poses, 4.0), echoes(np, geometry(moved), poses, 4.0)
    for receiver in (0, 3):
        assert rms(near[:, receiver + 2] - exact[:, receiver + 1]) < error * rms(exact[:, receiver + 1])


def test_the_trunk_shadows_the_arm_behind_it() -> None:
    """A forearm 0.4 m to the side of the trunk, seen along that side: from one end through the trunk, or not."""
    room = replace(BASIC, wall_reflection=0.0)  # transmitter to receiver 1 lies along x
    poses = np.stack([STANDING] * 4)
    poses[2:, :, 1] += 20.0  # far to the side, where x is no line through the trunk any more
    poses[::2, [12, 13]] = poses[::2, [7]] + np.array([(0.4, 0.0, -0.1), (0.4, 0.0, 0.1)])
    poses[1::2, [12, 13]] = poses[::2, [12]]
    poses[:, 11] = poses[:, 12]
    poses += (3.5, 0.6, 0.0)
    with_arm, without, aside, aside_without = echoes(np, geometry(room), poses, 4.0)[:, 1]
    distance = np.linalg.norm(poses[:, 0] - room.transmitter, axis=1) * np.linalg.norm(
        poses[:, 0] - room.receivers[0], axis=1
    )
    loss = rms(with_arm - without) * distance[0] / (rms(aside - aside_without) * distance[2])
    v = TRUNK_RADIUS * np.sqrt(2 * (1 / 0.4 + 1 / 3.3) * BASIC.carrier_hz / SPEED_OF_LIGHT)
    knife_edge_db = 6.9 + 20 * np.log10(np.sqrt((v - 0.1) ** 2 + 1) + v - 0.1)  # ITU-R P.526-15, Eq. 31
    assert -20 * np.log10(loss) == pytest.approx(knife_edge_db, abs=1.0)


def test_a_screen_weakens_both_lines_of_sight() -> None:
    free, _ = static_channel(BASIC)
    room = BASIC_NLOS.for_session(np.random.default_rng(6))
    screened, clutter = static_channel(room)
    for antenna, screen in ((1, room.screens[0]), (4, room.screens[1])):
        loss_db = -20 * np.log10(np.abs(screened[0, antenna] / free[0, antenna]))
        np.testing.assert_allclose(loss_db, screen.loss_db, atol=1e-9)
    assert rms(clutter) < rms(static_channel(BASIC)[1])


def test_a_screen_is_met_before_the_wall_and_after_it() -> None:
    """Paths from the transmitter by way of each wall, against the same drawn leg by leg, with sharp edges."""
    room = BASIC_NLOS
    points = np.random.default_rng(7).uniform((0.1, 0.1, 0.1), np.subtract(room.size, 0.1), (300, 3))
    start, screens = np.array(room.transmitter), screen_images(room)
    met = 0
    for image in range(1, 7):
        axis, wall = (image - 1) // 2, (0.0, room.size[(image - 1) // 2])[(image - 1) % 2]
        to_wall = abs(start[axis] - wall) / (abs(start[axis] - wall) + abs(points[:, axis] - wall))
        mirrored = points.copy()
        mirrored[:, axis] = 2 * wall - points[:, axis]
        bounce = start + to_wall[:, None] * (mirrored - start)
        expected = sharply(np.broadcast_to(start, points.shape), bounce, room) * sharply(bounce, points, room)
        found = past_screens(room.transmitter_images()[0][image], points, screens[image], 1e-4)
        assert np.mean(np.abs(found - expected) < 1e-2) > 0.98
        met += (sharply(np.broadcast_to(start, points.shape), bounce, room) < 1).sum()
    assert met > 100


def sharply(a: Array, b: Array, room: Room) -> Array:
    """What screens across x or y leave of paths (N, 3) without diffraction: (N,)."""
    left = np.ones(len(a))
    for screen in room.screens:
        across = 0 if screen.start[0] == screen.end[0] else 1
        share = (screen.start[across] - a[:, across]) / (b[:, across] - a[:, across])
        at = a + share[:, None] * (b - a)
        hit = (share > 0) & (share < 1) & (at[:, 1 - across] < 1.4) & (at[:, 2] < screen.height)
        left[hit] *= 10 ** (-screen.loss_db / 20)
    return left


def test_nobody_at_home() -> None:
    """A person a kilometre away is as good as none."""
    far = STANDING[None] + (1000.0, 1000.0, 0.0)
    np.testing.assert_allclose(
        channel(BASIC, far)[0], empty_channel(BASIC), rtol=0, atol=1e-5 * rms(empty_channel(BASIC))
    )


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
