"""Spectrograms of known beats, and pictures that another reader reads the same."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from calibration.png import data_uri, png, ramp
from calibration.spectrogram import MAX_COLUMNS, dopplers, power_db
from edge.signal.grid import RATE_HZ
from tests.calibration.test_report import recording


def test_a_png_is_read_back_as_it_was() -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (7, 13)).astype(np.uint8)
    colours = rng.integers(0, 256, (256, 3)).astype(np.uint8)
    image = Image.open(io.BytesIO(png(pixels, colours)))
    assert image.size == (13, 7)
    np.testing.assert_array_equal(np.asarray(image.convert("RGB")), colours[pixels])


def test_the_colours_go_from_dark_to_light() -> None:
    light = ramp() @ (0.2126, 0.7152, 0.0722)
    assert ramp().shape == (256, 3)
    assert (np.diff(light) >= -0.6).all()  # whole numbers of each colour
    assert light[-1] - light[0] > 200


def test_a_beat_is_where_its_frequency_is() -> None:
    time_s = np.arange(0, 8, 1 / RATE_HZ)
    rng = np.random.default_rng(1)
    beat = np.sin(2 * np.pi * 20 * time_s) * (time_s > 4)
    values = 0.3 * beat[:, None] + rng.normal(0, 0.05, (len(time_s), 30))
    level, at_s = power_db(values, np.ones(len(time_s), bool))
    frequency = np.linspace(0, RATE_HZ / 2, len(level))
    early, late = level[:, at_s < 3.4].mean(axis=1), level[:, at_s > 4.6].mean(axis=1)
    assert frequency[late.argmax()] == pytest.approx(20, abs=1.2)
    assert late.max() > 20.0
    assert np.abs(early[1:-1]).max() < 3.0  # noise lies at 0 dB


def test_what_is_not_known_is_still() -> None:
    values = np.random.default_rng(2).normal(size=(600, 4))
    known = np.arange(600) >= 300
    level, at_s = power_db(np.where(known[:, None], values, 1e6), known)
    assert level[:, at_s < 1.5].max() < -100
    assert level[1:-1, at_s > 2.5].mean() == pytest.approx(0.0, abs=3.0)


def test_the_links_of_a_recording() -> None:
    """20 Hz from the third second on, on one antenna of each receiver."""
    first, second = dopplers(recording())
    for doppler in (first, second):
        assert doppler.top_hz == 75.0
        assert 0 < doppler.start_s < 0.5 and 5.0 < doppler.end_s < 6.0
        file = base64.b64decode(doppler.source.removeprefix("data:image/png;base64,"))
        assert doppler.source == data_uri(file)
        picture = np.asarray(Image.open(io.BytesIO(file))).astype(int)
        at_s = np.linspace(doppler.start_s, doppler.end_s, picture.shape[1])
        row = picture.shape[0] - 1 - round(20 / 75 * (picture.shape[0] - 1))
        assert picture[row - 1 : row + 2, at_s > 3.8].max() > 150
        assert picture[row - 1 : row + 2, at_s < 2.2].max() < 100


def test_a_long_session_makes_no_wider_a_picture() -> None:
    level, _ = power_db(np.random.default_rng(3).normal(size=(200_000, 1)), np.ones(200_000, bool))
    assert 0.5 * MAX_COLUMNS < level.shape[1] <= MAX_COLUMNS
