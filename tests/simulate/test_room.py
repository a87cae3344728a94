from dataclasses import replace

import numpy as np
import pytest

from edge.errors import ConfigError
from firmware_tools.simulate.room import BASIC, BASIC_NLOS, DRAWN, SCREEN_LOSS_DB, Room, drawn_names
from firmware_tools.simulate.rooms import room_named

DRAWN_ROOMS = [room_named(name) for kind in DRAWN for name in drawn_names(kind)]


def test_a_name_is_one_room() -> None:
    assert room_named("basic") is BASIC
    assert room_named("test-3") == room_named("test-3")
    assert room_named("test-3").name == "test-3"
    assert len(DRAWN_ROOMS) == len({replace(room, name="") for room in DRAWN_ROOMS}) == 50


@pytest.mark.parametrize("name", ["train-40", "train-7", "test-5", "test-", "valid-00", "attic", ""])
def test_no_other_name_is_a_room(name: str) -> None:
    with pytest.raises(ConfigError, match=r"basic-nlos, .*train-00 to train-39, valid-0 to valid-4, test-0 to test-4"):
        room_named(name)


@pytest.mark.parametrize("room", DRAWN_ROOMS, ids=lambda room: room.name)
def test_a_drawn_room_has_the_paper_s_layout(room: Room) -> None:
    width, depth, height = room.size
    assert 4 <= width <= 8
    assert 4 <= depth <= 8
    assert 2.4 <= height <= 3
    for point in (room.transmitter, *room.receivers):
        assert 0.8 <= point[2] <= 1.6
    assert ((room.antennas() > 0.2) & (room.antennas() < np.array(room.size) - 0.2)).all()
    first, second = (np.subtract(receiver, room.transmitter)[:2] for receiver in room.receivers)
    lengths = np.linalg.norm(first), np.linalg.norm(second)
    assert min(lengths) > 2
    assert abs(first @ second) / (lengths[0] * lengths[1]) < np.sin(np.radians(30))  # about a right angle
    assert 5.18e9 <= room.carrier_hz <= 5.825e9
    assert np.linalg.norm(np.diff(room.antennas()[:3], axis=0), axis=1) == pytest.approx(room.spacing)


def test_images_lie_behind_the_walls() -> None:
    images, amplitudes = BASIC.transmitter_images()
    np.testing.assert_allclose(images[2], (2 * 7.0 - 0.6, 0.6, 1.2))
    np.testing.assert_allclose(images[5], (0.6, 0.6, -1.2))
    np.testing.assert_array_equal(amplitudes, [1.0] + [0.45] * 6)
    np.testing.assert_allclose(BASIC.receiver_images()[3, 1], (6.4, -0.6, 1.2))


def test_screens_are_drawn_for_each_session() -> None:
    rng = np.random.default_rng(1)
    losses = [screen.loss_db for _ in range(50) for screen in BASIC_NLOS.for_session(rng).screens]
    assert min(losses) >= SCREEN_LOSS_DB[0] == 8
    assert max(losses) <= SCREEN_LOSS_DB[1] == 20
    assert np.ptp(losses) > 8
    assert BASIC_NLOS.for_session(rng).screens != BASIC_NLOS.for_session(rng).screens


def test_a_room_without_screens_is_the_same_in_every_session() -> None:
    rng = np.random.default_rng(1)
    before = rng.bit_generator.state
    assert BASIC.for_session(rng) is BASIC
    assert rng.bit_generator.state == before
