"""The kernels that the installer compiles are those that a later process finds."""

import os
import re
import subprocess
import sys
from pathlib import Path


def warm(folder: Path) -> tuple[int, int]:
    environ = os.environ | {"NUMBA_CACHE_DIR": str(folder)}
    command = [sys.executable, "-m", "edge.service.warm"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=600)
    figures = re.fullmatch(r"(\d+) kernels compiled, (\d+) were there\n", done.stdout)
    assert figures, done.stderr
    return int(figures[1]), int(figures[2])


def test_what_was_compiled_is_found(tmp_path: Path) -> None:
    compiled, found = warm(tmp_path)
    assert compiled > 5
    assert found == 0
    compiled, found = warm(tmp_path)
    assert compiled == 0
    assert found > 5


def test_a_wrong_configuration_is_said_in_one_line() -> None:
    environ = os.environ | {"WIMOSE_BUNDLE": "no-such"}
    command = [sys.executable, "-m", "edge.service.warm"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=600)
    assert done.returncode == 2
    assert re.fullmatch(r"wimose: no bundle 'no-such'.*\n", done.stderr)
