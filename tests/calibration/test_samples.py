"""A session through path and model, as the service would hear it."""

from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from calibration.samples import samples
from edge.errors import BundleMismatch, RecordingError
from edge.inference.bundle import find_bundle, load_bundle
from edge.inference.engine import Engine
from edge.inference.head import inputs
from edge.recording import Recording
from edge.signal.motion import motion
from edge.signal.path import SignalPath
from tests.simulate.stickman import simulated_recording


@pytest.fixture(scope="module")
def recording() -> Recording:
    return simulated_recording(4.0, 1)


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(load_bundle(find_bundle("wimose-plus-basic")))


def test_rows_are_what_the_service_would_hear(recording: Recording, engine: Engine) -> None:
    """Also where the session says that the room was empty at first: the service knows no such thing."""
    heard = samples(replace(recording, empty_us=1e6), engine, 10.0)
    images = SignalPath(recording.links, 10.0, engine.spec).push(recording.receivers)
    assert len(heard.time_s) == len(images) > 10
    np.testing.assert_allclose(heard.time_s, [image.time_us * 1e-6 for image in images])
    for row in (0, -1):
        said = engine.predict(images[row].values)
        assert said.features is not None
        np.testing.assert_array_equal(heard.features[row], said.features)
        np.testing.assert_array_equal(heard.joints[row], said.joints)
        assert heard.level[row] == motion(images[row].values, engine.spec).level
    assert heard.features.shape[1] == inputs(load_bundle(find_bundle("wimose-plus-basic")))
    assert heard.context_s == pytest.approx(engine.spec.whole / 150)


def test_some_of_the_rows(recording: Recording, engine: Engine) -> None:
    heard = samples(recording, engine)
    late = heard.part(heard.time_s > 3.0)
    assert 0 < len(late.time_s) < len(heard.time_s)
    np.testing.assert_array_equal(late.features, heard.features[heard.time_s > 3.0])


def test_what_cannot_be_calibrated(recording: Recording, engine: Engine) -> None:
    without = SimpleNamespace(
        spec=engine.spec, predict=lambda image: replace(engine.predict(image), features=None)
    )  # as a bundle that was made without
    with pytest.raises(BundleMismatch, match="features"):
        samples(recording, cast(Engine, without))
    with pytest.raises(RecordingError, match="no whole window"):
        first, second = (packets.part(0, 30) for packets in recording.receivers)
        samples(replace(recording, receivers=(first, second)), engine)
