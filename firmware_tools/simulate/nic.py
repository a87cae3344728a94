"""What an Intel 5300 makes of the channel: everything between the antenna and the 8-bit counts of a record.

Ranges are those of the recordings that `reference.yaml` is measured from. Where the sets differ: noise is 3 % of the
receiver's rms in csi/csi-data, 3 to 6 % in csi/wiar, where it grows with an antenna's own signal, and 6 to 15 % in
csi/wivelo, where a weak antenna has as much as a strong one. Packets hit by interference are 3 to 20 % of csi/csi-data
and none elsewhere. The gain control stands still in csi/wivelo and moves by 1 to 3 dB at most packets of csi/wiar.
Common to all: counts that hardly follow the gain control but jitter by 0.4 dB, uniform raw phase, a slope over the
subcarriers that is common to a receiver's antennas, and 2 to 4 dB less at the edges of the band than in its middle.
"""

from dataclasses import dataclass, replace

import numpy as np

from edge.arrays import Array
from edge.parse.scale import RSSI_OFFSET_DB
from edge.parse.subcarriers import INDEX_20_MHZ, SPACING_HZ

GAIN_JITTER_DB = 0.4
TRANSMIT_DBM = 15.0
RATE_HT20_MCS1 = 0x101
PERMUTATIONS = (0b100100, 0b100001, 0b011000, 0b001001, 0b010010, 0b000110)  # antenna_sel of the six orders
LOSS_RUN = 1.25  # packets lost in a row, mean, as in csi/wivelo; 1.1 in csi/csi-data
# Of interference, mean: at the packets of csi/csi-data, 10 ms apart, one in ten outlives a packet, so it lasts 4 ms;
# a large transfer of another network many times that.
BURST_S = (0.004, 0.04)
BURST_GAIN = 5.0  # noise amplitude under interference; csi/csi-data 2 to 6
ROLL_OFF_INDEX = 16  # subcarriers beyond are in the filters' roll-off


@dataclass(frozen=True, eq=False)
class Nic:
    """One receiver's own distortions, drawn once a session."""

    offsets: Array  # (3,) complex128: cable and PLL phase, gain imbalance
    response: Array  # (30,) float64: amplitude of both ends' filters
    noise: float  # residual, the same for every antenna, relative to the receiver's rms
    error: float  # residual that grows with the antenna's own signal, relative to that
    level: float  # counts of the rms component
    slope_ns: float  # sampling offset, mean over packets
    slope_deviation_ns: float
    clock_offset_us: int
    clock_ppm: float
    loss: float  # share of packets missed
    burst: float  # share of the time under interference
    burst_s: float  # mean length of it
    antenna_sel: int
    agc_target_dbm: float
    agc_hysteresis_db: float
    agc_jitter_db: float  # standard deviation of what the gain control measures from packet to packet


def draw_nic(rng: np.random.Generator) -> Nic:
    """A receiver as one session finds it: new PLL phases, new clock; a little of everything else."""
    gains = 10 ** (rng.normal(0.0, 3.0, 3) / 20)
    return Nic(
        offsets=gains * np.exp(2j * np.pi * rng.uniform(size=3)),
        response=_filters(rng),
        noise=_log_uniform(0.012, 0.1, rng),
        error=rng.uniform(0.005, 0.045),
        level=rng.uniform(15.0, 33.0),
        slope_ns=rng.normal(208.0, 22.0),
        slope_deviation_ns=_log_uniform(7.0, 45.0, rng),
        clock_offset_us=int(rng.integers(0, 1 << 32)),
        clock_ppm=rng.uniform(-15.0, 15.0),
        loss=rng.uniform(0.0, 0.01),
        burst=max(rng.uniform(-0.08, 0.08), 0.0),  # half of all places have none
        burst_s=_log_uniform(*BURST_S, rng),
        antenna_sel=int(rng.choice(PERMUTATIONS)),
        agc_target_dbm=rng.uniform(-10.0, -4.0),
        agc_hysteresis_db=rng.uniform(0.5, 2.0),
        agc_jitter_db=1.2 * rng.uniform() ** 4,  # most stand still, a few never
    )


def restarted(nic: Nic, rng: np.random.Generator) -> Nic:
    """The same receiver another day: new PLL phases, a clock that began anew."""
    phases = np.exp(2j * np.pi * rng.uniform(size=3))
    return replace(nic, offsets=np.abs(nic.offsets) * phases, clock_offset_us=int(rng.integers(0, 1 << 32)))


def _log_uniform(low: float, high: float, rng: np.random.Generator) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _filters(rng: np.random.Generator) -> Array:
    """(30,) amplitude: a roll-off at each edge and a ripple of about one period over the band, rms 1."""
    beyond = (np.abs(INDEX_20_MHZ) - ROLL_OFF_INDEX).clip(0) / (28 - ROLL_OFF_INDEX)
    edge_db = np.where(INDEX_20_MHZ < 0, *rng.uniform(1.5, 4.0, 2)) * beyond**2
    turns = INDEX_20_MHZ / 57 * rng.uniform(0.7, 2.5) + rng.uniform()
    amplitude = 10 ** ((rng.uniform(0.0, 1.5) * np.cos(2 * np.pi * turns) - edge_db) / 20)
    return np.asarray(amplitude / np.sqrt(np.mean(amplitude**2)))


@dataclass(frozen=True, eq=False)
class RawRecords:
    """The fields of 0xBB records before they are written; N records, Nrx = 3, Ntx = 1."""

    timestamp_low: Array  # (N,) uint32, us
    bfee_count: Array  # (N,) uint16
    rssi: Array  # (N, 3) uint8
    noise: Array  # (N,) int8
    agc: Array  # (N,) uint8
    antenna_sel: Array  # (N,) uint8
    iq: Array  # (N, 3, 30, 2) int8 [packet, antenna, subcarrier, I or Q], by antenna, not by chain


def receive(channel: Array, time_s: Array, nic: Nic, rng: np.random.Generator) -> tuple[RawRecords, int]:
    """Receive packets with one 5300.

    channel  (N, 3, 30) complex128, relative to the transmitted amplitude; time_s (N,) float64, of arrival
    returns  the records, and the index of the first packet that was heard
    """
    heard = ~_lost(time_s.size, nic.loss, rng)
    time_s, h = time_s[heard], channel[heard] * nic.offsets[:, None] * nic.response
    n = time_s.size

    antenna_dbm = TRANSMIT_DBM + 10 * np.log10(np.mean(np.abs(h) ** 2, axis=2))
    total_dbm = 10 * np.log10((10 ** (antenna_dbm / 10)).sum(axis=1))
    measured_dbm = total_dbm + rng.normal(0, nic.agc_jitter_db, n)
    agc = _gain_control(nic.agc_target_dbm - measured_dbm, nic.agc_hysteresis_db)
    rssi = np.round(antenna_dbm + RSSI_OFFSET_DB + agc[:, None] + rng.normal(0, 0.3, (n, 3))).clip(1, 255)

    h = h / np.sqrt(np.mean(np.abs(h) ** 2, axis=(1, 2)))[:, None, None]
    noise = nic.noise * np.where(_under_interference(time_s, nic.burst, nic.burst_s, rng), BURST_GAIN, 1.0)
    noise = np.sqrt(noise[:, None] ** 2 + nic.error**2 * np.mean(np.abs(h) ** 2, axis=2))  # (N, 3)
    white = rng.standard_normal((*h.shape, 2), np.float32).view(np.complex64)[..., 0]
    h = h + noise[..., None] / np.sqrt(2) * white
    slope_s = rng.normal(nic.slope_ns, nic.slope_deviation_ns, n) * 1e-9
    turn = rng.uniform(size=n)[:, None] - slope_s[:, None] * INDEX_20_MHZ * SPACING_HZ
    h = h * np.exp(2j * np.pi * turn)[:, None]
    counts = nic.level * np.sqrt(2) * 10 ** (rng.normal(0, GAIN_JITTER_DB, n) / 20)
    h *= counts[:, None, None]
    iq = np.stack((h.real, h.imag), axis=-1).round().clip(-128, 127).astype(np.int8)

    ticks = (time_s - time_s[:1]) * 1e6 * (1 + nic.clock_ppm * 1e-6) + nic.clock_offset_us + time_s[:1] * 1e6
    ticks = np.round(ticks + rng.normal(0, 0.5, n)).astype(np.int64)
    records = RawRecords(
        timestamp_low=(ticks % (1 << 32)).astype(np.uint32),
        bfee_count=np.arange(n).astype(np.uint16),
        rssi=rssi.astype(np.uint8),
        noise=np.full(n, -92, np.int8),
        agc=agc.astype(np.uint8),
        antenna_sel=np.full(n, nic.antenna_sel, np.uint8),
        iq=iq,
    )
    return records, int(np.argmax(heard))


def _lost(count: int, share: float, rng: np.random.Generator) -> Array:
    """(count,) bool, which packets are lost: runs of both kinds in turn (Gilbert, Bell System Tech. J. 39, 1960)."""
    if share <= 0 or count == 0:
        return np.zeros(count, bool)
    # Runs of heard packets and of lost ones; with more than LOSS_RUN / (1 + LOSS_RUN) lost no run can be heard shorter.
    ends = (min(share / (LOSS_RUN * (1 - share)), 1.0), 1 / LOSS_RUN)
    lengths = rng.geometric(ends, (count, 2)).ravel()
    lost = np.arange(lengths.size) % 2 == 1
    first = int(rng.uniform() < share)
    needed = slice(first, first + 1 + int(np.searchsorted(np.cumsum(lengths[first:]), count)))
    return np.repeat(lost[needed], lengths[needed])[:count]


def _under_interference(time_s: Array, share: float, burst_s: float, rng: np.random.Generator) -> Array:
    """(N,) bool: whether another sender was on air, quiet and bursts taking turns, exponentially long."""
    if share <= 0 or time_s.size == 0:
        return np.zeros(time_s.size, bool)
    means_s = np.array((burst_s * (1 - share) / share, burst_s))
    turns = 10 + int(2 * (time_s[-1] - time_s[0]) / means_s.sum())  # twice as many as fit on average
    edges = time_s[0] + np.cumsum(rng.exponential(means_s, (turns, 2)).ravel())
    return np.asarray(np.searchsorted(edges, time_s) % 2 == 1)


def _gain_control(wanted_db: Array, hysteresis_db: float) -> Array:
    """Whole decibels, 0 to 63, kept while they are within the hysteresis."""
    agc = np.empty(wanted_db.size, np.int64)
    current = round(float(wanted_db[0])) if wanted_db.size else 0
    for n, want in enumerate(wanted_db):
        if abs(want - current) > hysteresis_db:
            current = round(float(want))
        agc[n] = current
    return agc.clip(0, 63)
