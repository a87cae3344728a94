"""The empty room: its level, and what is said where it was not empty."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from calibration.empty import FLOOR, measure_empty
from edge.arrays import Array
from edge.commands.demo import SESSION
from edge.errors import RecordingError
from edge.recording import Recording, as_heard
from edge.session import load_session
from edge.signal.imagespec import PLUS_1, WIMOSE_1
from edge.signal.motion import PRESENT_LEVEL
from edge.signal.path import Packets

SECONDS = 20.0


def still(echo: float = 0.0, hz: float = 0.0, noise: float = 0.04, bursts: bool = False) -> Recording:
    """The demo's packets with the channel of one moment, some noise, and an echo that swings or comes and goes."""
    session = load_session(SESSION)
    heard = as_heard(session.logs, session.links)
    rng = np.random.default_rng(3)
    receivers = []
    for packets in heard.receivers:
        seconds = packets.time_us * 1e-6
        csi = np.repeat(packets.csi[:1], len(seconds), axis=0)
        csi = csi * (1.0 + echo * _swing(seconds, hz, bursts)[:, None, None])
        size = np.abs(csi).mean() * noise / np.sqrt(2)
        csi = csi + size * (rng.normal(size=(*csi.shape, 2)) @ (1, 1j))
        receivers.append(Packets(packets.time_us, csi.astype(np.complex64)))
    return dataclasses.replace(heard, receivers=(receivers[0], receivers[1]))


def _swing(seconds: Array, hz: float, bursts: bool) -> Array:
    """A tilt over the antennas would be levelled out; what swings here is left by giving it to one antenna alone."""
    swing = np.cos(2 * np.pi * hz * seconds)
    if bursts:
        rng = np.random.default_rng(4)
        knots = np.arange(0.0, seconds[-1] + 0.1, 0.05)
        swing = np.interp(seconds, knots, rng.normal(size=knots.size)) * (np.floor(seconds / 3) % 3 == 1)
    return np.asarray(swing)


def tilted(recording: Recording, still_one: Recording, antenna: int) -> Recording:
    """The echo at one antenna only."""
    receivers = []
    for moving, quiet in zip(recording.receivers, still_one.receivers, strict=True):
        csi = quiet.csi.copy()
        csi[:, antenna] = moving.csi[:, antenna]
        receivers.append(Packets(quiet.time_us, csi))
    return dataclasses.replace(still_one, receivers=(receivers[0], receivers[1]))


@pytest.fixture(scope="module")
def quiet() -> Recording:
    return still()


def test_nothing_moves(quiet: Recording) -> None:
    empty = measure_empty(quiet)
    assert not empty.moving
    assert empty.level_p50 <= empty.level_p99 <= empty.level_p999 < FLOOR
    assert empty.presence_level == FLOOR, "never lower, however quiet"
    assert empty.remedy == ""
    assert np.array(empty.static).shape == (2, 3, 30)
    expected = np.abs(quiet.receivers[0].csi[0]) / np.sqrt((np.abs(quiet.receivers[0].csi[0]) ** 2).mean())
    assert np.array(empty.static)[0] == pytest.approx(expected, abs=0.1)


def test_louder_noise_raises_the_level(quiet: Recording) -> None:
    empty = measure_empty(tilted(still(echo=0.05, hz=0.3), quiet, 0))
    assert not empty.moving
    assert empty.presence_level == pytest.approx(1.5 * empty.level_p999, abs=1e-4)
    assert empty.presence_level > FLOOR


@pytest.mark.parametrize("hz", [3.3, 14.2])
def test_a_fan(hz: float, quiet: Recording) -> None:
    empty = measure_empty(tilted(still(echo=0.15, hz=hz), quiet, 0))
    assert empty.moving
    assert empty.line_hz == pytest.approx(hz, abs=0.11)
    assert "fan" in empty.why
    assert "switch it off" in empty.remedy
    assert empty.presence_level >= 1.5 * empty.level_p999 - 1e-4, "it may always run"


def test_a_line_that_hardly_stands_out_is_nothing(quiet: Recording) -> None:
    empty = measure_empty(tilted(still(echo=0.008, hz=14.2), quiet, 1))
    assert not empty.moving


def test_a_person_comes_and_goes(quiet: Recording) -> None:
    empty = measure_empty(tilted(still(echo=0.4, bursts=True), quiet, 0))
    assert empty.moving
    assert empty.line_hz is None
    assert "bursts" in empty.why
    assert "leave the room" in empty.remedy
    assert empty.presence_level == PRESENT_LEVEL, "what was measured says nothing of the empty room"


def test_a_person_beside_a_small_fan(quiet: Recording) -> None:
    """What has to be done is to leave the room, not to look for the fan."""
    moving = tilted(still(echo=0.4, bursts=True), quiet, 0)
    empty = measure_empty(tilted(still(echo=0.02, hz=31.0), moving, 1))
    assert empty.line_hz is None
    assert "bursts" in empty.why


def test_somebody_dances_through_the_demo() -> None:
    session = load_session(SESSION)
    for spec in (PLUS_1, WIMOSE_1):
        empty = measure_empty(as_heard(session.logs, session.links), spec)
        assert empty.moving
        assert empty.line_hz is None


def test_a_simulated_empty_room_and_then_somebody(data: Path, tmp_path: Path) -> None:
    from firmware_tools.simulate.rooms import room_named
    from firmware_tools.simulate.session import simulate_session

    simulate_session(tmp_path / "s", room_named("basic"), data / "mocap17", None, 34.0, 150.0, 5, empty_s=17.0)
    session = load_session(tmp_path / "s")
    recording = as_heard(session.logs, session.links)
    empty = measure_empty(recording, PLUS_1, 0.0, 17.0)
    assert not empty.moving
    assert empty.level_p999 < FLOOR
    assert measure_empty(recording, PLUS_1, 17.0).moving


def test_too_short_a_time(quiet: Recording) -> None:
    with pytest.raises(RecordingError, match=r"record again, 30 s"):
        measure_empty(quiet, end_s=9.0)
