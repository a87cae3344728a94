"""Work done again and again: contestants take turns, so that what disturbs the machine disturbs all of them.

Who follows whom is drawn anew every round: some leave the machine's memory in small pieces, and whoever comes next
would pay for it every time.
"""

import gc
import time
from collections.abc import Callable, Mapping

import msgspec
import numpy as np

WARM = 2  # rounds that are not counted: caches, first compilation, page faults of the allocator
MIN_ROUNDS, MAX_ROUNDS = 9, 3000


class Timing(msgspec.Struct, frozen=True):
    """Seconds of one repetition."""

    median: float
    p99: float  # the largest but one of a hundred; of fewer rounds, interpolated towards the largest
    min: float
    rounds: int

    @classmethod
    def of(cls, seconds: list[float]) -> "Timing":
        return cls(float(np.median(seconds)), float(np.percentile(seconds, 99)), float(np.min(seconds)), len(seconds))


def alternate(
    contestants: Mapping[str, Callable[[], object]],
    budget_s: float = 4.0,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, Timing]:
    """Time each by turns, for about `budget_s` in all, without the garbage collector."""
    for _ in range(WARM):
        for work in contestants.values():
            work()
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    names, rng = list(contestants), np.random.default_rng(0)
    gc.collect()
    enabled = gc.isenabled()
    gc.disable()
    try:
        begun = clock()
        for n in range(MAX_ROUNDS):
            if n >= MIN_ROUNDS and clock() - begun > budget_s:
                break
            for name in rng.permutation(names):
                work = contestants[name]
                start = clock()
                work()
                seconds[name].append(clock() - start)
    finally:
        if enabled:
            gc.enable()
    return {name: Timing.of(taken) for name, taken in seconds.items()}
