"""Records of the Intel 5300 CSI tool (Halperin et al., SIGCOMM CCR 2011), as its log_to_file writes them.

Body of a 0xBB frame, little-endian (`<IHHBBBBBbBBHH`, the tool's iwl_connector and read_bfee.c):

    offset  width  field          unit
    0       4      timestamp_low  1 us, wraps at 2^32
    4       2      bfee_count     records the driver has sent; a jump is a loss between driver and log, not on air
    6       2      reserved
    8       1      Nrx            receive antennas, 1 to 3
    9       1      Ntx            transmit streams, 1 to 3
    10      3      rssi a, b, c   dB above an internal reference; 0 means the antenna heard nothing
    13      1      noise          dBm, signed; -127 means not measured
    14      1      agc            dB
    15      1      antenna_sel    two bits a chain: the antenna it was connected to
    16      2      len            bytes of the bit stream, (30*(16*Nrx*Ntx+3)+7)/8
    18      2      rate           the driver's rate_n_flags; bit 11 is 40 MHz
    20      len    the bit stream, see `bitstream`
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numba import njit

from edge.arrays import Array
from edge.errors import ConfigError
from edge.parse import bitstream, clock, framing, scale
from edge.parse.parts import in_order, in_parts

_HEADER = np.dtype(
    [
        ("timestamp_low", "<u4"), ("bfee_count", "<u2"), ("reserved", "<u2"), ("nrx", "u1"), ("ntx", "u1"),
        ("rssi", "u1", 3), ("noise", "i1"), ("agc", "u1"), ("antenna_sel", "u1"), ("len", "<u2"), ("rate", "<u2"),
    ]
)  # fmt: skip


@dataclass(frozen=True)
class Damage:
    """A stretch of a log that holds no good record."""

    offset: int  # bytes from the beginning of the log
    length: int  # bytes
    reason: str


@dataclass(frozen=True)
class LogReport:
    """What became of every byte of a log."""

    size: int  # bytes
    codes: dict[int, int]  # frames by code; the CSI records are 0xBB
    bad: int  # damaged places, each one or more lost records
    truncated: int  # 1 if the log ends in the middle of a record
    damage: tuple[Damage, ...]  # the first framing.MAX_LISTED of them, the truncated tail included
    unpermuted: tuple[int, ...]  # offsets of records with three antennas whose antenna_sel is no permutation
    backward: tuple[int, ...]  # packets whose clock lies before their predecessor's


@dataclass(frozen=True, eq=False)
class CsiLog:
    """The CSI records of one receiver, in the order of the log. N records; R, T the largest Nrx and Ntx."""

    timestamp_us: Array  # (N,) uint64, microseconds on the NIC's clock, unwrapped
    bfee_count: Array  # (N,) uint16
    nrx: Array  # (N,) uint8
    ntx: Array  # (N,) uint8
    rssi: Array  # (N, 3) uint8, dB
    noise: Array  # (N,) int8, dBm
    agc: Array  # (N,) uint8, dB
    antenna_sel: Array  # (N,) uint8
    rate: Array  # (N,) uint16
    csi: Array  # (N, R, T, 30) complex64, counts [packet, receive antenna, transmit stream, subcarrier]
    report: LogReport

    def __len__(self) -> int:
        return self.timestamp_us.size

    def scaled(self, threads: int = 1) -> Array:
        """(N, R, T, 30) complex128, see `scale.scaled_csi`."""
        return scale.scaled_csi(self.csi, self.rssi, self.agc, self.noise, self.nrx, self.ntx, threads)


def parse_log(data: bytes | bytearray | memoryview | Array, threads: int = 1) -> CsiLog:
    """Parse a whole log. Never raises for its content: what is damaged is counted in `report`, with offsets."""
    log = np.frombuffer(data, np.uint8)
    log.flags.writeable = False  # whatever it was read from, one kind of array to compile for
    found = framing.find_records(log)
    header = read_headers(log, found[0])
    time, backward = clock.unwrap(header["timestamp_low"])
    return log_of(log, 0, found, header, time, backward, log.size, threads)


def log_of(
    log: Array, position: int, found: tuple[Array, Array, Array, Array], header: Array, time_us: Array, backward: Array,
    size: int, threads: int,
) -> CsiLog:  # fmt: skip
    """The records that were found in a piece of a log.

    position   of the piece in the file
    found      by `framing.Finder.find`
    header     (N,) of `read_headers`; time_us (N,) uint64; backward (B,) int64, of all packets so far
    size       bytes that the report accounts for
    """
    offsets, codes, damage, reasons = found
    nrx, ntx = header["nrx"].copy(), header["ntx"].copy()
    shape = (offsets.size, int(nrx.max(initial=1)), int(ntx.max(initial=1)), bitstream.SUBCARRIERS)
    csi = np.empty(shape, np.complex64)  # not zeros: fresh memory is what costs most here
    in_parts(threads, offsets.size, lambda part: bitstream.decode(log, offsets[part], csi[part]))

    antenna_sel = header["antenna_sel"].copy()
    unpermuted = position + offsets[(nrx == 3) & ~bitstream.is_permutation(antenna_sel)]
    truncated = int(reasons[framing.TRUNCATED])
    report = LogReport(
        size=size,
        codes={int(code): int(codes[code]) for code in np.flatnonzero(codes)},
        bad=int(reasons.sum()) - truncated,
        truncated=truncated,
        damage=tuple(Damage(int(at), int(size), framing.REASONS[why]) for at, size, why in damage),
        unpermuted=tuple(unpermuted.tolist()),
        backward=tuple(backward.tolist()),
    )
    fields = {name: header[name].copy() for name in ("bfee_count", "rssi", "noise", "agc", "rate")}
    return CsiLog(time_us, nrx=nrx, ntx=ntx, antenna_sel=antenna_sel, csi=csi, report=report, **fields)


def read_log(path: str | Path, threads: int = 1) -> CsiLog:
    """Parse a log file (a `.dat` of the 5300 tool). Raises ConfigError where the file cannot be read."""
    try:
        return parse_log(np.fromfile(path, np.uint8), threads)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}; give the path of a log of the 5300 tool") from error


def read_logs(paths: Iterable[str | Path], threads: int) -> Iterator[CsiLog]:
    """Parse many log files on so many threads, in their order, a few of them in memory at a time."""
    return in_order(threads, paths, read_log)


def read_headers(log: Array, offsets: Array) -> Array:
    """The fixed parts of the records at `offsets`, as a structured array (N,)."""
    rows = np.empty((offsets.size, _HEADER.itemsize), np.uint8)
    copy_headers(log, offsets, rows)
    return rows.view(_HEADER)[:, 0]


@njit(cache=True, nogil=True)
def copy_headers(log: Array, offsets: Array, rows: Array) -> None:
    """The first bytes of the bodies at `offsets` (N,) int64 into rows (N, 20) uint8."""
    for n in range(offsets.size):
        for i in range(rows.shape[1]):
            rows[n, i] = log[offsets[n] + framing.FRAME_HEADER + i]


def copy_headers_plain(log: Array, offsets: Array, rows: Array) -> None:
    """The same as `copy_headers`, in plain NumPy."""
    rows[:] = log[offsets[:, None] + framing.FRAME_HEADER + np.arange(rows.shape[1])]
