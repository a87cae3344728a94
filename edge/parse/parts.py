"""Compiled kernels do not hold the interpreter's lock: what is done packet by packet can run on several cores."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_parts(threads: int, count: int, work: Callable[[slice], None]) -> None:
    """Have `work` do 0..count in as many parts as there are threads; with one, in this thread."""
    edges = [count * n // threads for n in range(threads + 1)]
    parts = [slice(start, stop) for start, stop in pairwise(edges)]
    if threads == 1:
        work(parts[0])
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, parts))  # a list, so that what one raised is raised here


def in_order(threads: int, items: Iterable[Item], work: Callable[[Item], Result]) -> Iterator[Result]:
    """`work` of every item, in order, on so many threads; no further ahead of who takes them than one a thread.

    With one, in this thread, each when it is asked for.
    """
    if threads == 1:
        yield from map(work, items)
        return
    with ThreadPoolExecutor(threads) as pool:
        ahead: deque[Future[Result]] = deque()
        for item in items:
            ahead.append(pool.submit(work, item))
            if len(ahead) > threads:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
