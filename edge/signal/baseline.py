"""The static paths: what stands still is removed (Eq. 2 of the paper, H_s) by comparing with the long-run mean.

The mean runs on for as long as the session lasts, or, where the room is known to have been empty at the beginning, it
is that of the empty room and stays.

One antenna pair: amplitude becomes its relative deviation from its own mean. The phase of the conjugate product is
turned by the phase of its mean, so that neither the antennas' cable lengths nor a restarted NIC (new PLL phases) shift
it. All antennas: deviations are relative to the antenna's level, not to the single subcarrier, which may lie in a null.

All are then limited softly, tanh(gain * x): most deviations are a tenth or less, now and then one is ten times that,
and the network reads them in eight bits.
"""

import numpy as np
from numba import njit

from edge.arrays import Array
from edge.signal.antennas import AMPLITUDES, ANTENNAS, BINS, PRODUCTS, VALUES

AMPLITUDE_GAIN = 3.0  # a walking body's 5 to 35 % fill 15 to 78 % of the range
PHASE_GAIN = 1.0  # per radian
PRODUCT_GAIN = 2.0  # a product holds the deviations of two antennas
MEMORY = 4500  # grid points (30 s): longer than anyone stands still between two steps, shorter than a door stays open


@njit(cache=True, nogil=True)
def running_mean(rows: Array, known: Array, learning: Array, mean: Array, seen: int) -> tuple[Array, int]:
    """The mean that each point is compared with.

    rows      (G, V) float64
    known     (G,) bool; unknown points teach the mean nothing
    learning  (G,) bool; where False the mean stays as it is
    mean      (V,) float64, updated: plain mean of the first MEMORY points, then exponential forgetting
    seen      points the mean has seen, at most MEMORY
    returns   (G, V) float64, each with its own point in it; seen for the next call
    """
    means = np.empty(rows.shape)
    for g in range(rows.shape[0]):
        if known[g] and learning[g]:
            seen = min(seen + 1, MEMORY)
            for v in range(mean.size):
                mean[v] += (rows[g, v] - mean[v]) / seen
        means[g] = mean
    return means, seen


def running_mean_plain(rows: Array) -> Array:
    """The same as `running_mean` from the beginning, over known points, in plain NumPy."""
    means = []
    mean = np.zeros(rows.shape[1])
    for g, row in enumerate(rows):
        mean = mean + (row - mean) / min(g + 1, MEMORY)
        means.append(mean)
    return np.array(means)


@njit(cache=True, nogil=True)
def link_deviations(rows: Array, means: Array, known: Array) -> Array:
    """Columns of one antenna pair (`phase.packet_values`).

    rows, means  (G, 3*K) float64: K amplitudes, K real, K imaginary parts
    known        (G,) bool; unknown points give zeros
    returns      (G, K, 2) float32 in (-1, 1): limited relative amplitude and phase
    """
    n_subcarriers = rows.shape[1] // 3
    out = np.zeros((rows.shape[0], n_subcarriers, 2), np.float32)
    for g in range(rows.shape[0]):
        if not known[g]:
            continue
        mean = means[g]
        for k in range(n_subcarriers):
            if mean[k] > 0.0:
                out[g, k, 0] = np.tanh(AMPLITUDE_GAIN * (rows[g, k] / mean[k] - 1.0))
            re = rows[g, n_subcarriers + k]
            im = rows[g, 2 * n_subcarriers + k]
            mean_re = mean[n_subcarriers + k]
            mean_im = mean[2 * n_subcarriers + k]
            turned = np.arctan2(im * mean_re - re * mean_im, re * mean_re + im * mean_im)
            out[g, k, 1] = np.tanh(PHASE_GAIN * turned)
    return out


def link_deviations_plain(rows: Array, means: Array) -> Array:
    """The same as `link_deviations` over known points, in plain NumPy."""
    amplitude, re, im = np.split(rows, 3, axis=1)
    mean_amplitude, mean_re, mean_im = np.split(means, 3, axis=1)
    phase = np.angle((re + 1j * im) * (mean_re - 1j * mean_im))
    relative = np.divide(amplitude, mean_amplitude, out=np.ones_like(amplitude), where=mean_amplitude > 0) - 1
    return np.asarray(np.tanh(np.stack((AMPLITUDE_GAIN * relative, PHASE_GAIN * phase), axis=2)), np.float32)


@njit(cache=True, nogil=True)
def array_deviations(rows: Array, means: Array, known: Array) -> Array:
    """Columns of all antennas (`antennas.array_values`).

    rows, means  (G, 70) float64
    known        (G,) bool; unknown points give zeros
    returns      (G, 70) float32 in (-1, 1), in the same order: limited deviations of the amplitudes over the antenna's
                 level, then of the products over both levels, along and across the direction of their mean
    """
    out = np.zeros(rows.shape, np.float32)
    level = np.empty(ANTENNAS)
    n_products = PRODUCTS * BINS
    for g in range(rows.shape[0]):
        if not known[g]:
            continue
        mean = means[g]
        for a in range(ANTENNAS):
            power = 0.0
            for k in range(a * BINS, (a + 1) * BINS):
                power += mean[k] * mean[k]
            level[a] = np.sqrt(power / BINS)
        for k in range(AMPLITUDES):
            if level[k // BINS] > 0.0:
                out[g, k] = np.tanh(AMPLITUDE_GAIN * (rows[g, k] - mean[k]) / level[k // BINS])
        for k in range(n_products):
            at_re, at_im = AMPLITUDES + k, AMPLITUDES + n_products + k
            size = np.sqrt(mean[at_re] * mean[at_re] + mean[at_im] * mean[at_im])
            both = level[k // BINS] * level[k // BINS + 1] * size
            if both > 0.0:
                re, im = rows[g, at_re] - mean[at_re], rows[g, at_im] - mean[at_im]
                out[g, at_re] = np.tanh(PRODUCT_GAIN * (re * mean[at_re] + im * mean[at_im]) / both)
                out[g, at_im] = np.tanh(PRODUCT_GAIN * (im * mean[at_re] - re * mean[at_im]) / both)
    return out


def array_deviations_plain(rows: Array, means: Array) -> Array:
    """The same as `array_deviations` over known points and antennas that hear something, in plain NumPy."""
    shape = (len(rows), VALUES // BINS, BINS)
    value, mean = rows.reshape(shape), means.reshape(shape)
    level = np.sqrt((mean[:, :ANTENNAS] ** 2).mean(axis=2, keepdims=True))  # (G, 3, 1)
    amplitude = AMPLITUDE_GAIN * (value[:, :ANTENNAS] - mean[:, :ANTENNAS]) / level
    moved, direction = (
        part[:, ANTENNAS : ANTENNAS + PRODUCTS] + 1j * part[:, ANTENNAS + PRODUCTS :] for part in (value - mean, mean)
    )
    product = PRODUCT_GAIN * moved * direction.conj() / np.abs(direction) / (level[:, :-1] * level[:, 1:])
    limited = np.tanh(np.concatenate((amplitude, product.real, product.imag), axis=1))
    return np.asarray(limited.reshape(rows.shape), np.float32)
