import shutil
from pathlib import Path

import csiread
import msgspec
import numpy as np
import pytest

from edge.errors import ConfigError
from edge.recording import align
from edge.session import SessionFile, Truth, load_session
from firmware_tools.simulate.room import BASIC
from firmware_tools.simulate.rooms import room_named
from firmware_tools.simulate.session import simulate_session

SECONDS = 4.0


def simulate(folder: Path, data: Path, seed: int = 1, clip: str | None = None) -> Path:
    simulate_session(folder, BASIC, data / "mocap17", clip, SECONDS, 150.0, seed)
    return folder


@pytest.fixture(scope="module")
def written(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated session; nobody writes in it."""
    return simulate(tmp_path_factory.mktemp("session"), data)


@pytest.fixture
def folder(written: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    return Path(shutil.copytree(written, tmp_path / "copy"))


def edit(folder: Path, old: str, new: str) -> None:
    text = (folder / "session.yaml").read_text()
    assert old in text
    (folder / "session.yaml").write_text(text.replace(old, new, 1))


def test_what_was_simulated_comes_back(written: Path) -> None:
    session = load_session(written)
    assert session.file.source == "simulated"
    assert (session.file.room, session.file.carrier_hz, session.file.packets_per_s) == ("basic", 5.825e9, 150.0)
    assert session.file.transmitter_m == BASIC.transmitter
    assert session.links == BASIC.links
    for receiver, (log, entry) in enumerate(zip(session.logs, session.file.receivers, strict=True)):
        assert 550 < len(log) <= 600
        assert log.report.bad == log.report.truncated == 0
        assert entry.antennas_m is not None
        np.testing.assert_allclose(entry.antennas_m, BASIC.antennas()[3 * receiver : 3 * receiver + 3], atol=1e-4)


def test_truth_lies_within_the_session(written: Path) -> None:
    session = load_session(written)
    recording = align(session.logs, session.links)
    assert session.truth is not None
    time_s, joints = session.truth.time_s, session.truth.joints
    packet_s = 1 / 150
    assert -5 * packet_s <= time_s[0] <= 0.0  # receiver 1 may have lost the first packets
    assert recording.seconds - 6 * packet_s <= time_s[-1] <= recording.seconds + 5 * packet_s
    assert (np.diff(time_s) > 0).all()
    assert 1 / np.median(np.diff(time_s)) == pytest.approx(30.0, rel=0.05)
    assert joints.shape == (time_s.size, 17, 3)
    assert joints.dtype == np.float32
    assert (joints[:, 0, :2] > 0).all()
    assert (joints[:, 0, :2] < BASIC.size[:2]).all()


def test_same_seed_same_bytes(written: Path, data: Path, tmp_path: Path) -> None:
    again, other = simulate(tmp_path / "again", data), simulate(tmp_path / "other", data, seed=2)
    names = {path.name for path in written.iterdir()}
    assert names == {"session.yaml", "receiver1.dat", "receiver2.dat", "joints.npz"}
    for name in names:
        assert (again / name).read_bytes() == (written / name).read_bytes(), name
        assert (other / name).read_bytes() != (written / name).read_bytes(), name


def test_one_clip_by_name(data: Path, tmp_path: Path) -> None:
    session = load_session(simulate(tmp_path, data, clip="86_09"))
    assert "86_09" in session.file.note
    with pytest.raises(ConfigError, match="no clip 'nobody'"):
        simulate(tmp_path, data, clip="nobody")


def test_another_reader_finds_the_same_counts(written: Path) -> None:
    """csiread, written from the original tool's sources; it too puts chains in the order of their antennas."""
    session = load_session(written)
    assert {log.antenna_sel[0] for log in session.logs} != {0b100100}  # not the order they already have
    for entry, log in zip(session.file.receivers, session.logs, strict=True):
        peer = csiread.Intel(str(written / entry.file), nrxnum=3, ntxnum=1, if_report=False)
        peer.read()
        np.testing.assert_array_equal(peer.timestamp_low, log.timestamp_us & 0xFFFFFFFF)
        np.testing.assert_array_equal(np.asarray(peer.csi[..., 0]).transpose(0, 2, 1), log.csi[:, :, 0])


@pytest.mark.parametrize("name", ["basic-nlos", "wivelo", "train-07"])
def test_another_reader_reads_every_room_s_logs(name: str, data: Path, tmp_path: Path) -> None:
    """Screens, other rates and a room that is empty at first make no other records."""
    simulate_session(tmp_path, room_named(name), data / "mocap17", None, SECONDS, 300.0, 5, 1.5)
    session = load_session(tmp_path)
    assert session.file.empty_s == 1.5
    assert session.truth is not None
    assert session.truth.time_s[0] == pytest.approx(1.5, abs=0.05)
    for entry, log in zip(session.file.receivers, session.logs, strict=True):
        peer = csiread.Intel(str(tmp_path / entry.file), nrxnum=3, ntxnum=1, if_report=False)
        peer.read()
        assert len(log) > 1000
        np.testing.assert_array_equal(peer.timestamp_low, log.timestamp_us & 0xFFFFFFFF)
        np.testing.assert_array_equal(np.asarray(peer.csi[..., 0]).transpose(0, 2, 1), log.csi[:, :, 0])


def test_session_file_round_trip(written: Path) -> None:
    content = (written / "session.yaml").read_bytes()
    assert msgspec.yaml.encode(msgspec.yaml.decode(content, type=SessionFile)) == content


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("room: basic", "rooom: basic", "rooom"),
        ("clock: nic", "clock: ntp", "Invalid enum value 'ntp'"),
        ("schema: 1", "schema: 2", "schema 2 is not known to this version .* update wimose"),
        ("file: receiver1.dat", "file: ../receiver1.dat", "must be a plain name"),
        ("file: receiver2.dat", "file: /etc/passwd", "must be a plain name"),
        ("file: receiver2.dat", "file: elsewhere.dat", "elsewhere.dat: No such file"),
        ("reference: 0", "reference: 3", "links of receiver1 name antennas other than 0, 1, 2"),
        ("room: basic", "room: [", "session.yaml"),
    ],
)
def test_a_session_file_to_mend(folder: Path, old: str, new: str, message: str) -> None:
    edit(folder, old, new)
    with pytest.raises(ConfigError, match=message):
        load_session(folder)


def test_a_folder_without_a_session(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="give a session's folder"):
        load_session(tmp_path)


def test_truth_to_mend(folder: Path) -> None:
    path = folder / "joints.npz"
    path.write_bytes(b"no archive")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_session(folder)
    for time_s, joints in (([0.0, 1.0, 1.0], (3, 17, 3)), ([0.0, 1.0, 2.0], (3, 16, 3)), ([0.0], (3, 17, 3))):
        np.savez(path, t=np.array(time_s), joints=np.zeros(joints, np.float32))
        with pytest.raises(ConfigError, match=r"needs t \(T,\) increasing"):
            load_session(folder)
    path.unlink()
    assert load_session(folder).truth is None


def test_truth_between_two_times() -> None:
    joints = np.arange(3.0)[:, None, None].repeat(17, axis=1).repeat(3, axis=2)
    truth = Truth(np.array([0.0, 1.0, 3.0]), joints)
    for time_s, expected in ((0.25, 0.25), (1.0, 1.0), (2.0, 1.5)):
        between = truth.at(time_s)
        assert between is not None
        np.testing.assert_allclose(between, expected)
    assert truth.at(-0.1) is truth.at(3.1) is None


def test_truth_is_not_known_where_the_person_jumps() -> None:
    """Two takes, one after the other, three metres apart: what lies between was never anywhere."""
    time_s = np.arange(60) / 30
    joints = np.zeros((60, 17, 3))
    joints[30:, :, 0] = 3.0
    truth = Truth(time_s, joints)
    assert truth.at(0.98) is None
    assert truth.at(29 / 30) is not None
    assert truth.at(1.0, 0.5) is None
    assert truth.at(1.4, 0.5) is None
    assert truth.at(1.52, 0.5) is not None
    assert truth.at(0.9, 0.5) is not None
