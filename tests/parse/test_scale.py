"""Scaling against the original formulas, one record at a time; `test_intel5300` has the original tool's output."""

import math

import numpy as np
import pytest

from edge.arrays import Array
from edge.parse.intel5300 import CsiLog, parse_log
from edge.parse.scale import scaled_csi_plain, total_rss_dbm
from tests.parse.encoder import random_counts, record


def _log(nrx: int = 3, ntx: int = 1, **fields: int) -> CsiLog:
    return parse_log(record(random_counts(np.random.default_rng(3), nrx, ntx), **fields))


def _scaled_by_hand(csi: Array, rssi: tuple[int, ...], agc: int, noise: int, nrx: int, ntx: int) -> Array:
    """get_scaled_csi.m and get_total_rss.m, statement by statement, for one record."""
    rss_magnitude = sum(10 ** (antenna / 10) for antenna in rssi if antenna != 0)
    rss_dbm = 10 * math.log10(rss_magnitude) - 44 - agc
    csi_power = sum(abs(complex(value)) ** 2 for value in csi.ravel())
    scale = 10 ** (rss_dbm / 10) / (csi_power / 30)
    thermal = 10 ** ((-92 if noise == -127 else noise) / 10)
    scaled = csi.astype(complex) * math.sqrt(scale / (thermal + scale * nrx * ntx))
    return scaled * {1: 1.0, 2: math.sqrt(2), 3: math.sqrt(10 ** (4.5 / 10))}[ntx]


@pytest.mark.parametrize("nrx", [1, 2, 3])
@pytest.mark.parametrize("ntx", [1, 2, 3])
@pytest.mark.parametrize("noise", [-127, -126, -92, -70])
def test_agrees_with_the_original_formulas(nrx: int, ntx: int, noise: int) -> None:
    log = _log(nrx, ntx, rssi_a=33, rssi_b=0, rssi_c=47, noise=noise, agc=21)
    by_hand = _scaled_by_hand(log.csi[0], (33, 0, 47), 21, noise, nrx, ntx)
    assert np.abs(log.scaled()[0] / by_hand - 1).max() < 1e-12


def test_unknown_noise_is_taken_as_minus_92_dbm() -> None:
    assert np.array_equal(_log(noise=-127).scaled(), _log(noise=-92).scaled())
    assert not np.array_equal(_log(noise=-127).scaled(), _log(noise=-91).scaled())


def test_all_zero_counts_stay_zero() -> None:
    counts = np.zeros((30, 3, 2, 2), np.int8)
    with np.errstate(all="raise"):
        scaled = parse_log(record(counts)).scaled()
    assert scaled.shape == (1, 3, 2, 30)
    assert not scaled.any()


def test_no_rssi_at_all_gives_zero_not_nan() -> None:
    log = _log(rssi_a=0, rssi_b=0, rssi_c=0)
    with np.errstate(invalid="raise"):
        scaled = log.scaled()
    assert log.csi.any()
    assert not scaled.any()


@pytest.mark.parametrize("fields", [{"agc": 255, "noise": -128}, {"rssi_a": 255, "agc": 0}, {"noise": 127}])
def test_extreme_fields_stay_finite(fields: dict[str, int]) -> None:
    assert np.isfinite(_log(**fields).scaled()).all()


def test_total_rss_leaves_out_an_antenna_that_heard_nothing() -> None:
    rssi = np.array([[40, 40, 0], [0, 30, 0], [0, 0, 0]], np.uint8)
    dbm = total_rss_dbm(rssi, np.array([20, 255, 9], np.uint8))
    assert dbm[:2] == pytest.approx([40 + 10 * math.log10(2) - 44 - 20, 30 - 44 - 255], abs=1e-12)
    assert dbm[2] == -math.inf


def test_records_do_not_influence_each_other_and_raw_counts_stay() -> None:
    generator = np.random.default_rng(8)
    frames = [record(random_counts(generator, nrx, ntx), rssi_a=20 + nrx) for nrx in (1, 2, 3) for ntx in (1, 2, 3)]
    log = parse_log(b"".join(frames))
    raw = log.csi.copy()
    scaled = log.scaled()
    assert np.array_equal(log.csi, raw)
    for n, one in enumerate(frames):
        alone = parse_log(one)
        corner = scaled[n, : alone.csi.shape[1], : alone.csi.shape[2]]
        assert np.abs(corner - alone.scaled()[0]).max() < 1e-12


def test_fast_and_plain_agree() -> None:
    rng = np.random.default_rng(8)
    shapes = rng.integers(1, 4, (300, 2))
    log = parse_log(b"".join(
        record(random_counts(rng, *shape), rssi_a=int(rng.integers(0, 60)), rssi_b=0, agc=int(rng.integers(0, 60)),
               rssi_c=int(rng.integers(0, 2)), noise=int(rng.integers(-128, 0))) for shape in shapes
    ))  # fmt: skip
    log.csi[5] = 0
    plain = scaled_csi_plain(log.csi, log.rssi, log.agc, log.noise, log.nrx, log.ntx)
    np.testing.assert_allclose(log.scaled(), plain, rtol=1e-13, atol=0)
    assert not log.scaled()[5].any()
    assert np.array_equal(log.scaled(), log.scaled(threads=3))
