"""How fast each link's channel changes, over the whole of a calibration: a person's Doppler, as a picture.

A path that a moving body lengthens by v metres a second beats at v / wavelength in the amplitudes: at 5.8 GHz a walker
(1 m/s towards and away) reaches 40 Hz, limbs more. Power is averaged over antennas and subcarriers, and shown over the
median of what is fastest, where there is only noise.
"""

from dataclasses import dataclass

import numpy as np
from scipy.signal import spectrogram

from calibration.png import data_uri, png, ramp
from edge.arrays import Array
from edge.recording import Recording, slices
from edge.signal import baseline
from edge.signal.antennas import ANTENNAS, BINS
from edge.signal.grid import RATE_HZ
from edge.signal.imagespec import PLUS_1
from edge.signal.path import SignalPath

STRETCH = 128  # grid points of one spectrum, 0.85 s: steps stay apart, and 1.2 Hz too
MAX_COLUMNS = 1000  # of the picture
RANGE_DB = 30.0
STILL = 1e-20  # power of what is not known
NOISE_HZ = 60.0  # above it there is noise alone


@dataclass(frozen=True)
class Doppler:
    """One link's spectrogram."""

    source: str  # a PNG as a data: address
    start_s: float  # of the picture's left edge, session's clock
    end_s: float
    top_hz: float  # upper edge; the lower is 0


def dopplers(recording: Recording) -> tuple[Doppler, Doppler]:
    """Of both links, transmitter to each receiver."""
    path = SignalPath(recording.links, spec=PLUS_1, empty_us=recording.empty_us)
    parts = [path.columns(packets) for _, packets in slices(recording, 1e6)]
    columns = np.concatenate([values for values, _ in parts])
    known = np.concatenate([known for _, known in parts])
    links = columns.reshape(len(columns), 2, -1, BINS)[:, :, :ANTENNAS]  # (G, receiver, antenna, bin)
    deviation = np.arctanh(links.clip(-0.999, 0.999)) / baseline.AMPLITUDE_GAIN
    first, second = (_doppler(deviation[:, receiver].reshape(len(known), -1), known) for receiver in (0, 1))
    return first, second


def power_db(values: Array, known: Array) -> tuple[Array, Array]:
    """Power over the noise: (F, T) float64 dB, and the seconds (T,) each column is about.

    values  (G, V) float64 on the session's grid; known (G,) bool, the others count as still
    """
    step = min(max(STRETCH // 4, int(np.ceil(len(values) / MAX_COLUMNS))), STRETCH)
    still = np.where(known[:, None], values, 0.0)
    frequency, time_s, power = spectrogram(
        still, RATE_HZ, "hann", min(STRETCH, len(values)), STRETCH - step, axis=0, detrend="constant"
    )
    mean = power.mean(axis=1)  # (F, T)
    pool = int(np.ceil(mean.shape[1] / MAX_COLUMNS))
    columns = mean.shape[1] // pool
    mean = mean[:, : columns * pool].reshape(len(mean), columns, pool).mean(axis=2)
    time_s = time_s[: columns * pool].reshape(columns, pool).mean(axis=1)
    fast = mean[frequency >= NOISE_HZ]
    noise = np.median(fast[fast > STILL]) if (fast > STILL).any() else STILL
    return 10 * np.log10(np.maximum(mean, STILL) / float(noise)), time_s


def _doppler(values: Array, known: Array) -> Doppler:
    level, time_s = power_db(values, known)
    half = (time_s[-1] - time_s[0]) / max(len(time_s) - 1, 1) / 2
    colours = ramp()
    pixels = (level / RANGE_DB * 255).clip(0, 255).astype(np.uint8)[::-1]
    return Doppler(data_uri(png(pixels, colours)), float(time_s[0] - half), float(time_s[-1] + half), RATE_HZ / 2)
