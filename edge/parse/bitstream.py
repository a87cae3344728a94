"""The bit stream of a CSI record.

30 subcarriers one after another, least significant bit first. Each begins with 3 bits to skip, then for every
receive antenna, for every transmit stream: I as signed 8 bits, Q as signed 8 bits (read_bfee.c of the 5300 tool).
Within one subcarrier all values share one bit shift, since each is 8 bits wide.

The antennas come in the order of the NIC's RF chains. `antenna_sel` says which antenna each chain was connected to:
chain j heard antenna (antenna_sel >> 2j) & 3 (the tool's read_bf_file.m). It is applied where it is a permutation
of 0, 1, 2, and to three chains only: for two the original tool applies none, and tools disagree.
"""

from typing import Any

import numpy as np
from numba import njit

from edge.arrays import Array
from edge.parse.framing import CSI_HEADER, FRAME_HEADER

SUBCARRIERS = 30


@njit(cache=True, nogil=True)
def _chain_antenna(antenna_sel: Any, nrx: Any, chain: int) -> Any:
    """The antenna that a chain was connected to, or the chain's own number where the record does not say."""
    a = antenna_sel & 3
    b = (antenna_sel >> 2) & 3
    c = (antenna_sel >> 4) & 3
    if nrx != 3 or a == 3 or b == 3 or c == 3 or a == b or b == c or a == c:
        return chain
    return (antenna_sel >> (2 * chain)) & 3


@njit(cache=True, nogil=True)
def decode(log: Array, offsets: Array, csi: Array) -> None:
    """Decode the bit streams of the records at `offsets` into `csi`.

    log      (bytes,) uint8, whole log
    offsets  (N,) int64, frames that `framing.find_records` found good
    csi      (N, R, T, 30) complex64, any content; R and T at least the largest Nrx and Ntx, what is beyond becomes zero
    """
    parts = csi.view(np.float32)  # (N, R, T, 60): real, imaginary, real, ...
    one, two = np.uint64(1), np.uint64(2)
    byte, half, whole = np.uint32(0xFF), np.uint32(8), np.uint32(16)
    for n in range(offsets.size):
        body = offsets[n] + FRAME_HEADER
        nrx = np.int64(log[body + 8])
        ntx = np.int64(log[body + 9])
        antenna_sel = np.int64(log[body + 15])
        step = 16 * nrx * ntx + 3
        if nrx < parts.shape[1] or ntx < parts.shape[2]:
            parts[n] = 0.0
        for rx in range(nrx):
            antenna = _chain_antenna(antenna_sel, nrx, rx)
            for tx in range(ntx):
                out = parts[n, antenna, tx]
                bit = 8 * (body + CSI_HEADER) + 3 + 16 * (rx * ntx + tx)
                for k in range(SUBCARRIERS):  # I and Q lie within three bytes, whatever their shift
                    at = np.uint64(bit >> 3)  # unsigned: no index counts from the end
                    word = log[at] | np.uint32(log[at + one]) << half | np.uint32(log[at + two]) << whole
                    word >>= np.uint32(bit & 7)
                    out[2 * k] = np.int8(word & byte)
                    out[2 * k + 1] = np.int8((word >> half) & byte)
                    bit += step


def decode_plain(log: Array, offsets: Array, csi: Array) -> None:
    """The same as `decode`, in plain NumPy, bit by bit."""
    for n, offset in enumerate(offsets):
        body = log[offset + FRAME_HEADER :]
        nrx, ntx, antenna_sel = int(body[8]), int(body[9]), int(body[15])
        width = 16 * nrx * ntx + 3
        bits = np.unpackbits(body[CSI_HEADER : CSI_HEADER + (30 * width + 7) // 8], bitorder="little")
        values = np.packbits(bits[: 30 * width].reshape(30, width)[:, 3:], axis=1, bitorder="little").view(np.int8)
        iq = values.reshape(30, nrx, ntx, 2).transpose(1, 2, 0, 3).astype(np.float32)
        antennas = [(antenna_sel >> (2 * chain)) & 3 for chain in range(3)]
        order = antennas if nrx == 3 and sorted(antennas) == [0, 1, 2] else list(range(nrx))
        csi[n, order, :ntx] = iq[..., 0] + 1j * iq[..., 1]


@njit(cache=True, nogil=True)
def is_permutation(antenna_sel: Array) -> Array:
    """Whether each antenna_sel (N,) uint8 names three different antennas: (N,) bool."""
    named = np.empty(antenna_sel.size, np.bool_)
    for n in range(antenna_sel.size):
        sel = antenna_sel[n]
        named[n] = (1 << (sel & 3)) | (1 << ((sel >> 2) & 3)) | (1 << ((sel >> 4) & 3)) == 0b111
    return named


def is_permutation_plain(antenna_sel: Array) -> Array:
    """The same as `is_permutation`, in plain NumPy."""
    chains = np.stack([(antenna_sel >> shift) & 3 for shift in (0, 2, 4)])
    chains.sort(axis=0)
    return np.asarray((chains == np.array([[0], [1], [2]])).all(axis=0))
