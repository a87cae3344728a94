"""Video and packets on one clock: known lags and drifts are found again, and unrelated streams refused."""

from pathlib import Path

import numpy as np
import pytest

from calibration.lag import Lag, find_lag, motion_of_landmarks, motion_of_recording
from edge.errors import RecordingError
from edge.recording import as_heard
from edge.session import load_session
from firmware_tools.simulate.guided import simulate_guided
from firmware_tools.simulate.rooms import room_named
from tests.calibration.filming import Flaws, landmarks_on, scene

SEARCH_S = 30.0


@pytest.mark.parametrize("lag_s", [-12.4, 0.0, 1.234, 21.7])
def test_a_lag_is_found_again(data: Path, lag_s: float) -> None:
    true = scene(data, "cmu86", "86_09", Flaws(lag_s=lag_s))
    found = find_lag(motion_of_landmarks(true.marks), true.channel, SEARCH_S)
    assert found.offset_s == pytest.approx(lag_s, abs=0.03)
    assert found.correlation > 0.6
    assert 0.97 < found.confidence <= 1.0


def test_a_drift_is_found_again(data: Path) -> None:
    """30 pictures/s claimed, 29.97 in truth: after four minutes the film is a quarter of a second late."""
    true = scene(data, "cmu61", "61_09", Flaws(lag_s=2.0, drift_ppm=1000.0), holds=20, times=4)
    found = find_lag(motion_of_landmarks(true.marks), true.channel, SEARCH_S)
    ends = np.array([0.0, true.marks.time_s[-1]])
    assert found.stretches >= 8
    assert found.residual_ms is not None and found.residual_ms < 40.0
    off = found.session_s(ends) - (2.0 + 1.001 * ends)
    assert np.abs(off).max() < 0.04
    assert found.drift_ppm == pytest.approx(1000.0, abs=250.0)


@pytest.mark.parametrize("video, channel", [
    (("cmu86", "86_09"), ("cmu61", "61_13")), (("cmu13", "13_29"), ("cmu86", "86_09")),
    (("cmu61", "61_13"), ("cmu13", "13_29")), (("cmu86", "86_01"), ("cmu60", "60_05")),
])  # fmt: skip
def test_a_film_of_another_walk_is_refused(data: Path, video: tuple[str, str], channel: tuple[str, str]) -> None:
    """Even one with as many stops as long as this one's."""
    seen = motion_of_landmarks(scene(data, *video, Flaws(), times=2).marks)
    heard = scene(data, *channel, Flaws(), times=2).channel
    with pytest.raises(RecordingError, match="is it this walk's video"):
        find_lag(seen, heard, SEARCH_S)


def test_a_channel_of_noise_alone_is_refused(data: Path) -> None:
    true = scene(data, "cmu86", "86_09", Flaws())
    noise = np.random.default_rng(5).lognormal(size=true.channel[0].size)
    with pytest.raises(RecordingError, match="do not match"):
        find_lag(motion_of_landmarks(true.marks), (true.channel[0], noise), SEARCH_S)


def test_streams_that_do_not_overlap_are_refused(data: Path) -> None:
    true = scene(data, "cmu86", "86_09", Flaws())
    late = (true.channel[0] + 500.0, true.channel[1])
    with pytest.raises(RecordingError, match="start both together"):
        find_lag(motion_of_landmarks(true.marks), late, SEARCH_S)
    assert find_lag(motion_of_landmarks(true.marks), late, SEARCH_S, about_s=490.0).offset_s == pytest.approx(
        501.234, abs=0.03
    )


def test_video_time_becomes_session_time() -> None:
    lag = Lag(1.5, 1000.0, 0.9, 0.5, None, 0)
    np.testing.assert_allclose(lag.session_s(np.array([0.0, 100.0])), [1.5, 101.6])


def test_the_simulated_channel_knows_when_somebody_moves(data: Path, tmp_path: Path) -> None:
    """All the way from packets: the lag of a film of a simulated guided walk.

    To a quarter of a second: who walks away from the transmitter sets out between the ends of both links, where the
    channel hardly notices, and is heard late.
    """
    simulate_guided(tmp_path, room_named("basic"), data / "mocap17", 60.0, 150.0, 3, empty_s=5.0)
    session = load_session(tmp_path)
    assert session.truth is not None
    marks = landmarks_on(session.truth, 5.2, Flaws(lag_s=-3.3))
    found = find_lag(motion_of_landmarks(marks), motion_of_recording(as_heard(session.logs, session.links)), SEARCH_S)
    assert found.offset_s == pytest.approx(-3.3, abs=0.25)
    assert found.correlation > 0.7
