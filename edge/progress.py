"""One progress bar for everything that takes longer than two seconds. On stderr, so that figures can be piped."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

T = TypeVar("T")


def progress_bar() -> Progress:
    """A bar that vanishes where stderr is no terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
               TimeRemainingColumn())  # fmt: skip
    return Progress(*columns, console=console, disable=not console.is_terminal)


def track(items: Iterable[T], what: str, total: int) -> Iterator[T]:
    """Pass items through, showing how many of `total` have come."""
    with progress_bar() as bar:
        yield from bar.track(items, total=total, description=what)
