"""Every pose over MQTT, in order and at the pace of the socket: for replaying recordings.

| topic                  | QoS | retained | content                                                            |
|------------------------|-----|----------|--------------------------------------------------------------------|
| `wimose/<room>/status` | 1   | yes      | `online` on every connect; `offline` at the end, also as the will  |
| `wimose/<room>/info`   | 1   | yes      | `Info` on every connect, as a killed broker forgets what it retained |
| `wimose/<room>/pose`   | 0   | no       | `Pose`                                                             |
| `.../truth`, `.../telemetry` | 0 | no   | `TruthMessage`, `Telemetry`, where there are any                   |

A QoS 0 message is gone once the socket has it: poses that the kernel held when a connection broke are
lost without a count. Everything before that is either delivered or in `dropped`.
"""

import logging
import socket
from collections import deque
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Self

from paho.mqtt.client import Client, MQTTMessageInfo
from paho.mqtt.enums import MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from edge.address import BrokerAddress, check_room
from edge.errors import ConfigError
from edge.publish import refusal
from edge.publish.connection import guarded, new_client, topic
from edge.publish.message import Info, Pose, Telemetry, TruthMessage, encode
from edge.publish.sink import PoseSink

CONNECT_S = 10.0  # a broker on the same network answers within milliseconds, over TLS within one second
CLOSE_S = 5.0  # for the confirmation of `offline`; then the will says it in our place
KEEPALIVE_S = 10  # the hub sees a host that lost power as offline after 1.5 of these
MAX_IN_FLIGHT = 64  # about 40 kB in the buffer of paho, which has no bound of its own: keeps the socket busy
POLL_S = 1.0  # how soon a publisher that waits for a stalled socket sees that the connection is gone

log = logging.getLogger(__name__)


class MqttPublisher(PoseSink):
    """Publishes poses from one thread; paho keeps the connection in another.

    Waits where the socket is slower than the recording. While disconnected, messages are counted in
    `dropped`, never queued: a hub that comes back wants the present, not what it missed.
    """

    def __init__(
        self,
        address: BrokerAddress,
        room: str,
        info: Info,
        password: str | None = None,
        protocol: MQTTProtocolVersion = MQTTProtocolVersion.MQTTv5,
    ) -> None:
        if password is not None and address.user is None:
            raise ConfigError(f"a password for {address} without a user: write --mqtt as mqtt://USER@HOST")
        self.address = address
        self.room = check_room(room)
        self.dropped = 0  # messages not sent since the start
        self._info = encode(info)
        self._password = password
        self._protocol = protocol
        self._client: Client | None = None
        self._accepted: Future[None] = Future()  # the first connection: confirmed, or why not
        self._info_mid = 0
        self._reported = ""
        self._connected = False
        self._in_flight: deque[MQTTMessageInfo] = deque()

    def connect(self, timeout: float = CONNECT_S) -> Self:
        """Connect, announce this publisher and wait until the broker has confirmed that.

        timeout  seconds, for each of: the TCP connection, the broker's answer
        raises   ConfigError where the broker cannot be reached, or lets us neither in nor publish
        """
        try:
            self._open(timeout)
        except refusal.ProtocolError:
            if self._protocol is not MQTTProtocolVersion.MQTTv5:
                raise
            log.info("%s does not speak MQTT 5; using MQTT 3.1.1", self.address)
            self._protocol = MQTTProtocolVersion.MQTTv311
            self._open(timeout)
        return self

    def publish(self, pose: Pose) -> None:
        self._send("pose", encode(pose))

    def tell(self, message: TruthMessage | Telemetry) -> None:
        """What goes beside the poses."""
        self._send("truth" if isinstance(message, TruthMessage) else "telemetry", encode(message))

    def close(self) -> None:
        """Say `offline`, wait for the broker to confirm it, and with it every pose before it, and leave."""
        client, self._client = self._client, None
        if client is None:
            return
        if self._connected and not self._say_offline(client):
            # Cut without DISCONNECT: a broker that did not confirm publishes the will instead.
            connection = client.socket()
            if isinstance(connection, socket.socket):
                with suppress(OSError):  # it is gone already, which is what we want
                    connection.shutdown(socket.SHUT_RDWR)
        else:
            client.disconnect()
        client.loop_stop()
        self._connected = False
        self._settle(keep=0)

    def _open(self, timeout: float) -> None:
        self._accepted = Future()
        self._client = client = new_client(self.address, self.room, self._password, self._protocol)
        client.on_connect, client.on_disconnect = self._on_connect, self._on_disconnect
        client.on_publish = self._on_publish
        client.connect_timeout = timeout
        try:
            client.connect(self.address.host, self.address.port, keepalive=KEEPALIVE_S)
            client.loop_start()
            self._accepted.result(timeout)
        except BaseException as error:
            self.close()
            if isinstance(error, OSError):  # a TimeoutError, from waiting for the answer, is one
                raise refusal.unreachable(self.address, error) from error
            raise

    def _send(self, name: str, payload: bytes) -> None:
        if self._client is None or not self._connected:
            self._settle(keep=0)
            self.dropped += 1
            return
        self._in_flight.append(self._client.publish(topic(self.room, name), payload))
        self._settle(keep=MAX_IN_FLIGHT - 1)

    def _say_offline(self, client: Client) -> bool:
        offline = client.publish(topic(self.room, "status"), b"offline", qos=1, retain=True)
        with suppress(RuntimeError):  # the connection broke meanwhile, and the will speaks
            offline.wait_for_publish(CLOSE_S)
        return offline.rc == MQTTErrorCode.MQTT_ERR_SUCCESS and offline.is_published()

    def _settle(self, keep: int) -> None:
        """Wait until all but the last `keep` poses are on the socket; count those whose connection went."""
        while len(self._in_flight) > keep:
            sent = self._in_flight.popleft()
            try:
                while self._connected and not sent.is_published():
                    sent.wait_for_publish(POLL_S)
                delivered = sent.is_published()
            except RuntimeError:  # paho's word for a message whose connection is gone
                delivered = False
            self.dropped += not delivered

    # The callbacks below run in paho's thread.

    @guarded
    def _on_connect(self, client: Client, _data: Any, _flags: Any, reason: ReasonCode, _: Any) -> None:
        if reason.is_failure:
            self._report(refusal.refused(self.address, reason))
            return
        # What the last connection left unconfirmed is said anew; resent, it would pile up on a bad line.
        client.drop_out_messages()
        if client is not self._client:  # closed while it was connecting again
            client.disconnect()
            return
        client.publish(topic(self.room, "status"), b"online", qos=1, retain=True)
        self._info_mid = client.publish(topic(self.room, "info"), self._info, qos=1, retain=True).mid
        self._connected = True

    @guarded
    def _on_disconnect(self, client: Client, _data: Any, _flags: Any, reason: ReasonCode, _: Any) -> None:
        lost, self._connected = self._connected, False
        if not self._accepted.done():
            self._report(refusal.hung_up(self.address))
        elif lost and client is self._client:
            log.warning("connection to %s lost (%s); trying again", self.address, reason)

    @guarded
    def _on_publish(self, _client: Client, _data: Any, mid: int, reason: ReasonCode, _: Any) -> None:
        if reason.is_failure:
            self._report(refusal.not_allowed(self.address, topic(self.room, "#"), reason))
        elif mid == self._info_mid and not self._accepted.done():
            self._accepted.set_result(None)

    def _report(self, error: ConfigError) -> None:
        """Raise in `connect` if that is waiting; else log once, as a later refusal may pass and paho tries on."""
        if not self._accepted.done():
            self._accepted.set_exception(error)
        elif str(error) != self._reported:
            log.error("%s", error)
        self._reported = str(error)
