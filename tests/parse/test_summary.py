"""Figures of a log, on logs whose figures are known, and on every recording against its row in PROVENANCE.md."""

from pathlib import Path

import numpy as np
import pytest

from edge.parse.intel5300 import Damage, parse_log, read_log
from edge.parse.summary import LogSummary, Spread, summarise
from tests.parse.encoder import mpdu, random_counts, record

COUNTS = random_counts(np.random.default_rng(0))


def _summary(*frames: bytes) -> LogSummary:
    return summarise("x.dat", parse_log(b"".join(frames)))


def test_an_empty_log_has_figures_too() -> None:
    summary = _summary()
    assert (summary.records, summary.seconds, summary.packets_per_s, summary.gaps) == (0, 0.0, 0.0, 0)
    assert summary.rssi_db == [None, None, None]
    assert (summary.agc_db, summary.noise_dbm, summary.nrx_ntx) == (None, None, {})


def test_rate_gaps_and_duration() -> None:
    times = [0, 1000, 2000, 4000, 5000, 7500, 8501, 11_002, 12_000]  # steps of 2000 and 2500 us are no gap at 1000
    summary = _summary(*(record(COUNTS, timestamp_low=time) for time in times))
    assert summary.seconds == pytest.approx(0.012)
    assert summary.packets_per_s == pytest.approx(1e6 / 1000.5)
    assert (summary.gaps, summary.longest_gap_ms) == (0, 0.0)
    summary = _summary(*(record(COUNTS, timestamp_low=time) for time in [*times, 13_000, 14_000, 17_000, 20_500]))
    assert (summary.gaps, summary.longest_gap_ms) == (2, 3.5)


def test_a_clock_set_back_adds_no_time() -> None:
    summary = _summary(*(record(COUNTS, timestamp_low=time) for time in (5000, 6000, 1000, 2000)))
    assert summary.backward == [2]
    assert summary.seconds == pytest.approx(0.002)


def test_records_lost_by_the_driver() -> None:
    sent = [(0, 65534), (1, 65535), (2, 0), (3, 3), (4, 3), (0, 9)]  # 1 and 2 are missing; then a second recording
    summary = _summary(*(record(COUNTS, timestamp_low=1000 * time, bfee_count=count) for time, count in sent))
    assert summary.driver_lost == 2


def test_what_was_not_measured_is_left_out_of_the_spread() -> None:
    summary = _summary(*(
        record(COUNTS, rssi_a=0, rssi_b=rssi, rssi_c=7, noise=noise, agc=agc)
        for rssi, noise, agc in ((0, -127, 10), (30, -90, 20), (40, -80, 30))
    ))  # fmt: skip
    assert summary.rssi_db == [None, Spread(30, 35, 40), Spread(7, 7, 7)]
    assert summary.noise_dbm == Spread(-90, -85, -80)
    assert summary.agc_db == Spread(10, 20, 30)


def test_counts_by_kind_and_damage() -> None:
    two = random_counts(np.random.default_rng(1), 2, 3)
    frames = [mpdu(0), record(COUNTS, rate=0x901), record(COUNTS, antenna_sel=0), record(COUNTS, nrx=0), record(two)]
    summary = _summary(*frames, b"\x00")
    assert summary.codes == {"0xbb": 3, "0xc1": 1}
    assert summary.records == 3
    assert summary.nrx_ntx == {"3x1": 2, "2x3": 1}
    assert summary.rate_n_flags == {"0x101": 2, "0x901": 1}
    assert summary.bandwidth_mhz == {"20": 2, "40": 1}
    assert summary.antenna_sel == {"36": 2, "0": 1}
    assert summary.bad_antenna_sel == [131 + 215]
    assert (summary.bad, summary.truncated) == (1, 1)
    assert summary.damage == [
        Damage(131 + 2 * 215, 215, "Nrx or Ntx is not 1 to 3"),
        Damage(131 + 3 * 215 + 395, 1, "truncated at the end of the file"),
    ]
    assert summary.bytes == 131 + 3 * 215 + 395 + 1


def _counts(cell: str) -> dict[str, int]:
    """`2:18/3:1359` of a row."""
    return {name: int(count) for name, count in (pair.split(":") for pair in cell.split("/"))}


def test_every_recording_has_the_figures_of_its_row(data: Path) -> None:
    checked = 0
    for notes in (data / "csi").glob("*/PROVENANCE.md"):
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in notes.read_text().splitlines()]
        for row in (row for row in rows if row[0].endswith(".dat") and len(row) == 11 and row[2] != "0"):
            name, size, number, nrx, ntx, seconds, rate, _, antenna_sel, _, _ = row
            log = read_log(notes.parent / name)
            summary = summarise(name, log)
            assert (summary.bytes, summary.records) == (int(size), int(number)), name
            for cell, antennas in ((nrx, log.nrx), (ntx, log.ntx)):
                values, counts = np.unique(antennas, return_counts=True)
                assert {str(value): int(n) for value, n in zip(values, counts, strict=True)} == _counts(cell), name
            assert list(summary.antenna_sel.values()) == sorted(summary.antenna_sel.values(), reverse=True)
            sel_cell, rate_cell = antenna_sel.split("; ")
            for value, count in _counts(sel_cell.removeprefix("sel ")).items():  # the four most frequent
                assert summary.antenna_sel[value] == count, name
            assert summary.rate_n_flags.items() >= _counts(rate_cell.removeprefix("rate ")).items(), name
            if not summary.backward:  # the rows take the steps back for time too
                usual_us = float(rate.split("med dt ")[1].split()[0])
                assert summary.packets_per_s == pytest.approx(1e6 / usual_us), name
                assert summary.seconds == pytest.approx(float(seconds), abs=6e-4), name
            checked += 1
    assert checked > 80
