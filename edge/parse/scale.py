"""Scaled CSI: raw counts into the units of the original tool (get_scaled_csi.m, get_total_rss.m, dbinv.m).

The NIC reports counts after its gain control; RSSI and AGC say how strong the signal was at the antenna. The result
is the channel in units of the noise: |csi|^2 is a signal-to-noise ratio, noise meaning thermal noise and the
quantisation of the counts together.
"""

import numpy as np
from numba import njit

from edge.arrays import Array
from edge.parse.parts import in_parts

NOISE_UNKNOWN = -127  # the driver did not measure it (monitor mode)
NOISE_DEFAULT_DBM = -92.0
RSSI_OFFSET_DB = 44.0


def _power(db: Array) -> Array:
    return np.asarray(10.0 ** (db / 10.0))


def total_rss_dbm(rssi: Array, agc: Array) -> Array:
    """Received signal strength over all antennas; an antenna that reports 0 heard nothing.

    rssi     (N, 3) uint8, dB above an internal reference
    agc      (N,) uint8, dB of gain
    returns  (N,) float64, dBm; -inf where no antenna heard anything
    """
    magnitude = np.where(rssi == 0, 0.0, _power(rssi.astype(np.float64))).sum(axis=1)
    with np.errstate(divide="ignore"):
        return np.asarray(10.0 * np.log10(magnitude) - RSSI_OFFSET_DB - agc)


def scaled_csi(csi: Array, rssi: Array, agc: Array, noise: Array, nrx: Array, ntx: Array, threads: int = 1) -> Array:
    """Scale raw CSI to the square root of a signal-to-noise ratio.

    csi      (N, R, T, 30) complex64, raw counts [packet, receive antenna, transmit stream, subcarrier]
    rssi     (N, 3) uint8; agc (N,) uint8; noise (N,) int8, dBm; nrx, ntx (N,) uint8
    returns  (N, R, T, 30) complex128; zero where the counts or the RSSI are all zero
    """
    out = np.empty(csi.shape, np.complex128)
    values = int(np.prod(csi.shape[1:]))  # by number: of no packets, -1 could be any
    counts, scaled = csi.reshape(len(csi), values), out.reshape(len(csi), values)

    def part(some: slice) -> None:
        _scale(counts[some], rssi[some], agc[some], noise[some], nrx[some], ntx[some], RSSI_POWER, NOISE_POWER, STREAMS,
               scaled[some])  # fmt: skip

    in_parts(threads, len(csi), part)
    return out


@njit(cache=True, nogil=True)
def _scale(
    counts: Array, rssi: Array, agc: Array, noise: Array, nrx: Array, ntx: Array, rssi_power: Array, noise_power: Array,
    streams: Array, out: Array,
) -> None:  # fmt: skip
    """counts (N, V) complex64 to out (N, V) complex128, packet by packet; the tables stand below."""
    for n in range(counts.shape[0]):
        power = 0.0
        for v in range(counts.shape[1]):
            power += counts[n, v].real * counts[n, v].real + counts[n, v].imag * counts[n, v].imag
        heard = rssi_power[rssi[n, 0]] + rssi_power[rssi[n, 1]] + rssi_power[rssi[n, 2]]
        factor = 0.0
        if power > 0.0 and heard > 0.0:
            scale = 10.0 ** ((10.0 * np.log10(heard) - RSSI_OFFSET_DB - agc[n]) / 10.0) / (power / 30.0)
            quantisation = scale * (np.float64(nrx[n]) * ntx[n])
            factor = np.sqrt(scale / (noise_power[np.uint8(noise[n])] + quantisation)) * streams[ntx[n]]
        for v in range(counts.shape[1]):
            out[n, v] = complex(counts[n, v].real * factor, counts[n, v].imag * factor)


def _tables() -> tuple[Array, Array, Array]:
    """What a byte stands for: powers of an RSSI (256,), powers of a noise in two's complement (256,), by Ntx (4,)."""
    rssi = _power(np.arange(256.0))
    rssi[0] = 0.0
    noise = np.arange(256, dtype=np.uint8).view(np.int8).astype(np.float64)
    noise[noise == NOISE_UNKNOWN] = NOISE_DEFAULT_DBM
    # Two and three streams share the transmit power; 4.5 dB is the tool's own rounding of log10(3).
    return rssi, _power(noise), np.array([1.0, 1.0, np.sqrt(2.0), np.sqrt(10.0**0.45)])


RSSI_POWER, NOISE_POWER, STREAMS = _tables()


def scaled_csi_plain(csi: Array, rssi: Array, agc: Array, noise: Array, nrx: Array, ntx: Array) -> Array:
    """The same as `scaled_csi`, in plain NumPy."""
    csi = csi.astype(np.complex128)
    csi_power = np.einsum("nrtk,nrtk->n", csi.real, csi.real) + np.einsum("nrtk,nrtk->n", csi.imag, csi.imag)
    rssi_power = _power(total_rss_dbm(rssi, agc))
    scale = np.divide(rssi_power, csi_power / 30.0, out=np.zeros_like(csi_power), where=csi_power > 0)
    noise_dbm = np.where(noise == NOISE_UNKNOWN, NOISE_DEFAULT_DBM, noise.astype(np.float64))
    quantisation = scale * (nrx.astype(np.float64) * ntx)
    factor = np.sqrt(scale / (_power(noise_dbm) + quantisation))
    csi *= (factor * STREAMS[ntx])[:, None, None, None]
    return csi
