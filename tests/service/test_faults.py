"""A broker that dies, stalls and forgets under a running service. Three minutes: WIMOSE_TEST_FAULTS=1."""

import os
import time
from pathlib import Path

import pytest

from tests.conftest import Listen, Mosquitto
from tests.service.processes import Process, Radio, looped
from tests.service.test_run import WALK, both_here, wait

RESUMED_S = 10.0  # the bound; generous on any machine, as the service tries again after a second
FLAT_KB = 4096  # of memory, before and after
STALL_S = 30.0


@pytest.mark.skipif("WIMOSE_TEST_FAULTS" not in os.environ, reason="takes minutes: set WIMOSE_TEST_FAULTS=1")
def test_poses_resume_and_memory_stays_flat(
    tmp_path: Path, data: Path, mosquitto: Mosquitto, listen: Listen, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = data / "csi" / "wivelo"
    walk = (folder / f"{WALK}-r1.dat").read_bytes(), (folder / f"{WALK}-r2.dat").read_bytes()
    pipes = (tmp_path / "one", tmp_path / "two")
    for pipe in pipes:
        os.mkfifo(pipe)
    file = both_here(tmp_path, f"mqtt://{mosquitto.host}:{mosquitto.port}", pipes)
    with Process(tmp_path / "run", "run", "--config", str(file)) as run:
        run.wait_for(b"READY=1")
        radio = Radio(looped(walk, 20), pipes)
        radio.start()
        hub = listen(mosquitto.host, mosquitto.port, "wimose/lab/pose")
        wait(lambda: len(hub.messages) > 600, run)
        before = run.memory_kb()

        def resumed(what: str) -> None:
            """Poses come again within RESUMED_S of now, and everything that is retained is there."""
            begun = time.monotonic()
            again = listen(mosquitto.host, mosquitto.port, "#")
            wait(lambda: len(again.payloads("wimose/lab/pose")) > 0, run)
            took = time.monotonic() - begun
            wait(lambda: bool(again.payloads("wimose/lab/status")), run)
            topics = {message.topic for message in again.messages}
            found = sum(topic.startswith("homeassistant/") for topic in topics)
            with capsys.disabled():
                print(f"{what:40} poses after {took:.1f} s, {found} entities, {run.memory_kb() / 1024:.1f} MB")
            assert took < RESUMED_S
            assert found >= 10
            assert topics >= {f"wimose/lab/{name}" for name in ("status", "info", "receiving", "pause")}
            assert run.memory_kb() - before < FLAT_KB

        with capsys.disabled():
            print(f"\nbefore {before / 1024:.1f} MB")
        mosquitto.kill()  # it keeps nothing on disk: what it retained is gone
        mosquitto.start()
        resumed("killed and started, its data wiped")
        mosquitto.kill()
        time.sleep(STALL_S)
        mosquitto.start()
        resumed(f"away for {STALL_S:g} s")
        for _ in range(2):
            mosquitto.freeze()
            time.sleep(STALL_S)
            mosquitto.thaw()
            resumed(f"stopped (SIGSTOP) for {STALL_S:g} s")
        radio.over = True
        assert run.stop() == 0
