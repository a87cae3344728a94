"""Profiles say where time and memory go; how much that is no test says."""

import cProfile
import threading
import time
from pathlib import Path

import numpy as np

from edge.signal.hampel import hampel
from firmware_tools.bench import profile
from firmware_tools.bench.house import listen
from firmware_tools.bench.recordings import thinned, walk, wivelo_folder
from firmware_tools.bench.watched import ROOT, Watched, by_function


def burn(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def test_threads_are_told_apart_by_name() -> None:
    ended = threading.Event()

    def work() -> None:
        burn(0.2)
        ended.wait()

    thread = threading.Thread(target=work, name="log /tmp/pipe")

    def loop(seconds: float) -> None:
        thread.start()
        burn(seconds)
        time.sleep(0.3)

    watched = Watched(loop, functions=False)
    try:
        watched(0.1)
    finally:
        ended.set()
    (threads,) = watched.profiles
    assert threads.unit == "% of a core"
    assert threads.shares["log"] > threads.shares["MainThread"] > 1.0


def test_functions_are_ours_by_their_file_and_kernels_among_them() -> None:
    profiler = cProfile.Profile(time.thread_time)
    profiler.runcall(hampel, np.zeros((20_000, 90)), 30)
    profiler.runcall(burn, 0.05)
    found = by_function(profiler)
    assert found["`edge/signal/hampel.py hampel`"] > 0.001
    assert found["`tests/firmware_tools/test_bench_profile.py burn`"] > 0.01
    assert not any(ROOT in name or "site-packages" in name for name in found)


def test_the_service_s_loop_is_seen_by_function_and_by_thread(data: Path) -> None:
    logs = thinned(walk(wivelo_folder()))
    (functions,) = listen(logs, 1.0, watched="functions").profiles
    assert any("loop.py serve" in name for name in functions.shares)
    (threads,) = listen(logs, 1.0, watched="threads").profiles
    assert {"MainThread", "log"} <= set(threads.shares)
    assert threads.shares["MainThread"] > 0.0


def test_memory_is_what_each_thing_added() -> None:
    whole, own = profile.memory()
    assert list(whole.shares) == list(own.shares) == list(profile.STEPS)
    assert whole.shares["numba"] > 5.0
    assert own.shares["numba"] <= whole.shares["numba"] + 1.0


def test_imports_are_summed_by_package() -> None:
    quick, whole = profile.start()
    assert "numba" not in quick.shares
    assert whole.shares["numba"] > 1.0
    assert list(whole.shares)[-1] == "others"
