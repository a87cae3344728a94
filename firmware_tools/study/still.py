"""A finished wimose-plus on people who go somewhere and on people who stay where they are.

`python -m firmware_tools.study.still RUN OUT` writes OUT, a list of trials for models/results/still.yaml. Doppler tells
how a body moves and, of one that goes somewhere, which way it faces; of one that stays only what its limbs do.
"""

import sys
from pathlib import Path

import msgspec
import numpy as np

from edge.errors import ConfigError
from firmware_tools import dataset
from firmware_tools.study.ladder import learnt
from firmware_tools.study.trial import SPEC, Trial, household, learnt_from, measured, motions
from firmware_tools.train import read_asked

GOING_M_S = 0.3  # of the hips, in any direction
SPLITS = ("clip", "subject")


def still(run_folder: Path) -> list[Trial]:
    """Float, as it was trained, velocities and all: household motion of every split, all of it, going and staying."""
    run = read_asked(run_folder)
    if run is None:
        raise ConfigError(f"{run_folder} holds no run; make one with `wimose train`")
    data, network = Path(run.dataset), learnt(run_folder)
    definition = dataset.read_definition(data)
    poses, _ = learnt_from(definition, run.part, dataset.load(data, run.part, SPEC), run.seed)
    trials = []
    for split in SPLITS:
        sessions = dataset.load(data, split, SPEC)
        windows = household(definition, split, sessions)
        whole, moved = motions(sessions, windows)
        going = np.linalg.norm(moved[:, :3], axis=1) > GOING_M_S
        for name, chosen in ((split, going | True), (f"{split}, going", going), (f"{split}, staying", ~going)):
            trials.append(measured(
                name, run_folder, run.samples, network, sessions, windows[whole][chosen], poses, split,
                "basic", run.seed,
            ))  # fmt: skip
    return trials


if __name__ == "__main__":
    Path(sys.argv[2]).write_bytes(msgspec.yaml.encode(still(Path(sys.argv[1]))))
