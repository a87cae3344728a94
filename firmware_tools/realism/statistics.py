"""Statistics that tell real CSI from simulated. The same functions measure both, on records as the parser reads them.

Each returns a sample an antenna, a pair or a stretch, so that distributions can be compared and not only medians. The
definitions are ours where no source is named.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import combinations, pairwise

import numpy as np

from edge.arrays import Array
from edge.parse.summary import GAP_FACTOR
from firmware_tools.realism.doppler import (
    DOPPLER_EDGES_HZ,
    doppler_bandwidth,
    doppler_centroid,
    doppler_share,
)
from firmware_tools.realism.stretch import (
    AMBIGUITY_NS,
    Stretch,
    levelled,
    outside_window,
    packet_delays,
    straightened,
)


def amplitude_deviation(stretch: Stretch) -> Array:
    """How much the amplitude moves: its standard deviation over time over its mean.

    Every packet is divided by its rms over antennas and subcarriers first, which takes out the gain control.
    returns  (R,) of each antenna, the median over its subcarriers; no unit
    """
    amplitude = np.abs(levelled(stretch.csi))
    return np.asarray(np.median(amplitude.std(axis=0) / amplitude.mean(axis=0), axis=1))


def coherent_deviation(stretch: Stretch) -> Array:
    """What of `amplitude_deviation` is motion: the square root of the covariance over time between neighbouring
    subcarriers, over their mean. Noise differs from subcarrier to subcarrier, a moving echo does not.

    returns  (R,) of each antenna, the median over subcarriers; no unit, 0 where noise is all there is
    """
    amplitude = np.abs(levelled(stretch.csi))
    mean = amplitude.mean(axis=0)
    moved = amplitude - mean
    covariance = (moved[..., 1:] * moved[..., :-1]).mean(axis=0) / (mean[:, 1:] * mean[:, :-1])
    return np.asarray(np.sqrt(np.median(covariance, axis=1).clip(0.0)))


def white_residual(stretch: Stretch) -> Array:
    """Noise: what changes from packet to packet and no echo of a room can explain.

    Packets are levelled, their common phase and slope removed, and all that lies within 200 ns of the mean delay is
    projected out (discrete prolate subspace, Slepian 1978); the rms over time of the rest, scaled up to all 30
    dimensions and relative to the receiver's rms.
    returns  (R,) of each antenna; no unit
    """
    rest = levelled(straightened(stretch.csi)) @ outside_window()
    return np.asarray(np.sqrt(np.mean(rest.var(axis=0), axis=1)))


def selectivity(stretch: Stretch) -> Array:
    """Largest over smallest amplitude across 20 MHz of the average packet.

    returns  (R,) of each antenna, dB
    """
    amplitude = np.sqrt(np.mean(np.abs(levelled(stretch.csi)) ** 2, axis=0))
    return np.asarray(20 * np.log10(amplitude.max(axis=1) / amplitude.min(axis=1)))


def phase_slope(stretch: Stretch) -> Array:
    """Mean of the delay that the phase's slope over the subcarriers stands for: sampling offset and time of flight.

    returns  (1,) ns, 0 to 1600, which is what steps of two subcarriers can tell
    """
    return np.array([float(packet_delays(stretch.csi).mean()) % AMBIGUITY_NS])


def phase_slope_deviation(stretch: Stretch) -> Array:
    """Standard deviation of the same from packet to packet. returns  (1,) ns"""
    return np.array([float(packet_delays(stretch.csi).std())])


def pair_stability(stretch: Stretch) -> Array:
    """Length |R| of the mean phase vector between two antennas of a receiver (Mardia, Directional Statistics, 2.3).

    returns  (pairs,) of each pair, the median over subcarriers; 1 is constant, 0 uniform; (0,) with several streams,
    which change the phase between antennas from packet to packet even while nothing moves (csi/csi-data, asleep)
    """
    if stretch.streams > 1:
        return np.empty(0)
    turns = [stretch.csi[:, a] * stretch.csi[:, b].conj() for a, b in combinations(range(stretch.csi.shape[1]), 2)]
    vectors = np.array([np.exp(1j * np.angle(turn)).mean(axis=0) for turn in turns])
    return np.asarray(np.median(np.abs(vectors), axis=1))


def agc_range(stretch: Stretch) -> Array:
    """How far the gain control moves.

    returns  (1,) dB, largest minus smallest
    """
    return np.array([float(stretch.agc.max()) - float(stretch.agc.min())])


def quantised_peak(stretch: Stretch) -> Array:
    """The largest count of a typical packet, of 127.

    returns  (1,) counts, median over packets of the largest |I| or |Q|
    """
    counts = np.maximum(np.abs(stretch.csi.real), np.abs(stretch.csi.imag))
    return np.array([float(np.median(counts.max(axis=(1, 2))))])


def antenna_imbalance(stretch: Stretch) -> Array:
    """Strongest over weakest antenna of the receiver.

    returns  (1,) dB of mean power
    """
    power = np.mean(np.abs(levelled(stretch.csi)) ** 2, axis=(0, 2))
    return np.array([10 * np.log10(power.max() / power.min())])


def packet_jitter(stretch: Stretch) -> Array:
    """How late packets come: the 95 % quantile of the step over its median.

    returns  (1,) no unit, 1 is a perfectly regular sender
    """
    steps = np.diff(stretch.arrival_s)
    return np.array([float(np.quantile(steps, 0.95) / np.median(steps))])


def packet_gaps(stretch: Stretch) -> Array:
    """Share of steps over 2.5 usual ones, as `wimose inspect` counts gaps.

    returns  (1,) percent
    """
    steps = np.diff(stretch.arrival_s)
    return np.array([float(np.mean(steps > GAP_FACTOR * np.median(steps))) * 100])


@dataclass(frozen=True)
class Statistic:
    """One row of the table for each activity, or for all of them together where motion does not matter."""

    name: str
    unit: str
    measure: Callable[[Stretch], Array]
    activities: tuple[str, ...]


EMPTY, STILL, WAVING, WALKING, ANY = "empty", "still", "waving", "walking", "any"
ACTIVITIES = (EMPTY, STILL, WAVING, WALKING)

STATISTICS = (
    Statistic("amplitude deviation", "", amplitude_deviation, ACTIVITIES),
    Statistic("coherent deviation", "", coherent_deviation, ACTIVITIES),
    Statistic("pair stability |R|", "", pair_stability, (STILL, WAVING, WALKING)),
    Statistic("AGC range", "dB", agc_range, ACTIVITIES),
    Statistic("white residual", "", white_residual, (ANY,)),
    Statistic("frequency selectivity", "dB", selectivity, (ANY,)),
    Statistic("phase slope", "ns", phase_slope, (ANY,)),
    Statistic("phase slope deviation", "ns", phase_slope_deviation, (ANY,)),
    Statistic("quantised peak", "counts", quantised_peak, (ANY,)),
    Statistic("antenna imbalance", "dB", antenna_imbalance, (ANY,)),
    Statistic("packet jitter p95", "", packet_jitter, (ANY,)),
    Statistic("packet gaps", "%", packet_gaps, (ANY,)),
    Statistic("Doppler centroid", "Hz", doppler_centroid, (WALKING,)),
    Statistic("Doppler bandwidth", "Hz", doppler_bandwidth, (WALKING,)),
    *(
        Statistic(f"Doppler {low:g}..{high:g} Hz", "%", partial(doppler_share, low_hz=low, high_hz=high), (WALKING,))
        for low, high in pairwise(DOPPLER_EDGES_HZ)
    ),
)
