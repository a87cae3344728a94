import io
import json
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from rich.console import Console

from edge.arrays import Array
from edge.cli import main
from edge.errors import ConfigError, RecordingError
from edge.inference.bundle import find_bundle, load_bundle
from edge.parse.intel5300 import parse_log
from edge.recording import Recording, align
from edge.signal.imagespec import WIMOSE_1
from edge.signal.path import Packets
from firmware_tools.simulate.gait import find_gaits, walk_along
from firmware_tools.simulate.room import WIVELO
from firmware_tools.simulate.scene import Scene, record, send_times
from firmware_tools.simulate.wivelo import path_along, to_room
from firmware_tools.walks.onset import motion_interval
from firmware_tools.walks.track import ALL, error_of, hips, measure_bundle, measure_walks, track_error, walks_table
from firmware_tools.walks.walk import TRACKS, Walk, load_walks, middle
from tests.simulate.test_gait import straight_walk

RATE_HZ = 300.0
TRACK = np.array([[1.2, 1.2], [1.2, 3.0], [0.0, 3.0]])  # 3 m
SPEED = 0.75
STAND_S = np.array([1.5, 1.5])


def recording_of(root: Array, towards: Array, seed: int) -> Recording:
    """What the WiVelo radios log of the made-up walker; root (N, 2) metres in the recordings' frame, at RATE_HZ."""
    rng = np.random.default_rng(seed)
    (gait,) = find_gaits([straight_walk(0.0)])
    joints = walk_along(gait, to_room(root), towards, RATE_HZ)
    scene = Scene(send_times(len(root), RATE_HZ, rng), joints, np.zeros(len(root), np.int64))
    first, second = record(WIVELO, scene, rng).logs
    return align((parse_log(first), parse_log(second)), WIVELO.links)


@pytest.fixture(scope="module")
def path() -> tuple[Array, Array]:
    return path_along(TRACK, SPEED, STAND_S, RATE_HZ)


@pytest.fixture(scope="module")
def recording(path: tuple[Array, Array]) -> Recording:
    return recording_of(*path, seed=1)


@pytest.fixture(scope="module")
def walk(recording: Recording) -> Walk:
    return Walk("1-1-4-1", recording, TRACK, 1.0, 5.0)


def test_constant_speed_between_onset_and_end(walk: Walk) -> None:
    assert walk.length_m == pytest.approx(3.0)
    assert walk.speed == pytest.approx(0.75)
    time_s = np.array([0.0, 1.0, 2.0, 3.4, 4.2, 5.0, 9.0])
    wanted = [(1.2, 1.2), (1.2, 1.2), (1.2, 1.95), (1.2, 3.0), (0.6, 3.0), (0.0, 3.0), (0.0, 3.0)]
    np.testing.assert_allclose(walk.at(time_s), wanted, atol=1e-9)
    assert walk.valid(time_s).tolist() == [False, True, True, True, True, True, False]


@pytest.mark.parametrize("seed", [1, 2])
def test_truth_of_a_walk_with_known_times(path: tuple[Array, Array], seed: int) -> None:
    recording = recording_of(*path, seed)
    onset_s, end_s = motion_interval(recording)
    time_s = np.arange(len(path[0])) / RATE_HZ
    read = Walk("1-1-4-1", recording, TRACK, onset_s, end_s)
    off = np.linalg.norm(read.at(time_s) - path[0], axis=1)[read.valid(time_s)]
    assert off.mean() < 0.2
    assert onset_s == pytest.approx(STAND_S[0] + 0.25, abs=0.4)
    assert end_s == pytest.approx(time_s[-1] - STAND_S[1] - 0.25, abs=0.4)


def test_a_walk_that_goes_on_to_the_last_packet_ends_there(path: tuple[Array, Array]) -> None:
    stop = round(4.0 * RATE_HZ)
    assert motion_interval(recording_of(path[0][:stop], path[1][:stop], 3))[1] == pytest.approx(4.0, abs=0.02)


def test_interference_in_one_antenna_is_no_motion(recording: Recording) -> None:
    rng = np.random.default_rng(4)
    second = recording.receivers[1]
    csi = second.csi.copy()
    hit = (second.time_us > 0.3e6) & (second.time_us < 1.0e6)  # while standing
    beating = (
        rng.normal(size=hit.sum())[:, None] + 1j * rng.normal(size=hit.sum())[:, None]
    )  # as one, over all of 20 MHz
    csi[hit, 0] += (0.3 * np.abs(csi[hit, 0]) * beating).astype(np.complex64)
    disturbed = replace(recording, receivers=(recording.receivers[0], Packets(second.time_us, csi)))
    assert motion_interval(disturbed) == pytest.approx(motion_interval(recording), abs=0.1)


def test_who_only_stands_has_no_walk() -> None:
    root = np.tile(TRACK[:1], (round(4 * RATE_HZ), 1))
    with pytest.raises(RecordingError, match="nobody moves"):
        motion_interval(recording_of(root, np.zeros(len(root)), 5))


def test_errors_by_hand() -> None:
    truth = np.array([[0.0, 1.0], [0.0, 2.0], [0.0, 3.0], [0.0, 4.0]])
    error = error_of(truth, truth + np.array([0.3, 0.4]))
    assert error.poses == 4
    assert (error.mean_mm, error.median_mm, error.p90_mm) == pytest.approx((500.0, 500.0, 500.0))
    assert error.centred_mm == pytest.approx(0.0, abs=1e-9)
    assert error.correlation == pytest.approx((0.0, 1.0))  # x stands still
    mirrored = error_of(truth, truth * np.array([1.0, -1.0]) + np.array([0.0, 5.0]))
    assert mirrored.mean_mm == pytest.approx(2000.0)  # 3, 1, 1 and 3 m off
    assert mirrored.correlation[1] == pytest.approx(-1.0)


def test_only_what_is_valid_counts(walk: Walk) -> None:
    time_s = np.array([0.5, 2.0, 6.0])
    error = track_error(time_s, walk.at(time_s) + np.array([[9.0, 0.0], [0.1, 0.0], [9.0, 0.0]]), walk)
    assert (error.poses, error.mean_mm) == pytest.approx((1, 100.0))


def test_a_perfect_model_beside_what_knows_nothing(walk: Walk) -> None:
    time_s = np.arange(0.0, 6.0, 1 / 30)
    guess = np.array([0.8, 2.4])
    other = replace(walk, name="1-1-4-2", waypoints=TRACK[::-1])
    answers = iter([(time_s, walk.at(time_s)), (time_s, other.at(time_s))])
    errors = measure_walks([walk, other], guess, lambda _: next(answers))
    assert [entry.name for entry in errors] == ["1-1-4-1", "1-1-4-2", ALL]
    for entry in errors:
        assert entry.model.mean_mm == 0.0
        assert entry.shuffled.mean_mm > 500.0
    off = np.linalg.norm(walk.at(time_s[walk.valid(time_s)]) - guess, axis=1).mean() * 1e3
    assert [entry.middle.mean_mm for entry in errors] == pytest.approx([off] * 3)
    assert errors[2].model.poses == 2 * errors[0].model.poses
    screen = io.StringIO()
    Console(width=80, file=screen).print(walks_table(errors, "title"))
    assert screen.getvalue().splitlines()[-2].split()[-2] == f"{off:.0f}"  # in full, though the screen is narrow


def test_hips_are_the_model_s_in_the_recordings_frame(recording: Recording) -> None:
    joints = np.zeros((17, 3))
    joints[0] = (*to_room(np.array([0.5, 2.5])), 1.0)
    shapes = set()

    def run(image: Array) -> Array:
        shapes.add(image.shape)
        return joints

    time_s, xy = hips(recording, WIMOSE_1, run)
    assert shapes == {WIMOSE_1.shape}
    np.testing.assert_allclose(xy, np.tile([0.5, 2.5], (len(time_s), 1)))
    assert np.diff(time_s) == pytest.approx(1 / 30)
    assert recording.seconds - 0.1 < time_s[-1] < recording.seconds


def test_the_middle_weighs_tracks_by_their_length(tmp_path: Path) -> None:
    tracks = {"1": [[0, 0], [0, 3]], "2": [[1, 2], [2, 2]]}
    (tmp_path / TRACKS).write_text(json.dumps({"tracks": tracks}))
    assert middle(tmp_path) == pytest.approx([1.5 / 4, (3 * 1.5 + 2) / 4])


def test_a_folder_without_recordings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=TRACKS):
        load_walks(tmp_path, WIVELO.links)
    (tmp_path / TRACKS).write_text('{"tracks": {}}')
    with pytest.raises(ConfigError, match=r"r1\.dat"):
        load_walks(tmp_path, WIVELO.links)


def test_a_model_of_another_room_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="wivelo"):
        measure_bundle(load_bundle(find_bundle("wimose-basic")), lambda image: image, tmp_path)


def test_real_walkers_walk_as_people_do(data: Path) -> None:
    walks = load_walks(data / "csi" / "wivelo", WIVELO.links)
    assert len(walks) == 12
    for walk in walks:
        assert 0.5 < walk.onset_s < 2.1, walk.name  # as the spectrograms show: 1 to 1.5 s, sometimes less
        assert walk.recording.seconds - 1.2 < walk.end_s <= walk.recording.seconds
        assert 0.5 < walk.speed < 1.0, walk.name
    there, back = walks[:2]
    assert (there.name, back.name) == ("1-1-1-1", "1-1-1-2")
    assert (there.waypoints == back.waypoints[::-1]).all()  # even instances go the other way


def test_the_command_measures_a_bundle_on_real_walks(
    data: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """A bundle made for another room, relabelled: what it says is nonsense, and is measured all the same."""
    bundle, recordings = tmp_path / "bundle", tmp_path / "recordings"
    bundle.mkdir()
    recordings.mkdir()
    shipped = find_bundle("wimose-basic")
    (bundle / "model.tflite").symlink_to(shipped / "model.tflite")
    description = msgspec.yaml.decode((shipped / "bundle.yaml").read_bytes())
    (bundle / "bundle.yaml").write_bytes(msgspec.yaml.encode({**description, "room": WIVELO.name}))
    for name in (TRACKS, "1-1-1-1-r1.dat", "1-1-1-1-r2.dat"):
        (recordings / name).symlink_to(data / "csi" / "wivelo" / name)
    assert main(["evaluate", str(bundle), "--walks", str(recordings), "--json"]) == 0
    one, together = msgspec.json.decode(capfdbinary.readouterr().out)
    assert (one["name"], together["name"]) == ("1-1-1-1", ALL)
    # Track 1 runs from (1.8, 1.2) to (1.8, 4.2): from the middle of all tracks that is 1.66 m.
    assert one["middle"]["mean_mm"] == pytest.approx(1659, abs=10)
    assert 100 < one["model"]["mean_mm"] < 10_000
    assert 90 < one["model"]["poses"] < 130  # 3.7 s at 30 poses/s
    assert {**one, "name": ALL} == together
