"""The offline subcommands of `wimose`, once their arguments are parsed."""

import argparse
import sys
from pathlib import Path

import msgspec
from rich.console import Console

from edge.errors import ConfigError
from edge.inference.bundle import find_bundle, load_bundle
from edge.inference.engine import Engine
from firmware_tools import dataset as datasets
from firmware_tools import evaluate as evaluation
from firmware_tools.simulate.motion import default_folder
from firmware_tools.simulate.room import ROOMS, Room


def simulate(arguments: argparse.Namespace) -> int:
    from firmware_tools.simulate.session import simulate_session

    out = Path(arguments.out)
    if not 0 < arguments.seconds <= 3600:
        raise ConfigError(f"--seconds {arguments.seconds:g}: a session lasts up to an hour")
    if not 30 <= arguments.packets <= 2000:
        raise ConfigError(f"--packets {arguments.packets:g}: give 30 to 2000 packets/s")
    simulate_session(
        out, _room(arguments.room), _motion(arguments.motion), arguments.clip, arguments.seconds, arguments.packets,
        arguments.seed,
    )  # fmt: skip
    print(f"{out}: {arguments.seconds:g} s, simulated; play it with `wimose replay {out}`", file=sys.stderr)
    return 0


def dataset(arguments: argparse.Namespace) -> int:
    definition = datasets.Definition(
        room=_room(arguments.room).name,
        seed=arguments.seed,
        hours={"train": arguments.hours, "clip": arguments.test_hours, "subject": arguments.test_hours},
        windows_per_s=7.5,
        packets_per_s=150.0,
        motion=str(_motion(arguments.motion)),
    )
    datasets.build(definition, Path(arguments.out), arguments.workers)
    return 0


def train(arguments: argparse.Namespace) -> int:
    from firmware_tools.train import Run
    from firmware_tools.train import train as run_training

    run = Run(
        dataset=arguments.dataset,
        samples=arguments.samples,
        batch=arguments.batch,
        learning_rate=arguments.learning_rate,
        seed=arguments.seed,
    )
    run_training(run, Path(arguments.out))
    return 0


def bundle(arguments: argparse.Namespace) -> int:
    from firmware_tools.bundling import make_bundle

    description = make_bundle(Path(arguments.run_folder), Path(arguments.out), arguments.name)
    title = f"{description.name}, trained on {description.trained_on} data, int8. mm, degrees"
    Console().print(evaluation.accuracy_table(description.accuracy, title))
    return 0


def evaluate(arguments: argparse.Namespace) -> int:
    from firmware_tools.bundling import measure_bundle

    loaded = load_bundle(find_bundle(arguments.bundle))
    accuracy = measure_bundle(loaded, Engine(loaded), Path(arguments.dataset))
    if arguments.json:
        sys.stdout.buffer.write(msgspec.json.encode(accuracy) + b"\n")
    else:
        title = f"{loaded.identity}, trained on {loaded.description.trained_on} data, int8. mm, degrees"
        Console().print(evaluation.accuracy_table(accuracy, title))
    return 0


def _room(name: str) -> Room:
    if name not in ROOMS:
        raise ConfigError(f"no room {name!r}; there are: {', '.join(ROOMS)}")
    return ROOMS[name]


def _motion(folder: str | None) -> Path:
    return Path(folder) if folder else default_folder()
