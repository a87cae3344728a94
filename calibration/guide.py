"""The terminal: what to do, questions, a countdown, a bar, a bell. Questions go unasked with `--yes`."""

import math
import time
from collections.abc import Callable

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from calibration.meter import Meter
from calibration.survey import Grade, Item
from edge.errors import ConfigError

TICK_S = 0.1  # how smoothly bars move
COLOURS: dict[Grade, str] = {"green": "green", "amber": "yellow", "red": "red"}
LOUD = 0.2  # motion level that fills its bar: somebody who walks by
BLOCKS = 8


class Guide:
    """Says, asks, waits. All of it on stderr: stdout is for `--json`."""

    def __init__(
        self,
        console: Console,
        yes: bool = False,
        read: Callable[[], str] = input,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.console = console
        self.yes = yes
        self.clock = clock
        self._read = read
        self._sleep = sleep

    def say(self, text: str = "") -> None:
        self.console.print(text, soft_wrap=True, highlight=False, markup=False)

    def title(self, text: str) -> None:
        self.console.print()
        self.console.rule(f"[bold]{text}", align="left")

    def warn(self, text: str, remedy: str = "") -> None:
        self.console.print(Text(text, "yellow"), soft_wrap=True)
        if remedy:
            self.console.print(Text.assemble(("  to do: ", "bold"), remedy), soft_wrap=True)

    def bell(self) -> None:
        if self.console.is_terminal:
            self.console.bell()

    def ask(self, question: str, default: str = "") -> str:
        """An answer; the default where nothing is typed. Raises ConfigError where nobody may be asked."""
        if self.yes:
            if not default:
                raise ConfigError(f"nobody may be asked with --yes: {question}; answer it once without --yes")
            return default
        shown = f" [{default}]" if default else ""
        self.console.print(Text.assemble((question, "bold"), shown, ": "), end="", soft_wrap=True)
        try:
            return self._read().strip() or default
        except EOFError:
            raise ConfigError("the answers have ended; run it in a terminal, or with --yes") from None

    def numbers(self, question: str, count: int, default: tuple[float, ...] | None = None) -> tuple[float, ...]:
        """So many numbers, asked until they are; a comma or blanks between them."""
        shown = " ".join(f"{value:g}" for value in default) if default else ""
        while True:
            said = self.ask(question, shown)
            parts = said.replace(",", " ").replace("x", " ").replace("m", " ").split()
            try:
                values = tuple(float(part) for part in parts)
            except ValueError:
                values = ()
            if len(values) == count and all(map(math.isfinite, values)):
                return values
            example = " ".join(("3.5", "0.6", "1.2")[:count])
            self.warn(f"{said!r}: write {count} number{'s' * (count > 1)} in metres, such as {example}")

    def confirm(self, question: str, default: bool = True) -> bool:
        while True:
            said = self.ask(f"{question} (yes/no)", "yes" if default else "no").lower()
            if said in ("y", "yes", "n", "no"):
                return said.startswith("y")

    def ready(self, what: str) -> None:
        """Wait until somebody presses Enter."""
        if not self.yes:
            self.ask(f"{what} Press Enter to begin", "now")

    def countdown(self, seconds: float, what: str) -> None:
        """Time to do something before it listens; a bell at the end."""
        begun = self.clock()
        with self.bar() as bar:
            task = bar.add_task(what, total=seconds, seen="")
            while (left := seconds - (self.clock() - begun)) > 0:
                bar.update(task, completed=seconds - left, description=f"{what} {math.ceil(left)} s")
                self._sleep(min(TICK_S, left))
        self.bell()

    def bar(self) -> Progress:
        """A bar with what is seen behind it; it vanishes where stderr is no terminal."""
        return Progress(TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[seen]}"),
                        console=self.console, disable=not self.console.is_terminal)  # fmt: skip

    def items(self, title: str, items: tuple[Item, ...]) -> None:
        """Graded figures, those that are not green with why and what to do."""
        table = Table(show_header=False, box=None, pad_edge=False, title=title, title_justify="left")
        for item in items:
            value = "" if item.value is None else f"{item.value:.4g} {item.unit}"
            why = "" if item.grade == "green" else item.why
            table.add_row(f"[{COLOURS[item.grade]}]{item.grade}[/]", item.name, value, why)
            if item.remedy:
                table.add_row("", "", "", f"[bold]to do:[/] {item.remedy}")
        self.console.print(table)


def seen(meters: tuple[Meter, Meter], now: float) -> str:
    """What both receivers hear right now, for the end of a bar."""
    parts = []
    for meter in meters:
        silent = meter.silent_s(now)
        if silent is None or silent > 1.0:
            parts.append(f"{meter.name}: [red]silent[/]")
            continue
        level = meter.level or 0.0
        blocks = "▮" * min(math.ceil(BLOCKS * level / LOUD), BLOCKS)
        parts.append(f"{meter.name}: {meter.packets_per_s(now):.0f}/s {blocks.ljust(BLOCKS, '▯')}")
    return "  ".join(parts)
