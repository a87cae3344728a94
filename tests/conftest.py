"""What tests of several folders share: a real broker, somebody who listens to it, real recordings."""

import getpass
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

WAIT_S = 20.0  # everything waited for here takes milliseconds; a busy machine may take longer


class Mosquitto:
    """A mosquitto on the loopback interface that remembers nothing when it is killed."""

    host = "127.0.0.1"

    def __init__(self, program: str, folder: Path, settings: str) -> None:
        self.port = free_port()
        self._log = folder / "mosquitto.log"
        self._command = [program, "-c", str(folder / "mosquitto.conf")]
        (folder / "mosquitto.conf").write_text(
            # `user`: started by root it would become another user, who cannot read the folder.
            f"listener {self.port} {self.host}\nuser {getpass.getuser()}\npersistence false\n{settings}\n"
        )
        self.start()

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        deadline = time.monotonic() + WAIT_S
        while True:
            try:
                socket.create_connection((self.host, self.port), timeout=1).close()
                return
            except OSError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self.kill()
                    raise RuntimeError(f"mosquitto did not start: {self._log.read_text()}") from None
                time.sleep(0.01)

    def kill(self) -> None:
        self._process.kill()  # works on a frozen one too
        self._process.wait()

    def freeze(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)


@dataclass(frozen=True)
class Received:
    topic: str
    payload: bytes
    qos: int
    retain: bool


class Listener:
    """An MQTT client of its own that keeps every message it gets, in order."""

    def __init__(self, host: str, port: int, topic: str, protocol: MQTTProtocolVersion) -> None:
        self.messages: list[Received] = []
        self._news = threading.Condition()
        subscribed = threading.Event()
        self._client = Client(CallbackAPIVersion.VERSION2, protocol=protocol)
        self._client.on_subscribe = lambda *_: subscribed.set()
        self._client.on_message = self._on_message
        self._client.connect(host, port)
        self._client.loop_start()
        self._client.subscribe(topic, qos=1)
        assert subscribed.wait(WAIT_S), "the broker confirmed no subscription"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def payloads(self, topic: str) -> list[bytes]:
        return [message.payload for message in self.messages if message.topic == topic]

    def wait(self, enough: Callable[[Self], bool]) -> None:
        """Wait until `enough` holds; fail with what came instead."""
        with self._news:
            if not self._news.wait_for(lambda: enough(self), WAIT_S):
                pytest.fail(f"{len(self.messages)} messages came, not the right ones: {self.messages[-5:]}")

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        with self._news:
            self.messages.append(Received(message.topic, bytes(message.payload), message.qos, message.retain))
            self._news.notify_all()


Listen = Callable[..., Listener]
StartMosquitto = Callable[[str], Mosquitto]


def heed_ctrl_c() -> None:
    """For `preexec_fn`: whatever a shell starts in the background ignores SIGINT, and hands that down."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@pytest.fixture
def start_mosquitto(tmp_path: Path) -> Iterator[StartMosquitto]:
    """Starts mosquitto with the given lines of configuration."""
    program = shutil.which("mosquitto", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"]))
    if program is None:
        pytest.skip("mosquitto is not installed")
    with ExitStack() as running:

        def start(settings: str) -> Mosquitto:
            broker = Mosquitto(program, tmp_path, settings)
            running.callback(broker.kill)
            return broker

        yield start


@pytest.fixture
def mosquitto(start_mosquitto: StartMosquitto) -> Mosquitto:
    """A real broker that lets everybody in, at `.host` and `.port`."""
    return start_mosquitto("allow_anonymous true")


@pytest.fixture
def listen() -> Iterator[Listen]:
    """Subscribes to a topic of a broker, by default over MQTT 5."""
    with ExitStack() as running:

        def start(
            host: str, port: int, topic: str, protocol: MQTTProtocolVersion = MQTTProtocolVersion.MQTTv5
        ) -> Listener:
            return running.enter_context(Listener(host, port, topic, protocol))

        yield start


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real recordings, which is not part of the repository."""
    folder = Path(os.environ.get("WIMOSE_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no recordings in {folder}: set WIMOSE_DATA")
    return folder
