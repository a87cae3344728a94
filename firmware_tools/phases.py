"""Image specs that no host knows: the phase as other networks of the field are shown it, for the ablations.

All antennas' amplitudes as in plus-2; in place of the products of antennas, two antennas by themselves:

raw-phase     as the receiver gives it, with the carrier's and the sampling offset of every packet
fitted-phase  without the line over the subcarriers that the receiver's antennas have in common (as S. Sen et al., You
              are Facing the Mona Lisa, MobiSys 2012, of a single antenna), which both offsets are
"""

from dataclasses import replace

import numpy as np

from edge.arrays import Array
from edge.parse.subcarriers import INDEX_20_MHZ
from edge.signal.antennas import AMPLITUDES, ANTENNAS, BINS, GROUP, PRODUCTS, VALUES, array_values
from edge.signal.baseline import AMPLITUDE_GAIN, PRODUCT_GAIN
from edge.signal.imagespec import KNOWN, PLUS_2, ImageSpec, known_spec
from edge.signal.links import Links


def raw_values(csi: Array, links: Links) -> Array:
    """Amplitudes of all antennas, real and imaginary parts of the first two: (N, 3, 30) counts to (N, 70) float64."""
    amplitudes = array_values(csi.astype(np.complex64))[:, :AMPLITUDES]
    csi = csi.astype(np.complex128)
    power = (np.abs(csi) ** 2).mean(axis=(1, 2))
    power[power == 0] = np.inf
    single = csi[:, :PRODUCTS] / np.sqrt(power)[:, None, None]
    grouped = single.reshape(len(csi), PRODUCTS * BINS, GROUP).mean(axis=2)
    return np.concatenate((amplitudes, grouped.real, grouped.imag), axis=1)


def fitted_values(csi: Array, links: Links) -> Array:
    """The same of CSI without its common line."""
    return raw_values(without_line(csi), links)


def without_line(csi: Array) -> Array:
    """Turn each packet of (N, 3, 30) back by the line that fits its antennas' phases best, one slope and one offset."""
    index = INDEX_20_MHZ - INDEX_20_MHZ.mean()
    phase = np.unwrap(np.angle(csi.astype(np.complex128)), axis=2)
    slope = (phase.mean(axis=1) @ index) / (index @ index)  # (N,)
    offset = np.angle((csi * np.exp(-1j * slope[:, None, None] * index)).sum(axis=(1, 2)))
    return np.asarray(csi * np.exp(-1j * (slope[:, None, None] * index + offset[:, None, None])))


def single_deviations(rows: Array, means: Array, known: Array) -> Array:
    """Columns: limited deviations from the long-run mean, over the antenna's level.

    rows, means  (G, 70) float64; known (G,) bool, unknown points give zeros
    returns      (G, 70) float32 in (-1, 1)
    """
    level = np.sqrt((means[:, :AMPLITUDES].reshape(len(means), ANTENNAS, BINS) ** 2).mean(axis=2)).clip(1e-9)  # (G, 3)
    of = np.concatenate((np.arange(ANTENNAS), *2 * (np.arange(PRODUCTS),)))  # the antenna of each group of bins
    gain = np.repeat((AMPLITUDE_GAIN, PRODUCT_GAIN), (ANTENNAS, 2 * PRODUCTS))
    moved = (rows - means).reshape(len(rows), VALUES // BINS, BINS) / level[:, of, None] * gain[:, None]
    return np.asarray(np.tanh(moved.reshape(rows.shape)) * known[:, None], np.float32)


RAW_PHASE = replace(PLUS_2, name="raw-phase", values=raw_values, columns=single_deviations)
FITTED_PHASE = replace(PLUS_2, name="fitted-phase", values=fitted_values, columns=single_deviations)
SPECS = KNOWN | {spec.name: spec for spec in (RAW_PHASE, FITTED_PHASE)}


def spec_named(name: str) -> ImageSpec:
    """A spec that can be learnt from. Raises BundleMismatch for one that this version does not know."""
    return SPECS[name] if name in SPECS else known_spec(name)
