"""What a room adds to the model: its head, and where its radios are."""

from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from edge.arrays import Array
from edge.config import Config, Receiver
from edge.geometry import Geometry, geometry_values
from edge.inference.engine import Engine
from edge.profile import ProfileFile, write_profile
from edge.service.model import Model
from firmware_tools.simulate.rooms import room_named

BUNDLE = "wimose-plus-rooms"
SMALL, LARGE = room_named("test-0"), room_named("test-1")


@pytest.fixture(scope="module")
def model() -> Model:
    return Model.load(Config(bundle=BUNDLE))


@pytest.fixture(scope="module")
def image(model: Model) -> Array:
    return np.random.default_rng(2).normal(0.0, 0.2, model.bundle.spec.shape).clip(-1, 1).astype(np.float32)


def measured(geometry: Geometry) -> Config:
    first, second = geometry.receivers_m
    receivers = (Receiver("a", antennas_m=first), Receiver("b", "relay", antennas_m=second))
    return Config(room_size_m=geometry.size_m, transmitter_m=geometry.transmitter_m, receivers=receivers)


def profiled(model: Model, geometry: Geometry | None, path: Path) -> str:
    bundle = model.bundle
    file = ProfileFile(
        1, "lab", bundle.identity, bundle.description.sha256, 1.8e9, "recorded", geometry, SMALL.carrier_hz
    )  # fmt: skip
    write_profile(path, file, None)
    return str(path)


def test_the_configuration_tells_where_the_radios_are(model: Model, image: Array) -> None:
    said = model.fitted(measured(SMALL.geometry())).engine(image)
    assert np.array_equal(said, Engine(model.bundle, geometry=geometry_values(SMALL.geometry()))(image))
    assert not np.array_equal(said, model.fitted(Config()).engine(image))


def test_a_profile_tells_it_better(model: Model, image: Array, tmp_path: Path) -> None:
    config = replace(measured(LARGE.geometry()), profile=profiled(model, SMALL.geometry(), tmp_path / "lab.yaml"))
    exact = geometry_values(SMALL.geometry(), SMALL.carrier_hz)
    assert np.array_equal(model.fitted(config).engine(image), Engine(model.bundle, geometry=exact)(image))
    config = replace(config, profile=profiled(model, None, tmp_path / "bare.yaml"))  # one that says nothing of it
    kept = geometry_values(LARGE.geometry())
    assert np.array_equal(model.fitted(config).engine(image), Engine(model.bundle, geometry=kept)(image))
