"""A model that is told where the radios are: it says other things of the same image in another room."""

import msgspec
import numpy as np
import pytest

from edge.arrays import Array
from edge.errors import BundleMismatch
from edge.geometry import geometry_values
from edge.inference.bundle import Bundle, find_bundle, load_bundle
from edge.inference.engine import Engine
from firmware_tools.simulate.rooms import room_named

ROOMS = ("test-0", "test-1", "test-2", "test-3", "test-4")


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return load_bundle(find_bundle("wimose-plus-rooms"))


@pytest.fixture(scope="module")
def image(bundle: Bundle) -> Array:
    return np.random.default_rng(1).normal(0.0, 0.2, bundle.spec.shape).clip(-1, 1).astype(np.float32)


def told(name: str) -> Array:
    room = room_named(name)
    return geometry_values(room.geometry(), room.carrier_hz)


def test_another_room_is_another_place(bundle: Bundle, image: Array) -> None:
    assert bundle.description.geometry
    assert bundle.input_shape == (bundle.spec.packets, 160)
    engine = Engine(bundle)
    rooms = [Engine(bundle, geometry=told(name))(image) for name in ROOMS]
    assert np.ptp([joints[0] for joints in rooms], axis=0).max() > 0.1
    assert len({joints.tobytes() for joints in rooms}) == len(ROOMS)
    assert np.array_equal(engine(image), Engine(bundle, geometry=geometry_values(None))(image))  # nobody told
    siblings = [engine.sibling(geometry=told(name))(image) for name in ROOMS]
    assert np.array_equal(siblings, rooms)
    assert engine.streams


def test_a_bundle_that_does_not_ask_is_told_nothing(image: Array) -> None:
    basic = load_bundle(find_bundle("wimose-basic"))
    assert basic.input_shape == basic.spec.shape
    picture = image[:30, :80].reshape(30, 20, 4)
    assert np.array_equal(Engine(basic)(picture), Engine(basic, geometry=told("test-0"))(picture))


def test_a_description_that_forgets_it_is_refused(bundle: Bundle) -> None:
    forgetful = msgspec.structs.replace(bundle, description=msgspec.structs.replace(bundle.description, geometry=False))
    with pytest.raises(BundleMismatch, match="install it again"):
        Engine(forgetful)
