"""Sessions that are drawn while a network learns from them: none is shown again once it has made room for another.

A ring of sessions of one part of a dataset's definition. As training goes on the oldest makes room for one that nobody
has seen, simulated meanwhile by other processes through the same records, parser and signal path as every session.
Which sessions the ring holds at a step follows from the step alone: the same seed gives the same batches however fast
the simulation is, and training waits for it where it must.
"""

import os
from collections import deque
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

import numpy as np

from edge.arrays import Array
from edge.progress import track
from edge.signal.imagespec import columns_of
from edge.skeleton import N_JOINTS
from firmware_tools.dataset import TRUTH_EVERY, Definition, Sessions, Simulated, simulate
from firmware_tools.phases import spec_named
from firmware_tools.tasks import TRUTH_PER_S, WHOLE, Normal, PlusTask, unbroken

RING_S = 4 * 3600.0  # of sessions at a time: most stretches of a batch are of sessions of their own
AHEAD = 8  # sessions that are simulated before they are wanted


def ring_size(definition: Definition) -> int:
    return max(round(RING_S / definition.session_s), 1)


def sessions_each_step(definition: Definition, batch: int, shown: float) -> float:
    """Sessions that make room at every step where a batch's windows are each shown so often."""
    return batch / TRUTH_PER_S / (shown * definition.session_s)


class Ring:
    """Sessions (`sessions`) that change with the step."""

    def __init__(
        self, definition: Definition, part: str, spec: str, each_step: float, size: int | None = None, drawn: int = 0
    ) -> None:
        """each_step  sessions that make room at every step, usually less than one

        size  of the ring; drawn  sessions that others have learnt from before: it begins behind them
        """
        self._definition, self._part, self._each_step = definition, part, each_step
        self._spec = columns_of(spec)
        self.size = size or ring_size(definition)
        # Those of the dataset itself are never shown: its leaky split stays one of windows that nobody learnt from.
        self._first = definition.sessions(part) + drawn
        points = definition.grid_points
        truths = points // TRUTH_EVERY
        self.sessions = Sessions(
            spec_named(spec),
            columns=np.zeros((self.size, points, *spec_named(spec).column), np.int8),
            truth=np.zeros((self.size, truths, N_JOINTS, 3), np.int16),
            run=np.zeros((self.size, truths), np.int16),
            clip=np.zeros((self.size, truths), np.int16),
            rooms=[""] * self.size,
        )
        self._next: int | None = None  # number of the next session to be put in
        self._coming: deque[Future[Simulated]] = deque()  # the next and those after it
        self._pool: ProcessPoolExecutor | None = None

    def at(self, step: int) -> bool:
        """Bring the ring to a step, which is never before the one it was at. Whether any session is another now."""
        stop = self._first + self.size + int(step * self._each_step)
        if self._next is None:
            self._next = stop - self.size  # at the beginning, or where a run goes on
        missing = range(self._next, stop)
        if not missing:
            return False
        rooms = list(self.sessions.rooms)
        for number in track(missing, "drawing sessions", len(missing)) if len(missing) > AHEAD else missing:
            self._put(number % self.size, self._simulated(number))
            rooms[number % self.size] = self._definition.room(self._part, number)
        self._next = stop
        self.sessions = replace(self.sessions, rooms=rooms)  # told anew where the radios are
        return True

    def _put(self, slot: int, made: Simulated) -> None:
        self.sessions.columns[slot] = made.columns[self._spec]
        self.sessions.truth[slot] = made.truth
        self.sessions.run[slot] = made.run
        self.sessions.clip[slot] = made.clip

    def _simulated(self, number: int) -> Simulated:
        """The next session; those behind it are begun."""
        if self._pool is None:
            workers = max(len(os.sched_getaffinity(0)) - 1, 1)  # one core learns
            self._pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
        while len(self._coming) <= AHEAD:
            following = number + len(self._coming)
            self._coming.append(self._pool.submit(simulate, self._definition, self._part, following, [self._spec]))
        return self._coming.popleft().result()


class FreshTask(PlusTask):
    """wimose-plus's task, its sessions drawn while it learns."""

    def __init__(
        self, sessions: Sessions, seed: int, batch: int, normal: Normal | None, definition: Definition, part: str,
        shown: float, drawn: int = 0,
    ) -> None:  # fmt: skip
        """sessions  of the dataset, which only set what outputs are relative to

        shown  how often each moment of a session is shown in the mean before the session makes room; drawn  see `Ring`
        """
        super().__init__("wimose-plus", sessions, seed, batch, normal)
        self._scale = super().motion_m_s()
        each_step = sessions_each_step(definition, self.stretches * self.outputs, shown)
        self.ring = Ring(definition, part, sessions.spec.name, each_step, drawn=drawn)

    def motion_m_s(self) -> Array:
        return self._scale

    def batch(self, step: int) -> tuple[Array, Array]:
        if self.ring.at(step):
            self.sessions = self.ring.sessions
            self.weight = self.sessions.run >= WHOLE  # all of it is for learning
            self.unbroken = unbroken(self.sessions, self.margin)
            self.learnt = np.argwhere(self.weight)
        return super().batch(step)
