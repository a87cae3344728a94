"""The ladder: one network on ever harder worlds. The rung at which the pose is lost says where to work.

1 spot     no noise, always in the middle of the room and facing the same way, bodies as captured
2 heading  turned anyhow
3 place    anywhere in the room
4 nic      two receivers as drawn: noise, slopes, loss, gain control
5 body     other speeds and sizes
6 people   the model of 5 on people never seen
7 rooms    the model of 5 in rooms never seen, and one that was trained in forty others

A ladder is a folder: `data` (one dataset, a part or two for every rung), `run-<part>` (training runs), `ladder.yaml`.
Every model is shown the same number of windows of as many hours; all of it is simulated.
"""

from dataclasses import dataclass
from pathlib import Path

import msgspec
from rich.console import Group

from edge.errors import ConfigError
from edge.signal.imagespec import columns_of
from firmware_tools import dataset
from firmware_tools.benchmark import SESSION_S
from firmware_tools.dataset import Definition, Part
from firmware_tools.simulate.room import drawn_names
from firmware_tools.simulate.world import World
from firmware_tools.study.trial import SPEC, Learnt, Trial, error_figures, motion_figures, run_trial
from firmware_tools.tasks import LEARNING_RATES, Normal, keras_or_complain
from firmware_tools.train import WEIGHTS, Run, samples_in, train

SEED = 1
TEST_SHARE = 0.2  # of the training hours, for every test part

SPOT = World(spot=False, heading=False, nic=False, varied=False)
HEADING = World(spot=False, nic=False, varied=False)
PLACE = World(nic=False, varied=False)
NIC = World(varied=False)
WORLDS = {"spot": SPOT, "heading": HEADING, "place": PLACE, "nic": NIC, "body": World()}


@dataclass(frozen=True)
class Rung:
    """What is trained on one part and measured on another."""

    name: str
    train: str
    test: str
    split: str = "clip"
    room: str = "basic"


RUNGS = (
    Rung("1 no noise, one spot, one heading", "spot-train", "spot-clip"),
    Rung("2 any heading", "heading-train", "heading-clip"),
    Rung("3 any place", "place-train", "place-clip"),
    Rung("4 the NIC", "nic-train", "nic-clip"),
    Rung("5 speeds and bodies", "body-train", "body-clip"),
    Rung("6 new people", "body-train", "subject", "subject"),
    Rung("7 new rooms, trained in one", "body-train", "rooms-test", "room", "test rooms"),
    Rung("7 new rooms, trained in 40", "rooms-train", "rooms-test", "room", "test rooms"),
)


class Ladder(msgspec.Struct, frozen=True):
    """`ladder.yaml`."""

    hours: float  # of motion to train on, every rung
    batch: int
    samples: int  # windows shown to every model
    trials: list[Trial] = []
    note: str = ""  # what a reader must know besides
    seed: int = SEED
    source: str = "simulated"


def definition_of(motion: Path, hours: float, session_s: float = SESSION_S) -> Definition:
    """The parts of every rung; `hours` of training motion each."""
    test = TEST_SHARE * hours
    parts = {}
    for name, world in WORLDS.items():
        parts[f"{name}-train"] = Part(["basic"], "train", hours, world=world)
        parts[f"{name}-clip"] = Part(["basic"], "clip", test, world=world)
    parts["subject"] = Part(["basic"], "subject", test)
    parts["rooms-train"] = Part(drawn_names("train"), "train", hours)
    parts["rooms-test"] = Part(drawn_names("test"), "clip", test)
    return Definition("ladder-1", SEED, parts, [columns_of(SPEC)], str(motion), session_s)


def climb(definition: Definition, out: Path, minutes: float, batch: int, workers: int) -> Ladder:
    """Simulate, train and measure what is not there yet. Raises ConfigError if the folder holds another ladder.

    minutes  of training a model, measured on the first; one that goes on keeps the number of windows it began with
    """
    data, file = out / "data", out / "ladder.yaml"
    hours = definition.parts[RUNGS[0].train].hours
    dataset.build(definition, data, workers)
    if file.exists():
        ladder = msgspec.yaml.decode(file.read_bytes(), type=Ladder)
        if ladder.batch != batch:
            raise ConfigError(f"{out} holds a ladder of batches of {ladder.batch}; give an empty folder")
    else:
        ladder = Ladder(hours, batch, samples_in(_run(data, RUNGS[0], batch, batch), minutes))
        _write(file, ladder)
    for rung in RUNGS:
        if rung.name in {trial.name for trial in ladder.trials}:
            continue
        folder = out / f"run-{rung.train}"
        if not (folder / WEIGHTS).exists():  # written last; the same model stands on several rungs
            train(_run(data, rung, ladder.samples, batch), folder)
        trial = run_trial(
            rung.name, folder, ladder.samples, learnt(folder), data, rung.train, rung.test, rung.split, rung.room, SEED
        )
        ladder = msgspec.structs.replace(ladder, trials=[*ladder.trials, trial])
        _write(file, ladder)
    return ladder


def learnt(folder: Path) -> Learnt:
    """The float model of a finished wimose-plus run, motion and all."""
    keras_or_complain()
    from models.plus import plus

    model = plus()
    model.load_weights(folder / WEIGHTS)
    return Learnt(model, Normal.read(folder / "normal.npz"))


def ladder_tables(ladder: Ladder) -> Group:
    """For people."""
    shown = f"{ladder.hours:g} h of simulated motion, {ladder.samples} windows shown"
    return Group(
        error_figures(ladder.trials, "rung").drawn(f"The ladder, wimose-plus, {shown}. mm, degrees"),
        motion_figures(ladder.trials, "rung").drawn("R2 of velocities, speeds: hips, limbs relative to them"),
    )


def _run(data: Path, rung: Rung, samples: int, batch: int) -> Run:
    # What is measured on the way is always known people in the same world.
    held_out = "rooms-test" if rung.train == "rooms-train" else rung.train.replace("-train", "-clip")
    rate = LEARNING_RATES["wimose-plus"]
    return Run(str(data), samples, batch, rate, SEED, network="wimose-plus", part=rung.train, held_out=held_out)


def _write(file: Path, ladder: Ladder) -> None:
    """Replaced at once: a ladder can be stopped at any time."""
    new = file.with_suffix(".new")
    new.write_bytes(msgspec.yaml.encode(ladder))
    new.replace(file)
