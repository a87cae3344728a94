"""What a finished wimose-plus knows by heart: the same clips in sessions it learnt from, and in sessions it never saw.

`python -m firmware_tools.study.known RUN... OUT` writes OUT, a list of trials for models/results/known.yaml. A network
that is as good on clips never seen as on clips it learnt from, both in new sessions, does not lack motion but sessions:
places, headings, bodies, radios.
"""

import sys
from pathlib import Path

import msgspec
import numpy as np

from edge.errors import ConfigError
from edge.progress import track
from edge.signal.imagespec import columns_of
from firmware_tools import dataset
from firmware_tools.dataset import Definition, Sessions, simulate
from firmware_tools.phases import spec_named
from firmware_tools.study.ladder import learnt
from firmware_tools.study.trial import SPEC, Trial, household, learnt_from, measured
from firmware_tools.tasks import held_out
from firmware_tools.train import read_asked

SESSIONS = 60  # one minute each
FAR = 1_000_000  # number of the first: beyond those of the dataset and those that are drawn while a network learns
SPLITS = {"clip": "clips never seen", "subject": "people never seen"}


def known(run_folder: Path, count: int = SESSIONS) -> list[Trial]:
    """Float, household motion. Raises ConfigError for a folder without a run.

    count  sessions to simulate
    """
    run = read_asked(run_folder)
    if run is None:
        raise ConfigError(f"{run_folder} holds no run; make one with `wimose train`")
    data, network = Path(run.dataset), learnt(run_folder)
    definition = dataset.read_definition(data)
    own = dataset.load(data, run.part, SPEC)
    poses, leaky = learnt_from(definition, run.part, own, run.seed)
    windows = household(definition, run.part, own)
    shown = windows[~held_out(own, run.seed)[windows[:, 0], windows[:, 1]]]
    new = unseen(definition, run.part, count)
    asked = [
        ("the dataset's sessions", own, shown),
        ("windows between those", own, leaky),
        ("their clips in new sessions", new, household(definition, run.part, new)),
    ]
    for split, name in SPLITS.items():
        sessions = dataset.load(data, split, SPEC)
        asked.append((name, sessions, household(definition, split, sessions)))
    return [
        measured(
            f"{run_folder.name}: {name}", run_folder, run.samples, network, sessions, some, poses, name, "basic",
            run.seed,
        )
        for name, sessions, some in asked
    ]  # fmt: skip


def unseen(definition: Definition, part: str, count: int) -> Sessions:
    """So many sessions of a part that no network has learnt from."""
    numbers, kept = range(FAR, FAR + count), columns_of(SPEC)
    made = [simulate(definition, part, number, [kept]) for number in track(numbers, "simulating", count)]
    return Sessions(
        spec_named(SPEC), np.stack([one.columns[kept] for one in made]), np.stack([one.truth for one in made]),
        np.stack([one.run for one in made]), np.stack([one.clip for one in made]),
        [definition.room(part, number) for number in numbers],
    )  # fmt: skip


def main() -> None:
    *runs, out = map(Path, sys.argv[1:])
    out.write_bytes(msgspec.yaml.encode([trial for run in runs for trial in known(run)]))


if __name__ == "__main__":
    main()
