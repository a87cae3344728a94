"""Two rooms in one process: each says its own, and what befalls one leaves the other alone."""

import json
import os
import re
import signal
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from edge.cli import BUNDLE
from edge.inference.bundle import find_bundle, load_bundle
from edge.profile import ProfileFile
from tests.conftest import Listen, Listener, Mosquitto
from tests.service.processes import WAIT_S, Process, Radio, looped
from tests.service.test_run import WALK, wait

ROOMS = ("kitchen", "hall")
Pipes = tuple[Path, Path]


@pytest.fixture
def walk(data: Path) -> tuple[bytes, bytes]:
    folder = data / "csi" / "wivelo"
    return (folder / f"{WALK}-r1.dat").read_bytes(), (folder / f"{WALK}-r2.dat").read_bytes()


@pytest.fixture
def pipes(tmp_path: Path) -> dict[str, Pipes]:
    """Of each room."""
    made = {room: (tmp_path / f"{room}-1", tmp_path / f"{room}-2") for room in ROOMS}
    for pipe in (pipe for pair in made.values() for pipe in pair):
        os.mkfifo(pipe)
    return made


def config(tmp_path: Path, broker: Mosquitto, pipes: dict[str, Pipes], **profiles: Path) -> Path:
    entries = [
        {
            "room": room,
            "receivers": [
                {"name": f"receiver{n}", "source": "log", "path": str(pipe)} for n, pipe in enumerate(pair, 1)
            ],
        }
        | ({"profile": str(profiles[room])} if room in profiles else {})
        for room, pair in pipes.items()
    ]
    path = tmp_path / "config.yaml"
    address = {"address": f"mqtt://{broker.host}:{broker.port}"}
    path.write_bytes(msgspec.yaml.encode({"bundle": BUNDLE, "origin": "replay", "mqtt": address, "rooms": entries}))
    return path


def profile(path: Path, sha256: str | None = None) -> Path:
    """Of the bundle that is used, unless another's hash is given."""
    bundle = load_bundle(find_bundle(BUNDLE))
    file = ProfileFile(1, path.stem, bundle.identity, sha256 or bundle.description.sha256, 1.8e9, "recorded")
    path.write_bytes(msgspec.yaml.encode(file))
    return path


class House:
    """What a hub hears of it."""

    def __init__(self, listener: Listener, process: Process) -> None:
        self.listener, self.process = listener, process

    def said(self, room: str, name: str) -> list[bytes]:
        return self.listener.payloads(f"wimose/{room}/{name}")

    def last(self, room: str, name: str, key: str) -> object:
        return json.loads(self.said(room, name)[-1])[key] if self.said(room, name) else None

    def goes_on(self, room: str) -> None:
        """Wait for a second of further poses."""
        before = len(self.said(room, "pose"))
        wait(lambda: len(self.said(room, "pose")) > before + 30, self.process)

    def reload(self) -> None:
        ready = sum(b"READY=1" in said for said in self.process.said)
        self.process.process.send_signal(signal.SIGHUP)
        while sum(b"READY=1" in said for said in self.process.said) == ready:
            self.process.said.append(self.process._socket.recv(4096))


@contextmanager
def running(tmp_path: Path, file: Path, listener: Listener, *arguments: str, name: str = "run") -> Iterator[House]:
    command = ("run", "--config", str(file), *arguments)
    with Process(tmp_path / name, *command, STATE_DIRECTORY=str(tmp_path)) as process:
        process.wait_for(b"READY=1")
        yield House(listener, process)


@contextmanager
def playing(pipes: dict[str, Pipes], **logs: tuple[bytes, bytes]) -> Iterator[dict[str, Radio]]:
    """A radio of each room, until the block ends."""
    radios = {room: Radio(log, pipes[room], rounds=100) for room, log in logs.items()}
    for radio in radios.values():
        radio.start()
    try:
        yield radios
    finally:
        for radio in radios.values():
            radio.over = True
            radio.join()


def test_what_befalls_one_room_leaves_the_other_alone(
    tmp_path: Path, walk: tuple[bytes, bytes], pipes: dict[str, Pipes], mosquitto: Mosquitto, listen: Listen
) -> None:
    hub = listen(mosquitto.host, mosquitto.port, "#")
    file = config(tmp_path, mosquitto, pipes)
    # The hall's clocks run on; the kitchen's receivers begin anew after every round.
    with running(tmp_path, file, hub) as house, playing(pipes, kitchen=walk, hall=looped(walk, 20)) as radios:
        assert any(b"STATUS=room kitchen, room hall" in said for said in house.process.said)
        for room in ROOMS:
            wait(lambda room=room: len(house.said(room, "pose")) > 30, house.process)  # type: ignore[misc]
        devices = {
            json.loads(message.payload)["device"]["name"]
            for message in hub.messages
            if message.topic.startswith("homeassistant/")
        }
        assert devices == {"WiMose kitchen", "WiMose hall"}

        # One receiver of the kitchen dies, and comes back with its clock at the beginning, after garbage.
        radios["kitchen"].silent[1] = True
        wait(lambda: house.last("kitchen", "state", "problem") == "no packets from receiver2", house.process)
        house.goes_on("hall")
        before = len(house.said("kitchen", "pose"))
        house.goes_on("hall")
        assert len(house.said("kitchen", "pose")) == before
        with pipes["kitchen"][1].open("wb") as pipe:
            pipe.write(bytes(range(256)) * 100)
        radios["kitchen"].silent[1] = False
        house.process.wait_for_log("kitchen: the clock of receiver1 leapt")
        house.goes_on("kitchen")

        # Switched off by the hub, one alone.
        hub._client.publish("wimose/kitchen/pause/set", b"ON", qos=1)
        wait(lambda: house.last("kitchen", "state", "problem") == "paused", house.process)
        house.goes_on("hall")
        assert house.said("hall", "pause") == [b"OFF"]
        assert house.process.stop() == 0
        log = house.process.log.read_text()
    assert log.count("hall: the receivers' clocks are") == 1  # one session, from beginning to end
    assert log.count("kitchen: the receivers' clocks are") > 1
    assert "hall: no packets" not in log.partition("hall: poses")[2]
    numbers = [json.loads(pose)["seq"] for pose in house.said("hall", "pose")]
    assert numbers == sorted(set(numbers))
    for room in ROOMS:
        assert house.said(room, "status")[-1] == b"offline"
    assert len({json.loads(pose)["t"] for pose in house.said("kitchen", "pose")}) > 30

    # The pause outlasts a restart, of the room that it was asked for.
    again = listen(mosquitto.host, mosquitto.port, "wimose/#")
    with running(tmp_path, file, again, name="again") as house:
        wait(lambda: all(house.said(room, "state") for room in ROOMS), house.process)
        assert [house.last(room, "state", "paused") for room in ROOMS] == [True, False]
        assert house.process.stop() == 0


def test_a_profile_is_exchanged_in_the_room_that_it_is_for(
    tmp_path: Path, walk: tuple[bytes, bytes], pipes: dict[str, Pipes], mosquitto: Mosquitto, listen: Listen
) -> None:
    hub = listen(mosquitto.host, mosquitto.port, "wimose/#")
    file = config(tmp_path, mosquitto, pipes, hall=profile(tmp_path / "hall.yaml"))
    logs = looped(walk, 20)
    shown = ("--view", "hall", "--set", "view.port=0")
    with running(tmp_path, file, hub, *shown) as house, playing(pipes, kitchen=logs, hall=logs):
        for room in ROOMS:
            wait(lambda room=room: len(house.said(room, "pose")) > 30, house.process)  # type: ignore[misc]
        assert [house.last(room, "pose", "frame") for room in ROOMS] == ["array", "room"]

        url = re.findall(r"look at (\S+)", house.process.log.read_text())
        with urllib.request.urlopen(url[0] + "scene.json") as answer:
            assert json.load(answer)["room"] == "hall"

        # The kitchen's is there, and the hall's has become another bundle's: that stays as it was.
        config(tmp_path, mosquitto, pipes, kitchen=profile(tmp_path / "kitchen.yaml"),
               hall=profile(tmp_path / "hall.yaml", "a" * 64))  # fmt: skip
        house.reload()
        log = house.process.log.read_text()
        assert "hall: reload refused, going on as before: " in log
        assert "kitchen: reloaded: " in log
        wait(lambda: house.last("kitchen", "pose", "frame") == "room", house.process)
        house.goes_on("hall")
        assert house.last("hall", "pose", "frame") == "room"
        assert [house.last(room, "info", "room_profile") for room in ROOMS] == ["kitchen", "hall"]

        # A room that is gone from the file is not forgotten before a restart, and one that is new not begun.
        config(tmp_path, mosquitto, {"kitchen": pipes["kitchen"], "attic": pipes["hall"]})
        house.reload()
        assert "rooms come and go with a restart of the service alone: attic, hall" in house.process.log.read_text()
        wait(lambda: house.last("kitchen", "pose", "frame") == "array", house.process)
        house.goes_on("hall")
        assert not house.said("attic", "status")
        assert house.process.stop() == 0


def test_a_room_whose_pipe_is_flooded_costs_the_other_no_packet(
    tmp_path: Path, walk: tuple[bytes, bytes], pipes: dict[str, Pipes], mosquitto: Mosquitto, listen: Listen
) -> None:
    hub = listen(mosquitto.host, mosquitto.port, "wimose/#")
    file = config(tmp_path, mosquitto, pipes)
    flood = looped(walk, 20)
    with running(tmp_path, file, hub) as house, playing(pipes, hall=flood):
        wait(lambda: len(house.said("hall", "pose")) > 30, house.process)
        poured = [Radio(flood, pipes["kitchen"], speed=1e6) for _ in range(3)]
        for radio in poured:
            radio.start()
            radio.join()
            house.goes_on("hall")
        begun = len(house.said("hall", "telemetry"))
        wait(lambda: len(house.said("hall", "telemetry")) > begun, house.process)
        assert house.last("hall", "telemetry", "drops")["chunks"] == 0  # type: ignore[index]
        assert house.process.stop() == 0
        assert house.process.log.read_text().count("hall: the receivers' clocks are") == 1


def test_a_room_that_is_not_there_cannot_be_shown(
    tmp_path: Path, pipes: dict[str, Pipes], mosquitto: Mosquitto
) -> None:
    file = config(tmp_path, mosquitto, pipes)
    with Process(tmp_path / "run", "run", "--config", str(file), "--view", "hal") as process:
        assert process.process.wait(WAIT_S) == 2
        assert "--view hal: there is no such room; did you mean hall?" in process.log.read_text()
