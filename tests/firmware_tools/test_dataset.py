"""Windows: the live signal path's images, with the truth of their last moment, the same every time."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

from edge.errors import ConfigError
from edge.parse.intel5300 import parse_log
from edge.recording import align
from edge.signal.path import SignalPath
from firmware_tools import dataset
from firmware_tools.dataset import IMAGE_SCALE, Definition
from firmware_tools.simulate.motion import load_clips
from firmware_tools.simulate.room import ROOMS
from firmware_tools.simulate.scene import MAX_TAKE_S, draw_scene, record
from firmware_tools.splits import draw_weights


def test_shapes_and_sizes(dataset_folder: Path) -> None:
    windows = dataset.load(dataset_folder, "train")
    assert windows.images.shape[1:] == (30, 20, 4)
    assert windows.images.dtype == np.int8
    assert len(windows.images) == len(windows.joints) == len(windows.session)
    assert 0.7 * 3 * 60 * 7.5 < len(windows.images) < 3 * 60 * 7.5  # windows across a jump are left out
    assert set(windows.session) == {0, 1, 2}


def test_an_image_is_what_the_live_path_makes_of_the_same_packets(definition: Definition, dataset_folder: Path) -> None:
    windows = dataset.load(dataset_folder, "clip")
    room = ROOMS[definition.room]
    clips = dataset.clips_of("clip", load_clips(Path(definition.motion)))
    rng = np.random.default_rng([definition.seed, dataset.SPLIT_KEYS["clip"], 0])
    scene = draw_scene(room, clips, draw_weights(clips, MAX_TAKE_S), dataset.SESSION_S, rng, definition.packets_per_s)
    recorded = record(room, scene, rng)
    recording = align((parse_log(recorded.logs[0]), parse_log(recorded.logs[1])), room.links)
    images = SignalPath(room.links, definition.windows_per_s).push(recording.receivers)
    rounded = {np.round(image.values * IMAGE_SCALE).astype(np.int8).tobytes(): image.time_us for image in images}
    times = [rounded[window.tobytes()] for window in windows.images]  # KeyError: not an image of the path
    assert times == sorted(times)
    # The truth is that of the image's last moment: the joints the scene had then, to a millimetre.
    for at_us, joints in zip(times, windows.joints, strict=True):
        nearest = np.abs(recorded.time_s - at_us * 1e-6).argmin()
        assert np.abs(recorded.joints[nearest] - joints).max() < 0.05


def test_the_same_definition_gives_the_same_bytes(definition: Definition, dataset_folder: Path, tmp_path: Path) -> None:
    again = msgspec.structs.replace(definition, hours={"clip": 1 / 60})
    dataset.build(again, tmp_path, workers=2)
    for part in ("images", "joints", "session"):
        name = f"clip-{part}.npy"
        assert (tmp_path / name).read_bytes() == (dataset_folder / name).read_bytes()


def test_another_definition_does_not_overwrite(definition: Definition, dataset_folder: Path) -> None:
    with pytest.raises(ConfigError, match="another dataset"):
        dataset.build(msgspec.structs.replace(definition, seed=8), dataset_folder, workers=1)


def test_a_missing_split_says_how_to_make_it(dataset_folder: Path) -> None:
    with pytest.raises(ConfigError, match="wimose dataset"):
        dataset.load(dataset_folder, "room")
