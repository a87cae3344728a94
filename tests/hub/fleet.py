"""The fleet of docs/fleet.md: brokers run by the page's own configuration, and members that are in it by name."""

import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any, Self

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from edge.address import read_password
from edge.commands.relay import RelayPublisher
from edge.config import Config, Mqtt, Relay
from edge.publish.live import LivePublisher
from tests.conftest import WAIT_S, Listener, Mosquitto, Received, free_port
from tests.publish.test_mqtt import INFO

PAGE = Path(__file__).parents[2] / "docs" / "fleet.md"
LISTENER = "listener 8883\n"  # the page's first; `Mosquitto` brings its own
MOSQUITTO = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
PREFIX = "homeassistant"
HOST = "localhost"  # for hub.local and central.example, in certificates too


@cache
def blocks() -> dict[str, str]:
    """What is in the page's fences, by what is written after their language."""
    fences = re.findall(r"^```\w+ (\S+)\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return {Path(name).name: text for name, text in fences}


class Secrets:
    """A folder with what the page's two scripts make: *.password, passwords, *.pem, *.key, ca.pem."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        for name in ("passwords", "certificates"):
            script = blocks()[name].replace("DNS:$name", f"DNS:{HOST}")
            subprocess.run(["bash", "-euc", script], cwd=folder, check=True, capture_output=True)

    @property
    def authority(self) -> Path:
        return self.folder / "ca.pem"

    def password(self, user: str) -> str:
        return (self.folder / f"{user}.password").read_text().strip()


class Broker(Mosquitto):
    """A mosquitto with the page's wimose.conf, an access list of the page, and more of its blocks."""

    def __init__(self, folder: Path, secrets: Secrets, rules: str = "acl", *more: str) -> None:
        folder.mkdir()
        self.secrets = secrets
        self.certificate_port = free_port()
        self.log = folder / "mosquitto.log"
        self.passwords = shutil.copy(secrets.folder / "passwords", folder)
        (folder / "acl").write_text(blocks()[rules])
        (folder / "acl").chmod(0o600)
        page = blocks()["wimose.conf"]
        assert page.startswith(LISTENER)
        settings = "".join([page.removeprefix(LISTENER), *more])
        for theirs, ours in (
            ("listener 8884", f"listener {self.certificate_port} {self.host}"),
            ("/etc/mosquitto/certs", str(secrets.folder)),
            ("/etc/mosquitto/passwords", str(self.passwords)),
            ("/etc/mosquitto/acl", str(folder / "acl")),
            ("/var/lib/mosquitto/", f"{folder}/"),
        ):
            assert theirs in settings
            settings = settings.replace(theirs, ours)
        assert MOSQUITTO is not None
        super().__init__(MOSQUITTO, folder, settings)

    def start(self) -> None:
        super().start()
        deadline = time.monotonic() + WAIT_S
        while True:  # its other port opens a moment later
            try:
                socket.create_connection((self.host, self.certificate_port), timeout=1).close()
                return
            except OSError:
                assert time.monotonic() < deadline, self.log.read_text()
                time.sleep(0.01)

    def reload(self) -> None:
        """As `systemctl reload mosquitto` does it."""
        self._process.send_signal(signal.SIGHUP)

    def restart(self) -> None:
        """As systemd does it: asked to end, it writes down what it retains."""
        self._process.terminate()
        self._process.wait(WAIT_S)
        self.start()

    def mqtt(self, user: str) -> Mqtt:
        """As a host is configured that has a password."""
        return Mqtt(
            f"mqtts://{user}@{HOST}:{self.port}",
            password_file=str(self.secrets.folder / f"{user}.password"),
            ca_file=str(self.secrets.authority),
        )


class Member(Listener):
    """An MQTT client with a name that shares no code with what it listens to, by password or by certificate."""

    def __init__(
        self, broker: Broker, user: str | None, *topics: str, certificate: bool = False, password: str | None = None
    ) -> None:
        """Raises PermissionError where the broker does not let it in."""
        self.messages: list[Received] = []
        self._news = threading.Condition()
        self._said: dict[int, ReasonCode] = {}
        self._answers: list[ReasonCode] = []
        subscribed: set[int | None] = set()
        secrets = broker.secrets
        context = ssl.create_default_context(cafile=str(secrets.authority))
        if certificate:
            context.load_cert_chain(secrets.folder / f"{user}.pem", secrets.folder / f"{user}.key")
        self._client = client = Client(
            CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5, reconnect_on_failure=False
        )
        client.tls_set_context(context)
        if user is not None and not certificate:
            client.username_pw_set(user, password or secrets.password(user))
        client.on_connect = lambda _c, _d, _f, reason, _p: self._note(lambda: self._answers.append(reason))
        client.on_subscribe = lambda _c, _d, mid, _r, _p: self._note(lambda: subscribed.add(mid))
        client.on_publish = lambda _c, _d, mid, reason, _p: self._note(lambda: self._said.update({mid: reason}))
        client.on_message = self._on_message
        client.connect(HOST, broker.certificate_port if certificate else broker.port)
        client.loop_start()
        self._until(lambda: bool(self._answers), "the broker does not answer")
        if self._answers[0].is_failure:
            client.loop_stop()
            raise PermissionError(str(self._answers[0]))
        asked = {client.subscribe(topic, qos=1)[1] for topic in topics}
        self._until(lambda: asked <= subscribed, "the broker confirmed not every subscription")

    def may_say(self, topic: str, payload: bytes = b"", *, retain: bool = False) -> bool:
        """Publish with QoS 1; what the broker answers."""
        mid = self._client.publish(topic, payload, qos=1, retain=retain).mid
        self._until(lambda: mid in self._said, f"the broker did not answer to {topic}")
        return not self._said[mid].is_failure

    def topics(self) -> set[str]:
        return {message.topic for message in list(self.messages)}

    def has(self, topics: Iterable[str]) -> None:
        """Wait until something came on each of these."""
        all_of_them = set(topics)
        self.wait(lambda member: all_of_them <= {message.topic for message in member.messages})

    def wait_for(self, topic: str) -> Received:
        """The first message on that topic."""
        self.has({topic})
        return next(message for message in self.messages if message.topic == topic)

    def _note(self, what: Callable[[], object]) -> None:
        with self._news:
            what()
            self._news.notify_all()

    def _until(self, condition: Callable[[], bool], otherwise: str) -> None:
        with self._news:
            assert self._news.wait_for(condition, WAIT_S), otherwise


class Fleet:
    """Brokers and who is connected to them, for the time of a test."""

    def __init__(self, folder: Path, secrets: Secrets) -> None:
        self._folder = folder
        self._secrets = secrets
        self._open = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def broker(self, name: str = "house", rules: str = "acl", *more: str) -> Broker:
        broker = Broker(self._folder / name, self._secrets, rules, *more)
        self._open.callback(broker.kill)
        return broker

    def join(self, broker: Broker, user: str | None, *topics: str, **how: Any) -> Member:
        return self._open.enter_context(Member(broker, user, *topics, **how))

    def publish(self, mqtt: Mqtt, room: str, heard: list[bytes] | None = None) -> LivePublisher:
        """A room's publisher, connected. heard: what its second receiver's relay sends."""
        publisher = LivePublisher(
            mqtt, room, INFO,
            password=read_password(Path(mqtt.password_file) if mqtt.password_file else None, {}),
            discovery_prefix=PREFIX, receivers=("receiver1", "receiver2"),
            subscriptions={} if heard is None else {f"wimose/{room}/csi/receiver2": heard.append},
        )  # fmt: skip
        self._open.callback(publisher.close, 0.1)
        publisher.start()
        wait_until(lambda: publisher._outbox._open)  # a moment after `connected`; poses before that are dropped
        return publisher

    def relay(self, broker: Broker, user: str, room: str, receiver: str) -> RelayPublisher:
        """The relay of a receiver, connected."""
        relay = RelayPublisher(Config(room=room, mqtt=broker.mqtt(user), relay=Relay(receiver=receiver)))
        self._open.callback(relay.close)
        relay.start()
        wait_until(lambda: relay._outbox._open)
        return relay


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
