"""The machine: what it is, how fast its memory is, and how busy it was with other things."""

import os
import platform
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec
import numpy as np

from firmware_tools.bench.timing import alternate

OURS = ("numpy", "numba", "ai-edge-litert", "tflite-runtime", "paho-mqtt")
PEERS = ("csiread", "onnxruntime", "tf2onnx")  # the extra `bench`
BUFFER = 256 << 20  # bytes; several times the largest cache of a mini-PC


class Machine(msgspec.Struct, frozen=True):
    cpu: str
    cores: int  # this process may use
    memory_gb: float
    kernel: str
    python: str
    packages: dict[str, str]  # versions, of peers too
    absent: list[str]  # peers that are not installed
    copy_gb_s: float  # bytes read plus bytes written, one thread
    copy_all_gb_s: float  # the same, a thread a core
    read_gb_s: float  # bytes read, one thread


class Busy(msgspec.Struct, frozen=True):
    """While a part was measured; figures of a busy machine say little of the machine."""

    load_before: float  # 1 minute average
    load_after: float
    others: float  # cores that other processes kept busy, mean
    steal: float  # cores that the hypervisor gave to others, mean
    mhz: float | None  # mean over cores, where the kernel says
    seconds: float


def describe() -> Machine:
    packages, absent = {}, []
    for name in (*OURS, *PEERS):
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            if name in PEERS:
                absent.append(name)
    copy, copy_all, read = bandwidths()
    return Machine(
        cpu=_cpu(),
        cores=len(os.sched_getaffinity(0)),
        memory_gb=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        kernel=platform.release(),
        python=platform.python_version(),
        packages=packages,
        absent=absent,
        copy_gb_s=copy,
        copy_all_gb_s=copy_all,
        read_gb_s=read,
    )


def bandwidths(size: int = BUFFER, budget_s: float = 3.0) -> tuple[float, float, float]:
    """GB/s of memory larger than any cache: copying (read plus written) on one thread, on all, and reading on one."""
    from edge.parse.parts import in_parts

    source, target = np.ones(size, np.uint8), np.zeros(size, np.uint8)
    words = source.view(np.uint64)
    cores = len(os.sched_getaffinity(0))

    def copy(part: slice) -> None:
        np.copyto(target[part], source[part])

    took = alternate(
        {
            "copy": lambda: copy(slice(0, size)),
            "all": lambda: in_parts(cores, size, copy),
            "read": lambda: np.bitwise_or.reduce(words),  # a reduction that runs as fast as memory gives
        },
        budget_s,
    )
    return 2 * size / took["copy"].min / 1e9, 2 * size / took["all"].min / 1e9, size / took["read"].min / 1e9


class Watch:
    """How busy the machine is between two moments."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._begun = clock()
        self._load = os.getloadavg()[0]
        self._ticks = _ticks()
        self._own = _own()

    def read(self) -> Busy:
        seconds = max(self._clock() - self._begun, 1e-3)
        busy, steal = (now - before for now, before in zip(_ticks(), self._ticks, strict=True))
        own = _own() - self._own
        return Busy(
            load_before=self._load,
            load_after=os.getloadavg()[0],
            others=max(busy - own, 0.0) / seconds,
            steal=steal / seconds,
            mhz=_mhz(),
            seconds=seconds,
        )


def peak_mb() -> float:
    """The most memory this process ever held. Not ru_maxrss, which begins with that of whoever started it."""
    return _status_mb("VmHWM")


def anonymous_mb() -> float:
    """What this process holds for itself; the rest of its resident memory is files, libraries above all."""
    return _status_mb("RssAnon")


def _status_mb(key: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(key)) * 1024 / 1e6


def _own() -> float:
    """CPU seconds of this process and of its children that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _ticks() -> tuple[float, float]:
    """Seconds, summed over all cores since boot: working, and stolen by the hypervisor (man 5 proc, /proc/stat)."""
    fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
    user, nice, system, _idle, _iowait, irq, softirq, steal = fields[:8]
    hertz = os.sysconf("SC_CLK_TCK")
    return (user + nice + system + irq + softirq) / hertz, steal / hertz


def _info(key: str) -> list[str]:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return [line.partition(":")[2].strip() for line in lines if line.startswith(key)]


def _cpu() -> str:
    return next(iter(_info("model name")), platform.machine())


def _mhz() -> float | None:
    values = [float(text) for text in _info("cpu MHz")]
    return float(np.mean(values)) if values else None
