"""Records into the bytes of a log, exactly as `edge.parse.intel5300` describes them."""

import numpy as np

from edge.arrays import Array
from edge.parse.framing import CODE_CSI, CSI_HEADER, FRAME_HEADER, payload_bytes
from firmware_tools.simulate.nic import RATE_HT20_MCS1, RawRecords

NRX, NTX = 3, 1


def encode_log(records: RawRecords) -> bytes:
    """One 0xBB frame a record, Nrx = 3, Ntx = 1."""
    n = records.timestamp_low.size
    payload = payload_bytes(NRX, NTX)
    frame = np.zeros((n, FRAME_HEADER + CSI_HEADER + payload), np.uint8)
    length = 1 + CSI_HEADER + payload
    frame[:, :3] = length >> 8, length & 0xFF, CODE_CSI
    body = frame[:, FRAME_HEADER:]
    body[:, 0:4] = _little_endian(records.timestamp_low, "<u4")
    body[:, 4:6] = _little_endian(records.bfee_count, "<u2")
    body[:, 8:10] = NRX, NTX
    body[:, 10:13] = records.rssi
    body[:, 13] = records.noise.view(np.uint8)
    body[:, 14] = records.agc
    body[:, 15] = records.antenna_sel
    body[:, 16:18] = payload & 0xFF, payload >> 8
    body[:, 18:20] = RATE_HT20_MCS1 & 0xFF, RATE_HT20_MCS1 >> 8
    body[:, CSI_HEADER:] = _bit_stream(records)
    return frame.tobytes()


def _little_endian(values: Array, dtype: str) -> Array:
    return values.astype(dtype)[:, None].view(np.uint8)


def _bit_stream(records: RawRecords) -> Array:
    """(N, bytes) uint8: per subcarrier 3 empty bits, then I and Q of every chain; see `edge.parse.bitstream`."""
    chains = (records.antenna_sel[:, None] >> np.array([0, 2, 4], np.uint8)) & 3  # antenna of each chain
    by_chain = np.take_along_axis(records.iq, chains[:, :, None, None].astype(np.int64), axis=1)
    values = np.ascontiguousarray(by_chain.transpose(0, 2, 1, 3)).view(np.uint8)  # (N, 30, 3, 2)
    bits = np.unpackbits(values.reshape(len(values), 30, -1), axis=2, bitorder="little")
    bits = np.concatenate((np.zeros((*bits.shape[:2], 3), np.uint8), bits), axis=2)
    return np.packbits(bits.reshape(len(bits), -1), axis=1, bitorder="little")
