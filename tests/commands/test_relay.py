"""`wimose relay` as a process of its own, through a real mosquitto, to the capture on the other host."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from edge.capture.frames import count_frames, frames
from edge.capture.inbox import Chunk, Inbox
from edge.capture.relay import RelayCapture
from edge.cli import main
from edge.commands.relay import WAITING, RelayPublisher
from edge.config import Config, Mqtt, Relay
from edge.publish.subscription import subscribed
from tests.capture.standin import take_until
from tests.conftest import WAIT_S, Listen, Mosquitto, StartMosquitto
from tests.parse.encoder import records

ROOT = Path(__file__).parents[2]
TOPIC = "wimose/lab/csi/r2"
STATUS = f"{TOPIC}/status"

Start = Callable[..., subprocess.Popen[bytes]]
Hear = Callable[[Mosquitto], tuple[RelayCapture, Inbox]]


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    path = tmp_path / "r2.pipe"
    os.mkfifo(path)
    return path


@pytest.fixture
def start(pipe: Path, tmp_path: Path) -> Iterator[Start]:
    """Starts the relay from the pipe to a broker."""
    with ExitStack() as running:

        def relay(broker: Mosquitto, *sets: str, **environment: str) -> subprocess.Popen[bytes]:
            config = tmp_path / "config.yaml"
            config.write_text(
                f"room: lab\nmqtt: {{address: 'mqtt://{broker.host}:{broker.port}'}}\n"
                f"relay: {{receiver: r2, source: log, path: {pipe}}}\n"
            )
            command = [sys.executable, "-m", "edge.cli", "relay", "--config", str(config)]
            process = subprocess.Popen(
                [*command, *(part for one in sets for part in ("--set", one))],
                cwd=ROOT, env=os.environ | environment, stderr=subprocess.PIPE,
            )  # fmt: skip
            running.callback(process.wait)
            running.callback(process.kill)
            return process

        yield relay


@pytest.fixture
def hear() -> Iterator[Hear]:
    """The capture on the other host, and where its chunks go."""
    with ExitStack() as running:

        def listen(broker: Mosquitto) -> tuple[RelayCapture, Inbox]:
            inbox = Inbox()
            capture = RelayCapture(1, inbox, TOPIC)
            capture.open()
            mqtt = Mqtt(f"mqtt://{broker.host}:{broker.port}")
            running.enter_context(subscribed(mqtt, "wimose-lab", {TOPIC: capture.message}))
            return capture, inbox

        yield listen


def joined(chunks: list[Chunk]) -> bytes:
    return b"".join(chunk.log for chunk in chunks)


def test_what_one_host_hears_another_gets(
    mosquitto: Mosquitto, listen: Listen, start: Start, hear: Hear, pipe: Path, data: Path
) -> None:
    status = listen(mosquitto.host, mosquitto.port, STATUS)
    capture, inbox = hear(mosquitto)
    relay = start(mosquitto)
    status.wait(lambda heard: heard.payloads(STATUS) == [b"online"])
    log = (data / "csi/wivelo/1-1-1-1-r2.dat").read_bytes()
    with pipe.open("wb", buffering=0) as tool:
        sent = 0
        for some in _portions(list(frames(log)), 50):  # at the pace of the broker: nothing may be lost here
            tool.write(b"".join(some))
            sent += len(some)
            assert joined(take_until(inbox, len(some))) == b"".join(some)
    assert sent == count_frames(log)
    assert (capture.missed, capture.malformed, capture.repeated, capture.restarts) == (0, 0, 0, 0)

    relay.send_signal(signal.SIGTERM)
    assert relay.wait(WAIT_S) == 0
    status.wait(lambda heard: heard.payloads(STATUS) == [b"online", b"offline"])
    late = listen(mosquitto.host, mosquitto.port, STATUS)
    late.wait(lambda heard: [(one.payload, one.retain) for one in heard.messages] == [(b"offline", True)])


def _portions(all_: list[bytes], size: int) -> Iterator[list[bytes]]:
    for start in range(0, len(all_), size):
        yield all_[start : start + size]


def test_a_broker_that_restarts(mosquitto: Mosquitto, listen: Listen, start: Start, hear: Hear, pipe: Path) -> None:
    capture, inbox = hear(mosquitto)
    status = listen(mosquitto.host, mosquitto.port, STATUS)
    start(mosquitto)
    status.wait(lambda heard: heard.payloads(STATUS) == [b"online"])
    numbered = iter(records(2000))
    with pipe.open("wb", buffering=0) as tool:
        first = next(numbered)
        tool.write(first)
        assert joined(take_until(inbox, 1)) == first
        mosquitto.kill()
        for _ in range(5):  # into the void: the hub wants the present, not what it missed
            tool.write(next(numbered))
            time.sleep(0.1)
        mosquitto.start()
        again: list[Chunk] = []
        deadline = time.monotonic() + WAIT_S
        while not again and time.monotonic() < deadline:
            tool.write(next(numbered))
            again = inbox.take(0.1)
    assert again, "nothing came any more"
    assert again[0].missed == capture.missed >= 5
    assert capture.restarts == 0
    late = listen(mosquitto.host, mosquitto.port, STATUS)
    late.wait(lambda heard: heard.payloads(STATUS) == [b"online"])


def test_a_relay_that_is_killed_and_starts_again(
    mosquitto: Mosquitto, listen: Listen, start: Start, hear: Hear, pipe: Path
) -> None:
    capture, inbox = hear(mosquitto)
    status = listen(mosquitto.host, mosquitto.port, STATUS)
    relay = start(mosquitto)
    status.wait(lambda heard: heard.payloads(STATUS) == [b"online"])
    wanted = records(2)
    with pipe.open("wb", buffering=0) as tool:
        tool.write(wanted[0])
        assert joined(take_until(inbox, 1)) == wanted[0]
    relay.kill()
    status.wait(lambda heard: heard.payloads(STATUS) == [b"online", b"offline"])
    start(mosquitto)
    status.wait(lambda heard: heard.payloads(STATUS) == [b"online", b"offline", b"online"])
    with pipe.open("wb", buffering=0) as tool:
        tool.write(wanted[1])
        assert joined(take_until(inbox, 1)) == wanted[1]
    assert (capture.restarts, capture.missed) == (1, 0)


def test_what_systemd_is_told(mosquitto: Mosquitto, start: Start, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(WAIT_S)
        relay = start(mosquitto, NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="200000")
        told = [systemd.recv(4096).decode()]
        assert told[0].startswith("READY=1")
        assert systemd.recv(4096) == b"WATCHDOG=1"
        assert systemd.recv(4096) == b"WATCHDOG=1"
        relay.send_signal(signal.SIGTERM)
        while told[-1] != "STOPPING=1":
            told.append(systemd.recv(4096).decode())
        assert relay.wait(WAIT_S) == 0


def test_without_a_broker_it_waits_and_ends_when_told(mosquitto: Mosquitto, start: Start) -> None:
    mosquitto.kill()
    relay = start(mosquitto)
    assert relay.stderr is not None
    lines = iter(relay.stderr.readline, b"")
    assert any(b"no MQTT broker listens" in line for line in lines)
    relay.send_signal(signal.SIGTERM)
    assert relay.wait(WAIT_S) == 0


def publisher(broker: Mosquitto) -> RelayPublisher:
    mqtt = Mqtt(f"mqtt://{broker.host}:{broker.port}")
    return RelayPublisher(Config(room="lab", mqtt=mqtt, relay=Relay("r2")))


def test_nothing_piles_up_towards_a_stalled_broker(mosquitto: Mosquitto, listen: Listen) -> None:
    heard = listen(mosquitto.host, mosquitto.port, f"{TOPIC}/#")
    relay = publisher(mosquitto)
    relay.start()
    heard.wait(lambda heard: heard.payloads(STATUS) == [b"online"])
    mosquitto.freeze()
    sent = 1000
    for n in range(sent):  # 64 MB; the kernel takes a few of them
        relay.send(n.to_bytes(4, "big") + bytes(1 << 16))
    lane = relay._outbox._lanes[TOPIC]
    assert len(lane._waiting) <= WAITING
    assert relay.dropped > 0
    mosquitto.thaw()
    heard.wait(lambda heard: any(one[:4] == (sent - 1).to_bytes(4, "big") for one in heard.payloads(TOPIC)))
    came = [int.from_bytes(one[:4], "big") for one in heard.payloads(TOPIC)]
    assert came == sorted(came)
    assert len(came) + relay.dropped == sent
    assert relay.close()


def test_its_own_name_and_secrets(start_mosquitto: StartMosquitto, listen: Listen, tmp_path: Path) -> None:
    """A broker that lets one user write one receiver's topics, by the name of the client."""
    (tmp_path / "acl").write_text(f"user relay\ntopic write {TOPIC}/#\ntopic write {TOPIC}\nuser hub\ntopic read #\n")
    passwords = tmp_path / "passwords"
    passwords.touch(mode=0o600)
    for user in ("relay", "hub"):
        subprocess.run(["mosquitto_passwd", "-b", str(passwords), user, "secret"], check=True)
    broker = start_mosquitto(f"allow_anonymous false\npassword_file {passwords}\nacl_file {tmp_path / 'acl'}")
    (tmp_path / "secret").write_text("secret\n")
    mqtt = Mqtt(f"mqtt://relay@{broker.host}:{broker.port}", password_file=str(tmp_path / "secret"))
    got: list[bytes] = []
    came = threading.Event()

    def take(payload: bytes) -> None:
        got.append(payload)
        came.set()

    hub = Mqtt(f"mqtt://hub@{broker.host}:{broker.port}", password_file=str(tmp_path / "secret"))
    with subscribed(hub, "hub", {TOPIC: take}):
        relay = RelayPublisher(Config(room="lab", mqtt=mqtt, relay=Relay("r2")))
        relay.start()
        deadline = time.monotonic() + WAIT_S
        while not came.is_set() and time.monotonic() < deadline:
            relay.send(b"a batch")
            came.wait(0.1)
        assert relay.close()
    assert set(got) == {b"a batch"}


def test_of_several_rooms_it_wants_one_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "config.yaml"
    far = "receivers: [{name: a, source: relay}, {name: b, source: relay}]"
    config.write_text(
        f"rooms: [{{room: lab, {far}}}, {{room: attic, {far}}}]\nrelay: {{source: log, path: {tmp_path / 'none'}}}\n"
    )
    assert main(["relay", "--config", str(config)]) == 2
    assert "This host has lab, attic: name one with relay.room" in capsys.readouterr().err
    assert main(["relay", "--config", str(config), "--set", "relay.room=atic"]) == 2
    assert "did you mean attic?" in capsys.readouterr().err


def test_a_missing_pipe_is_a_matter_of_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(f"relay: {{source: log, path: {tmp_path / 'none'}}}\n")
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        assert main(["relay", "--config", str(config)]) == 2
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert "mkfifo" in capsys.readouterr().err
