"""Runs of one network averaged weight by weight, a run again: `python -m firmware_tools.soup RUN... OUT`.

M. Wortsman et al., Model soups, 2022. Where one run went on from another they lie in one valley of the loss, and its
middle is flatter than where either came to rest.
"""

import sys
from pathlib import Path

import msgspec
import numpy as np

from edge.errors import ConfigError
from firmware_tools import dataset
from firmware_tools.tasks import Normal, host_model, keras_or_complain, network_spec, task_of
from firmware_tools.train import WEIGHTS, Run, read_asked

FEWEST = 4  # arguments with the program's name: two runs and a folder


def average(folders: list[Path], out: Path) -> Run:
    """Write the average of finished runs as a run: the last one's with other weights, so of the last one's dataset.

    Raises ConfigError for runs that have no middle, and where `out` holds a run already.
    """
    keras_or_complain()
    if read_asked(out) is not None:
        raise ConfigError(f"{out} holds a run; give a folder for the average behind the runs")
    runs = [_finished(folder) for folder in folders]
    last = runs[-1]
    alike = {(run.network, run.seed) for run in runs}  # another seed learnt from what this one keeps to be tested on
    normals = [Normal.read(folder / "normal.npz") for folder in folders]
    if len(alike) > 1 or any(not np.array_equal(one.mean, normals[0].mean) for one in normals):
        raise ConfigError("only runs of one network and seed, one gone on from the other, have a middle")
    sessions = dataset.load(Path(last.dataset), last.part, network_spec(last.network).name)
    model = task_of(last.network, sessions, last.seed, last.batch, normals[0]).build()
    weights = []
    for folder in folders:
        model.load_weights(folder / WEIGHTS)
        weights.append(model.get_weights())
    model.set_weights([np.mean(each, axis=0) for each in zip(*weights, strict=True)])
    out.mkdir(parents=True, exist_ok=True)
    normals[0].save(out / "normal.npz")
    model.save_weights(out / WEIGHTS)
    host_model(model, last.network).save(out / "model.keras")
    run = msgspec.structs.replace(last, averaged=[folder.name for folder in folders])
    (out / "run.yaml").write_bytes(msgspec.yaml.encode(run))
    return run


def _finished(folder: Path) -> Run:
    run = read_asked(folder)
    if run is None or not (folder / WEIGHTS).is_file():
        raise ConfigError(f"{folder} holds no finished run; finish it with `wimose train`")
    return run


def main() -> None:
    if len(sys.argv) < FEWEST:
        sys.exit("usage: python -m firmware_tools.soup RUN... OUT, such as people/ longer/ middle/")
    *folders, out = map(Path, sys.argv[1:])
    try:
        average(folders, out)
    except ConfigError as error:
        sys.exit(f"soup: {error}")


if __name__ == "__main__":
    main()
