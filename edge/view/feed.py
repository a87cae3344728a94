"""Poses for the page alone, put straight into the broker inside this process: never waits, the newest of each topic."""

from edge.publish.broker import EmbeddedBroker
from edge.publish.connection import topic
from edge.publish.message import Info, Pose, State, Telemetry, TruthMessage, encode
from edge.publish.sink import PoseSink

NAMES = {Pose: "pose", State: "state", Telemetry: "telemetry", TruthMessage: "truth", Info: "info"}


class Feed(PoseSink):
    """Says `online` at once and `offline` at the end, as every publisher does."""

    def __init__(self, broker: EmbeddedBroker, room: str) -> None:
        self._broker = broker
        self._room = room
        self._broker.put(topic(room, "status"), b"online", retain=True)

    @property
    def dropped(self) -> int:
        return self._broker.dropped

    def publish(self, pose: Pose) -> None:
        self.tell(pose)

    def tell(self, message: Pose | State | Telemetry | TruthMessage | Info) -> None:
        name = NAMES[type(message)]
        self._broker.put(topic(self._room, name), encode(message), retain=isinstance(message, Info))

    def close(self) -> None:
        self._broker.put(topic(self._room, "status"), b"offline", retain=True)
