"""What must not show in an image: a packet's own phase, slope and gain, and the phases of a restarted NIC."""

from collections.abc import Callable

import numpy as np
import pytest

from edge.arrays import Array
from edge.parse.subcarriers import INDEX_20_MHZ
from edge.signal.imagespec import KNOWN, ImageSpec
from edge.signal.links import Links
from edge.signal.path import Packets, SignalPath
from firmware_tools.simulate.channel import channel
from firmware_tools.simulate.room import BASIC
from tests.simulate.stickman import walk

LINKS = Links(reference=0, partner=2)
TIME_US = (np.arange(750) / 150 + np.random.default_rng(1).uniform(-1e-3, 1e-3, 750)) * 1e6


@pytest.fixture(scope="module")
def csi() -> Array:
    """(750, 3, 30) complex64: five seconds of the walk at receiver 1, 4 % of noise."""
    rng = np.random.default_rng(2)
    joints = walk(6.0).at(TIME_US.clip(min=0.0) * 1e-6) + np.array([3.0, 3.5, 0.0])
    clean = channel(BASIC, joints)[:, :3]
    clean *= 20.0 / np.sqrt(np.mean(np.abs(clean) ** 2))
    noise = rng.standard_normal(clean.shape) + 1j * rng.standard_normal(clean.shape)
    return np.asarray(clean + 0.6 * noise).astype(np.complex64)


@pytest.fixture(params=list(KNOWN.values()), ids=list(KNOWN))
def spec(request: pytest.FixtureRequest) -> ImageSpec:
    chosen: ImageSpec = request.param
    return chosen


def images(csi: Array, spec: ImageSpec) -> Array:
    packets = Packets(TIME_US, csi.astype(np.complex64))
    made = np.stack([image.values for image in SignalPath((LINKS, LINKS), spec=spec).push((packets, packets))])
    assert made.std(axis=tuple(range(made.ndim - 1))).min() > 0.02
    return made


def common_phase(rng: np.random.Generator) -> Array:
    return np.asarray(np.exp(2j * np.pi * rng.uniform(size=(750, 1, 1))))


def slope(rng: np.random.Generator) -> Array:
    return np.asarray(np.exp(1j * rng.normal(0.0, 0.4, (750, 1, 1)) * INDEX_20_MHZ))


def gain(rng: np.random.Generator) -> Array:
    return rng.uniform(0.2, 5.0, (750, 1, 1))


def antenna_phases(rng: np.random.Generator) -> Array:
    """One oscillator phase each, and one more gain for all."""
    return np.asarray(3.0 * np.exp(2j * np.pi * rng.uniform(size=(3, 1))))


@pytest.mark.parametrize("factor", [common_phase, slope, gain])
def test_a_packet_s_own_offsets_do_not_show(
    csi: Array, spec: ImageSpec, factor: Callable[[np.random.Generator], Array]
) -> None:
    spoiled = csi * factor(np.random.default_rng(3))
    np.testing.assert_allclose(images(spoiled, spec), images(csi, spec), rtol=0, atol=1e-5)


def test_restarted_oscillators_do_not_show(csi: Array, spec: ImageSpec) -> None:
    spoiled = csi * antenna_phases(np.random.default_rng(4))
    np.testing.assert_allclose(images(spoiled, spec), images(csi, spec), rtol=0, atol=1e-5)
