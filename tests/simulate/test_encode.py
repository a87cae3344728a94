import numpy as np

from edge.arrays import Array
from edge.parse.intel5300 import parse_log
from firmware_tools.simulate.encode import encode_log
from firmware_tools.simulate.nic import PERMUTATIONS, RawRecords


def random_records(count: int, seed: int) -> RawRecords:
    """Any value a field can hold."""
    rng = np.random.default_rng(seed)
    iq = rng.integers(-128, 128, (count, 3, 30, 2)).astype(np.int8)
    iq[0], iq[1] = -128, 127
    return RawRecords(
        timestamp_low=np.sort(rng.integers(0, 1 << 31, count)).astype(np.uint32),
        bfee_count=rng.integers(0, 1 << 16, count).astype(np.uint16),
        rssi=rng.integers(0, 256, (count, 3)).astype(np.uint8),
        noise=rng.integers(-128, 128, count).astype(np.int8),
        agc=rng.integers(0, 64, count).astype(np.uint8),
        antenna_sel=np.resize(np.array(PERMUTATIONS, np.uint8), count),
        iq=iq,
    )


def complex_counts(iq: Array) -> Array:
    return np.asarray(iq[..., 0] + 1j * iq[..., 1].astype(np.float32)).astype(np.complex64)


def test_the_parser_gets_back_what_was_encoded() -> None:
    records = random_records(60, seed=1)
    log = parse_log(encode_log(records))
    assert len(log) == 60
    assert log.report.bad == log.report.truncated == 0
    assert not log.report.unpermuted
    np.testing.assert_array_equal(log.timestamp_us, records.timestamp_low)
    for name in ("bfee_count", "rssi", "noise", "agc", "antenna_sel"):
        np.testing.assert_array_equal(getattr(log, name), getattr(records, name), err_msg=name)
    assert set(zip(log.nrx, log.ntx, log.rate, strict=True)) == {(3, 1, 0x101)}
    np.testing.assert_array_equal(log.csi[:, :, 0], complex_counts(records.iq))


def test_exact_bytes_of_a_record() -> None:
    """The frame as the tool's connector writes it; the bit stream of one subcarrier by hand."""
    iq = np.zeros((1, 3, 30, 2), np.int8)
    iq[0, :, 0] = [[1, 2], [3, 4], [5, -1]]  # antennas 0, 1, 2 at the first subcarrier
    records = RawRecords(
        timestamp_low=np.array([0x04030201], np.uint32),
        bfee_count=np.array([0x0605], np.uint16),
        rssi=np.array([[7, 8, 9]], np.uint8),
        noise=np.array([-92], np.int8),
        agc=np.array([10], np.uint8),
        antenna_sel=np.array([0b100001], np.uint8),  # chain 0 heard antenna 1, chain 1 antenna 0, chain 2 antenna 2
        iq=iq,
    )
    written = encode_log(records)
    header = bytes([0x00, 0xD5, 0xBB, 1, 2, 3, 4, 5, 6, 0, 0, 3, 1, 7, 8, 9, 0xA4, 10, 0x21, 192, 0, 0x01, 0x01])
    assert written[:23] == header
    first = int.from_bytes(bytes([3, 4, 1, 2, 5, 0xFF]), "little") << 3  # three empty bits, then chain by chain
    assert written[23:] == first.to_bytes(192, "little")
