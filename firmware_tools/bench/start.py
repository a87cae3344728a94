"""How long until something is there: `wimose --help`, and `wimose run` from exec to READY; and what imports cost."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from firmware_tools.bench.figures import Limit, Part, Row, time_row
from firmware_tools.bench.machine import Machine
from firmware_tools.bench.timing import Timing, alternate

AIM_HELP_S, AIM_READY_S = 0.3, 2.5
READY_S = 60.0
PEAK = "[print(int(line.split()[1]) * 1024 / 1e6) for line in open('/proc/self/status') if line.startswith('VmHWM')]"
IMPORTS = ("numpy", "numpy, scipy.fft", "numpy, numba", "ai_edge_litert.interpreter", "paho.mqtt.client",
           "edge.service.host", "edge.commands.run")  # fmt: skip


def bench(machine: Machine, budget_s: float = 10.0, starts: int = 10) -> Part:
    took = alternate(
        {
            "help": lambda: _run("-m", "edge.cli", "--help"),
            "python": lambda: _run("-c", "pass"),
            "kernels": lambda: _run("-c", "import numpy, numba"),
        },
        budget_s,
    )
    rows = [
        time_row("start", "wimose --help", "s", 1.0, took["help"], limit=Limit("Python alone", took["python"].median),
                 aim=f"{AIM_HELP_S:g}", met=took["help"].median <= AIM_HELP_S)
    ]  # fmt: skip
    ready()  # warms the caches
    seconds = Timing.of([ready() for _ in range(starts)])
    rows.append(time_row("start", "wimose run, from exec to READY", "s", 1.0, seconds,
                         limit=Limit("Python, numpy and numba alone", took["kernels"].median),
                         aim=f"{AIM_READY_S:g}", met=seconds.median <= AIM_READY_S))  # fmt: skip
    alone = _resident_mb("pass")
    rows += [
        Row("start", f"memory of `import {name}`", "MB", _resident_mb(f"import {name}") - alone) for name in IMPORTS
    ]
    return Part(rows)


def _run(*arguments: str) -> str:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=True).stdout


def _resident_mb(code: str) -> float:
    """After some imports; 0 where they are not installed."""
    try:
        return float(_run("-c", f"{code}\n{PEAK}"))
    except subprocess.CalledProcessError:
        return 0.0


def ready() -> float:
    """Seconds until the service tells systemd that it is READY; neither packets nor a broker are there."""
    with tempfile.TemporaryDirectory() as scratch, _notified(Path(scratch)) as heard:
        pipes = [Path(scratch) / name for name in ("one", "two")]
        for pipe in pipes:
            os.mkfifo(pipe)
        config = Path(scratch) / "config.yaml"
        config.write_text(
            "room: bench\norigin: replay\nmqtt: {address: 'mqtt://127.0.0.1:1'}\nreceivers:\n"
            + "".join(f"- {{name: receiver{n}, source: log, path: {pipe}}}\n" for n, pipe in enumerate(pipes, 1))
        )
        begun = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "edge.cli", "run", "--config", str(config)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=os.environ | {"NOTIFY_SOCKET": heard.getsockname()},
        )  # fmt: skip
        try:
            while b"READY=1" not in heard.recv(4096):
                pass
            return time.perf_counter() - begun
        finally:
            process.kill()
            process.wait()


@contextmanager
def _notified(folder: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(folder / "notify"))
        heard.settimeout(READY_S)
        yield heard
