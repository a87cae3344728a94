"""The offline subcommands of `wimose`, once their arguments are parsed."""

import argparse
import os
import sys
from pathlib import Path

import msgspec
from rich.console import Console

from edge.errors import ConfigError
from edge.geometry import geometry_values
from edge.inference.bundle import Accuracy, find_bundle, load_bundle
from edge.inference.engine import Engine
from edge.signal.imagespec import KNOWN, columns_of
from firmware_tools import dataset as datasets
from firmware_tools import evaluate as evaluation
from firmware_tools.phases import SPECS
from firmware_tools.simulate.motion import default_folder
from firmware_tools.simulate.room import FRESH, WIVELO
from firmware_tools.simulate.rooms import room_named

BATCH = {"wimose": 64, "wipose": 64, "wimose-plus": 1920}  # windows a step; those of wimose-plus are neighbours
MIN_CHECK_S = 3.0  # what one value of a deviation is taken over
MIN_GUIDED_S = 20.0  # three spots


def simulate(arguments: argparse.Namespace) -> int:
    from firmware_tools.simulate.guided import simulate_guided
    from firmware_tools.simulate.session import simulate_session

    if arguments.check:
        return check_realism(arguments)
    if arguments.out is None:
        raise ConfigError("give the folder to write the session to, or --check")
    out = Path(arguments.out)
    if not 0 < arguments.seconds <= 3600:
        raise ConfigError(f"--seconds {arguments.seconds:g}: a session lasts up to an hour")
    if not 30 <= arguments.packets <= 2000:
        raise ConfigError(f"--packets {arguments.packets:g}: give 30 to 2000 packets/s")
    if not 0 <= arguments.empty < arguments.seconds:
        raise ConfigError(f"--empty {arguments.empty:g}: leave some of the {arguments.seconds:g} s to somebody")
    room, motion = room_named(arguments.room), _motion(arguments.motion)
    if arguments.guided:
        if arguments.clip or arguments.empty:
            raise ConfigError("--guided has prompts and an empty half minute of its own: leave out --clip and --empty")
        if arguments.seconds < MIN_GUIDED_S:
            raise ConfigError(f"--seconds {arguments.seconds:g}: a guided walk takes {MIN_GUIDED_S:g} s at least")
        simulate_guided(out, room, motion, arguments.seconds, arguments.packets, arguments.seed)
    else:
        simulate_session(
            out, room, motion, arguments.clip, arguments.seconds, arguments.packets, arguments.seed, arguments.empty
        )
    print(f"{out}: {arguments.seconds:g} s, simulated; play it with `wimose replay {out}`", file=sys.stderr)
    return 0


def check_realism(arguments: argparse.Namespace) -> int:
    """`wimose simulate --check`."""
    from firmware_tools.realism.check import SESSIONS, check, realism_table
    from firmware_tools.simulate.motion import load_clips
    from firmware_tools.simulate.room import drawn_names

    if not MIN_CHECK_S <= arguments.seconds <= 60:
        raise ConfigError(f"--seconds {arguments.seconds:g}: with --check, sessions last {MIN_CHECK_S:g} to 60 s each")
    clips = load_clips(_motion(arguments.motion))
    drawn = drawn_names(arguments.room)  # "train": a distribution over rooms, as the real recordings are
    rooms = [room_named(name) for name in drawn] if drawn else [room_named(arguments.room)]
    report = check(arguments.room, rooms, clips, SESSIONS, arguments.seconds, arguments.seed)
    if arguments.json:
        sys.stdout.buffer.write(msgspec.json.encode(report) + b"\n")
    else:
        Console().print(realism_table(report))
        print("\n".join([f"{len(report.misses)} misses of {len(report.rows)}", *report.misses]))
    return 0


def dataset(arguments: argparse.Namespace) -> int:
    from firmware_tools.benchmark import VERSION, benchmark, differing, small
    from firmware_tools.benchmark import walks as walks_in_wivelo

    motion = _motion(arguments.motion)
    if arguments.benchmark:
        definition = benchmark(motion)
    else:
        if not (0 < arguments.hours <= 1000 and 0 < arguments.test_hours <= 1000):
            raise ConfigError("--hours and --test-hours: give positive numbers, up to 1000")
        rooms = [name if name == FRESH else room_named(name).name for name in arguments.room or ("basic",)]
        specs = arguments.spec or list(KNOWN)
        if unknown := [name for name in specs if name not in SPECS]:
            raise ConfigError(f"no image spec {unknown[0]!r}; there are: {', '.join(SPECS)}")
        specs = list(dict.fromkeys(columns_of(name) for name in specs))
        if rooms == [WIVELO.name]:
            definition = walks_in_wivelo(motion, arguments.hours, arguments.test_hours, specs, arguments.seed)
        else:
            definition = small(motion, rooms, arguments.hours, arguments.test_hours, specs, arguments.seed)
    datasets.build(definition, Path(arguments.out), arguments.workers)
    if arguments.benchmark:
        other = differing(Path(arguments.out))
        verdict = f"differs from the frozen one in {', '.join(other)}" if other else "byte for byte the frozen one"
        print(f"{arguments.out}: {VERSION}, {verdict}", file=sys.stderr)
    return 0


def train(arguments: argparse.Namespace) -> int:
    from firmware_tools.tasks import LEARNING_RATES
    from firmware_tools.train import WEIGHTS, Run, drawn_until, read_asked, samples_in
    from firmware_tools.train import train as run_training

    out = Path(arguments.out)
    if arguments.samples < 1:
        raise ConfigError(f"--samples {arguments.samples}: give a positive number")
    if arguments.learning_rate is not None and not 0 < arguments.learning_rate <= 1:
        raise ConfigError(f"--learning-rate {arguments.learning_rate:g}: give a positive number, such as 0.001")
    if arguments.fresh is not None and (arguments.network != "wimose-plus" or not 0 < arguments.fresh <= 1000):
        raise ConfigError("--fresh is for wimose-plus: how often a session is shown in the mean, such as --fresh 4")
    if arguments.augment and arguments.fresh is None:
        raise ConfigError("--augment is for sessions that are drawn meanwhile: give --fresh too, such as --fresh 3")
    if arguments.start and not (Path(arguments.start) / WEIGHTS).is_file():
        raise ConfigError(f"--from {arguments.start}: holds no finished run; finish it with `wimose train`")
    before = read_asked(Path(arguments.start)) if arguments.start and arguments.fresh else None
    run = Run(
        dataset=arguments.dataset,
        samples=arguments.samples,
        batch=arguments.batch or BATCH[arguments.network],
        learning_rate=arguments.learning_rate or LEARNING_RATES[arguments.network],
        seed=arguments.seed,
        network=arguments.network,
        part=arguments.part,
        held_out=arguments.held_out,
        start=arguments.start or "",
        shown=arguments.fresh or 0.0,
        augment=arguments.augment,
        drawn=drawn_until(before, datasets.read_definition(Path(arguments.dataset))) if before else 0,
    )
    if arguments.minutes is not None:
        if not 0 < arguments.minutes <= 10_000:
            raise ConfigError(f"--minutes {arguments.minutes:g}: give a positive number")
        begun = read_asked(out)  # a run that goes on keeps the number it began with
        run = msgspec.structs.replace(run, samples=begun.samples if begun else samples_in(run, arguments.minutes))
    run_training(run, out)
    print(f"{out}: {run.samples} windows shown; turn it into a bundle with `wimose bundle {out} BUNDLE --name NAME`",
          file=sys.stderr)  # fmt: skip
    return 0


def quantize(arguments: argparse.Namespace) -> int:
    from firmware_tools.bundling import quantize_run

    made = quantize_run(Path(arguments.run_folder), Path(arguments.out), arguments.name)
    print(f"{made.identity}: {len(made.model) / 1e6:.1f} MB, not measured yet; `wimose evaluate` does that",
          file=sys.stderr)  # fmt: skip
    return 0


def bundle(arguments: argparse.Namespace) -> int:
    from firmware_tools.bundling import make_bundle

    description = make_bundle(
        Path(arguments.run_folder), Path(arguments.out), arguments.name,
        Path(arguments.benchmark) if arguments.benchmark else None,
    )  # fmt: skip
    _show(description.accuracy, f"{description.name}, trained on {description.trained_on} data, int8", arguments.joints)
    return 0


def evaluate(arguments: argparse.Namespace) -> int:
    if (arguments.dataset is None) == (arguments.walks is None):
        raise ConfigError("give a DATASET made by `wimose dataset`, or recordings with --walks DIR")
    if arguments.calibrate and not arguments.walks:
        raise ConfigError("--calibrate is for real walks: give them with --walks DIR")
    if arguments.walks:
        return walks(arguments)
    from firmware_tools.measuring import measure_dataset, measure_motion

    loaded = load_bundle(find_bundle(arguments.bundle))
    data, engine = Path(arguments.dataset), Engine(loaded)
    if arguments.motion:
        accuracy = measure_motion(loaded, engine, data, Path(arguments.motion), arguments.hours, arguments.seed)
    else:
        accuracy = measure_dataset(loaded, engine, data, parts=arguments.part)
    if arguments.json:
        sys.stdout.buffer.write(msgspec.json.encode(accuracy) + b"\n")
    else:
        title = f"{loaded.identity}, trained on {loaded.description.trained_on} data, int8"
        _show(accuracy, title, arguments.joints)
    return 0


def walks(arguments: argparse.Namespace) -> int:
    """`wimose evaluate BUNDLE --walks DIR`."""
    from firmware_tools.walks.calibrated import measure_calibrated
    from firmware_tools.walks.track import measure_bundle, walks_table

    loaded = load_bundle(find_bundle(arguments.bundle))
    engine = Engine(loaded, geometry=geometry_values(WIVELO.geometry(), WIVELO.carrier_hz))
    folder = Path(arguments.walks)
    measured = measure_calibrated if arguments.calibrate else measure_bundle
    errors = measured(loaded, engine, folder)
    if arguments.json:
        sys.stdout.buffer.write(msgspec.json.encode(errors) + b"\n")
    else:
        how = "calibrated on the other half of them" if arguments.calibrate else "on real walks"
        title = f"{loaded.identity}, trained on {loaded.description.trained_on} data, {how}: mm on the floor"
        Console().print(walks_table(errors, title))
    return 0


def ladder(arguments: argparse.Namespace) -> int:
    from firmware_tools.study.ladder import climb, definition_of, ladder_tables

    if not 0 < arguments.hours <= 1000:
        raise ConfigError(f"--hours {arguments.hours:g}: give a positive number")
    definition = definition_of(_motion(arguments.motion), arguments.hours)
    workers = len(os.sched_getaffinity(0))
    done = climb(definition, Path(arguments.out), _minutes(arguments), BATCH["wimose-plus"], workers)
    if arguments.json:
        sys.stdout.buffer.write(msgspec.json.encode(done) + b"\n")
    else:
        Console().print(ladder_tables(done))
    return 0


def ablate(arguments: argparse.Namespace) -> int:
    from firmware_tools.study.ablations import ablate as run_ablations
    from firmware_tools.study.ablations import ablation_tables

    done = run_ablations(Path(arguments.dataset), Path(arguments.out), _minutes(arguments), BATCH["wimose-plus"])
    if arguments.json:
        sys.stdout.buffer.write(msgspec.json.encode(done) + b"\n")
    else:
        Console().print(ablation_tables(done))
    return 0


def seeds(arguments: argparse.Namespace) -> int:
    from firmware_tools.study.seeds import seeds_tables, study

    done = study(Path(arguments.dataset), Path(arguments.out), _minutes(arguments))
    if arguments.json:
        sys.stdout.buffer.write(msgspec.json.encode(done) + b"\n")
    else:
        Console().print(seeds_tables(done))
    return 0


def rooms(arguments: argparse.Namespace) -> int:
    from firmware_tools.study.rooms import rooms_tables, study, unseen_rooms

    loaded = load_bundle(find_bundle(arguments.bundle))
    done = study(loaded, _motion(arguments.motion), Path(arguments.out), unseen_rooms())
    if arguments.json:
        sys.stdout.buffer.write(msgspec.json.encode(done) + b"\n")
    else:
        Console().print(rooms_tables(done))
    return 0


def _minutes(arguments: argparse.Namespace) -> float:
    if not 0 < arguments.minutes <= 10_000:
        raise ConfigError(f"--minutes {arguments.minutes:g}: give a positive number")
    return float(arguments.minutes)


def _show(accuracy: list[Accuracy], title: str, joints: bool) -> None:
    Console().print(evaluation.accuracy_table(accuracy, f"{title}. mm, degrees"))
    if joints:
        Console().print(evaluation.per_joint_table(accuracy, f"{title}. P-MPJPE, mm"))


def _motion(folder: str | None) -> Path:
    return Path(folder) if folder else default_folder()
