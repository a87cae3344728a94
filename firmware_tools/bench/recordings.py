"""What is measured on: real walks heard by two receivers at 1000 packets/s (csi/wivelo of the recordings' folder)."""

import os
from pathlib import Path

import numpy as np

from edge.errors import ConfigError
from edge.parse.framing import find_records
from edge.parse.intel5300 import parse_log
from edge.signal.pairing import pair

WALK = "12-1-6-3"  # the longest, 17 s
THINNED_HZ = 150.0


def wivelo_folder() -> Path:
    """In $WIMOSE_DATA, else in ../shared/data beside the checkout. Raises ConfigError where it is not."""
    data = os.environ.get("WIMOSE_DATA")
    folder = (Path(data) if data else Path(__file__).parents[2].parent / "shared" / "data") / "csi" / "wivelo"
    if not folder.is_dir():
        raise ConfigError(f"no recordings in {folder}: set WIMOSE_DATA to the folder that holds csi/wivelo")
    return folder


def walk(folder: Path, name: str = WALK) -> tuple[bytes, bytes]:
    """The logs of both receivers."""
    return (folder / f"{name}-r1.dat").read_bytes(), (folder / f"{name}-r2.dat").read_bytes()


def concatenated(folder: Path, size: int) -> bytes:
    """All logs one after another, again and again, until there are that many bytes; whole files."""
    files = [path.read_bytes() for path in sorted(folder.glob("*.dat"))]
    parts: list[bytes] = []
    have = 0
    while have < size:
        parts.append(files[len(parts) % len(files)])
        have += len(parts[-1])
    return b"".join(parts)


def thinned(logs: tuple[bytes, bytes], hz: float = THINNED_HZ) -> tuple[bytes, bytes]:
    """As from a slower sender: of the packets that both receivers heard, one every 1/hz."""
    parsed = [parse_log(log) for log in logs]
    pairs = pair(parsed[0].timestamp_us, parsed[1].timestamp_us)
    time_s = parsed[0].timestamp_us[pairs.index_a].astype(np.float64) * 1e-6
    _, first = np.unique(np.floor((time_s - time_s[0]) * hz), return_index=True)
    records = [pieces(log) for log in logs]
    one, two = (
        b"".join(of[n] for n in index[first]) for of, index in zip(records, (pairs.index_a, pairs.index_b), strict=True)
    )
    return one, two


def pieces(log: bytes) -> list[bytes]:
    """The CSI records of a log, each with its frame."""
    array = np.frombuffer(log, np.uint8)
    return [log[at : at + 2 + (log[at] << 8 | log[at + 1])] for at in find_records(array)[0]]
