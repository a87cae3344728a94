"""The WiVelo walks through a last layer that was fitted to other ones of them: real CSI, real people.

Users 1 and 8 are calibrated on, half of their walks at a time, in order of name: of each half's layer the other half
tells how far off it is. The third person's walks are never fitted on; both halves' layers are asked, in turns. Labels
are the walks' own truth, their waypoints at an even pace between onset and end of motion.
"""

from pathlib import Path

import numpy as np

from calibration.adapt import adapt
from calibration.labels import NOWHERE, Labels
from calibration.samples import Samples, samples
from edge.arrays import Array
from edge.errors import ConfigError
from edge.inference.bundle import Bundle
from edge.inference.engine import Engine
from edge.inference.head import Head
from edge.pose import joints_of
from edge.recording import Recording
from edge.skeleton import ROOT
from firmware_tools.simulate.room import WIVELO
from firmware_tools.simulate.wivelo import from_room, to_room
from firmware_tools.walks.track import WalkErrors, measure_walks
from firmware_tools.walks.walk import Walk, load_walks, middle

USERS = ("1", "8")  # who calibrates
HIPS_M = 0.9  # over the floor; nobody's height is published
APART_S = 1000.0  # between two walks on the clock of all: no window reaches from one into another


def measure_calibrated(bundle: Bundle, engine: Engine, folder: Path) -> list[WalkErrors]:
    """As `track.measure_bundle`, calibrated; any bundle that gives its features will do."""
    walks = load_walks(folder, WIVELO.links)
    heard = {walk.name: samples(walk.recording, engine) for walk in walks}
    mine = [walk for walk in walks if walk.name.split("-")[0] in USERS]
    if len(mine) < 4:
        raise ConfigError(f"{folder}: {len(mine)} walks of users {' and '.join(USERS)}; half of them are to fit on")
    heads = [_fit(half, heard, bundle, engine) for half in (mine[::2], mine[1::2])]
    by_recording: dict[int, tuple[str, Head]] = {}
    for number, walk in enumerate([walk for walk in walks if walk not in mine]):
        by_recording[id(walk.recording)] = walk.name, heads[number % 2]
    for number, walk in enumerate(mine):
        by_recording[id(walk.recording)] = walk.name, heads[1 - number % 2]  # the other half's

    def track(recording: Recording) -> tuple[Array, Array]:
        name, head = by_recording[id(recording)]
        said = joints_of(head(heard[name].features), bundle.description.outputs, bundle.limb_m)
        return heard[name].time_s, from_room(said[:, ROOT, :2])

    return measure_walks(walks, middle(folder), track)


def _fit(walks: list[Walk], heard: dict[str, Samples], bundle: Bundle, engine: Engine) -> Head:
    """Every walk is a segment."""
    parts, roots, segments = [], [], []
    for number, walk in enumerate(walks):
        part = heard[walk.name]
        root = np.column_stack((to_room(walk.at(part.time_s)), np.full(len(part.time_s), HIPS_M)))
        parts.append((part.time_s + number * APART_S, part.features, part.joints, part.level))
        roots.append(root)
        segments.append(np.where(walk.valid(part.time_s), number, NOWHERE))
    time_s, features, joints, level = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    together = Samples(time_s, features, joints, level, heard[walks[0].name].context_s)
    spot = np.full(len(time_s), NOWHERE)
    labels = Labels(time_s, np.concatenate(roots), None, np.concatenate(segments), spot, np.zeros((0, 2)))
    return adapt(together, labels, bundle, engine, None).head
