"""What an Intel 5300 makes of the channel: everything between the antenna and the 8-bit counts of a record.

Figures are those of real recordings (csi/wivelo, csi/csi-data and others): phase slope 209 to 239 ns with 12 to 27 ns
of deviation from packet to packet, common to a receiver's antennas; uniform raw phase; antenna imbalance 0.6 to 12 dB;
counts that hardly follow the AGC but jitter by 0.4 dB from packet to packet; residual noise of 2 to 6 %; quantised peak
41 to 78.
"""

from dataclasses import dataclass

import numpy as np

from edge.arrays import Array
from edge.parse.scale import RSSI_OFFSET_DB
from edge.parse.subcarriers import INDEX_20_MHZ, SPACING_HZ

SLOPE_MEAN_NS, SLOPE_DEVIATION_NS = 224.0, 20.0
GAIN_JITTER_DB = 0.4
TRANSMIT_DBM = 15.0
RATE_HT20_MCS1 = 0x101
PERMUTATIONS = (0b100100, 0b100001, 0b011000, 0b001001, 0b010010, 0b000110)  # antenna_sel of the six orders


@dataclass(frozen=True, eq=False)
class Nic:
    """One receiver's own distortions, drawn once a session."""

    offsets: Array  # (3,) complex128: cable and PLL phase, gain imbalance
    noise: float  # residual, relative to the rms channel
    level: float  # counts of the rms component
    clock_offset_us: int
    clock_ppm: float
    loss: float  # share of packets missed
    burst: float  # share of packets hit by interference
    antenna_sel: int
    agc_target_dbm: float


def draw_nic(rng: np.random.Generator) -> Nic:
    """A receiver as one session finds it: new PLL phases, new clock; a little of everything else."""
    gains = 10 ** (rng.normal(0.0, 1.5, 3) / 20)
    return Nic(
        offsets=gains * np.exp(2j * np.pi * rng.uniform(size=3)),
        noise=rng.uniform(0.02, 0.06),
        level=rng.uniform(15.0, 24.0),
        clock_offset_us=int(rng.integers(0, 1 << 32)),
        clock_ppm=rng.uniform(-15.0, 15.0),
        loss=rng.uniform(0.0, 0.01),
        burst=rng.uniform(0.0, 0.004),
        antenna_sel=int(rng.choice(PERMUTATIONS)),
        agc_target_dbm=rng.uniform(-10.0, -4.0),
    )


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
    heard = rng.uniform(size=time_s.size) >= nic.loss
    time_s, h = time_s[heard], channel[heard] * nic.offsets[:, None]
    n = time_s.size

    antenna_dbm = TRANSMIT_DBM + 10 * np.log10(np.mean(np.abs(h) ** 2, axis=2))
    total_dbm = 10 * np.log10((10 ** (antenna_dbm / 10)).sum(axis=1))
    agc = _gain_control(nic.agc_target_dbm - total_dbm)
    rssi = np.round(antenna_dbm + RSSI_OFFSET_DB + agc[:, None] + rng.normal(0, 0.3, (n, 3))).clip(1, 255)

    rms = np.sqrt(np.mean(np.abs(h) ** 2, axis=(1, 2)))[:, None, None]
    noise = nic.noise * np.where(rng.uniform(size=n) < nic.burst, 8.0, 1.0)[:, None, None]
    white = rng.standard_normal((*h.shape, 2), np.float32).view(np.complex64)[..., 0]
    h = h / rms + noise / np.sqrt(2) * white
    slope_s = rng.normal(SLOPE_MEAN_NS, SLOPE_DEVIATION_NS, n) * 1e-9
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


def _gain_control(wanted_db: Array) -> Array:
    """Whole decibels with two of hysteresis, 0 to 63."""
    agc = np.empty(wanted_db.size, np.int64)
    current = round(float(wanted_db[0])) if wanted_db.size else 0
    for n, want in enumerate(wanted_db):
        if abs(want - current) > 2:
            current = round(float(want))
        agc[n] = current
    return agc.clip(0, 63)
