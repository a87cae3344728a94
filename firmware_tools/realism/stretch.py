"""Some seconds of real or simulated CSI, cut and cleaned so that the two can be compared."""

from dataclasses import dataclass

import numpy as np

from edge.arrays import Array
from edge.parse.intel5300 import CsiLog
from edge.parse.subcarriers import INDEX_20_MHZ, SPACING_HZ, is_40_mhz

SEGMENT_S = 3.0  # deviations grow with the time they are taken over, and recordings differ in length
MIN_PACKETS = 20  # fewer tell no deviation
DELAY_WINDOW_S = 200e-9  # a room's echoes lie within this of the mean delay; what lies outside is noise
WINDOW_DIMENSIONS = 12  # 2 * 200 ns * 17.5 MHz = 7 degrees of freedom, and 5 for the window's soft edges


@dataclass(frozen=True, eq=False)
class Stretch:
    """Some seconds of one receiver's packets during one activity. N packets, of which M can be compared; R antennas."""

    arrival_s: Array  # (N,) float64, on the NIC's clock
    agc: Array  # (N,) uint8, dB
    time_s: Array  # (M,) float64, of those compared
    csi: Array  # (M, R, 30) complex64, counts, first transmit stream
    streams: int  # of the transmitter

    def part(self, start_s: float, stop_s: float) -> "Stretch":
        """The packets from start_s to before stop_s after the first."""
        first = self.arrival_s[0]
        arrived = (self.arrival_s - first >= start_s) & (self.arrival_s - first < stop_s)
        keep = (self.time_s - first >= start_s) & (self.time_s - first < stop_s)
        return Stretch(self.arrival_s[arrived], self.agc[arrived], self.time_s[keep], self.csi[keep], self.streams)

    def segments(self) -> list["Stretch"]:
        """Cut into pieces of SEGMENT_S; one that is shorter stays whole, a rest is left out."""
        count = max(int((self.arrival_s[-1] - self.arrival_s[0]) / SEGMENT_S), 1)
        parts = [self.part(i * SEGMENT_S, (i + 1) * SEGMENT_S) for i in range(count)]
        return [part for part in parts if part.time_s.size >= MIN_PACKETS]


def stretch_of(log: CsiLog) -> Stretch:
    """A log; compared are the records on 20 MHz with as many antennas and streams as most have.

    With two of three antennas the parser leaves the order of the chains, so only the commonest antenna_sel is kept.
    """
    nrx, ntx = (int(np.bincount(values).argmax()) for values in (log.nrx, log.ntx))
    keep = (log.nrx == nrx) & (log.ntx == ntx) & ~is_40_mhz(log.rate)
    if nrx == 2 and keep.any():
        keep &= log.antenna_sel == np.bincount(log.antenna_sel[keep]).argmax()
    keep &= np.abs(log.csi[:, :nrx, 0]).sum(axis=2).all(axis=1)
    arrival_s = (log.timestamp_us - log.timestamp_us[0]) * 1e-6
    return Stretch(arrival_s, log.agc, arrival_s[keep], log.csi[keep, :nrx, 0], ntx)


_EVEN = np.flatnonzero(np.diff(INDEX_20_MHZ) == 2)  # first of each two subcarriers that lie two indices apart
AMBIGUITY_NS = 1e9 / (2 * SPACING_HZ)


def packet_delays(csi: Array) -> Array:
    """The delay of every packet, all antennas together.

    Steps between subcarriers give it roughly; then a straight line is fitted to the phase against the mean packet,
    weighted by power, which noise disturbs least.
    csi  (N, R, 30) complex; returns  (N,) float64 ns
    """
    turn = np.einsum("nrk,nrk->nr", csi[:, :, _EVEN + 1], csi[:, :, _EVEN].conj()).sum(axis=1)
    step = float(np.angle(turn.sum()))  # of the mean packet; what packets add to it is small and does not wrap
    delay = step / 2 + np.angle(turn * np.exp(-1j * step)) / 2  # rad an index
    index = INDEX_20_MHZ.astype(np.float64)
    for _ in range(2):
        straight = csi * np.exp(-1j * delay[:, None] * index)[:, None]
        against = straight * _turned_onto_mean(straight)[1].conj()
        against = against * np.exp(-1j * np.angle(against.sum(axis=2)))[..., None]
        line = against.sum(axis=1)
        weight = np.abs(line)
        centred = index - (weight @ index / weight.sum(axis=1))[:, None]
        delay = delay + (weight * centred * np.angle(line)).sum(axis=1) / (weight * centred**2).sum(axis=1)
    return np.asarray(-delay / (2 * np.pi * SPACING_HZ) * 1e9)


def levelled(csi: Array) -> Array:
    """Every packet over its rms."""
    return np.asarray(csi / np.sqrt(np.mean(np.abs(csi) ** 2, axis=(1, 2), keepdims=True)))


def straightened(csi: Array) -> Array:
    """Every antenna without its delay and phase, so that what is left of a still channel stands still."""
    turn = np.einsum("nrk,nrk->nr", csi[:, :, _EVEN + 1], csi[:, :, _EVEN].conj())
    straight = csi * np.exp(-0.5j * np.angle(turn)[..., None] * INDEX_20_MHZ)
    return _turned_onto_mean(straight)[0]


def _turned_onto_mean(csi: Array) -> tuple[Array, Array]:
    """Every antenna turned onto its mean packet, and that (R, 30), which the turning sharpens."""
    mean, turned = csi[0], csi
    for _ in range(3):
        turn = np.einsum("nrk,rk->nr", csi, mean.conj())
        turned = csi * np.exp(-1j * np.angle(turn))[..., None]
        mean = turned.mean(axis=0)
    return turned, mean


def outside_window() -> Array:
    """(30, 30 - 12) orthonormal columns that no echo within DELAY_WINDOW_S reaches."""
    apart_hz = (INDEX_20_MHZ[:, None] - INDEX_20_MHZ[None]) * SPACING_HZ
    _, vectors = np.linalg.eigh(np.sinc(2 * DELAY_WINDOW_S * apart_hz))
    return np.asarray(vectors[:, : INDEX_20_MHZ.size - WINDOW_DIMENSIONS])
