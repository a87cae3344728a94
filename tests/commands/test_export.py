"""`wimose export`, as it is typed."""

from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat

from edge.cli import main
from edge.parse.intel5300 import read_log
from tests.parse.encoder import records

FIELDS = {"timestamp_us", "bfee_count", "nrx", "ntx", "rssi", "noise", "agc", "antenna_sel", "rate", "csi"}


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "r1.dat"
    path.write_bytes(b"".join(records(10)))
    return path


@pytest.mark.parametrize("scaled", [False, True])
def test_the_original_tools_output(data: Path, tmp_path: Path, scaled: bool) -> None:
    out = tmp_path / "example.npz"
    source = str(data / "csi/csikit/intel/example.dat")
    assert main(["export", source, str(out), *(["--scaled"] if scaled else [])]) == 0
    matlab = loadmat(data / "csi/csikit/intel_mats/example.mat", squeeze_me=True)
    theirs = matlab["csi_scaled"] if scaled else [packet["csi"].item() for packet in matlab["csi"]]
    with np.load(out, allow_pickle=False) as file:
        csi = file["csi"]
        assert (csi.dtype, csi.shape) == (np.dtype(np.complex64), (26, 3, 2, 30))
        for n in range(26):
            wanted = theirs[n].transpose(1, 0, 2)  # from [Ntx, Nrx, subcarrier]
            assert (np.abs(csi[n] - wanted) <= (1e-6 if scaled else 0) * np.abs(wanted)).all()
            assert int(file["timestamp_us"][n]) == matlab["csi"][n]["timestamp_low"].item()
            assert file["rssi"][n].tolist() == [matlab["csi"][n][f"rssi_{antenna}"].item() for antenna in "abc"]


def test_every_field_is_in_the_file(log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "r1.npz"
    assert main(["export", str(log), str(out)]) == 0
    assert capsys.readouterr() == ("", f"{out}: 10 records\n")
    parsed = read_log(log)
    with np.load(out, allow_pickle=False) as file:
        assert set(file.files) == FIELDS
        for name in FIELDS:
            assert file[name].dtype == getattr(parsed, name).dtype
            assert np.array_equal(file[name], getattr(parsed, name))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r1.dat", "r1.npz"]


def test_damage_is_told(log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = log.read_bytes()
    log.write_bytes(whole[:430] + b"\0\0" + whole[432:-1])
    assert main(["export", str(log), str(tmp_path / "r1.npz")]) == 0
    assert capsys.readouterr().err == f"{tmp_path / 'r1.npz'}: 8 records, 2 damaged places left out\n"


def test_a_log_without_records_is_exported_empty(tmp_path: Path) -> None:
    (tmp_path / "empty.dat").touch()
    assert main(["export", str(tmp_path / "empty.dat"), str(tmp_path / "empty.npz"), "--scaled"]) == 0
    with np.load(tmp_path / "empty.npz") as file:
        assert file["csi"].shape == (0, 1, 1, 30)


@pytest.mark.parametrize("name", ["r1.mat", "r1", "r1.npz.gz", "r1.npy"])
def test_only_npz_is_written(name: str, log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(log), str(tmp_path / name)]) == 2
    assert capsys.readouterr().err == f"wimose: {tmp_path / name}: the output must end in .npz\n"
    assert list(tmp_path.iterdir()) == [log]


@pytest.mark.parametrize("missing", ["no.dat", "."])
def test_a_file_that_cannot_be_read(missing: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(tmp_path / missing), str(tmp_path / "r1.npz")]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert err.endswith("; give the path of a log of the 5300 tool\n")
    assert not (tmp_path / "r1.npz").exists()


@pytest.mark.parametrize("place", ["no/such/folder/r1.npz", "r1.dat/r1.npz", "taken.npz"])
def test_a_place_that_cannot_be_written(
    place: str, log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "taken.npz").mkdir()
    assert main(["export", str(log), str(tmp_path / place)]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert err.startswith(f"wimose: cannot write {tmp_path / place}: ")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r1.dat", "taken.npz"]
