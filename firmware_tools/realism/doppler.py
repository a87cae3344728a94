"""How fast things move in a stretch of CSI: the Doppler spectrum and its figures."""

from itertools import combinations

import numpy as np
from scipy.signal import butter, sosfiltfilt

from edge.arrays import Array
from firmware_tools.realism.stretch import Stretch, levelled

DOPPLER_BAND_HZ = (2.0, 80.0)  # from sway to a foot at 2 m/s, there and back, at 5.8 GHz
DOPPLER_EDGES_HZ = (2.0, 10.0, 20.0, 40.0, 80.0)
DOPPLER_MIN_S = 2.0
DOPPLER_RATE_HZ = 250.0  # of the grid the spectrum is computed on; slower recordings have no such spectrum


def doppler_spectrum(stretch: Stretch) -> tuple[Array, Array]:
    """Power spectrum of the first principal component of the antenna products, 2 to 80 Hz.

    The product of one antenna with another's conjugate takes out what their oscillator and sampling have in common
    (Li et al., IndoTrack, 2017); the principal component over subcarriers and pairs is the motion they share (Wang et
    al., CARM, 2015).
    returns  frequencies (F,) Hz, positive, and the share of power at each (F,), summing to 1
    """
    csi = levelled(stretch.csi)
    pairs = combinations(range(csi.shape[1]), 2)
    products = np.concatenate([csi[:, a] * csi[:, b].conj() for a, b in pairs], axis=1)
    time_s = stretch.time_s - stretch.time_s[0]
    grid = np.arange(0.0, time_s[-1], 1 / DOPPLER_RATE_HZ)
    # Averaged over each grid step, not picked: a fast recording's noise must not fold into the band.
    bins = np.clip((time_s * DOPPLER_RATE_HZ).round().astype(np.int64), 0, grid.size - 1)
    filled, start = np.unique(bins, return_index=True)
    count = np.diff(np.append(start, bins.size))[:, None]
    means = np.add.reduceat(products, start, axis=0) / count
    even = np.array([np.interp(np.arange(grid.size), filled, column) for column in means.T]).T
    band = sosfiltfilt(butter(4, DOPPLER_BAND_HZ, "bandpass", fs=DOPPLER_RATE_HZ, output="sos"), even, axis=0)
    _, _, components = np.linalg.svd(band, full_matrices=False)
    motion = (band @ components[0].conj()) * np.hanning(grid.size)  # a strong slow part must not leak into the fast
    power = np.abs(np.fft.fft(motion)) ** 2
    frequency = np.abs(np.fft.fftfreq(grid.size, 1 / DOPPLER_RATE_HZ))
    inside = (frequency >= DOPPLER_BAND_HZ[0]) & (frequency < DOPPLER_BAND_HZ[1])
    return frequency[inside], power[inside] / power[inside].sum()


def doppler_centroid(stretch: Stretch) -> Array:
    """Mean frequency of `doppler_spectrum`. returns  (1,) Hz, or (0,) from a recording too slow or short for it"""
    if not _has_doppler(stretch):
        return np.empty(0)
    frequency, power = doppler_spectrum(stretch)
    return np.array([float(frequency @ power)])


def doppler_bandwidth(stretch: Stretch) -> Array:
    """Standard deviation of the frequency in `doppler_spectrum`. returns  (1,) Hz, or (0,)"""
    if not _has_doppler(stretch):
        return np.empty(0)
    frequency, power = doppler_spectrum(stretch)
    return np.array([float(np.sqrt(frequency**2 @ power - (frequency @ power) ** 2))])


def doppler_share(stretch: Stretch, low_hz: float, high_hz: float) -> Array:
    """Share of `doppler_spectrum` in a band. returns  (1,) percent, or (0,)"""
    if not _has_doppler(stretch):
        return np.empty(0)
    frequency, power = doppler_spectrum(stretch)
    return np.array([float(power[(frequency >= low_hz) & (frequency < high_hz)].sum()) * 100])


def _has_doppler(stretch: Stretch) -> bool:
    seconds = stretch.time_s[-1] - stretch.time_s[0]
    return bool(seconds >= DOPPLER_MIN_S and np.median(np.diff(stretch.time_s)) <= 1 / DOPPLER_RATE_HZ)
