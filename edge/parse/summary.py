"""What a log holds, in figures: for `wimose inspect`."""

import msgspec
import numpy as np

from edge.arrays import Array
from edge.parse.intel5300 import CsiLog, Damage
from edge.parse.subcarriers import is_40_mhz

GAP_FACTOR = 2.5  # a pause this many usual steps long is a gap: two packets or more are missing


class Spread(msgspec.Struct, frozen=True):
    """Smallest, median and largest."""

    min: float
    median: float
    max: float


class LogSummary(msgspec.Struct, frozen=True):
    """`wimose inspect --json`, one a file."""

    file: str
    bytes: int
    codes: dict[str, int]  # frames by code, "0xbb" are the CSI records
    records: int  # good CSI records
    bad: int  # damaged places
    truncated: int  # 1 if the last record is cut off
    damage: list[Damage]  # offset, length, reason; the first thousand, the truncated tail included
    bad_antenna_sel: list[
        int
    ]  # offsets of records whose antenna_sel is no permutation, left in the order of the chains
    nrx_ntx: dict[str, int]  # records by "NrxxNtx"
    rate_n_flags: dict[str, int]  # the driver's word for modulation, streams and bandwidth
    bandwidth_mhz: dict[str, int]
    seconds: float  # first to last record
    packets_per_s: float  # 1 over the median step
    gaps: int
    longest_gap_ms: float
    backward: list[int]  # records whose clock lies before their predecessor's
    driver_lost: int  # records the driver counted that did not reach the log
    rssi_db: list[Spread | None]  # of antennas a, b, c; null where it heard nothing
    agc_db: Spread | None
    noise_dbm: Spread | None  # null where the driver did not measure it
    antenna_sel: dict[str, int]


def summarise(name: str, log: CsiLog) -> LogSummary:
    """Summarise a parsed log."""
    report = log.report
    step = np.diff(log.timestamp_us.astype(np.int64))
    forward = step[step > 0]
    usual = float(np.median(forward)) if forward.size else 0.0
    gaps = forward[forward > GAP_FACTOR * usual]
    counted = np.diff(log.bfee_count.astype(np.int64)) % (1 << 16)
    return LogSummary(
        file=name,
        bytes=report.size,
        codes={f"{code:#04x}": count for code, count in report.codes.items()},
        records=len(log),
        bad=report.bad,
        truncated=report.truncated,
        damage=list(report.damage),
        bad_antenna_sel=list(report.unpermuted),
        nrx_ntx=_histogram([f"{nrx}x{ntx}" for nrx, ntx in zip(log.nrx, log.ntx, strict=True)]),
        rate_n_flags=_histogram([f"{rate:#x}" for rate in log.rate]),
        bandwidth_mhz=_histogram(["40" if wide else "20" for wide in is_40_mhz(log.rate)]),
        seconds=float(forward.sum()) * 1e-6,
        packets_per_s=1e6 / usual if usual else 0.0,
        gaps=int(gaps.size),
        longest_gap_ms=float(gaps.max(initial=0)) / 1e3,
        backward=list(report.backward),
        driver_lost=int((counted[step >= 0] - 1).clip(min=0).sum()),
        rssi_db=[_spread(log.rssi[:, antenna][log.rssi[:, antenna] > 0]) for antenna in range(3)],
        agc_db=_spread(log.agc),
        noise_dbm=_spread(log.noise[log.noise != -127]),
        antenna_sel=_histogram([str(value) for value in log.antenna_sel]),
    )


def _spread(values: Array) -> Spread | None:
    if values.size == 0:
        return None
    return Spread(float(values.min()), float(np.median(values)), float(values.max()))


def _histogram(names: list[str]) -> dict[str, int]:
    values, counts = np.unique(np.array(names, str), return_counts=True)
    order = np.argsort(counts)[::-1]
    return {str(values[i]): int(counts[i]) for i in order}
