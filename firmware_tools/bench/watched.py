"""The service's loop in its own process, looked at: how much of a core its threads and its functions take."""

import cProfile
import pstats
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from firmware_tools.bench.figures import Profile

ROOT = f"{Path(__file__).parents[2]}/"


class Watched:
    """The service's loop, in its own process, with somebody looking on."""

    def __init__(self, loop: Callable[..., None], functions: bool) -> None:
        """functions: a profiler in the loop's thread, which costs more than what it looks at; else the threads"""
        self.profiles: list[Profile] = []
        self._loop, self._functions = loop, functions

    def __call__(self, *arguments: Any) -> None:
        profiler = cProfile.Profile(time.thread_time)  # not the time that the loop waits
        before, begun = _threads(), time.monotonic()
        if self._functions:
            profiler.runcall(self._loop, *arguments)
        else:
            self._loop(*arguments)
        after, per_s = _threads(), 100.0 / (time.monotonic() - begun)
        if self._functions:
            shares = {name: seconds * per_s for name, seconds in by_function(profiler).items()}
            self.profiles.append(Profile("the loop by function, under a profiler", "% of a core", shares))
        else:
            shares = {name: per_s * (seconds - before.get(name, 0.0)) for name, seconds in after.items()}
            self.profiles.append(Profile("threads", "% of a core", shares))


def by_function(profiler: cProfile.Profile) -> dict[str, float]:
    """Seconds in each function itself, most first; compiled kernels under their own names, our files shortened."""
    found: dict[str, float] = defaultdict(float)
    for (file, _, function), (_, _, own, _, _) in pstats.Stats(profiler).stats.items():  # type: ignore[attr-defined]
        where = "" if file == "~" else file.removeprefix(ROOT).rpartition("site-packages/")[2] + " "
        found[f"`{where}{function}`"] += own
    return dict(sorted(found.items(), key=lambda share: -share[1]))


def _threads() -> dict[str, float]:
    """Processor seconds of every thread by its name; threads that Python did not start together."""
    names = {thread.native_id: thread.name for thread in threading.enumerate()}
    found: dict[str, float] = defaultdict(float)
    for task in Path("/proc/self/task").iterdir():
        running_ns = int((task / "schedstat").read_text().split()[0])
        name = names.get(int(task.name), "threads of libraries").partition(" /")[0]  # without the pipe it reads
        found[name] += running_ns / 1e9
    return found
