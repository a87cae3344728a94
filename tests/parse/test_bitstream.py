"""The decoder against its plain twin, and against an encoder written the other way round."""

import numpy as np
import pytest

from edge.arrays import Array
from edge.parse import bitstream
from edge.parse.intel5300 import parse_log
from tests.parse.encoder import bit_stream, random_counts, record

SHAPES = [(nrx, ntx) for nrx in (1, 2, 3) for ntx in (1, 2, 3)]
PERMUTATIONS = {0b100100: (0, 1, 2), 0b011000: (0, 2, 1), 0b100001: (1, 0, 2),
                0b001001: (1, 2, 0), 0b010010: (2, 0, 1), 0b000110: (2, 1, 0)}  # fmt: skip


def _log(nrx: int, ntx: int) -> tuple[Array, Array, Array]:
    """One record for every antenna_sel: the log, the offsets, the counts (256, 30, Nrx, Ntx, 2)."""
    generator = np.random.default_rng(nrx * 10 + ntx)
    counts = np.stack([random_counts(generator, nrx, ntx) for _ in range(256)])
    frames = [record(counts[n], antenna_sel=n) for n in range(256)]
    log = np.frombuffer(b"".join(frames), np.uint8)
    return log, np.arange(256, dtype=np.int64) * len(frames[0]), counts


@pytest.mark.parametrize(("nrx", "ntx"), SHAPES)
def test_fast_and_plain_decoder_agree_for_every_antenna_sel(nrx: int, ntx: int) -> None:
    log, offsets, _ = _log(nrx, ntx)
    fast, plain = np.full((256, 3, 3, 30), 7j, np.complex64), np.zeros((256, 3, 3, 30), np.complex64)
    bitstream.decode(log, offsets, fast)
    bitstream.decode_plain(log, offsets, plain)
    assert np.array_equal(fast, plain)
    assert np.any(fast[:, :nrx, :ntx])
    assert not np.any(fast[:, nrx:])
    assert not np.any(fast[:, :, ntx:])


@pytest.mark.parametrize(("nrx", "ntx"), SHAPES)
def test_every_count_comes_back_at_its_antenna(nrx: int, ntx: int) -> None:
    log, _, counts = _log(nrx, ntx)
    csi = parse_log(log).csi
    for antenna_sel in range(256):
        # Bits 6 and 7 belong to no chain. With fewer than three chains the order is that of the record.
        antennas = PERMUTATIONS.get(antenna_sel & 0b111111, (0, 1, 2)) if nrx == 3 else range(nrx)
        for chain, antenna in enumerate(antennas):
            sent = counts[antenna_sel, :, chain].astype(np.float32)  # (30, Ntx, 2)
            assert np.array_equal(csi[antenna_sel, antenna].T, sent[..., 0] + 1j * sent[..., 1])


def test_exact_bytes_of_a_stream() -> None:
    counts = np.zeros((30, 1, 1, 2), np.int8)
    counts[0, 0, 0] = (-1, 1)  # bits 3 to 10 and 11 to 18
    counts[1, 0, 0] = (127, -128)  # bits 22 to 29 and 30 to 37
    stream = bit_stream(counts)
    assert stream[:6].hex(" ") == "f8 0f c0 1f 20 00"
    assert len(stream) == 72
    assert parse_log(record(counts)).csi[0, 0, 0, :3].tolist() == [-1 + 1j, 127 - 128j, 0]


def test_mixed_sizes_in_one_log_fill_their_own_corner() -> None:
    generator = np.random.default_rng(5)
    counts = [random_counts(generator, nrx, ntx) for nrx, ntx in SHAPES]
    log = parse_log(b"".join(record(count) for count in counts))
    assert log.csi.shape == (9, 3, 3, 30)
    for n, (nrx, ntx) in enumerate(SHAPES):
        sent = counts[n].astype(np.float32)
        assert np.array_equal(log.csi[n, :nrx, :ntx].transpose(2, 0, 1), sent[..., 0] + 1j * sent[..., 1])
        assert np.count_nonzero(log.csi[n]) == np.count_nonzero(sent.any(axis=3))


def test_permutations_are_told_from_the_rest() -> None:
    every = np.arange(256, dtype=np.uint8)
    assert np.array_equal(bitstream.is_permutation(every), [n & 0b111111 in PERMUTATIONS for n in range(256)])


def test_fast_and_plain_agree_on_every_permutation() -> None:
    every = np.arange(256, dtype=np.uint8)
    assert np.array_equal(bitstream.is_permutation(every), bitstream.is_permutation_plain(every))
    assert set(every[bitstream.is_permutation(every)] & 0b111111) == set(PERMUTATIONS)
