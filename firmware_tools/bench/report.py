"""What was measured, as a page with plots and on the screen."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
from rich.table import Table

from firmware_tools.bench.figures import Bench, Row, Series
from firmware_tools.bench.machine import Busy, Machine

COLUMNS = ("what", "unit", "median", "p99", "best", "peer", "times better", "limit", "of the limit", "aim", "")
PAGE, FIGURES = "README.md", "bench.json"
HEAD = """# Benchmark

Written by `wimose bench --report`. Peers take turns with us, on the same input.
"""
BUSY_CORES = 0.2  # of other work; above, a page says so at its head


def write_report(bench: Bench, folder: Path) -> None:
    """README.md, bench.json and plots; without matplotlib the page comes without them."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FIGURES).write_bytes(msgspec.json.format(msgspec.json.encode(bench)) + b"\n")
    (folder / PAGE).write_text(page(bench, draw_plots(bench, folder)))


def page(bench: Bench, plots: dict[str, list[str]]) -> str:
    """plots: by part, file names."""
    lines = [HEAD, *_machine(bench.machine)]
    for name, part in bench.parts.items():
        lines += ["", f"## {name}", "", _busy(bench.busy[name]), ""]
        lines += [f"| {' | '.join(COLUMNS)} |", "|---|---|" + "--:|" * 3 + "---|--:|---|--:|---|---|"]
        lines += [f"| {' | '.join(_cells(row))} |" for row in part.rows]
        lines += ["", *(f"- {note}" for note in part.notes)] if part.notes else []
        lines += ["", *(f"![{plot}]({plot})" for plot in plots.get(name, []))] if plots.get(name) else []
    short = [f"- {row.part}: {row.what}: {_number(row.median)} {row.unit}, aim: {row.aim}" for row in missed(bench)]
    lines += ["", "## Short of the aim", "", *(short or ["Nothing that was measured."])]
    return "\n".join(lines) + "\n"


def missed(bench: Bench) -> list[Row]:
    return [row for part in bench.parts.values() for row in part.rows if row.met is False]


def summary_markdown(bench: Bench) -> str:
    """The rows that have an aim, for the README."""
    lines = ["| what | figure | times better than | aim |", "|---|--:|---|---|"]
    for part in bench.parts.values():
        for row in part.rows:
            if row.aim and row.met is not None:
                ratios = ", ".join(f"{name}: {ratio:.2g}" for name, ratio in row.ratios.items())
                figure = f"{_number(row.median)} {row.unit}"
                lines.append(f"| {row.part}: {row.what} | {figure} | {ratios} | {row.aim}: {_verdict(row)} |")
    return "\n".join(lines) + "\n"


def bench_tables(bench: Bench) -> Iterator[Table]:
    """The same for reading on the screen."""
    for name, part in bench.parts.items():
        table = Table(title=f"{name}: {_busy(bench.busy[name])}", title_justify="left")
        for column in COLUMNS:
            table.add_column(column, justify="right" if column in ("median", "p99", "best") else "left")
        for row in part.rows:
            table.add_row(*_cells(row))
        if part.notes:
            table.caption = "\n".join(part.notes)
        yield table


def _machine(machine: Machine) -> list[str]:
    packages = ", ".join(f"{name} {version}" for name, version in machine.packages.items())
    lines = [
        f"{machine.cpu}, {machine.cores} cores, {machine.memory_gb:g} GB, Linux {machine.kernel}, "
        f"Python {machine.python}; {packages}.",
        f"Memory: {machine.copy_gb_s:.1f} GB/s copied (read plus written) by one thread, {machine.copy_all_gb_s:.1f} "
        f"by one a core; {machine.read_gb_s:.1f} GB/s read.",
    ]
    return [*lines, f"Not installed: {', '.join(machine.absent)}."] if machine.absent else lines


def _busy(busy: Busy) -> str:
    mhz = f", {busy.mhz:.0f} MHz" if busy.mhz else ""
    warning = " **Busy: these figures say little.**" if busy.others + busy.steal > BUSY_CORES else ""
    return (
        f"Load {busy.load_before:.1f} before, {busy.load_after:.1f} after; other work took {busy.others:.2f} cores, "
        f"the hypervisor {busy.steal:.2f}{mhz}; {busy.seconds:.0f} s.{warning}"
    )


def _cells(row: Row) -> tuple[str, ...]:
    peers = [f"{peer.name} {_number(peer.median) if peer.median else '(not installed)'}" for peer in row.peers]
    ratios = [f"{ratio:.2f}" for ratio in row.ratios.values()]
    limit = f"{_number(row.limit.value)} ({row.limit.what})" if row.limit else ""
    ratio = f"{row.limit_ratio:.2f}" if row.limit_ratio else ""
    return (row.what, row.unit, _number(row.median), _number(row.p99), _number(row.best), ", ".join(peers),
            ", ".join(ratios), limit, ratio, row.aim, _verdict(row))  # fmt: skip


def _verdict(row: Row) -> str:
    return "" if row.met is None else "yes" if row.met else "NO"


def _number(value: float | None) -> str:
    """Three digits."""
    if value is None:
        return ""
    if abs(value) >= 1e6:
        return f"{value / 1e6:.2f} M"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def draw_plots(bench: Bench, folder: Path) -> dict[str, list[str]]:
    """Distributions, curves, and rates against their limits; the names of the files."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return {}
    plots: dict[str, list[str]] = {}
    for name, part in bench.parts.items():
        drawings = [series for series in part.series if series.values]
        limited = [row for row in part.rows if row.limit and row.limit.value]
        count = len(drawings) + bool(limited)
        if not count:
            continue
        figure = Figure(figsize=(6.0 * count, 3.6), layout="constrained")
        axes = np.atleast_1d(figure.subplots(1, count))
        for series, axis in zip(drawings, axes, strict=False):
            _draw(series, axis)
        if limited:
            _draw_limits(limited, axes[-1])
        figure.savefig(folder / f"{name}.png", dpi=80)
        plots[name] = [f"{name}.png"]
    return plots


def _draw(series: Series, axis: object) -> None:
    from matplotlib.axes import Axes

    assert isinstance(axis, Axes)
    if series.at:
        axis.plot(series.at, series.values, "o-", markersize=3)
        axis.set(title=series.what, xlabel=series.at_unit, ylabel=series.unit, ylim=(0, None))
        return
    axis.hist(series.values, bins=80, log=True)
    for percent in (50, 99):
        axis.axvline(float(np.percentile(series.values, percent)), color="black", linestyle="--", linewidth=0.8)
    axis.set(title=f"{series.what}; p50, p99", xlabel=series.unit, ylabel="poses")


def _draw_limits(rows: list[Row], axis: object) -> None:
    """How far each is from what the machine allows; 1 is there."""
    from matplotlib.axes import Axes

    assert isinstance(axis, Axes)
    axis.barh([row.what for row in rows], [row.limit_ratio or 0.0 for row in rows])
    axis.axvline(1.0, color="black", linestyle="--")
    axis.invert_yaxis()
    axis.tick_params(axis="y", labelsize=7)
    axis.set(title="times the limit", xlabel="1 is at the limit")
