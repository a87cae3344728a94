"""Columns of the live signal path, with the truth of every fifth, the same every time."""

import hashlib
import shutil
from functools import lru_cache
from pathlib import Path

import msgspec
import numpy as np
import pytest

from edge.errors import ConfigError
from edge.parse.intel5300 import parse_log
from edge.recording import Recording, align
from edge.signal.grid import RATE_HZ
from edge.signal.imagespec import KNOWN, known_spec
from edge.signal.path import SignalPath
from firmware_tools import dataset
from firmware_tools.dataset import FILTER_REACH, IMAGE_SCALE, TRUTH_EVERY, Definition, Part
from firmware_tools.simulate.motion import load_clips
from firmware_tools.simulate.rooms import room_named
from firmware_tools.simulate.scene import MAX_TAKE_S, SimulatedLogs, draw_scene, record
from firmware_tools.simulate.wivelo import single_walk
from firmware_tools.splits import draw_weights
from tests.firmware_tools.conftest import EMPTY_S, SESSION_S, hours

POINTS = round(SESSION_S * 150)
TRUTHS = POINTS // TRUTH_EVERY
SPECS = pytest.mark.parametrize("spec", KNOWN)


def generator(seed: int, part: str, number: int) -> np.random.Generator:
    """A part's own random numbers: adding another part changes none."""
    return np.random.default_rng([seed, int.from_bytes(hashlib.sha256(part.encode()).digest()[:4], "little"), number])


@lru_cache(maxsize=2)
def session(motion: str, seed: int, part: str, rooms: tuple[str, ...], number: int) -> tuple[SimulatedLogs, Recording]:
    """What `dataset` says it simulates, put together from its parts."""
    clips = dataset.clips_of(part, load_clips(Path(motion)))
    rng = generator(seed, part, number)
    room = room_named(rooms[number]).for_session(rng)
    recorded = record(
        room, draw_scene(room, clips, draw_weights(clips, MAX_TAKE_S), SESSION_S, rng, 150.0, EMPTY_S), rng
    )
    return recorded, align((parse_log(recorded.logs[0]), parse_log(recorded.logs[1])), room.links, EMPTY_S)


def clip_session(definition: Definition, number: int) -> tuple[SimulatedLogs, Recording]:
    return session(definition.motion, definition.seed, "clip", tuple(definition.parts["clip"].rooms), number)


@SPECS
def test_shapes_and_sizes(dataset_folder: Path, spec: str) -> None:
    sessions = dataset.load(dataset_folder, "train", spec)
    assert sessions.columns.shape == (4, POINTS, *known_spec(spec).column)
    assert sessions.columns.dtype == np.int8
    assert sessions.truth.shape == (4, TRUTHS, 17, 3)
    assert sessions.run.shape == sessions.clip.shape == (4, TRUTHS)
    assert sessions.rooms == ["basic", "basic-nlos"] * 2
    windows = sessions.windows()
    assert 0.3 * 4 * TRUTHS < len(windows) < 4 * TRUTHS * (1 - EMPTY_S / SESSION_S)
    images = sessions.images(windows[::50])
    assert images.shape == (len(windows[::50]), *known_spec(spec).shape)
    assert images.dtype == np.float32
    assert 0.03 < images.std() < 1.0
    assert np.abs(images).max() <= 1.0


@SPECS
@pytest.mark.parametrize("number", [0, 1])
def test_an_image_is_what_the_live_path_makes_of_the_same_packets(
    definition: Definition, dataset_folder: Path, spec: str, number: int
) -> None:
    sessions = dataset.load(dataset_folder, "clip", spec)
    recorded, recording = clip_session(definition, number)
    windows = sessions.windows(every=4)
    windows = windows[windows[:, 0] == number]
    assert len(windows) > 20
    path = SignalPath(recording.links, spec=known_spec(spec), empty_us=recording.empty_us)
    columns, known = path.columns(recording.receivers)
    stops = windows[:, 1] * TRUTH_EVERY + 1
    for image, stop in zip(sessions.images(windows), stops, strict=True):
        span = slice(stop - known_spec(spec).packets, stop)
        assert known[span].all()
        expected = known_spec(spec).image(columns[span])
        np.testing.assert_array_equal(np.round(image * IMAGE_SCALE), np.round(expected * IMAGE_SCALE))
    # The truth is that of the image's last moment: the joints the scene had then.
    for stop, joints in zip(stops, sessions.joints(windows), strict=True):
        nearest = np.abs(recorded.time_s - (stop - 1) / 150).argmin()
        assert np.abs(recorded.joints[nearest] - joints).max() < 0.05


@SPECS
def test_a_session_s_first_windows_are_those_of_the_live_path(
    definition: Definition, dataset_folder: Path, spec: str
) -> None:
    """They look further back than anybody was heard: what stands there is the same for training and for a host."""
    sessions = dataset.load(dataset_folder, "clip", spec)
    _, recording = clip_session(definition, 0)
    path = SignalPath(recording.links, RATE_HZ, known_spec(spec), recording.empty_us)
    live = {round(image.time_us * RATE_HZ / 1e6): image.values for image in path.push(recording.receivers)}
    first = -(-(known_spec(spec).whole - 1) // TRUTH_EVERY)
    indices = [index for index in range(first, first + 100, 3) if index * TRUTH_EVERY in live]
    assert len(indices) > 20
    made = sessions.images(np.array([(0, index) for index in indices]))
    for index, image in zip(indices, made, strict=True):
        expected = np.round(live[index * TRUTH_EVERY] * IMAGE_SCALE)
        np.testing.assert_array_equal(np.round(image * IMAGE_SCALE), expected)


def test_truth_lies_between_two_packets(definition: Definition, dataset_folder: Path) -> None:
    sessions = dataset.load(dataset_folder, "clip", "wimose-1")
    recorded, _ = clip_session(definition, 0)
    windows = sessions.windows()
    windows = windows[windows[:, 0] == 0]
    time_s = windows[:, 1] / 30
    between = np.stack(
        [np.interp(time_s, recorded.time_s, one) for one in recorded.joints.reshape(len(recorded.joints), -1).T], axis=1
    )
    np.testing.assert_allclose(sessions.joints(windows).reshape(len(windows), -1), between, rtol=0, atol=0.3e-3)


@pytest.mark.parametrize("number", [0, 1])
def test_runs_begin_with_each_take_and_nobody_has_none(
    definition: Definition, dataset_folder: Path, number: int
) -> None:
    sessions = dataset.load(dataset_folder, "clip", "wimose-1")
    recorded, recording = clip_session(definition, number)
    _, known = SignalPath(recording.links).columns(recording.receivers)
    take = recorded.take[np.searchsorted(recorded.time_s, np.arange(len(known)) / 150).clip(max=recorded.take.size - 1)]
    run, count = [], 0
    for g in range(len(known)):
        whole = known[g] and take[g] >= 0 and (g == 0 or take[g] == take[g - 1])
        count = count + 1 if whole else 0
        run.append(count)
    have = sessions.run[number, : -(-len(run) // TRUTH_EVERY)]
    np.testing.assert_array_equal(have, run[::TRUTH_EVERY][: len(have)])
    assert not sessions.run[number, : int(EMPTY_S * 30)].any()
    assert len(set(take)) >= 3  # nobody, and more than one take


@pytest.mark.parametrize("number", [0, 1])
def test_no_window_reaches_into_another_take(definition: Definition, dataset_folder: Path, number: int) -> None:
    """With what must be known of it; what it remembers beyond may be of another."""
    for spec in KNOWN:
        sessions = dataset.load(dataset_folder, "clip", spec)
        recorded, _ = clip_session(definition, number)
        size = sessions.spec.whole + FILTER_REACH
        for _, index in (windows := sessions.windows())[windows[:, 0] == number]:
            stop_s = index / 30
            inside = (recorded.time_s > stop_s - (size - 1) / 150) & (recorded.time_s < stop_s)
            assert len(set(recorded.take[inside])) == 1


def test_the_clip_is_the_one_that_is_played(definition: Definition, dataset_folder: Path) -> None:
    sessions = dataset.load(dataset_folder, "clip", "wimose-1")
    for number in range(2):
        recorded, _ = clip_session(definition, number)
        windows = sessions.windows()
        windows = windows[windows[:, 0] == number]
        nearest = [np.abs(recorded.time_s - index / 30).argmin() for index in windows[:, 1]]
        np.testing.assert_array_equal(sessions.clip[windows[:, 0], windows[:, 1]], recorded.clip[nearest])
        assert (sessions.clip[number, 1 : int(EMPTY_S * 30) - 1] == -1).all()
    clips = dataset.clips_of("clip", load_clips(Path(definition.motion)))
    assert -1 < sessions.clip.max() < len(clips)


def test_nobody_is_in_the_room_at_first(dataset_folder: Path) -> None:
    """What the network then sees is noise: well under what it sees once somebody is there."""
    sessions = dataset.load(dataset_folder, "train", "plus-1")
    quiet, busy = sessions.columns[:, 150 : int(EMPTY_S * 150) - 20], sessions.columns[:, 1000:2000]
    assert 0 < quiet.astype(float).std() < 0.6 * busy.astype(float).std()


def test_the_same_definition_gives_the_same_bytes(definition: Definition, dataset_folder: Path, tmp_path: Path) -> None:
    """With other workers, and without the parts that are not asked for."""
    again = msgspec.structs.replace(definition, parts={"clip": definition.parts["clip"]})
    dataset.build(again, tmp_path, workers=2)
    made, whole = dataset.digest(tmp_path), dataset.digest(dataset_folder)
    assert set(made) == {f"clip-{name}.npy" for name in ("wimose-1", "plus-1", "joints", "run", "clip", "done")}
    assert made == {name: whole[name] for name in made}


def test_stopped_and_started_again_it_gives_the_same_bytes(
    definition: Definition, dataset_folder: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(dataset_folder, tmp_path / "stopped"))
    for name in ("wimose-1", "plus-1", "joints", "run", "clip", "done"):  # as if the power had gone in session 1
        rows = np.load(folder / f"subject-{name}.npy", mmap_mode="r+")
        rows[1] = 0
        rows.flush()
    sessions = dataset.load(folder, "subject", "plus-1")
    assert len(sessions.columns) == len(sessions.run) == len(sessions.rooms) == 1  # what is there can be read
    before = (folder / "train-plus-1.npy").stat().st_mtime_ns
    dataset.build(definition, folder, workers=1)
    assert dataset.digest(folder) == dataset.digest(dataset_folder)
    assert (folder / "train-plus-1.npy").stat().st_mtime_ns == before  # not made again


def test_sessions_differ(dataset_folder: Path) -> None:
    columns = dataset.load(dataset_folder, "train", "wimose-1").columns
    assert all(np.any(columns[a] != columns[b]) for a in range(4) for b in range(a))


def test_another_definition_does_not_overwrite(definition: Definition, dataset_folder: Path) -> None:
    with pytest.raises(ConfigError, match="another dataset"):
        dataset.build(msgspec.structs.replace(definition, seed=8), dataset_folder, workers=1)


def test_the_definition_comes_back(definition: Definition, dataset_folder: Path, tmp_path: Path) -> None:
    assert dataset.read_definition(dataset_folder) == definition
    with pytest.raises(ConfigError, match="wimose dataset"):
        dataset.read_definition(tmp_path)
    (tmp_path / "dataset.yaml").write_text("version: []")
    with pytest.raises(ConfigError, match="make the dataset again"):
        dataset.read_definition(tmp_path)


def test_what_is_missing_says_how_to_make_it(dataset_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="wimose dataset"):
        dataset.load(dataset_folder, "room", "wimose-1")
    folder = Path(shutil.copytree(dataset_folder, tmp_path / "begun"))
    np.save(folder / "clip-done.npy", np.zeros(2, bool))
    with pytest.raises(ConfigError, match="has no clip yet"):
        dataset.load(folder, "clip", "wimose-1")


def test_a_walk_begins_at_once(definition: Definition, tmp_path: Path) -> None:
    """As those of WiVelo did: one take, from no clip, and no empty room to compare with."""
    walk = msgspec.structs.replace(
        definition, parts={"train": Part(["wivelo"], "train", hours(1), motion="walk")}, specs=["plus-1"]
    )
    dataset.build(walk, tmp_path, workers=1)
    sessions = dataset.load(tmp_path, "train", "plus-1")

    rng = generator(definition.seed, "train", 0)
    room = room_named("wivelo").for_session(rng)
    clips = dataset.clips_of("train", load_clips(Path(definition.motion)))
    recorded = record(room, single_walk(room, clips, rng, 150.0), rng)
    recording = align((parse_log(recorded.logs[0]), parse_log(recorded.logs[1])), room.links)
    columns, known = SignalPath(room.links, spec=sessions.spec).columns(recording.receivers)
    assert len(columns) > (EMPTY_S + 1) * 150
    np.testing.assert_array_equal(sessions.columns[0, : len(columns)], np.round(columns * IMAGE_SCALE))
    assert not sessions.columns[0, len(columns) :].any()
    last = (len(columns) - 1) // TRUTH_EVERY
    assert sessions.run[0, last] == min(last * TRUTH_EVERY, len(columns)) - np.flatnonzero(~known[:-1]).max()
    assert not sessions.clip[0, : last + 1].any()
    assert not sessions.run[0, last + 2 :].any()
