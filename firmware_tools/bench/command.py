"""`wimose bench`, once its arguments are parsed."""

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import msgspec
from rich.console import Console

from edge.errors import ConfigError
from edge.progress import progress_bar
from firmware_tools.bench.figures import Bench, Part
from firmware_tools.bench.machine import Machine, Watch, describe
from firmware_tools.bench.report import bench_tables, write_report

Measure = Callable[[Machine], Part]
MAX_S = 24 * 3600.0


def bench(arguments: argparse.Namespace) -> int:
    if not 1 <= arguments.seconds <= MAX_S:
        raise ConfigError(f"--seconds {arguments.seconds:g}: give 1 to {MAX_S:g}")
    measured = measure(parts(arguments.seconds), arguments.part)
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

    return {
        "parse": parse.bench,
        "signal": signal.bench,
        "infer": infer.bench,
        "start": start.bench,
        "live": partial(live.bench, seconds=seconds),
        "rooms": rooms.bench,
    }


def measure(known: dict[str, Measure], wanted: Sequence[str]) -> Bench:
    """Measure the parts that are wanted, `all` for every one."""
    names = [name for name in known if name in wanted or "all" in wanted]
    found, busy = {}, {}
    with progress_bar() as bar:
        task = bar.add_task("machine", total=len(names) + 1)
        machine = describe()
        for name in names:
            bar.update(task, advance=1, description=name)
            watch = Watch()
            found[name] = known[name](machine)
            busy[name] = watch.read()
        bar.update(task, advance=1)
    return Bench(machine, found, busy)
