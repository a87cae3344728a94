"""Home Assistant's discovery messages: one per entity, retained, on `<prefix>/<component>/<device>/<entity>/config`.

Understood by old hubs and new (device-based discovery needs 2024.11 or later). All name one `device`, so that the hub
shows them as one. The first one bears the device's own name. Entities read `state`, `telemetry` and `pause`; joints
never pass through one.

| entity      | component     | of                  | value                                                        |
|-------------|---------------|---------------------|--------------------------------------------------------------|
| occupancy   | binary_sensor | state.present       | occupied, clear; unknown where one receiver is silent        |
| posture     | sensor        | state.posture       | standing, sitting, lying, moving                             |
| position_x  | sensor, m     | state.position      | a number each, so that automations and graphs can use them   |
| position_y  | sensor, m     | state.position      |                                                              |
| confidence  | sensor, %     | state.confidence    |                                                              |
| pause       | switch        | pause               | on: no poses are made                                        |
| problem     | sensor        | state.problem       | a sentence for people, or OK                                 |
| poses       | sensor, 1/s   | telemetry           |                                                              |
| latency     | sensor, ms    | telemetry           | median, from a packet's arrival to the pose's publishing     |
| loss_<r>    | sensor, %     | telemetry           | of the packets to receiver r                                 |

Source: https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery
"""

import hashlib
import json
import re
from collections.abc import Sequence
from typing import Any, get_args

from edge.publish.connection import topic
from edge.publish.message import Info, Posture

MAX_STATE = 255  # characters; the hub refuses a longer state


def messages(prefix: str, room: str, info: Info, receivers: Sequence[str]) -> list[tuple[str, bytes]]:
    """Every discovery message of a room: topic and payload, to be sent retained with QoS 1."""
    return [
        (where, json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode())
        for where, content in _entities(prefix, room, info, receivers).items()
    ]


def cleared(prefix: str, room: str, receivers: Sequence[str]) -> list[str]:
    """The topics of these messages: an empty retained payload on each makes the hub forget the device."""
    return list(_entities(prefix, room, Info(version="", bundle="", room_profile=None), receivers))


def device_id(room: str) -> str:
    """A name for the hub, which allows letters, digits, `_` and `-`; always the same for a room, and its alone."""
    return f"wimose_{_slug(room)}"


def _slug(name: str) -> str:
    if re.fullmatch("[a-z0-9-]+", name):
        return name
    plain = re.sub("[^a-z0-9]+", "_", name.lower()).strip("_")
    # Another name may come to the same letters; `_` in ours keeps it apart from the names above.
    return f"{plain}_{hashlib.sha256(name.encode()).hexdigest()[:6]}"


def _entities(prefix: str, room: str, info: Info, receivers: Sequence[str]) -> dict[str, dict[str, Any]]:
    device = device_id(room)
    shared = {
        "device": {
            "identifiers": [device],
            "name": f"WiMose {room}",
            "manufacturer": "WiMose",
            "model": info.bundle,
            "sw_version": info.version,
            "suggested_area": room,
        },
        "origin": {"name": "wimose", "sw_version": info.version},
        "availability_mode": "all",
    }
    host = [{"topic": topic(room, "status")}]
    host_and_packets = [*host, {"topic": topic(room, "receiving")}]
    state, telemetry = {"state_topic": topic(room, "state")}, {"state_topic": topic(room, "telemetry")}
    measured = {"state_class": "measurement"}
    diagnostic = {"entity_category": "diagnostic"}

    entities: dict[str, dict[str, Any]] = {
        "binary_sensor/occupancy": {
            "name": None,
            "device_class": "occupancy",
            "availability": host_and_packets,
            "value_template": "{{ {true: 'ON', false: 'OFF'}.get(value_json.present) }}",
            **state,
        },
        "sensor/posture": {
            "name": "Posture",
            "icon": "mdi:human",
            "device_class": "enum",
            "options": [*get_args(Posture), "unknown"],
            "availability": host_and_packets,
            # Said in so many letters: for a text, some hubs show what a template leaves empty as the word None.
            "value_template": "{{ value_json.posture or 'unknown' }}",
            **state,
        },
        **{
            f"sensor/position_{axis}": {
                "name": f"Position {axis}",
                "icon": f"mdi:axis-{axis}-arrow",
                "device_class": "distance",
                "unit_of_measurement": "m",
                "suggested_display_precision": 1,
                "availability": host_and_packets,
                "value_template": f"{{{{ value_json.position[{index}] if value_json.position else none }}}}",
                **measured,
                **state,
            }
            for index, axis in enumerate("xy")
        },
        "sensor/confidence": {
            "name": "Confidence",
            "icon": "mdi:gauge",
            "unit_of_measurement": "%",
            "availability": host_and_packets,
            "value_template": _percent("value_json.confidence"),
            **measured,
            **state,
        },
        "switch/pause": {
            "name": "Pause",
            "icon": "mdi:pause",
            "availability": host,
            "state_topic": topic(room, "pause"),
            "command_topic": topic(room, "pause/set"),
            "qos": 1,
        },
        "sensor/problem": {
            "name": "Problem",
            "icon": "mdi:alert-circle-outline",
            "availability": host,
            "value_template": f"{{{{ (value_json.problem or 'OK')[:{MAX_STATE}] }}}}",
            **diagnostic,
            **state,
        },
        "sensor/poses": {
            "name": "Poses per second",
            "icon": "mdi:speedometer",
            "unit_of_measurement": "1/s",
            "suggested_display_precision": 1,
            "availability": host,
            "value_template": "{{ value_json.poses_per_s }}",
            **measured,
            **diagnostic,
            **telemetry,
        },
        "sensor/latency": {
            "name": "Latency",
            "device_class": "duration",
            "unit_of_measurement": "ms",
            "suggested_display_precision": 0,
            "availability": host,
            "value_template": "{{ value_json.latency_p50_ms }}",
            **measured,
            **diagnostic,
            **telemetry,
        },
    }
    for receiver in receivers:
        entities[f"sensor/loss_{_slug(receiver)}"] = {
            "name": f"Packet loss {receiver}",
            "icon": "mdi:wifi-alert",
            "unit_of_measurement": "%",
            "suggested_display_precision": 1,
            "availability": host,
            "value_template": _percent(f"(value_json.receivers.get({json.dumps(receiver)}) or {{}}).get('loss')", 1),
            **measured,
            **diagnostic,
            **telemetry,
        }
    topics: dict[str, dict[str, Any]] = {}
    for key, own in entities.items():
        component, entity = key.split("/")
        topics[f"{prefix}/{component}/{device}/{entity}/config"] = {
            **own,
            "unique_id": f"{device}_{entity}",
            **shared,
        }
    return topics


def _percent(share: str, decimals: int = 0) -> str:
    return f"{{% set share = {share} %}}{{{{ none if share is none else (100 * share) | round({decimals}) }}}}"
