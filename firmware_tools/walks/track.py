"""How far off a model puts the walker's hips, beside what knows nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.table import Table

from edge.arrays import Array
from edge.errors import ConfigError
from edge.inference.bundle import Bundle
from edge.recording import Recording, slices
from edge.replay import FULL_SPEED_TICK_US
from edge.signal.imagespec import ImageSpec
from edge.signal.path import SignalPath
from edge.skeleton import ROOT
from firmware_tools.simulate.room import WIVELO
from firmware_tools.simulate.wivelo import from_room
from firmware_tools.walks.walk import Walk, load_walks, middle

ALL = "all walks"


@dataclass(frozen=True)
class TrackError:
    """Distances in the floor plane, millimetres."""

    poses: int
    mean_mm: float
    median_mm: float
    p90_mm: float
    centred_mm: float  # mean, after the best constant shift of the whole track
    correlation: tuple[float, float]  # of x and of y with the truth; 0 where either stands still


@dataclass(frozen=True)
class WalkErrors:
    """One walk, or all together."""

    name: str
    model: TrackError
    shuffled: TrackError  # the same estimates dealt out anew over all walks: the right places at the wrong times
    middle: TrackError  # always the middle of where people walk


def measure_bundle(bundle: Bundle, run: Callable[[Array], Array], folder: Path) -> list[WalkErrors]:
    """Measure a bundle on the walks in a folder. Raises ConfigError for one made for another room.

    run  its engine: an image to joints (17, 3) metres, room's frame
    """
    if bundle.description.room != WIVELO.name:
        raise ConfigError(
            f"{bundle.identity} was made for room {bundle.description.room!r}, people walk in {WIVELO.name!r}: "
            f"train one for it with `wimose dataset --room {WIVELO.name}`"
        )
    # The room's antennas, not those that suit each recording best: a model knows only the ones it was trained with.
    walks = load_walks(folder, WIVELO.links)
    return measure_walks(walks, middle(folder), lambda recording: hips(recording, bundle.spec, run))


def measure_walks(
    walks: list[Walk], middle: Array, track: Callable[[Recording], tuple[Array, Array]]
) -> list[WalkErrors]:
    """Measure a model on every walk; the last entry is all of them together.

    middle  (2,) metres, recordings' frame; track  a recording to times and places, see `hips`
    """
    truths, places = [], []
    for walk in walks:
        time_s, xy = track(walk.recording)
        valid = walk.valid(time_s)
        if not valid.any():
            raise ValueError(f"{walk.name}: the model said nothing between onset and end")
        truths.append(walk.at(time_s[valid]))
        places.append(xy[valid])
    truth, place = np.concatenate(truths), np.concatenate(places)
    dealt = place[np.random.default_rng(0).permutation(len(place))]
    stops = np.cumsum([len(part) for part in truths])
    spans = [slice(stop - len(part), stop) for stop, part in zip(stops, truths, strict=True)] + [slice(None)]
    return [
        WalkErrors(
            name,
            model=error_of(truth[span], place[span]),
            shuffled=error_of(truth[span], dealt[span]),
            middle=error_of(truth[span], np.broadcast_to(middle, truth[span].shape)),
        )
        for name, span in zip([walk.name for walk in walks] + [ALL], spans, strict=True)
    ]


def hips(recording: Recording, spec: ImageSpec, run: Callable[[Array], Array]) -> tuple[Array, Array]:
    """Run a recording through signal path and model, as `edge.replay` does.

    run      an image to joints (17, 3) metres, room's frame
    returns  (M,) seconds from receiver 1's first packet, and the hips (M, 2) metres, recordings' frame
    """
    path = SignalPath(recording.links, spec=spec)
    images = [image for _, packets in slices(recording, FULL_SPEED_TICK_US) for image in path.push(packets)]
    time_s = np.array([image.time_us for image in images]) * 1e-6
    xy = np.array([run(image.values)[ROOT, :2] for image in images]).reshape(-1, 2)
    return time_s, from_room(xy)


def track_error(time_s: Array, xy: Array, walk: Walk) -> TrackError:
    """Compare estimates with a walk, where its truth holds.

    time_s  (M,) seconds from receiver 1's first packet; xy (M, 2) metres, recordings' frame
    """
    valid = walk.valid(time_s)
    return error_of(walk.at(time_s[valid]), xy[valid])


def error_of(truth: Array, xy: Array) -> TrackError:
    """Compare estimates with the truth, both (M, 2) metres."""
    off = xy - truth
    distance = np.linalg.norm(off, axis=1) * 1e3
    return TrackError(
        poses=len(off),
        mean_mm=float(distance.mean()),
        median_mm=float(np.median(distance)),
        p90_mm=float(np.percentile(distance, 90)),
        centred_mm=float(np.linalg.norm(off - off.mean(axis=0), axis=1).mean() * 1e3),
        correlation=(_correlation(xy[:, 0], truth[:, 0]), _correlation(xy[:, 1], truth[:, 1])),
    )


def _correlation(a: Array, b: Array) -> float:
    scale = float(a.std() * b.std())
    return float(((a - a.mean()) * (b - b.mean())).mean()) / scale if scale > 1e-9 else 0.0


def walks_table(errors: list[WalkErrors], title: str) -> Table:
    """The table for people, 80 columns wide. Millimetres; r is the correlation with the truth."""
    table = Table(title=title, title_justify="left")
    table.add_column("walk", no_wrap=True)
    for column in ("mean", "p50", "p90", "centred", "r(x)", "r(y)", "shuffled", "middle"):
        table.add_column(column, justify="right", no_wrap=True)
    for walk in errors:
        m = walk.model
        table.add_row(
            walk.name, f"{m.mean_mm:.0f}", f"{m.median_mm:.0f}", f"{m.p90_mm:.0f}", f"{m.centred_mm:.0f}",
            *(f"{value:.2f}" for value in m.correlation), f"{walk.shuffled.mean_mm:.0f}", f"{walk.middle.mean_mm:.0f}",
            style="bold" if walk.name == ALL else None,
        )  # fmt: skip
    return table
