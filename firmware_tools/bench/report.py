"""What was measured, as a page with plots, as the README's table, and on the screen."""

from collections.abc import Iterator
from pathlib import Path

from rich.table import Table

from firmware_tools.bench.figures import Bench, Measured, Part, Profile, Row
from firmware_tools.bench.kept import keep, kept
from firmware_tools.bench.machine import Busy, Machine
from firmware_tools.bench.plots import draw

COLUMNS = ("what", "unit", "median", "p99", "best", "peer", "times better", "limit", "of the limit", "aim", "")
PAGE = "README.md"
HEAD = """# Benchmark

Written by `wimose bench --report`, part by part. Peers take turns with us, on the same input. *Of the limit*: how many
times worse than what the machine allows; 1 is there.
"""
BUSY_CORES = 0.2  # of other work; above, a page says so
MOST = 25  # lines of a profile


def write_report(bench: Bench, folder: Path) -> None:
    """Figures and plots of the parts that were measured, and a page of all that are kept there."""
    keep(bench, folder)
    for name, measured in bench.parts.items():
        plot = folder / f"{name}.png"
        plot.unlink(missing_ok=True)
        draw(measured.part, plot)
    whole = kept(folder)
    (folder / PAGE).write_text(page(whole, {name for name in whole.parts if (folder / f"{name}.png").is_file()}))


def page(bench: Bench, plotted: set[str]) -> str:
    """plotted: parts with a plot beside the page."""
    lines = [HEAD]
    for name, measured in bench.parts.items():
        part = measured.part
        lines += ["", f"## {name}", "", *_machine(measured.machine), "", f"{measured.on}. {_busy(measured.busy)}", ""]
        lines += [f"| {' | '.join(COLUMNS)} |", "|---|---|" + "--:|" * 3 + "---|--:|---|--:|---|---|"]
        lines += [f"| {' | '.join(_cells(row))} |" for row in part.rows]
        lines += ["", *(f"- {note}" for note in part.notes)] if part.notes else []
        lines += ["", f"![{name}]({name}.png)"] if name in plotted else []
        for profile in part.profiles:
            lines += ["", *_profile(profile)]
    short = [
        f"- {name}: {row.what}: {_number(row.median)} {row.unit}, aim: {row.aim}"
        for name, measured in bench.parts.items()
        for row in measured.part.missed
    ]
    lines += ["", "## Short of the aim", "", *(short or ["Nothing that was measured."])]
    return "\n".join(lines) + "\n"


def summary_markdown(bench: Bench) -> str:
    """For the README: a line an aim, and what it was measured on."""
    lines = ["| | figure | times better than | times the limit | aim | met |", "|---|--:|---|---|---|---|"]
    for name, measured in bench.parts.items():
        for row in aims(measured.part):
            ratios = ", ".join(f"{peer} {ratio:.2g}" for peer, ratio in row.ratios.items())
            limit = f"{row.limit_ratio:.2g} ({row.limit.what})" if row.limit and row.limit_ratio else ""
            figure = f"{_number(row.median)} {row.unit}".strip() + (f", p99 {_number(row.p99)}" if row.p99 else "")
            lines.append(f"| {name}: {row.what} | {figure} | {ratios} | {limit} | {row.aim} | {_verdict(row)} |")
    return "\n".join(lines) + f"\n\n{_circumstances(bench)}\n"


def aims(part: Part) -> list[Row]:
    """Of the rows that share an aim the one that is furthest from it, in their order."""
    rows: dict[str, Row] = {}
    for row in part.rows:
        if row.aim and row.met is not None and (row.aim not in rows or _badness(row) > _badness(rows[row.aim])):
            rows[row.aim] = row
    return list(rows.values())


def bench_tables(bench: Bench) -> Iterator[Table]:
    """The same for reading on the screen."""
    for name, measured in bench.parts.items():
        table = Table(title=f"{name}: {_busy(measured.busy)}", title_justify="left")
        for column in COLUMNS:
            table.add_column(column, justify="right" if column in ("median", "p99", "best") else "left")
        for row in measured.part.rows:
            table.add_row(*_cells(row))
        if measured.part.notes:
            table.caption = "\n".join(measured.part.notes)
        yield table
        for profile in measured.part.profiles:
            table = Table("", profile.unit, title=profile.what, title_justify="left")
            for what, value in _largest(profile):
                table.add_row(what, _number(value))
            yield table


def _profile(profile: Profile) -> list[str]:
    head = f"{profile.what[:1].upper()}{profile.what[1:]}:"
    return [head, "", f"| | {profile.unit} |", "|---|--:|",
            *(f"| {what} | {_number(value)} |" for what, value in _largest(profile))]  # fmt: skip


def _largest(profile: Profile) -> list[tuple[str, float]]:
    """In the order they were given, unless there are too many."""
    shares = list(profile.shares.items())
    if len(shares) <= MOST:
        return shares
    shares.sort(key=lambda share: -share[1])
    return [*shares[:MOST], (f"{len(shares) - MOST} others", sum(value for _, value in shares[MOST:]))]


def _badness(row: Row) -> tuple[bool, float]:
    worst = min(row.ratios.values(), default=0.0)
    own = -row.median if row.more_is_better else row.median
    return not row.met, -worst if row.ratios else row.limit_ratio or own


def _circumstances(bench: Bench) -> str:
    """One sentence: on what machine, when, and how busy that was."""
    every = list(bench.parts.values())
    machines = {f"{one.machine.cpu}, {one.machine.cores} cores, Python {one.machine.python}": None for one in every}
    days = sorted({one.on for one in every})
    others = max(one.busy.others + one.busy.steal for one in every)
    busy = [name for name, one in bench.parts.items() if _is_busy(one)]
    warning = f" (it was **busy** during {', '.join(busy)}: those figures say little)" if busy else ""
    return (
        f"Measured on {'; '.join(machines)}, {' to '.join(dict.fromkeys((days[0], days[-1])))}, while other work took "
        f"{others:.2f} cores at most{warning}."
    )


def _is_busy(measured: Measured) -> bool:
    return measured.busy.others + measured.busy.steal > BUSY_CORES


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
