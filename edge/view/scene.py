"""What a page must know to draw a room: `/scene.json`, and what is in it.

| field         | type, unit               | content                                                             |
|---------------|--------------------------|---------------------------------------------------------------------|
| room          | text                     | name to show                                                        |
| topics        | text                     | what stands before `pose`, `truth`, ... in the topics: wimose/ROOM/ |
| websocket     | URL                      | the broker, ws:// or wss://                                         |
| protocol      | 4 or 5                   | MQTT 3.1.1 or 5, as the broker speaks it                            |
| size_m        | [x, y, z] m or null      | of the room; its corner is the frame's origin                       |
| transmitter_m | [x, y, z] m or null      |                                                                     |
| receivers     | two of {name, antennas}  | antennas_m: [[x, y, z], ...] m or null                              |
| carrier_hz    | number or null           | for the zone around a link in which a person matters most           |
| joints, edges | 17 names, 16 x [a, b]    | as in the `info` message                                            |
"""

from collections.abc import Sequence

import msgspec

from edge.config import Config
from edge.publish.connection import topic
from edge.session import SessionFile
from edge.skeleton import EDGES, JOINTS

Place = tuple[float, float, float]


class SceneReceiver(msgspec.Struct, frozen=True):
    """A receiver to draw."""

    name: str
    antennas_m: Sequence[Place] | None


class Room(msgspec.Struct, frozen=True):
    """A room without the way to its messages."""

    room: str
    receivers: tuple[SceneReceiver, SceneReceiver]
    size_m: Place | None = None
    transmitter_m: Place | None = None
    carrier_hz: float | None = None

    @classmethod
    def of_session(cls, file: SessionFile, room: str) -> "Room":
        first, second = (SceneReceiver(entry.name, entry.antennas_m) for entry in file.receivers)
        return cls(room, (first, second), file.room_size_m, file.transmitter_m, file.carrier_hz)

    @classmethod
    def of_config(cls, config: Config) -> "Room":
        first, second = (SceneReceiver(receiver.name, receiver.antennas_m) for receiver in config.receivers)
        return cls(config.room, (first, second), config.room_size_m, config.transmitter_m)


def scene_json(room: Room, websocket: str, protocol: int) -> bytes:
    """The table above."""
    return msgspec.json.encode(
        msgspec.structs.asdict(room)
        | {"topics": topic(room.room, ""), "websocket": websocket, "protocol": protocol}
        | {"joints": JOINTS, "edges": EDGES}
    )
