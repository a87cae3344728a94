"""Parsing: bytes of a log into arrays, beside csiread (Cython), raw and scaled; many files; a file piece by piece."""

import mmap
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from edge.parse import framing
from edge.parse.intel5300 import CsiLog, read_log, read_logs
from edge.parse.stream import stream_log
from firmware_tools.bench.figures import Limit, Part, Peer, Profile, Row, rate_row
from firmware_tools.bench.machine import Machine, peak_mb
from firmware_tools.bench.recordings import concatenated, wivelo_folder
from firmware_tools.bench.timing import alternate

SIZE = 50 << 20  # bytes of log
LARGE = 8  # times that, for the file that is streamed
PEER = "csiread"
AIMS = {"one": (1.0, "ahead of csiread with one thread"), "two": (3.0, "3 times csiread with two threads")}


def bench(machine: Machine, budget_s: float = 10.0, size: int = SIZE) -> Part:
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "wivelo.dat"
        file.write_bytes(concatenated(wivelo_folder(), size))
        log = read_log(file)
        rows = [
            *_against_csiread(file, log, machine, budget_s),
            _directory(wivelo_folder(), machine, budget_s),
            *_streamed(file, machine, budget_s),
        ]
        stages = _stages(file, log, budget_s / 2)
    absent = [f"{PEER} is not installed: no peer for the parser"] if PEER in machine.absent else []
    return Part(rows, notes=absent, profiles=[stages])


def _against_csiread(file: Path, log: CsiLog, machine: Machine, budget_s: float) -> list[Row]:
    """From a path to arrays, each time anew: files are parsed once."""
    threads = min(2, machine.cores)
    work: dict[str, Callable[[], object]] = {
        "one": lambda: read_log(file),
        "two": lambda: read_log(file, threads),
        "one scaled": lambda: read_log(file).scaled(),
        "two scaled": lambda: read_log(file, threads).scaled(threads),
    }
    csiread = _csiread()
    if csiread is not None:
        ntx = log.csi.shape[2]
        work |= {
            "peer": lambda: _theirs(csiread, file, ntx),
            "peer scaled": lambda: _theirs(csiread, file, ntx).get_scaled_csi(),
        }
    took = alternate(work, budget_s)
    raw_bytes = log.report.size + log.csi.nbytes
    rows = []
    for what, moved in (("", raw_bytes), (" scaled", raw_bytes + 3 * log.csi.nbytes)):
        # Scaled: the raw counts are read again, and twice their bytes are written.
        peer = len(log) / took[f"peer{what}"].median if csiread is not None else None
        for name, bandwidth in (("one", machine.copy_gb_s), ("two", machine.copy_all_gb_s)):
            timing = took[name + what]
            ratio = len(log) / timing.median / peer if peer else None
            least, aim = AIMS[name]
            label = f"{what.strip() or 'raw'}, {name} thread{'s' * (name == 'two')}"
            rows.append(rate_row(
                "parse", label, "packets/s", len(log), timing,
                peers=[Peer(PEER, peer)], limit=Limit("bytes read and written", len(log) / (moved / bandwidth / 1e9)),
                aim=aim, met=None if ratio is None else ratio >= least,
            ))  # fmt: skip
    return rows


def _stages(file: Path, log: CsiLog, budget_s: float) -> Profile:
    """By processor time on one thread, and what nobody who returns so large an array can do without: fresh memory."""
    data = np.fromfile(file, np.uint8)
    work: dict[str, Callable[[], object]] = {
        "read the file": lambda: np.fromfile(file, np.uint8),
        "find the records": lambda: framing.find_records(data),
        "raw, all of it": lambda: read_log(file),
        "of it fresh memory": lambda: _touched(log.csi.nbytes),
        "scale": log.scaled,
        "of it fresh memory, twice as much": lambda: _touched(2 * log.csi.nbytes),
    }
    took = alternate(work, budget_s, clock=time.process_time)
    return Profile("where the time goes in parsing, one thread", "CPU us a packet",
                   {name: 1e6 * timing.median / len(log) for name, timing in took.items()})  # fmt: skip


def _touched(size: int) -> None:
    """Take so many bytes, and write to each page."""
    np.empty(size, np.uint8)[:: mmap.PAGESIZE] = 0


def _csiread() -> Any | None:
    try:
        import csiread
    except ImportError:
        return None
    return csiread


def _theirs(csiread: Any, file: Path, ntx: int) -> Any:
    log = csiread.Intel(str(file), nrxnum=3, ntxnum=ntx, if_report=False)
    log.read()
    return log


def _directory(folder: Path, machine: Machine, budget_s: float) -> Row:
    paths = sorted(folder.glob("*.dat"))

    def count(threads: int) -> int:
        return sum(len(log) for log in read_logs(paths, threads))

    took = alternate({"one": lambda: count(1), "all": lambda: count(machine.cores)}, budget_s / 2)
    packets = count(1)
    return rate_row(
        "parse", f"a folder of {len(paths)} logs, {machine.cores} cores", "packets/s", packets, took["all"],
        peers=[Peer("itself on one core", packets / took["one"].median)], aim="uses all cores",
        met=took["one"].median / took["all"].median > 0.75 * machine.cores if machine.cores > 1 else None,
    )  # fmt: skip


def _streamed(file: Path, machine: Machine, budget_s: float) -> list[Row]:
    took = alternate(
        {"stream": lambda: sum(len(part) for part in stream_log(file)), "whole": lambda: len(read_log(file))},
        budget_s / 2,
    )
    packets = sum(len(part) for part in stream_log(file))
    whole = packets / took["whole"].median
    speed = rate_row("parse", "in pieces, one thread", "packets/s", packets, took["stream"],
                     peers=[Peer("itself, the whole file", whole)])  # fmt: skip
    small, large = _peak_mb(file, 1), _peak_mb(file, LARGE)
    memory = Row(
        "parse", f"memory for a file of {LARGE * file.stat().st_size >> 20} MB, in pieces", "MB", large,
        peers=[Peer(f"for {file.stat().st_size >> 20} MB", small)], aim="does not grow with the file",
        met=large < small + 10.0,
    )  # fmt: skip
    return [speed, memory]


def _peak_mb(file: Path, times: int) -> float:
    """Peak memory of a process that streams the file, `times` over as one file."""
    with tempfile.NamedTemporaryFile(dir=file.parent, suffix=".dat") as large:
        for _ in range(times):
            large.write(file.read_bytes())
        large.flush()
        done = subprocess.run(
            [sys.executable, "-m", "firmware_tools.bench.parse", large.name], capture_output=True, check=True
        )
    return float(msgspec.json.decode(done.stdout))


def main() -> None:
    """In a process of its own: stream the file that is named, and print how much memory that took."""
    for _ in stream_log(sys.argv[1]):
        pass
    print(peak_mb())


if __name__ == "__main__":
    main()
