"""What the checks see of this host: files below a root, what other programs say, free space."""

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

COMMAND_S = 5.0  # `iw` and `timedatectl` answer within milliseconds


def command_output(command: Sequence[str]) -> str | None:
    """What a command prints; None where it is not installed, fails or hangs."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])  # where `iw` is, for root alone
    program = shutil.which(command[0], path=path)
    if program is None:
        return None
    try:
        done = subprocess.run([program, *command[1:]], capture_output=True, timeout=COMMAND_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode(errors="replace")


def free_bytes(path: Path) -> int:
    return shutil.disk_usage(path).free


@dataclass(frozen=True)
class Host:
    """The machine, or what a test says it is."""

    root: Path = Path("/")
    output: Callable[[Sequence[str]], str | None] = command_output
    free: Callable[[Path], int] = free_bytes

    def path(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    def read(self, path: str) -> str | None:
        """A small text file of the kernel's; None where it cannot be read."""
        try:
            return self.path(path).read_text(errors="replace").strip()
        except OSError:
            return None
