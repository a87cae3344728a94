"""The three networks on equal terms: each from nothing, for as much processor time, with three seeds.

Equal budgets are equal processor minutes, not windows: what a network learns from in them is part of what it is. At the
beginning the windows that each shows in a second of processor time are counted and fixed as a number of windows, which
the file keeps. A window of wimose-plus is most often the neighbour of another in its stretch; those of the others are
drawn apart from each other. The seed decides first weights, batches and which windows the leaky split holds out.

A study is a folder: `run-<network>-<seed>` (training runs), `seeds.yaml`. Float models, household motion, simulated.
"""

import time
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from rich.console import Group

from edge.arrays import Array
from edge.errors import ConfigError
from edge.inference.bundle import Accuracy
from firmware_tools import dataset
from firmware_tools import train as training
from firmware_tools.dataset import Sessions
from firmware_tools.evaluate import MAX_WINDOWS, SPLIT_NAMES, Figures, Row, measure
from firmware_tools.measuring import NLOS
from firmware_tools.quantize import load_model
from firmware_tools.study.trial import household
from firmware_tools.tasks import (
    LEARNING_RATES,
    Normal,
    held_out,
    keras_or_complain,
    network_spec,
    predict,
    task_of,
    test_windows,
)
from firmware_tools.train import WEIGHTS, Run, train
from models.baselines import MeanPoses

SEEDS = (1, 2, 3)
PART, TESTS = "train", ("clip", "subject")
POSES = 50_000  # the mean poses are of
TIMED_S = 20.0  # processor time that the windows per second are counted in
CONDITIONS = ("LoS", "NLoS")
LESS_THAN = (("wimose", "wipose"), ("wimose-plus", "wipose"), ("wimose-plus", "wimose"))


class Budget(msgspec.Struct, frozen=True):
    """What every training of a network is asked for."""

    batch: int
    learning_rate: float
    windows_per_s: float  # of processor time, counted once
    samples: int  # windows shown


class Training(msgspec.Struct, frozen=True):
    """One network with one seed, and what it scores."""

    network: str
    seed: int
    run: str  # name of its folder
    minutes: float | None  # processor time with its own checks; None where it was stopped and nobody counted it all
    accuracy: list[Accuracy]


class Seeds(msgspec.Struct, frozen=True):
    """`seeds.yaml`."""

    dataset: str
    minutes: float  # of processor time, each training
    budgets: dict[str, Budget] = {}
    trainings: list[Training] = []
    source: str = "simulated"


@dataclass(frozen=True)
class Asked:
    """How a network is trained."""

    batch: int
    learning_rate: float


# wimose and wipose as their longest runs from nothing, wimose-plus as the last of its own. wimose's tables are of a run
# that went on at half the rate: from nothing, that learnt less in 300 steps (loss 2.23 against 2.17).
ASKED = {
    "wimose": Asked(64, 1e-3),
    "wipose": Asked(64, 1e-3),
    "wimose-plus": Asked(1920, LEARNING_RATES["wimose-plus"]),
}


def study(data: Path, out: Path, minutes: float) -> Seeds:
    """Train and measure what is not there yet. Raises ConfigError if the folder holds a study of something else."""
    file = out / "seeds.yaml"
    done = Seeds(str(data), minutes)
    if file.exists():
        done = msgspec.yaml.decode(file.read_bytes(), type=Seeds)
        if (done.dataset, done.minutes) != (str(data), minutes):
            raise ConfigError(f"{out} holds {done.minutes:g} minutes each on {done.dataset}; give an empty folder")
    out.mkdir(parents=True, exist_ok=True)
    if not done.budgets:
        budgets = {network: budget(data, network, minutes) for network in ASKED}
        done = _write(file, msgspec.structs.replace(done, budgets=budgets))
    there = {(one.network, one.seed) for one in done.trainings}
    for seed in SEEDS:  # seed by seed: whatever is there can be compared
        for network in ASKED:
            if (network, seed) not in there:
                one = _training(network, seed, done.budgets[network], data, out)
                done = _write(file, msgspec.structs.replace(done, trainings=[*done.trainings, one]))
    return done


def budget(data: Path, network: str, minutes: float) -> Budget:
    """How many windows this machine shows a network in so many minutes of processor time."""
    keras_or_complain()
    asked = ASKED[network]
    task = task_of(network, dataset.load(data, PART, network_spec(network).name), SEEDS[0], asked.batch)
    model = task.build()
    model.compile(optimizer=task.optimizer(), loss=task.loss(), jit_compile=training.XLA)
    model.train_on_batch(*task.batch(0))  # compiles
    step, begun = 0, time.process_time()
    while time.process_time() - begun < TIMED_S:
        model.train_on_batch(*task.batch(step))
        step += 1
    rate = step * asked.batch / (time.process_time() - begun)
    steps = max(round(60 * minutes * rate / asked.batch), 1)
    return Budget(asked.batch, asked.learning_rate, round(rate, 1), steps * asked.batch)


def _training(network: str, seed: int, given: Budget, data: Path, out: Path) -> Training:
    folder = out / f"run-{network}-{seed}"
    run = Run(
        str(data), given.samples, given.batch, given.learning_rate, seed, network, part=PART, held_out=TESTS[0]
    )  # fmt: skip
    minutes = None
    if not (folder / WEIGHTS).exists():  # written last
        keras_or_complain().utils.clear_session()  # or the compiled steps of every network before stay in memory
        fresh, begun = not folder.exists(), time.process_time()
        train(run, folder)
        minutes = round((time.process_time() - begun) / 60, 2) if fresh else None
    return Training(network, seed, folder.name, minutes, score(run, folder))


def score(run: Run, folder: Path) -> list[Accuracy]:
    """A finished run on what its seed held out of the training sessions, on other clips and on other people."""
    data, spec = Path(run.dataset), network_spec(run.network).name
    definition, model = dataset.read_definition(data), load_model(folder / "model.keras")
    normal = Normal.read(folder / "normal.npz")
    train_sessions = dataset.load(data, PART, spec)
    known = test_windows(train_sessions)
    known = known[~_leaky(train_sessions, known, run.seed)]
    poses = MeanPoses.of(train_sessions.joints(known[:: max(len(known) // POSES, 1)]).astype(np.float64))
    entries = []
    for split in ("paper", *TESTS):
        part = PART if split == "paper" else split
        sessions = dataset.load(data, part, spec)
        windows = household(definition, part, sessions)
        if split == "paper":
            windows = windows[_leaky(sessions, windows, run.seed)]
        nlos = np.array([room.endswith(NLOS) for room in sessions.rooms])[windows[:, 0]]
        room = ", ".join(sorted({room.removesuffix(NLOS) for room in sessions.rooms}))
        for condition, there in zip(CONDITIONS, (~nlos, nlos), strict=True):
            some = windows[there][:: -(-int(there.sum()) // MAX_WINDOWS) or 1]
            if len(some):
                entries.append(measure(
                    split, room, sessions.joints(some).astype(np.float64),
                    predict(model, run.network, normal, sessions, some), poses=poses, condition=condition,
                    network=run.network, seed=run.seed,
                ))  # fmt: skip
    if missing := {"paper", *TESTS} - {entry.split for entry in entries}:
        raise ConfigError(f"no windows of household motion for the {min(missing)} split; make a larger dataset")
    return entries


def splits(done: Seeds) -> list[str]:
    """Which there are figures of, in the order of SPLIT_NAMES."""
    there = {entry.split for one in done.trainings for entry in one.accuracy}
    return [split for split in SPLIT_NAMES if split in there]


def budget_figures(done: Seeds) -> Figures:
    """What each training was given."""
    return Figures(
        "network",
        ("batch", "learning rate", "windows/s", "windows shown", "minutes asked for", "minutes taken"),
        tuple(
            Row(False, network, (
                str(given.batch), f"{given.learning_rate:g}", f"{given.windows_per_s:.0f}", str(given.samples),
                f"{done.minutes:g}",
                spread([one.minutes for one in done.trainings if one.network == network and one.minutes is not None]),
            ))
            for network, given in done.budgets.items()
        ),
    )  # fmt: skip


def split_figures(done: Seeds, split: str) -> Figures:
    """Errors in mm and degrees, mean±sample standard deviation over seeds, beside the baselines on the same windows."""
    rows = []
    for condition in CONDITIONS:
        entries = [(n, e) for n in done.budgets for e in _entries(done, n, split, condition).values()]
        networks = [network for network in done.budgets if any(n == network for n, _ in entries)]
        for own, label, errors in ((True, "", _own), (False, ", shuffled CSI", _shuffled)):
            for network in networks:
                mine = [errors(entry) for n, entry in entries if n == network]
                shown = str(done.budgets[network].samples) if own else ""
                rows.append(Row(own, f"{network}, {condition}{label}", (shown, *_columns(mine))))
        if entries:
            one_each = list({entry.seed: entry for _, entry in entries}.values())  # the same beside every network
            for label, errors in (("mean pose", _mean), ("canonical", _canonical)):
                rows.append(Row(False, f"{label}, {condition}", ("", *_columns([errors(e) for e in one_each]))))
    columns = ("windows shown", "seeds", "MPJPE", "root", "relative", "P-MPJPE", "heading")
    return Figures("network, condition", columns, tuple(rows))


def less_figures(done: Seeds) -> Figures:
    """By how many percent the MPJPE of one network lies under another's, seed by seed; negative lies above."""
    rows = []
    for split in splits(done):
        for condition in CONDITIONS:
            found = {network: _entries(done, network, split, condition) for network in done.budgets}
            if any(found.values()):
                rows.append(Row(False, f"{split}, {condition}", tuple(
                    spread([100 * (1 - found[one][seed].mpjpe_mm / other.mpjpe_mm)
                            for seed, other in found[than].items() if seed in found[one]])
                    for one, than in LESS_THAN
                )))  # fmt: skip
    return Figures("split, condition", tuple(f"{one} under {than}, %" for one, than in LESS_THAN), tuple(rows))


def seeds_tables(done: Seeds) -> Group:
    """For people."""
    return Group(
        budget_figures(done).drawn(f"Equal processor time on {done.dataset}, simulated, float models"),
        *(split_figures(done, split).drawn(f"{SPLIT_NAMES[split]}, household motion. mm, degrees")
          for split in splits(done)),
        less_figures(done).drawn("MPJPE, one network under another"),
    )  # fmt: skip


def spread(values: list[float]) -> str:
    """Mean±sample standard deviation; of one value there is no spread, of none nothing to say."""
    if not values:
        return "-"
    deviation = f"±{np.std(values, ddof=1):.1f}" if len(values) > 1 else ""
    return f"{np.mean(values):.1f}{deviation}"


def _leaky(sessions: Sessions, windows: Array, seed: int) -> Array:
    return np.asarray(held_out(sessions, seed)[windows[:, 0], windows[:, 1]])


def _entries(done: Seeds, network: str, split: str, condition: str) -> dict[int, Accuracy]:
    """By seed."""
    return {
        one.seed: entry
        for one in done.trainings
        if one.network == network
        for entry in one.accuracy
        if (entry.split, entry.condition) == (split, condition)
    }


def _columns(errors: list[tuple[float, ...]]) -> tuple[str, ...]:
    return (str(len(errors)), *(spread(list(values)) for values in zip(*errors, strict=True)))


def _own(a: Accuracy) -> tuple[float, ...]:
    return a.mpjpe_mm, a.root_mm, a.relative_mpjpe_mm, a.p_mpjpe_mm, a.heading_deg


def _shuffled(a: Accuracy) -> tuple[float, ...]:
    return (
        a.shuffled_mpjpe_mm, a.shuffled_root_mm, a.shuffled_relative_mpjpe_mm, a.shuffled_p_mpjpe_mm,
        a.shuffled_heading_deg,
    )  # fmt: skip


def _mean(a: Accuracy) -> tuple[float, ...]:
    return a.mean_mpjpe_mm, a.mean_root_mm, a.mean_relative_mpjpe_mm, a.mean_p_mpjpe_mm, a.mean_heading_deg


def _canonical(a: Accuracy) -> tuple[float, ...]:
    """Told the true root and heading."""
    return a.canonical_mpjpe_mm, a.canonical_root_mm, a.canonical_relative_mpjpe_mm, a.canonical_p_mpjpe_mm, 0.0


def _write(file: Path, done: Seeds) -> Seeds:
    """At once: it can be stopped at any time."""
    file.with_suffix(".new").write_bytes(msgspec.yaml.encode(done))
    file.with_suffix(".new").replace(file)
    return done
