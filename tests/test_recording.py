from pathlib import Path

import numpy as np
import pytest

from edge.errors import ConfigError, RecordingError
from edge.parse.framing import payload_bytes
from edge.parse.intel5300 import CsiLog, parse_log
from edge.recording import MAX_PAUSE_US, Recording, align, read_recording, slices, usable
from edge.signal.links import Links
from edge.signal.path import Packets
from firmware_tools.simulate.room import BASIC
from tests.simulate.stickman import simulated_logs

FRAME = 215  # bytes of a record with three antennas and one stream
STAMP_AT, NRX_AT, ANTENNA_SEL_AT = 3, 11, 18  # in a frame


@pytest.fixture(scope="module")
def logs() -> tuple[bytes, bytes]:
    """Six seconds at two receivers."""
    return simulated_logs(6.0, seed=1).logs


def two_antennas(log: bytes, record: int) -> bytes:
    """The record with its third antenna unplugged."""
    frame = log[record * FRAME : (record + 1) * FRAME]
    payload = payload_bytes(2, 1)
    header = bytearray(frame[:23])
    header[0:2] = (21 + payload).to_bytes(2, "big")
    header[NRX_AT] = 2
    header[19:21] = payload.to_bytes(2, "little")
    return log[: record * FRAME] + bytes(header) + bytes(payload) + log[(record + 1) * FRAME :]


def parsed(logs: tuple[bytes, bytes]) -> tuple[CsiLog, CsiLog]:
    return parse_log(logs[0]), parse_log(logs[1])


def test_the_session_s_clock_is_receiver_1_s(logs: tuple[bytes, bytes]) -> None:
    """Receiver 2's clock has another beginning and runs at another speed; on the session's both hear at once."""
    recording = align(parsed(logs), BASIC.links)
    first, second = recording.receivers
    pairing = recording.pairing
    assert first.time_us[0] == 0.0
    assert abs(pairing.offset_us) > 1e6
    np.testing.assert_allclose(second.time_us[pairing.index_b], first.time_us[pairing.index_a], rtol=0, atol=5.0)
    assert recording.seconds == pytest.approx(max(first.time_us[-1], second.time_us[-1]) * 1e-6)
    assert 5.9 < recording.seconds < 6.1


def test_packets_are_those_of_the_logs(logs: tuple[bytes, bytes]) -> None:
    recording = align(parsed(logs), BASIC.links)
    for log, packets in zip(parsed(logs), recording.receivers, strict=True):
        np.testing.assert_array_equal(packets.csi, log.csi[:, :, 0])
        assert packets.csi.shape == (packets.time_us.size, 3, 30)
    assert recording.unusable == (0, 0)


def test_links_are_kept_if_given_and_chosen_if_not(logs: tuple[bytes, bytes]) -> None:
    kept = Links(reference=1, partner=0), Links(reference=2, partner=1)
    assert align(parsed(logs), kept).links == kept
    for links in align(parsed(logs)).links:
        assert {links.reference, links.partner} < {0, 1, 2}


def test_an_empty_room_is_kept_in_microseconds(logs: tuple[bytes, bytes]) -> None:
    assert align(parsed(logs), BASIC.links, 1.5).empty_us == 1.5e6
    assert align(parsed(logs), BASIC.links).empty_us is None


def test_unusable_records_are_left_out_and_counted(logs: tuple[bytes, bytes]) -> None:
    first = bytearray(logs[0])
    first[5 * FRAME + ANTENNA_SEL_AT] = 0b111111  # no permutation: which antenna is which is not known
    first[9 * FRAME + ANTENNA_SEL_AT] = 0b000000
    second = two_antennas(logs[1], record=20)
    whole, recording = align(parsed(logs), BASIC.links), align(parsed((bytes(first), second)), BASIC.links)
    assert recording.unusable == (2, 1)
    for receiver, left_out in enumerate(([5, 9], [20])):
        np.testing.assert_array_equal(
            recording.receivers[receiver].csi, np.delete(whole.receivers[receiver].csi, left_out, axis=0)
        )
        np.testing.assert_allclose(
            recording.receivers[receiver].time_us, np.delete(whole.receivers[receiver].time_us, left_out), atol=0.5
        )


def test_usable_needs_three_known_antennas(logs: tuple[bytes, bytes]) -> None:
    log = parse_log(two_antennas(logs[0], record=3))
    np.testing.assert_array_equal(np.flatnonzero(~usable(log)), [3])


def test_a_log_without_three_antennas_is_refused(logs: tuple[bytes, bytes]) -> None:
    second = bytearray(logs[1])
    second[ANTENNA_SEL_AT::FRAME] = bytes(len(second) // FRAME)
    with pytest.raises(RecordingError, match=f"receiver 2: none of {len(second) // FRAME} records has three antennas"):
        align(parsed((logs[0], bytes(second))))
    with pytest.raises(RecordingError, match="receiver 1: none of 0 records"):
        align(parsed((b"", logs[1])))


def test_a_clock_that_jumps_backward_is_refused(logs: tuple[bytes, bytes]) -> None:
    second = logs[1][100 * FRAME : 300 * FRAME] + logs[1][: 100 * FRAME]
    with pytest.raises(RecordingError, match="receiver 2: the clock jumps backward at record 200:"):
        align(parsed((logs[0], second)))


def test_a_pause_of_more_than_ten_minutes_is_refused(logs: tuple[bytes, bytes]) -> None:
    stamps = np.frombuffer(logs[0], np.uint8).reshape(-1, FRAME).copy()
    late = stamps[300:, STAMP_AT : STAMP_AT + 4].copy().view("<u4") + np.uint32(MAX_PAUSE_US)
    stamps[300:, STAMP_AT : STAMP_AT + 4] = late.view(np.uint8)
    with pytest.raises(RecordingError, match="receiver 1: 600 s without a packet"):
        align(parsed((stamps.tobytes(), logs[1])))


@pytest.mark.parametrize("threads", [1, 2])
def test_two_files_are_read_and_aligned_on_any_number_of_threads(
    logs: tuple[bytes, bytes], tmp_path: Path, threads: int
) -> None:
    paths = tmp_path / "r1.dat", tmp_path / "r2.dat"
    for path, log in zip(paths, logs, strict=True):
        path.write_bytes(log)
    read, expected = read_recording(paths, empty_s=1.5, threads=threads), align(parsed(logs), empty_s=1.5)
    assert (read.links, read.empty_us) == (expected.links, expected.empty_us)
    for mine, other in zip(read.receivers, expected.receivers, strict=True):
        np.testing.assert_array_equal(mine.time_us, other.time_us)
        np.testing.assert_array_equal(mine.csi, other.csi)
    with pytest.raises(ConfigError, match=r"no\.dat"):
        read_recording((paths[0], tmp_path / "no.dat"), threads=threads)


@pytest.mark.parametrize("every_us", [1e6 / 30, 1e5, 2.345e6, 1e9])
def test_slices_hold_every_packet_once(logs: tuple[bytes, bytes], every_us: float) -> None:
    recording = align(parsed(logs), BASIC.links)
    pieces = list(slices(recording, every_us))
    for receiver, packets in enumerate(recording.receivers):
        np.testing.assert_array_equal(np.concatenate([piece[receiver].time_us for _, piece in pieces]), packets.time_us)
        np.testing.assert_array_equal(np.concatenate([piece[receiver].csi for _, piece in pieces]), packets.csi)
    assert_due(recording, pieces, every_us)


def assert_due(recording: Recording, pieces: list[tuple[float, tuple[Packets, Packets]]], every_us: float) -> None:
    """Pieces come at their time, and a packet in the first piece after it was heard."""
    np.testing.assert_allclose([at for at, _ in pieces], np.arange(1, len(pieces) + 1) * every_us)
    assert pieces[-1][0] > recording.seconds * 1e6
    for at, piece in pieces:
        for packets in piece:
            assert ((packets.time_us < at) & ((packets.time_us >= at - every_us) | (at == every_us))).all()
