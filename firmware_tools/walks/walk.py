"""The walks of the WiVelo recordings (Li et al., WiVelo, IEEE SECON 2022) and where the walker was.

The recordings come with waypoints and no times. Their own motion gives the times: the walker stands, walks the
waypoints and mostly stands again. Between onset and end of motion the speed is taken to be constant. On simulated walks
along the same tracks this truth is 0.07 m off on average and 0.15 m on the worst walk; real walkers, whose speed is not
constant, are less well known.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge.arrays import Array
from edge.errors import ConfigError
from edge.parse.intel5300 import read_log
from edge.recording import Recording, align
from edge.signal.links import Links
from firmware_tools.walks.onset import motion_interval

TRACKS = "ground_truth_tracks.json"


@dataclass(frozen=True, eq=False)
class Walk:
    """One recording with its truth, valid from onset to end."""

    name: str  # user-room-track-instance
    recording: Recording
    waypoints: Array  # (K, 2) float64 metres, recordings' frame, in the order walked
    onset_s: float  # from receiver 1's first packet
    end_s: float

    @property
    def length_m(self) -> float:
        return float(_lengths(self.waypoints).sum())

    @property
    def speed(self) -> float:
        """m/s"""
        return self.length_m / (self.end_s - self.onset_s)

    def at(self, time_s: Array) -> Array:
        """Where the walker was: (M,) seconds to (M, 2) float64 metres; standing before the onset and after the end."""
        walked = np.interp(time_s, (self.onset_s, self.end_s), (0.0, self.length_m))
        at_waypoint = np.concatenate(([0.0], np.cumsum(_lengths(self.waypoints))))
        return np.stack([np.interp(walked, at_waypoint, self.waypoints[:, axis]) for axis in (0, 1)], axis=-1)

    def valid(self, time_s: Array) -> Array:
        """(M,) bool: between onset and end, where the truth holds."""
        return np.asarray((time_s >= self.onset_s) & (time_s <= self.end_s))


def load_walks(folder: Path, links: tuple[Links, Links]) -> list[Walk]:
    """Every walk in a folder, ordered by name. Raises ConfigError where there is none.

    links  the antennas the model was made for
    """
    tracks = _tracks(folder)
    names = sorted(path.name.removesuffix("-r1.dat") for path in folder.glob("*-*-*-*-r1.dat"))
    if not names:
        raise ConfigError(f"{folder}: no recording USER-ROOM-TRACK-INSTANCE-r1.dat; give the folder that holds them")
    return [_load(folder, name, tracks, links) for name in names]


def _load(folder: Path, name: str, tracks: dict[str, Array], links: tuple[Links, Links]) -> Walk:
    _, _, track, instance = name.split("-")
    recording = align((read_log(folder / f"{name}-r1.dat"), read_log(folder / f"{name}-r2.dat")), links)
    waypoints = tracks[track]
    if int(instance) % 2 == 0:  # walked the other way
        waypoints = waypoints[::-1]
    onset_s, end_s = motion_interval(recording)
    return Walk(name, recording, waypoints, onset_s, end_s)


def middle(folder: Path) -> Array:
    """The guess that knows only where people walk: the mean of all tracks over their length; (2,) metres."""
    tracks = _tracks(folder).values()
    starts = np.concatenate([track[:-1] for track in tracks])
    stops = np.concatenate([track[1:] for track in tracks])
    weights = np.linalg.norm(stops - starts, axis=1)
    return np.asarray(np.average((starts + stops) / 2, axis=0, weights=weights))


def _tracks(folder: Path) -> dict[str, Array]:
    """Waypoints (K, 2) float64 metres by track."""
    try:
        tracks = json.loads((folder / TRACKS).read_text())["tracks"]
    except OSError as error:
        raise ConfigError(f"{folder}: no {TRACKS}; give the folder of the WiVelo recordings") from error
    return {name: np.array(waypoints, np.float64) for name, waypoints in tracks.items()}


def _lengths(waypoints: Array) -> Array:
    return np.asarray(np.linalg.norm(np.diff(waypoints, axis=0), axis=1))
