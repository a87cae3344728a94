"""What one receiver's log says of its radio, in numbers: packets, strength, noise, motion. `survey` grades them."""

from itertools import combinations

import msgspec
import numpy as np

from edge.arrays import Array
from edge.parse.intel5300 import CsiLog
from edge.parse.scale import NOISE_UNKNOWN, total_rss_dbm
from edge.parse.subcarriers import is_40_mhz
from edge.recording import usable
from edge.signal.links import MIN_S, dynamic_response, normalised_power
from edge.signal.resample import MAX_GAP_US

SHORT_US = 1e5  # nobody turns a phase by much in a tenth of a second, a loose oscillator does
MIN_SHORT = 4  # packets in such a stretch; fewer tell no stability

Three = tuple[float, float, float]


class Figures(msgspec.Struct, frozen=True):
    """One receiver. Of antennas 1 to 3 where there are three of a kind."""

    records: int
    seconds: float  # first to last record
    packets_per_s: float  # heard
    step_ms: float  # median from one packet to the next: the sender's own, while less than half are lost
    gaps_per_min: float  # pauses that the signal path cannot bridge
    longest_gap_ms: float
    usable: float  # share of records with three known antennas
    rssi_db: tuple[
        float | None, float | None, float | None
    ]  # medians, over the tool's own reference; None: the antenna heard nothing
    rss_dbm: float | None  # median over all antennas together; None: nothing heard
    agc_steps_per_min: float  # changes from packet to packet
    agc_range_db: float
    noise_dbm: float | None  # median; None: the driver did not measure it
    noise: Three  # rms of amplitude that neighbouring subcarriers do not share, over the antenna's mean
    level_db: Three  # each antenna's power under the strongest's
    stability: Three  # |R| of pairs 1-2, 1-3, 2-3 over SHORT_US
    response: Three  # motion over noise of each antenna, ratio of powers
    streams: int  # most that the sender used
    wide: float  # share of packets on 40 MHz


def measure(log: CsiLog) -> Figures | None:
    """Figures of a log; None where it does not hold MIN_S of usable records, which tell nothing."""
    good = usable(log)
    if good.sum() < 2 or float(np.ptp(log.timestamp_us[good])) * 1e-6 < MIN_S:
        return None
    step = np.diff(log.timestamp_us.astype(np.int64))
    step = step[step > 0]
    seconds = float(step.sum()) * 1e-6
    time_us, csi = log.timestamp_us[good].astype(np.float64), np.ascontiguousarray(log.csi[good, :, 0])
    rss = total_rss_dbm(log.rssi, log.agc)
    rss, noise = rss[np.isfinite(rss)], log.noise[log.noise != NOISE_UNKNOWN]
    agc, rssi = log.agc.astype(np.int64), log.rssi.T
    power = (np.abs(csi) ** 2).mean(axis=(0, 2))
    return Figures(
        records=len(log),
        seconds=seconds,
        packets_per_s=(len(log) - 1) / seconds,
        step_ms=float(np.median(step)) / 1e3,
        gaps_per_min=float((step > MAX_GAP_US).sum()) * 60 / seconds,
        longest_gap_ms=float(step.max()) / 1e3,
        usable=float(good.mean()),
        rssi_db=(_median(rssi[0][rssi[0] > 0]), _median(rssi[1][rssi[1] > 0]), _median(rssi[2][rssi[2] > 0])),
        rss_dbm=_median(rss),
        agc_steps_per_min=float((np.diff(agc) != 0).sum()) * 60 / seconds,
        agc_range_db=float(agc.max() - agc.min()),
        noise_dbm=_median(noise),
        noise=_three(_noise(csi)),
        level_db=_three(10 * np.log10(np.maximum(power, 1e-12) / max(power.max(), 1e-12))),
        stability=_three(_stability(time_us, csi)),
        response=_three(dynamic_response(time_us, csi)),
        streams=int(log.ntx.max()),
        wide=float(is_40_mhz(log.rate).mean()),
    )


def _noise(csi: Array) -> Array:
    """What changes from packet to packet and from subcarrier to subcarrier.

    The second difference over three subcarriers, from which its own mean over time is taken; of white noise it has six
    times the variance (1 + 4 + 1).
    csi      (N, 3, 30) complex64
    returns  (3,) float64, over the antenna's mean amplitude
    """
    amplitude = np.abs(csi) / np.sqrt(normalised_power(csi))[:, None, None]
    curve = np.diff(amplitude, 2, axis=2)
    curve -= curve.mean(axis=0)
    quick = np.diff(curve, axis=0) / np.sqrt(2.0)  # motion is slow beside the packets
    return np.asarray(np.sqrt((quick**2).mean(axis=(0, 2)) / 6.0) / np.maximum(amplitude.mean(axis=(0, 2)), 1e-9))


def _stability(time_us: Array, csi: Array) -> Array:
    """Length |R| of the mean phase vector between two antennas over SHORT_US, the median of all such stretches.

    Over a whole recording a walking body alone brings it from 0.95 down to 0.63.
    time_us  (N,) float64; csi (N, 3, 30) complex64
    returns  (3,) float64, pairs 1-2, 1-3, 2-3; 0 where packets are too few to tell
    """
    slot = ((time_us - time_us[0]) / SHORT_US).astype(np.int64)
    _, start, count = np.unique(slot, return_index=True, return_counts=True)
    enough = count >= MIN_SHORT
    if not enough.any():
        return np.zeros(3)
    lengths = []
    for a, b in combinations(range(3), 2):
        turn = csi[:, a] * csi[:, b].conj()
        turn /= np.maximum(np.abs(turn), 1e-9)
        mean = np.add.reduceat(turn, start, axis=0)[enough] / count[enough, None]
        lengths.append(float(np.median(np.abs(mean))))
    return np.array(lengths)


def _median(values: Array) -> float | None:
    return float(np.median(values)) if values.size else None


def _three(values: Array) -> Three:
    return float(values[0]), float(values[1]), float(values[2])
