"""`wimose export`: a log as NumPy arrays."""

import argparse
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np

from edge.errors import ConfigError
from edge.parse.intel5300 import read_log

FIELDS = ("timestamp_us", "bfee_count", "nrx", "ntx", "rssi", "noise", "agc", "antenna_sel", "rate")


def run(arguments: argparse.Namespace) -> int:
    log = read_log(arguments.file)
    out = Path(arguments.out)
    if out.suffix != ".npz":
        raise ConfigError(f"{out}: the output must end in .npz")
    csi = log.scaled().astype(np.complex64) if arguments.scaled else log.csi
    part = out.with_name(out.name + ".part")  # a full disk leaves no half-written .npz behind
    try:
        with part.open("wb") as file:
            np.savez(file, csi=csi, **{name: getattr(log, name) for name in FIELDS})
        part.replace(out)
    except OSError as error:
        with suppress(OSError):  # it may never have been made
            part.unlink()
        raise ConfigError(f"cannot write {out}: {error.strerror}; choose another place") from error
    report = log.report
    left_out = f", {report.bad + report.truncated} damaged places left out" if report.damage else ""
    print(f"{out}: {len(log)} records{left_out}", file=sys.stderr)
    return 0
