"""Which antennas of a receiver are used: the reference, whose amplitude is read, and its partner for the phase.

The paper takes the antenna of largest variance because it "has larger dynamic responses" (Section III-B1). On real
receivers the largest variance is often a weak antenna's noise, so what is compared here is variance in the band of
human motion that neighbouring subcarriers share, over the noise, which they do not share. The choice is made once over
a long stretch and then kept: an antenna that changes under a trained model breaks it.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit

from edge.arrays import Array
from edge.errors import RecordingError
from edge.signal.fourier import fast_length

MOTION_BAND_HZ = (1.0, 40.0)  # below: the room drifting; above: hardly a limb at 5 GHz
ENOUGH_HZ = 4 * MOTION_BAND_HZ[1]  # faster packets are averaged to no less: whose band is looked at, and no more
MAX_PACKETS = 100_000  # 100 s at 1000 packets/s; more tells no more and costs a kilobyte each
MAX_FILL = 4  # grid points a packet: pauses are filled so far, a clock that leaps is not followed
MIN_S = 2.0  # less does not hold one step of a walk


@dataclass(frozen=True)
class Links:
    """Antennas of one receiver, numbered as the NIC's connectors are."""

    reference: int
    partner: int


def normalised_power(csi: Array) -> Array:
    """Mean |csi|^2 of each packet over antennas and subcarriers: what every packet is divided by.

    The NIC's counts carry its own per-packet gain (0.5 dB of jitter on recordings whose AGC never moved) and do not
    follow the reported AGC; dividing it out takes both away, and the common fading of all antennas with them.

    csi      (N, 3, 30) complex64, counts
    returns  (N,) float64, 1 where the packet is all zero
    """
    power = (csi.real.astype(np.float64) ** 2 + csi.imag.astype(np.float64) ** 2).mean(axis=(1, 2))
    return np.asarray(np.where(power > 0, power, 1.0))


@njit(cache=True, nogil=True)
def amplitude_series(csi: Array, packet: Array, together: int) -> Array:
    """Amplitude of every antenna and subcarrier over the packet's `normalised_power`, at points of a uniform grid.

    csi       (N, 3, 30) complex64, counts
    packet    (G,) int64, the packet of each grid point
    together  so many grid points are averaged into one
    returns   (90, G // together) float64, no unit
    """
    n_antennas, n_subcarriers = csi.shape[1:]
    out = np.empty((n_antennas * n_subcarriers, packet.size // together))
    size = np.empty(out.shape[0])
    total = np.empty(out.shape[0])
    for g in range(out.shape[1]):
        total[:] = 0.0
        for n in packet[g * together : (g + 1) * together]:
            power = np.float64(0.0)
            for antenna in range(n_antennas):
                for k in range(n_subcarriers):
                    re, im = np.float64(csi[n, antenna, k].real), np.float64(csi[n, antenna, k].imag)
                    size[antenna * n_subcarriers + k] = re * re + im * im
                    power += re * re + im * im
            if power > 0.0:
                power /= out.shape[0]
                for v in range(size.size):
                    total[v] += np.sqrt(size[v] / power)
        for v in range(size.size):
            out[v, g] = total[v] / together
    return out


def amplitude_series_plain(csi: Array, packet: Array, together: int) -> Array:
    """The same as `amplitude_series`, in plain NumPy."""
    amplitude = np.abs(csi.astype(np.complex128)) / np.sqrt(normalised_power(csi))[:, None, None]
    points = packet[: packet.size // together * together].reshape(-1, together)
    return np.ascontiguousarray(amplitude[points].mean(axis=1).reshape(len(points), -1).T)


def dynamic_response(time_us: Array, csi: Array) -> Array:
    """How loudly each antenna hears motion, over its noise.

    time_us  (N,) float64 microseconds, increasing; csi (N, 3, 30) complex64, counts
    returns  (3,) float64, ratio of powers: variance in MOTION_BAND_HZ shared by neighbouring subcarriers, over the
             variance that they do not share
    """
    middle = slice(max((len(csi) - MAX_PACKETS) // 2, 0), (len(csi) + MAX_PACKETS) // 2)
    time_us, csi = time_us[middle], csi[middle]
    step = max(float(np.median(np.diff(time_us))), 1.0)
    together = max(int(1e6 / (step * ENOUGH_HZ)), 1)
    count = min(int((time_us[-1] - time_us[0]) / step), MAX_FILL * time_us.size)
    uniform = time_us[0] + step * np.arange(count)
    packet = np.searchsorted(time_us, uniform).clip(max=time_us.size - 1)
    series = amplitude_series(csi, packet, together)  # (3 * 30, G)
    mean = series.mean(axis=1, keepdims=True)
    series = (series - mean) / np.maximum(mean, 1e-9)  # a dead antenna stays zero
    size = fast_length(series.shape[1])
    frequency = np.fft.rfftfreq(size, together * step * 1e-6)
    band = (frequency >= MOTION_BAND_HZ[0]) & (frequency <= MOTION_BAND_HZ[1])
    spectrum = np.fft.rfft(series, size, axis=1)[:, band].reshape(3, 30, -1)
    total = (np.abs(spectrum) ** 2).mean(axis=(1, 2))
    shared = (spectrum[:, 1:] * spectrum[:, :-1].conj()).real.mean(axis=(1, 2))
    return np.asarray(np.maximum(shared, 0.0) / np.maximum(total - shared, 1e-12))


def select_links(time_us: Array, csi: Array) -> Links:
    """Choose reference and partner over a whole stretch: the two antennas of largest dynamic response.

    time_us  (N,) microseconds, increasing; csi (N, 3, 30) complex64, counts
    Raises RecordingError where the stretch is too short to tell.
    """
    if time_us.size < 2 or (float(time_us[-1]) - float(time_us[0])) * 1e-6 < MIN_S:
        raise RecordingError(f"choosing antennas needs {MIN_S:g} s of packets with three antennas; record longer")
    order = np.argsort(dynamic_response(time_us.astype(np.float64), csi))[::-1]
    return Links(reference=int(order[0]), partner=int(order[1]))
