"""A real Home Assistant with a real mosquitto, for those who ask for it with WIMOSE_TEST_HA=1."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

RUN = Path(__file__).parents[3] / "shared" / "tools" / "homeassistant" / "run.sh"
START_S = 300.0  # the first run installs it
HUB_S = 60.0  # it takes seconds to start; a busy machine may take longer
TELL = (
    "import json, os, sys\n"
    "names = 'HA_URL', 'HA_TOKEN', 'MQTT_HOST', 'MQTT_PORT', 'MQTT_USERNAME', 'MQTT_PASSWORD'\n"
    "print(json.dumps({name: os.environ[name] for name in names}), flush=True)\n"
    "sys.stdin.read()\n"
)


class Hub:
    """Home Assistant over HTTP, and its broker's address."""

    def __init__(self, runner: int, environ: dict[str, str]) -> None:
        self.host, self.port = environ["MQTT_HOST"], int(environ["MQTT_PORT"])
        self.user, self.password = environ["MQTT_USERNAME"], environ["MQTT_PASSWORD"]
        self._url, self._token = environ["HA_URL"], environ["HA_TOKEN"]
        self._runner = runner
        self._again: list[subprocess.Popen[bytes]] = []

    def call(self, path: str, data: object = None) -> Any:
        body = None if data is None else json.dumps(data).encode()
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(self._url + path, body, headers), timeout=30) as answer:
            return json.loads(answer.read() or b"null")

    def states(self, part: str) -> dict[str, str]:
        """State by entity, of those that have `part` in their name; empty where the hub does not answer."""
        try:
            return {
                entity["entity_id"]: entity["state"]
                for entity in self.call("/api/states")
                if part in entity["entity_id"]
            }
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return {}

    def template(self, text: str) -> str:
        request = urllib.request.Request(
            f"{self._url}/api/template",
            json.dumps({"template": text}).encode(),
            {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return str(answer.read().decode())

    def wait(self, part: str, expected: dict[str, str]) -> None:
        self.until(part, lambda states: states == expected, expected)

    def until(self, part: str, right: Callable[[dict[str, str]], bool], expected: object = "") -> None:
        deadline = time.monotonic() + HUB_S
        while not right(states := self.states(part)):
            assert time.monotonic() < deadline, f"{states} instead of {expected}"
            time.sleep(0.2)

    def restart(self) -> None:
        """Ask it to restart. Without a supervisor it ends instead, and is started again here as it was."""

        def end(_: Path) -> None:
            with suppress(urllib.error.URLError, ConnectionError, TimeoutError):  # it may go before it answers
                self.call("/api/services/homeassistant/restart", {})

        self._revive(b"hass", end)

    def restart_broker(self) -> None:
        """Kill the broker, with all that it retained, and start it again."""
        self._revive(b"mosquitto", lambda process: os.kill(int(process.name), signal.SIGKILL))

    def _revive(self, name: bytes, end: Callable[[Path], None]) -> None:
        (process,) = [child for child in children(self._runner) if name in (child / "cmdline").read_bytes()]
        command = (process / "cmdline").read_bytes().split(b"\0")[:-1]
        environ = dict(line.split(b"=", 1) for line in (process / "environ").read_bytes().split(b"\0") if b"=" in line)
        end(process)
        deadline = time.monotonic() + HUB_S
        while process.exists() and "Z" not in (process / "stat").read_text().rpartition(")")[2]:
            assert time.monotonic() < deadline, f"{name.decode()} did not end"
            time.sleep(0.2)
        self._again.append(subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))

    def stop(self) -> None:
        for process in reversed(self._again):
            process.terminate()
            process.wait()


def children(pid: int) -> list[Path]:
    """Of a process, in /proc."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, ValueError):
                continue
            if parent == pid:
                found.append(folder)
    return found


@pytest.fixture
def hub() -> Iterator[Hub]:
    if os.environ.get("WIMOSE_TEST_HA") != "1":
        pytest.skip("starts a real Home Assistant: set WIMOSE_TEST_HA=1")
    if not RUN.exists():
        pytest.skip(f"{RUN} is not there")
    with subprocess.Popen(
        [str(RUN), sys.executable, "-c", TELL], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as runner:
        assert runner.stdin is not None
        assert runner.stdout is not None
        environ = json.loads(runner.stdout.readline())
        hub = Hub(runner.pid, environ)
        try:
            yield hub
        finally:
            hub.stop()
            runner.stdin.close()
            runner.wait(HUB_S)
