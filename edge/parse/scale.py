"""Scaled CSI: raw counts into the units of the original tool (get_scaled_csi.m, get_total_rss.m, dbinv.m).

The NIC reports counts after its gain control; RSSI and AGC say how strong the signal was at the antenna. The result
is the channel in units of the noise: |csi|^2 is a signal-to-noise ratio, noise meaning thermal noise and the
quantisation of the counts together.
"""

import numpy as np

from edge.arrays import Array

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


def scaled_csi(csi: Array, rssi: Array, agc: Array, noise: Array, nrx: Array, ntx: Array) -> Array:
    """Scale raw CSI to the square root of a signal-to-noise ratio.

    csi      (N, R, T, 30) complex64, raw counts [packet, receive antenna, transmit stream, subcarrier]
    rssi     (N, 3) uint8; agc (N,) uint8; noise (N,) int8, dBm; nrx, ntx (N,) uint8
    returns  (N, R, T, 30) complex128; zero where the counts or the RSSI are all zero
    """
    csi = csi.astype(np.complex128)
    csi_power = np.einsum("nrtk,nrtk->n", csi.real, csi.real) + np.einsum("nrtk,nrtk->n", csi.imag, csi.imag)
    rssi_power = _power(total_rss_dbm(rssi, agc))
    scale = np.divide(rssi_power, csi_power / 30.0, out=np.zeros_like(csi_power), where=csi_power > 0)
    noise_dbm = np.where(noise == NOISE_UNKNOWN, NOISE_DEFAULT_DBM, noise.astype(np.float64))
    quantisation = scale * (nrx.astype(np.float64) * ntx)
    factor = np.sqrt(scale / (_power(noise_dbm) + quantisation))
    # Two and three streams share the transmit power; 4.5 dB is the tool's own rounding of log10(3).
    streams = np.array([1.0, 1.0, np.sqrt(2.0), np.sqrt(10.0**0.45)])[ntx]
    csi *= (factor * streams)[:, None, None, None]
    return csi
