"""Real recordings: against the MATLAB tool's output, against csiread, and with the damage they came with."""

import os
import struct
from pathlib import Path

import csiread
import numpy as np
import pytest
from scipy.io import loadmat

from edge.arrays import Array
from edge.errors import ConfigError
from edge.parse.framing import LENGTH, REASONS, TRUNCATED
from edge.parse.intel5300 import CsiLog, Damage, copy_headers, copy_headers_plain, parse_log, read_log, read_logs
from tests.parse.encoder import random_counts, record

FIELDS = ("bfee_count", "nrx", "ntx", "noise", "agc", "rate")


def test_exact_bytes_of_a_header() -> None:
    header = struct.pack("<IHHBBBBBbBBHH", 0xDEADBEEF, 0xCAFE, 0xFFFF, 1, 2, 3, 4, 5, -6, 7, 0b011000, 132, 0x4109)
    log = parse_log(b"\x00\x99\xbb" + header + bytes(132))
    assert log.report.codes == {0xBB: 1}
    assert log.timestamp_us.tolist() == [0xDEADBEEF]
    assert log.rssi.tolist() == [[3, 4, 5]]
    assert {name: getattr(log, name).tolist() for name in (*FIELDS, "antenna_sel")} == {
        "bfee_count": [0xCAFE], "nrx": [1], "ntx": [2], "noise": [-6], "agc": [7], "rate": [0x4109],
        "antenna_sel": [0b011000],
    }  # fmt: skip


def test_types_and_shapes_are_those_of_the_docstring() -> None:
    log = parse_log(b"".join(record(random_counts(np.random.default_rng(0), n, 4 - n)) for n in (1, 2, 3)))
    shapes = {name: (array.dtype.name, array.shape) for name, array in vars(log).items() if name != "report"}
    one_each = dict.fromkeys(("nrx", "ntx", "agc", "antenna_sel"), ("uint8", (3,)))
    assert shapes == one_each | {
        "timestamp_us": ("uint64", (3,)), "bfee_count": ("uint16", (3,)), "rate": ("uint16", (3,)),
        "noise": ("int8", (3,)), "rssi": ("uint8", (3, 3)), "csi": ("complex64", (3, 3, 3, 30)),
    }  # fmt: skip
    assert (log.scaled().dtype.name, log.scaled().shape) == ("complex128", (3, 3, 3, 30))


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_any_kind_of_bytes_is_parsed(kind: type) -> None:
    counts = random_counts(np.random.default_rng(1))
    assert np.array_equal(parse_log(kind(record(counts))).csi, parse_log(record(counts)).csi)


def test_the_original_tool_gives_the_same_raw_and_scaled_csi(data: Path) -> None:
    matlab = loadmat(data / "csi/csikit/intel_mats/example.mat", squeeze_me=True)
    log = read_log(data / "csi/csikit/intel/example.dat")
    assert len(log) == len(matlab["csi"]) == 26
    scaled = log.scaled()
    for n, theirs in enumerate(matlab["csi"]):
        said = {name: theirs[name].item() for name in theirs.dtype.names}
        assert int(log.timestamp_us[n]) == said["timestamp_low"]
        ours = [log.bfee_count[n], log.nrx[n], log.ntx[n], *log.rssi[n], log.noise[n], log.agc[n], log.rate[n]]
        names = ("bfee_count", "Nrx", "Ntx", "rssi_a", "rssi_b", "rssi_c", "noise", "agc", "rate")
        assert [int(value) for value in ours] == [int(said[name]) for name in names]
        assert [((int(log.antenna_sel[n]) >> 2 * j) & 3) + 1 for j in range(3)] == said["perm"].tolist()
        assert said["csi"].shape == (2, 3, 30)  # [Ntx, Nrx, subcarrier]
        assert np.array_equal(log.csi[n], said["csi"].transpose(1, 0, 2))
        assert np.abs(scaled[n] / matlab["csi_scaled"][n].transpose(1, 0, 2) - 1).max() < 1e-12


def _in_order_of_the_chains(csi: Array, antenna_sel: Array) -> Array:
    """Undo csiread's placing: it puts what chain j heard at (antenna_sel >> 2j) & 3, whatever Nrx is."""
    chains = [(antenna_sel >> 2 * j) & 3 for j in range(2)]
    return np.stack([csi[np.arange(len(csi)), chain] for chain in chains], axis=1)


def _differences(path: Path, log: CsiLog) -> str:
    theirs = csiread.Intel(str(path), nrxnum=3, ntxnum=3, if_report=False)
    theirs.read()
    if theirs.count != len(log):
        return f"csiread finds {theirs.count}, we {len(log)}"
    names = {"nrx": "Nrx", "ntx": "Ntx"}
    fields = [name for name in FIELDS if not np.array_equal(getattr(log, name), getattr(theirs, names.get(name, name)))]
    if not np.array_equal(log.timestamp_us % (1 << 32), theirs.timestamp_low):
        fields.append("timestamp_low")
    if not np.array_equal(log.rssi, np.stack([theirs.rssi_a, theirs.rssi_b, theirs.rssi_c], axis=1)):
        fields.append("rssi")
    csi = theirs.csi.transpose(0, 2, 3, 1)[:, :, : log.csi.shape[2]]  # [packet, rx, tx, subcarrier]
    three, two = log.nrx == 3, log.nrx == 2
    if not np.array_equal(log.csi[three], csi[three][:, : log.csi.shape[1]]):
        fields.append("csi of three antennas")
    if not np.array_equal(log.csi[two][:, :2], _in_order_of_the_chains(csi[two], log.antenna_sel[two])):
        fields.append("csi of two antennas")
    return ", ".join(fields)


def test_csiread_finds_the_same_in_every_recording(data: Path) -> None:
    """For two antennas in the order of the record, which is the MATLAB tool's rule and not csiread's."""
    paths = sorted((data / "csi").glob("**/*.dat"))
    assert len(paths) > 80
    by_antennas = {2: 0, 3: 0}
    differences = {}
    for path in paths:
        log = read_log(path)
        for nrx in by_antennas:
            by_antennas[nrx] += int((log.nrx == nrx).sum())
        if difference := _differences(path, log):
            differences[path.name] = difference
    assert differences == {"csi2.dat": "csiread finds 0, we 24"}  # see the next test
    assert by_antennas[3] > 200_000
    assert by_antennas[2] > 10_000


def test_a_log_whose_beginning_was_overwritten_with_text_is_read_from_there_on(data: Path) -> None:
    path = data / "csi/csi-data/heart_rate/csi2.dat"
    theirs = csiread.Intel(str(path), nrxnum=3, ntxnum=3, if_report=False)
    theirs.read()
    assert theirs.count == 0
    log = read_log(path)
    assert len(log) == 24
    assert log.report.damage == (Damage(0, 1185, REASONS[LENGTH]),)
    assert log.report.size == 1185 + 24 * 395
    intact = parse_log(path.read_bytes()[1185:])
    assert np.array_equal(log.csi, intact.csi)
    assert log.report.backward == ()
    assert set(log.nrx.tolist()) == {3}


@pytest.mark.parametrize(
    ("name", "count", "tail"),
    [
        ("csi-data/activity/brushteeth_1597159877.dat", 402, 42),
        ("csi-data/activity/brushteeth_1597160009.dat", 416, 168),
        ("csi-data/activity/walk_1597159688.dat", 401, 197),
        ("csi-data/activity/washingdishes_1597160719.dat", 401, 77),
        ("wiar/d1_csi_a12_4_TRUNCATED.dat", 625, 2),
    ],
)
def test_recordings_that_end_in_the_middle_of_a_record(data: Path, name: str, count: int, tail: int) -> None:
    """Figures of PROVENANCE.md."""
    log = read_log(data / "csi" / name)
    assert len(log) == count
    size = (data / "csi" / name).stat().st_size
    assert (log.report.bad, log.report.truncated) == (0, 1)
    assert log.report.damage == (Damage(size - tail, tail, REASONS[TRUNCATED]),)


def test_mpdu_records_between_the_csi_records(data: Path) -> None:
    log = read_log(data / "csi/csiread/sample_0x5_64_3000.dat")
    assert log.report.codes == {0xBB: 2998, 0xC1: 2998}
    assert log.report.damage == ()


@pytest.mark.parametrize("what", ["length", "lost", "body"])
def test_damage_inside_a_real_mpdu_record_loses_no_csi(data: Path, what: str) -> None:
    whole = (data / "csi/csiread/sample_0x5_64_3000.dat").read_bytes()
    clean = parse_log(whole)
    for victim in range(0, 2998, 100):
        at = victim * 346  # an MPDU record of 131 bytes and a CSI record of 215
        damaged = {
            "length": whole[:at] + b"\x30\x39" + whole[at + 2 :],
            "lost": whole[: at + 20] + whole[at + 29 :],
            "body": whole[: at + 3] + bytes(128) + whole[at + 131 :],
        }[what]
        log = parse_log(damaged)
        assert len(log) == 2998
        assert np.array_equal(log.csi, clean.csi)
        places = [] if what == "body" else [Damage(at, 122 if what == "lost" else 131, REASONS[LENGTH])]
        assert list(log.report.damage) == places
        assert log.report.codes[0xC1] == 2998 - len(places)


@pytest.mark.parametrize(("path", "why"), [("no.dat", "No such file"), (".", "Is a directory")])
def test_a_file_that_cannot_be_read_is_the_users_to_mend(tmp_path: Path, path: str, why: str) -> None:
    with pytest.raises(ConfigError, match=f"{path}: {why}.*give the path of a log"):
        read_log(tmp_path / path if path != "." else tmp_path)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(tmp_path: Path) -> None:
    path = tmp_path / "secret.dat"
    path.touch(mode=0)
    with pytest.raises(ConfigError, match="Permission denied"):
        read_log(path)


def test_many_files_come_in_their_order_whatever_the_threads(data: Path) -> None:
    paths = sorted((data / "csi" / "csi-data" / "activity").glob("*.dat"))
    for path, log in zip(paths, read_logs(paths, threads=3), strict=True):
        alone = read_log(path)
        assert log.report == alone.report
        assert np.array_equal(log.csi, alone.csi)


def test_a_file_of_many_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="give the path of a log"):
        list(read_logs([tmp_path / "no.dat"], threads=2))


def test_fast_and_plain_copy_the_same_headers() -> None:
    log = np.random.default_rng(2).integers(0, 256, 1000, np.uint8)
    offsets = np.arange(0, 900, 37)
    fast, plain = np.zeros((2, offsets.size, 20), np.uint8)
    copy_headers(log, offsets, fast)
    copy_headers_plain(log, offsets, plain)
    assert np.array_equal(fast, plain)
