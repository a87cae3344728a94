"""Windows of simulated sessions with their truth, through the same signal path that runs live.

A dataset is a folder: `dataset.yaml` (the definition: from it and the seed anyone rebuilds the same windows) and for
every split `<split>-images.npy` (W, 30, 20, 4) int8, an image times 127; `<split>-joints.npy` (W, 17, 3) float32
metres; `<split>-session.npy` (W,) int32.
"""

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import msgspec
import numpy as np

from edge import __version__
from edge.arrays import Array
from edge.errors import ConfigError
from edge.parse.intel5300 import parse_log
from edge.progress import track
from edge.recording import align
from edge.signal.imagespec import WIMOSE_1
from edge.signal.path import SignalPath
from firmware_tools.simulate.motion import Clip, load_clips
from firmware_tools.simulate.room import ROOMS
from firmware_tools.simulate.scene import MAX_TAKE_S, draw_scene, record
from firmware_tools.splits import SPLITS, draw_weights, split_of

IMAGE_SCALE = 127  # int8 counts of an image value of 1
SESSION_S = 60.0
WARM_UP_S = 1.0  # the baseline has seen nothing before
# A window reaches this far back: 20 grid points, and the filters behind them.
REACH_S = WIMOSE_1.packets / WIMOSE_1.rate_hz + 0.05
SPLIT_KEYS = {split: number for number, split in enumerate(SPLITS)}


class Definition(msgspec.Struct, frozen=True):
    """Everything that decides what a dataset holds."""

    room: str
    seed: int
    hours: dict[str, float]  # of motion, by split
    windows_per_s: float
    packets_per_s: float
    motion: str  # folder of motion capture
    image_spec: str = WIMOSE_1.name
    source: str = "simulated"
    wimose: str = __version__


@dataclass(frozen=True, eq=False)
class Windows:
    """Images and truth of one split."""

    images: Array  # (W, 30, 20, 4) int8
    joints: Array  # (W, 17, 3) float32, metres, room frame
    session: Array  # (W,) int32


def build(definition: Definition, folder: Path, workers: int) -> None:
    """Simulate every session and write the dataset. A split that is complete is not built again."""
    folder.mkdir(parents=True, exist_ok=True)
    written = folder / "dataset.yaml"
    if written.exists() and written.read_bytes() != msgspec.yaml.encode(definition):
        raise ConfigError(f"{folder} holds another dataset; give an empty folder or remove it")
    written.write_bytes(msgspec.yaml.encode(definition))
    for split, hours in definition.hours.items():
        if (folder / f"{split}-session.npy").exists():
            continue
        sessions = max(round(hours * 3600 / SESSION_S), 1)
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            jobs = [(definition, split, number) for number in range(sessions)]
            parts = list(track(pool.map(_session, jobs, chunksize=2), f"simulating {split}", sessions))
        np.save(folder / f"{split}-images.npy", np.concatenate([part[0] for part in parts]))
        np.save(folder / f"{split}-joints.npy", np.concatenate([part[1] for part in parts]))
        numbers = np.repeat(np.arange(sessions), [len(part[1]) for part in parts]).astype(np.int32)
        np.save(folder / f"{split}-session.npy", numbers)  # last: its presence means the split is whole


def read_definition(folder: Path) -> Definition:
    """What a dataset was made from. Raises ConfigError where there is none."""
    try:
        return msgspec.yaml.decode((folder / "dataset.yaml").read_bytes(), type=Definition)
    except OSError as error:
        raise ConfigError(f"{folder} holds no dataset; make one with `wimose dataset {folder}`") from error
    except msgspec.DecodeError as error:
        raise ConfigError(f"{folder / 'dataset.yaml'}: {error}; make the dataset again") from error


def load(folder: Path, split: str) -> Windows:
    """One split of a dataset, its images mapped from disk. Raises ConfigError where it is missing."""
    try:
        images = np.load(folder / f"{split}-images.npy", mmap_mode="r")
        return Windows(images, np.load(folder / f"{split}-joints.npy"), np.load(folder / f"{split}-session.npy"))
    except FileNotFoundError as error:
        raise ConfigError(f"{folder} has no split {split!r}; make it with `wimose dataset {folder}`") from error


def clips_of(split: str, clips: list[Clip]) -> list[Clip]:
    return [clip for clip in clips if split_of(clip) == split]


def _session(job: tuple[Definition, str, int]) -> tuple[Array, Array]:
    """Windows of one session: images int8 and joints float32."""
    definition, split, number = job
    room = ROOMS[definition.room]
    clips = clips_of(split, load_clips(Path(definition.motion)))
    rng = np.random.default_rng([definition.seed, SPLIT_KEYS[split], number])
    scene = draw_scene(room, clips, draw_weights(clips, MAX_TAKE_S), SESSION_S, rng, definition.packets_per_s)
    recorded = record(room, scene, rng)
    recording = align((parse_log(recorded.logs[0]), parse_log(recorded.logs[1])), room.links)
    images = SignalPath(room.links, definition.windows_per_s).push(recording.receivers)

    time_s = np.array([image.time_us for image in images]) * 1e-6
    now = np.searchsorted(recorded.time_s, time_s).clip(1, len(recorded.time_s) - 1)
    begin = np.searchsorted(recorded.time_s, time_s - REACH_S).clip(max=len(recorded.time_s) - 1)
    whole = (recorded.take[begin] == recorded.take[now]) & (time_s >= WARM_UP_S) & (time_s <= recorded.time_s[-1])
    share = ((time_s - recorded.time_s[now - 1]) / np.diff(recorded.time_s)[now - 1])[:, None, None]
    joints = (1 - share) * recorded.joints[now - 1] + share * recorded.joints[now]
    values = np.stack([image.values for image in images])[whole]
    return np.round(values * IMAGE_SCALE).astype(np.int8), joints[whole].astype(np.float32)
