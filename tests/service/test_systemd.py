"""The service under a real systemd: `systemd.sh`, in a container. Opt-in, as it takes some minutes and root.

WIMOSE_TEST_SYSTEMD=1 pytest tests/service/test_systemd.py -s
needs root, systemd-container and debootstrap; the first time also a network, for Debian and the wheels.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PASSED = 18  # lines that systemd.sh writes; fewer, and something was not looked at
CONTAINER_PYTHON = "3.11"  # Debian 12's

pytestmark = pytest.mark.skipif(
    os.environ.get("WIMOSE_TEST_SYSTEMD") != "1", reason="WIMOSE_TEST_SYSTEMD=1 boots a container"
)


@pytest.fixture
def wheels() -> Path:
    """Everything that the service needs, for the container's Python; kept for the next time."""
    folder = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "wimose-test" / "wheels"
    folder.mkdir(parents=True, exist_ok=True)
    assert f"{sys.version_info.major}.{sys.version_info.minor}" == CONTAINER_PYTHON, "wheels are for another Python"
    download = [sys.executable, "-m", "pip", "download", "--quiet", "--dest", str(folder), str(ROOT), "setuptools>=77"]
    subprocess.run(download, check=True)
    for own in folder.glob("wimose-*"):  # it is built from the checkout
        own.unlink()
    return folder


def test_the_whole_life_of_the_service(wheels: Path) -> None:
    done = subprocess.run([ROOT / "tests" / "service" / "boot.sh", wheels], stdout=subprocess.PIPE, text=True)
    print(done.stdout)
    assert done.returncode == 0
    assert done.stdout.count("passed: ") == PASSED
