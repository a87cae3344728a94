import json
import re
from typing import Any

import pytest

from edge.publish.discovery import MAX_STATE, cleared, device_id, messages
from edge.publish.message import Info
from tests.publish.test_mqtt import INFO

RECEIVERS = ("receiver1", "receiver2")


def read(room: str = "lab", receivers: tuple[str, ...] = RECEIVERS, info: Info = INFO) -> dict[str, dict[str, Any]]:
    return {topic: json.loads(payload) for topic, payload in messages("homeassistant", room, info, receivers)}


def test_the_whole_message_of_one_entity() -> None:
    assert read()["homeassistant/binary_sensor/wimose_lab/occupancy/config"] == {
        "name": None,
        "device_class": "occupancy",
        "availability": [{"topic": "wimose/lab/status"}, {"topic": "wimose/lab/receiving"}],
        "availability_mode": "all",
        "state_topic": "wimose/lab/state",
        "value_template": "{{ {true: 'ON', false: 'OFF'}.get(value_json.present) }}",
        "unique_id": "wimose_lab_occupancy",
        "device": {
            "identifiers": ["wimose_lab"],
            "name": "WiMose lab",
            "manufacturer": "WiMose",
            "model": "wi-mose@0123abcd",
            "sw_version": "0.1.0",
            "suggested_area": "lab",
        },
        "origin": {"name": "wimose", "sw_version": "0.1.0"},
    }


def test_all_entities_are_of_one_device_and_have_one_name_each() -> None:
    entities = read()
    assert sorted(topic.removeprefix("homeassistant/").removesuffix("/config") for topic in entities) == [
        "binary_sensor/wimose_lab/occupancy",
        "sensor/wimose_lab/confidence",
        "sensor/wimose_lab/latency",
        "sensor/wimose_lab/loss_receiver1",
        "sensor/wimose_lab/loss_receiver2",
        "sensor/wimose_lab/poses",
        "sensor/wimose_lab/position_x",
        "sensor/wimose_lab/position_y",
        "sensor/wimose_lab/posture",
        "sensor/wimose_lab/problem",
        "switch/wimose_lab/pause",
    ]
    assert len({json.dumps(entity["device"]) for entity in entities.values()}) == 1
    assert len({json.dumps(entity["origin"]) for entity in entities.values()}) == 1
    for one in ("unique_id", "name"):
        assert len({entity[one] for entity in entities.values()}) == len(entities)
    assert [entity["name"] for entity in entities.values()].count(None) == 1, "the device's main entity"


def test_only_what_needs_packets_goes_without_them() -> None:
    needs = {
        topic.split("/")[3]
        for topic, entity in read().items()
        if {"topic": "wimose/lab/receiving"} in entity["availability"]
    }
    assert needs == {"occupancy", "posture", "position_x", "position_y", "confidence"}
    assert all({"topic": "wimose/lab/status"} in entity["availability"] for entity in read().values())


def test_another_version_is_the_same_entity() -> None:
    newer = Info(version="9.9", bundle="other@ffffffff", room_profile=None)
    assert {t: e["unique_id"] for t, e in read().items()} == {t: e["unique_id"] for t, e in read(info=newer).items()}


def test_no_entity_reads_joints_and_text_is_cut() -> None:
    for entity in read().values():
        assert entity["state_topic"] in ("wimose/lab/state", "wimose/lab/telemetry", "wimose/lab/pause")
        assert "pose" not in entity.get("value_template", "").replace("poses_per_s", "")
        if "problem" in entity["unique_id"]:
            assert f"[:{MAX_STATE}]" in entity["value_template"]


@pytest.mark.parametrize("room", ["lab", "Lab", "l a b", "Wohnzimmer oben", "キッチン", "a_b", "a b", "a-b", "x" * 64])
def test_any_room_has_a_name_that_the_hub_takes(room: str) -> None:
    for topic, entity in read(room, ("Empfänger 1", 'quo"te}}')).items():
        assert re.fullmatch("homeassistant/[a-z_]+/[a-zA-Z0-9_-]+/[a-zA-Z0-9_-]+/config", topic)
        assert entity["device"]["name"] == f"WiMose {room}"


def test_no_two_rooms_share_a_device() -> None:
    rooms = ["lab", "Lab", "LAB", "l ab", "l_ab", "l-ab", "lab!", "研究室", "厨房", *"abc"]
    rooms += [device_id(room).removeprefix("wimose_") for room in rooms if room not in ("lab", "l-ab", *"abc")]
    assert len({device_id(room) for room in rooms}) == len(rooms)


def test_cleared_are_the_same_topics() -> None:
    assert cleared("homeassistant", "lab", RECEIVERS) == list(read())
