"""The demo in a terminal: a plan of the room, the joints, rate, latency and error against the truth."""

from collections import deque
from types import TracebackType
from typing import Self

import numpy as np
from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from edge.arrays import Array
from edge.replay import Estimate
from edge.session import SessionFile
from edge.skeleton import JOINTS, ROOT

WINDOW = 30  # poses that rate, latency and error are averaged over: one second
REDRAW_HZ = 10
CELLS_PER_M = (4, 2)  # a terminal's character is twice as high as wide


class Screen:
    """Shows estimates as they come. On a terminal it redraws in place, elsewhere it prints a line a second."""

    def __init__(self, session: SessionFile, title: str, console: Console) -> None:
        self._session = session
        self._title = title
        self._console = console
        self._recent: deque[Estimate] = deque(maxlen=WINDOW)
        self._live = Live(console=console, refresh_per_second=REDRAW_HZ, get_renderable=self._draw)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live.is_started:
            self._live.stop()

    def show(self, estimate: Estimate) -> None:
        self._recent.append(estimate)
        if not self._console.is_terminal and (estimate.message.seq + 1) % WINDOW == 0:
            self._console.print(self._status().plain, highlight=False, soft_wrap=True)

    def _draw(self) -> Group | Text:
        if not self._recent:
            return Text("waiting for the first window of packets")
        newest = self._recent[-1]
        side_by_side = Table.grid(padding=(0, 2))
        side_by_side.add_row(self._plan(newest), joint_table(newest))
        return Group(self._status(), side_by_side)

    def _status(self) -> Text:
        recent = list(self._recent)
        newest = recent[-1]
        span = newest.message.t - recent[0].message.t
        rate = (len(recent) - 1) / span if span else 0.0
        latency = float(np.median([estimate.latency_s for estimate in recent])) * 1e3
        text = Text(f"{self._title}  pose {newest.message.seq + 1}  {rate:.1f} poses/s  latency {latency:.1f} ms")
        errors = [np.linalg.norm(e.joints - e.truth, axis=1).mean() for e in recent if e.truth is not None]
        if errors:
            text.append(f"  MPJPE {np.mean(errors) * 1e3:.0f} mm (last second)")
        text.append("  somebody present" if newest.message.present else "  nobody moves")
        return text

    def _plan(self, estimate: Estimate) -> Panel:
        """The room from above: T and R the radios, o where the person is, x where the model says."""
        width, depth, _ = self._session.room_size_m or (8.0, 8.0, 3.0)
        grid = np.full((round(depth * CELLS_PER_M[1]) + 1, round(width * CELLS_PER_M[0]) + 1), "·")
        marks = [("T", self._session.transmitter_m)]
        for receiver in self._session.receivers:
            marks += [("R", position) for position in (receiver.antennas_m or [])[:1]]
        marks += [("o", estimate.truth[ROOT] if estimate.truth is not None else None), ("x", estimate.joints[ROOT])]
        for sign, position in marks:
            if position is not None:
                row, column = _cell(np.asarray(position), depth, grid.shape)
                grid[row, column] = sign
        rows = "\n".join("".join(row) for row in grid)
        return Panel(rows, title="plan", subtitle="o truth, x estimate", expand=False)


def joint_table(estimate: Estimate) -> Table:
    """The 17 joints in metres, and how far each is from the truth."""
    table = Table(box=None, padding=(0, 1))
    table.add_column("joint")
    for column in ("x, m", "y, m", "z, m", "error, mm"):
        table.add_column(column, justify="right")
    for number, name in enumerate(JOINTS):
        x, y, z = estimate.joints[number]
        error = ""
        if estimate.truth is not None:
            error = f"{np.linalg.norm(estimate.joints[number] - estimate.truth[number]) * 1e3:.0f}"
        table.add_row(name, f"{x:.2f}", f"{y:.2f}", f"{z:.2f}", error)
    return table


def _cell(position: Array, depth: float, shape: tuple[int, ...]) -> tuple[int, int]:
    """Row and column of a place; what lies outside the room is drawn on its edge."""
    row = round((depth - position[1]) * CELLS_PER_M[1])
    column = round(position[0] * CELLS_PER_M[0])
    return min(max(row, 0), shape[0] - 1), min(max(column, 0), shape[1] - 1)
