"""`wimose bench`, once its arguments are parsed."""

import argparse
import sys
from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from pathlib import Path

import msgspec
from rich.console import Console

from edge.errors import ConfigError
from edge.progress import progress_bar
from firmware_tools.bench.figures import Bench, Measured, Part, Profile
from firmware_tools.bench.machine import Machine, Watch, describe
from firmware_tools.bench.report import bench_tables, write_report

Measure = Callable[[Machine], Part]
Profiler = Callable[[], list[Profile]]
MAX_S = 24 * 3600.0
SOAK_S = 1800.0  # a live run that long, at the fastest rate alone, is kept as one of its own beside the short one
PART_OF = {"soak": "live"}


def bench(arguments: argparse.Namespace) -> int:
    if not 1 <= arguments.seconds <= MAX_S:
        raise ConfigError(f"--seconds {arguments.seconds:g}: give 1 to {MAX_S:g}")
    measured = measure(parts(arguments.seconds), arguments.part, profilers())
    if arguments.report:
        write_report(measured, Path(arguments.report))
    if arguments.json:
        sys.stdout.buffer.write(msgspec.json.encode(measured) + b"\n")
    else:
        console = Console()
        for table in bench_tables(measured):
            console.print(table)
    return 0


def parts(seconds: float) -> dict[str, Measure]:
    """Every part by its name, in the order of measuring. seconds: of `live`, at each rate."""
    from firmware_tools.bench import infer, live, parse, rooms, signal, start

    name, rates = ("soak", (live.FASTEST,)) if seconds >= SOAK_S else ("live", tuple(live.AIM_CPU))
    return {
        "parse": parse.bench,
        "signal": signal.bench,
        "infer": infer.bench,
        "start": start.bench,
        name: partial(live.bench, seconds=seconds, rates=rates),
        "rooms": rooms.bench,
    }


def profilers() -> dict[str, Profiler]:
    """For a part that falls short: where the time and the memory go. In runs of their own, which disturb no figure."""
    from firmware_tools.bench import profile

    return {"start": profile.start, "live": profile.live, "soak": profile.live, "rooms": profile.live}


def measure(
    known: dict[str, Measure], wanted: Sequence[str], profilers: dict[str, Profiler], today: date | None = None
) -> Bench:
    """Measure the parts that are wanted, `all` for every one; look into those that fall short of an aim."""
    names = [name for name in known if PART_OF.get(name, name) in wanted or "all" in wanted]
    found = {}
    with progress_bar() as bar:
        task = bar.add_task("machine", total=len(names) + 1)
        machine = describe()
        for name in names:
            bar.update(task, advance=1, description=name)
            watch = Watch()
            part = known[name](machine)
            busy = watch.read()
            if part.missed and name in profilers:
                bar.update(task, description=f"{name}: where it goes")
                part = msgspec.structs.replace(part, profiles=[*part.profiles, *profilers[name]()])
            found[name] = Measured(part, machine, busy, (today or date.today()).isoformat())
        bar.update(task, advance=1)
    return Bench(found)
