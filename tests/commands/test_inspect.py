"""`wimose inspect`, as it is typed."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.cli import main
from tests.parse.encoder import random_counts, record, records

WALKS = ("1-1-1-1", "1-1-1-2", "1-1-2-1", "1-1-3-1", "1-1-4-1", "1-1-5-1", "1-1-6-1",
         "8-1-1-1", "8-1-3-1", "8-1-6-1", "12-1-1-1", "12-1-6-3")  # fmt: skip


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "r1.dat"
    path.write_bytes(b"".join(records(10)))
    return path


def figures(arguments: list[str], capfdbinary: pytest.CaptureFixture[bytes]) -> Any:
    """What `wimose inspect ... --json` writes: one line, nothing else."""
    assert main(["inspect", *arguments, "--json"]) == 0
    out, err = capfdbinary.readouterr()
    assert err == b""
    assert out.count(b"\n") == 1
    return json.loads(out)


def test_one_file_is_one_object_and_several_are_a_list(log: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    one = figures([str(log)], capfdbinary)
    assert (one["file"], one["bytes"], one["records"]) == (str(log), 2150, 10)
    two = figures([str(log), str(log)], capfdbinary)
    assert two == [one, one]


def test_golden_figures_of_a_real_recording(data: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """Those that PROVENANCE.md has are from there, the others were computed from what csiread reads."""
    path = data / "csi/csiread/sample_0x5_64_3000.dat"
    assert figures([str(path)], capfdbinary) == {
        "file": str(path),
        "bytes": 1037308,
        "codes": {"0xbb": 2998, "0xc1": 2998},
        "records": 2998,
        "bad": 0,
        "truncated": 0,
        "damage": [],
        "bad_antenna_sel": [],
        "nrx_ntx": {"3x1": 2998},
        "bandwidth_mhz": {"20": 2998},
        "rate_n_flags": {"0x101": 2998},
        "seconds": pytest.approx(2.999021),
        "packets_per_s": 1000.0,
        "gaps": 1,
        "longest_gap_ms": 3.0,
        "backward": [],
        "driver_lost": 0,
        "rssi_db": [
            {"min": 34.0, "median": 39.0, "max": 40.0},
            {"min": 8.0, "median": 18.0, "max": 27.0},
            {"min": 15.0, "median": 19.0, "max": 24.0},
        ],
        "agc_db": {"min": 56.0, "median": 59.0, "max": 63.0},
        "noise_dbm": None,
        "antenna_sel": {"24": 1663, "36": 1335},
    }


def test_damage_is_shown_with_its_offset(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frames = records(4)
    damaged = record(random_counts(np.random.default_rng(0)), nrx=0)
    path = tmp_path / "r1.dat"
    path.write_bytes(b"".join([*frames[:2], damaged, *frames[2:], frames[0][:70]]))
    assert main(["inspect", str(path)]) == 0
    out = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "CSI records 4" in out
    assert "1 and 1 truncated tail (215 bytes at 430: Nrx or Ntx is not 1 to 3" in out
    assert main(["inspect", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["damage"] == [
        {"offset": 430, "length": 215, "reason": "Nrx or Ntx is not 1 to 3"},
        {"offset": 1075, "length": 70, "reason": "truncated at the end of the file"},
    ]


@pytest.mark.parametrize("content", [b"", b"\0", b"no log at all", bytes(5000)])
def test_a_file_without_a_record_has_figures(
    tmp_path: Path, content: bytes, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    path = tmp_path / "empty.dat"
    path.write_bytes(content)
    found = figures([str(path)], capfdbinary)
    assert (found["bytes"], found["records"], found["seconds"]) == (len(content), 0, 0.0)
    assert found["bad"] + found["truncated"] == (1 if content else 0)
    assert main(["inspect", str(path)]) == 0
    assert b"CSI records" in capfdbinary.readouterr().out


@pytest.mark.parametrize("walk", WALKS)
def test_two_receivers_pair(data: Path, walk: str, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    paths = [str(data / f"csi/wivelo/{walk}-r{receiver}.dat") for receiver in (1, 2)]
    pair = figures(["--pair", *paths], capfdbinary)
    assert pair["receivers"] == paths
    assert pair["paired_share"] >= 0.998
    assert pair["paired"] >= 0.998 * min(pair["packets"])
    assert 0 < pair["residual_us"] < 15
    assert 5.5 < pair["drift_ppm"] < 6.5  # PROVENANCE.md
    for reference, partner in zip(pair["references"], pair["partners"], strict=True):
        assert {reference, partner} < {0, 1, 2}
        assert reference != partner
    assert pair["offset_us"] == pytest.approx(110.83e6, abs=0.05e6)


def test_files_and_a_pair_come_in_one_list(data: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    paths = [str(data / f"csi/wivelo/1-1-1-1-r{receiver}.dat") for receiver in (1, 2)]
    first, pair = figures([paths[0], "--pair", *paths], capfdbinary)
    assert first["records"] == pair["packets"][0] == 5713
    assert main(["inspect", "--pair", *paths]) == 0
    assert f"{pair['paired']} of 5713 and 5715" in capfdbinary.readouterr().out.decode()


@pytest.mark.parametrize("arguments", [["{}/no.dat"], ["{}"], ["{log}", "{}/no.dat"], ["--pair", "{log}", "{}/no.dat"]])
def test_a_file_that_cannot_be_read(
    arguments: list[str], log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inspect", *(argument.format(tmp_path, log=log) for argument in arguments)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith(f"wimose: {tmp_path}")
    assert err.endswith("; give the path of a log of the 5300 tool\n")


def test_nothing_to_inspect(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect"]) == 2
    assert "give log files, or two with --pair A.dat B.dat" in capsys.readouterr().err


def test_receivers_that_cannot_be_paired_say_why(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", "--pair", str(log), str(log)]) == 1
    assert "10 and 10 packets" in capsys.readouterr().err
