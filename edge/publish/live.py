"""What the service says over MQTT and hears: never waits, never gives up, latest-only.

| topic, under `wimose/<room>/` | QoS | retained | content                                                             |
|-------------------------------|-----|----------|---------------------------------------------------------------------|
| `status`                      | 1   | yes      | `online` on every connect; `offline` at the end, also as the will   |
| `info`                        | 1   | yes      | `Info`                                                              |
| `receiving`                   | 1   | yes      | `online` / `offline`: whether packets come; entities that need them |
| `pause`                       | 1   | yes      | `ON` / `OFF`: whether somebody switched it off                      |
| `pause/set`                   | 1   | no       | heard: `ON` / `OFF`, what the hub's switch asks for                 |
| `state`                       | 1   | no       | `State`                                                             |
| `telemetry`                   | 0   | no       | `Telemetry`                                                         |
| `truth`, `pose`               | 0   | no       | `TruthMessage`, `Pose`                                              |

All but poses is said again on every connect, as a broker that was killed has forgotten what it retained. Discovery
(edge/publish/discovery.py) and the last state are said again when the hub says on `homeassistant/status` that it is
`online`.
"""

import logging
import os
from collections.abc import Callable, Mapping, Sequence

from edge.address import BrokerAddress, check_room
from edge.config import Mqtt
from edge.errors import ConfigError
from edge.publish import discovery
from edge.publish.connection import new_client, tls_context, topic
from edge.publish.keeper import Keeper
from edge.publish.message import Info, Pose, State, Telemetry, TruthMessage, encode
from edge.publish.outbox import Outbox, Topic

BIRTH = "homeassistant/status"  # the hub's own default, whatever the prefix of discovery
POSES = 4  # may wait for the socket: a batch of packets makes several at once; 0.13 s at 30 poses/s

ONLINE, OFFLINE = b"online", b"offline"
ON, OFF = b"ON", b"OFF"
ANSWERS = {ON: True, OFF: False}

log = logging.getLogger(__name__)


class LivePublisher:
    """Publishes what a room says. Every method returns at once, whatever the broker does."""

    def __init__(
        self,
        mqtt: Mqtt,
        room: str,
        info: Info,
        *,
        password: str | None = None,
        discovery_prefix: str | None = None,
        receivers: Sequence[str] = (),
        subscriptions: Mapping[str, Callable[[bytes], None]] | None = None,
    ) -> None:
        """Raises ConfigError where the address, the secret or a certificate's file cannot be used.

        discovery_prefix  None for no Home Assistant
        receivers         their names: the hub shows the packet loss of each
        subscriptions     full topics, and what is called with their payloads, in paho's thread
        """
        self.address = address = BrokerAddress.parse(mqtt.address)
        self.room = check_room(room)
        self.pause_asked: bool | None = None  # by the hub's switch, last; None until it asks
        if password is not None and address.user is None:
            raise ConfigError(f"a password for {address} without a user: write mqtt.address as mqtt://USER@HOST")
        tls = tls_context(mqtt, address, os.environ)
        self._prefix = discovery_prefix
        self._receivers = tuple(receivers)
        self._outbox = Outbox()
        for name in ("info", "pause", "receiving", "status"):
            self._outbox.add(Topic(topic(room, name), qos=1, retain=True, again=True))
        self._outbox.add(Topic(topic(room, "state"), qos=1, again=True))
        self._outbox.add(Topic(topic(room, "telemetry"), again=True))
        for name in ("truth", "pose"):
            self._outbox.add(Topic(topic(room, name), depth=POSES))
        handlers = {topic(room, "pause/set"): self._on_pause, **(subscriptions or {})}
        if discovery_prefix is not None:
            handlers |= {BIRTH: self._on_birth, f"{discovery_prefix}/status": self._on_birth}
        self._keeper = Keeper(
            address,
            self._outbox,
            lambda protocol: new_client(address, room, password, protocol, tls, reconnects=False),
            handlers,
            farewell=(topic(room, "status"), OFFLINE),
        )
        self.update_info(info)
        self.paused(False)
        self.receiving(False)
        self._offer("status", ONLINE)

    @property
    def connected(self) -> bool:
        return self._keeper.connected

    @property
    def drops(self) -> dict[str, int]:
        """By topic, messages that were not sent, or that a newer one replaced, since the start."""
        return {name: self._outbox.dropped(topic(self.room, name)) for name in ("pose", "state", "telemetry")}

    def start(self) -> None:
        """Connect in the background, and again whenever the connection is lost."""
        self._keeper.start()

    def pose(self, pose: Pose) -> None:
        self._offer("pose", encode(pose))

    def truth(self, truth: TruthMessage) -> None:
        self._offer("truth", encode(truth))

    def state(self, state: State) -> None:
        self._offer("state", encode(state))

    def telemetry(self, telemetry: Telemetry) -> None:
        self._offer("telemetry", encode(telemetry))

    def receiving(self, yes: bool) -> None:
        """Whether packets come; without them the hub shows what needs them as unavailable."""
        self._offer("receiving", ONLINE if yes else OFFLINE, changed=True)

    def paused(self, yes: bool) -> None:
        """What the hub's switch shows."""
        self._offer("pause", ON if yes else OFF, changed=True)

    def update_info(self, info: Info) -> None:
        """Another bundle or room profile."""
        self._offer("info", encode(info), changed=True)
        if self._prefix is not None:
            for name, payload in discovery.messages(self._prefix, self.room, info, self._receivers):
                self._outbox.add(Topic(name, qos=1, retain=True, again=True))
                self._outbox.offer(name, payload, changed=True)

    def close(self, timeout_s: float = 4.0) -> bool:
        """Say `offline` and leave. True where the broker has confirmed it; else the will says it in our place."""
        return self._keeper.close(timeout_s)

    def _offer(self, name: str, payload: bytes, *, changed: bool = False) -> None:
        self._outbox.offer(topic(self.room, name), payload, changed=changed)

    # In paho's thread:

    def _on_pause(self, payload: bytes) -> None:
        if payload in ANSWERS:
            self.pause_asked = ANSWERS[payload]
        else:
            log.warning("%s/set takes ON or OFF, not %r", topic(self.room, "pause"), payload[:40])

    def _on_birth(self, payload: bytes) -> None:
        if payload == ONLINE:
            self._outbox.repeat()
