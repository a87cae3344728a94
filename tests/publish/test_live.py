"""The service's publisher against a real mosquitto that is killed, frozen and wiped."""

import threading
import time
from typing import Any

import msgspec
import pytest
from paho.mqtt.client import Client

from edge.config import Mqtt
from edge.publish import connection, keeper, link
from edge.publish.connection import back_off
from edge.publish.live import POSES, LivePublisher
from edge.publish.message import Info, Pose, encode
from tests.conftest import WAIT_S, Listen, Mosquitto, Received, free_port
from tests.publish.brokers import Start, mqtt_of, say, wait_until
from tests.publish.messages import a_state, a_telemetry
from tests.publish.test_mqtt import INFO, INFO_TOPIC, POSE, STATUS, numbered

pytestmark = pytest.mark.usefixtures("impatient")
STATE, PAUSE, RECEIVING = "wimose/lab/state", "wimose/lab/pause", "wimose/lab/receiving"
OCCUPANCY = "homeassistant/binary_sensor/wimose_lab/occupancy/config"
RETAINED = 4  # status, info, pause, receiving
ENTITIES = 9  # without receivers


def test_what_a_room_says_from_start_to_end(mosquitto: Mosquitto, listen: Listen, start: Start) -> None:
    heard = listen(mosquitto.host, mosquitto.port, "wimose/#")
    publisher = start(mqtt_of(mosquitto))
    heard.wait(lambda h: b"online" in h.payloads(STATUS))
    publisher.receiving(True)
    publisher.pose(numbered(1))
    publisher.state(a_state())
    publisher.telemetry(a_telemetry())
    heard.wait(lambda h: {POSE, STATE, "wimose/lab/telemetry"} <= {m.topic for m in h.messages})
    assert publisher.close()
    heard.wait(lambda h: b"offline" in h.payloads(STATUS))
    for expected in (
        Received(STATUS, b"online", qos=1, retain=False),
        Received(INFO_TOPIC, encode(INFO), qos=1, retain=False),
        Received(PAUSE, b"OFF", qos=1, retain=False),
        Received(RECEIVING, b"online", qos=1, retain=False),
        Received(POSE, encode(numbered(1)), qos=0, retain=False),
        Received(STATE, encode(a_state()), qos=1, retain=False),
        Received("wimose/lab/telemetry", encode(a_telemetry()), qos=0, retain=False),
    ):
        assert expected in heard.messages
    assert heard.messages[-1] == Received(STATUS, b"offline", qos=1, retain=False)
    late = listen(mosquitto.host, mosquitto.port, "#")
    late.wait(lambda h: len(h.messages) == RETAINED)
    assert {m.topic for m in late.messages} == {STATUS, INFO_TOPIC, PAUSE, RECEIVING}
    assert all(m.retain for m in late.messages)


def test_poses_at_their_pace_all_arrive(mosquitto: Mosquitto, listen: Listen, start: Start) -> None:
    heard = listen(mosquitto.host, mosquitto.port, POSE)
    publisher = start(mqtt_of(mosquitto))
    wait_until(lambda: publisher.connected)
    for seq in range(0, 200, POSES):
        for burst in range(POSES):
            publisher.pose(numbered(seq + burst))
        heard.wait(lambda h, enough=seq + POSES: len(h.messages) == enough)  # type: ignore[misc]
    assert [msgspec.json.decode(m.payload, type=Pose).seq for m in heard.messages] == list(range(200))
    assert publisher.drops["pose"] == 0


def test_a_broker_that_was_killed_and_wiped_is_found_and_told_everything(
    mosquitto: Mosquitto, listen: Listen, start: Start
) -> None:
    publisher = start(mqtt_of(mosquitto), discovery_prefix="homeassistant")
    publisher.receiving(True)
    publisher.state(a_state())
    for again in range(3):
        wait_until(lambda: publisher.connected)
        mosquitto.kill()
        wait_until(lambda: not publisher.connected)
        for _ in range(1000):
            publisher.pose(numbered(0))
        mosquitto.start()  # it retains nothing over its death
        heard = listen(mosquitto.host, mosquitto.port, "#")
        heard.wait(lambda h: {STATUS, OCCUPANCY, STATE, RECEIVING, INFO_TOPIC, PAUSE} <= {m.topic for m in h.messages})
        assert heard.payloads(RECEIVING)[-1] == b"online"
        publisher.pose(numbered(1 + again))
        heard.wait(lambda h: bool(h.payloads(POSE)))
        assert heard.payloads(POSE) == [encode(numbered(1 + again))], "what was missed must not come late"
        assert publisher.drops["pose"] >= 1000 * (again + 1)
        late = listen(mosquitto.host, mosquitto.port, "#")
        late.wait(lambda h: sum(m.retain for m in h.messages) == RETAINED + ENTITIES)


def test_a_stalled_broker_costs_poses_and_neither_memory_nor_the_caller(
    mosquitto: Mosquitto, listen: Listen, start: Start, attempts: list[Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "KEEPALIVE_S", 1)
    heard = listen(mosquitto.host, mosquitto.port, "wimose/#")
    publisher = start(mqtt_of(mosquitto))
    wait_until(lambda: publisher.connected)
    mosquitto.freeze()
    offered, most = 0, 0
    while publisher.connected:  # until the keepalive has noticed
        for _ in range(10):
            publisher.pose(numbered(offered % 9000))
            publisher.state(a_state())
            offered += 1
        most = max(most, len(attempts[-1]._out_packet) + len(attempts[-1]._out_messages))
        time.sleep(0.001)
        assert offered < 1_000_000
    assert offered > 1000
    assert most <= RETAINED + 4, "one message of each topic, a ping and a subscription"
    tried = len(attempts)
    wait_until(lambda: len(attempts) >= tried + 1)  # the kernel accepts connections in the frozen broker's name
    publisher.pose(numbered(-1))
    dropped = publisher.drops["pose"]
    mosquitto.thaw()
    wait_until(lambda: publisher.connected)
    publisher.pose(numbered(-2))
    heard.wait(lambda h: encode(numbered(-2)) in h.payloads(POSE))
    delivered = len(heard.payloads(POSE)) - 1
    assert encode(numbered(-1)) not in heard.payloads(POSE)
    assert delivered < 2000, "no more than the kernel's buffers hold"
    assert dropped > offered - 2000, "the others are counted"
    heard.wait(lambda h: h.payloads(STATUS)[-1] == b"online")


def test_the_pause_switch(mosquitto: Mosquitto, listen: Listen, start: Start, caplog: Any) -> None:
    say(mosquitto, "wimose/lab/pause/set", b"ON", retain=True)
    publisher = start(mqtt_of(mosquitto))
    heard = listen(mosquitto.host, mosquitto.port, PAUSE)
    heard.wait(lambda h: h.payloads(PAUSE) == [b"OFF"])
    for payload, asked in ((b"ON", True), (b"OFF", False), (b"ON", True)):
        assert publisher.pause_asked is not asked, "a command that was retained is an old one"
        say(mosquitto, "wimose/lab/pause/set", payload)
        wait_until(lambda asked=asked: publisher.pause_asked is asked)  # type: ignore[misc]
    say(mosquitto, "wimose/lab/pause/set", b"perhaps")
    wait_until(lambda: "takes ON or OFF, not b'perhaps'" in caplog.text)
    assert publisher.pause_asked is True
    publisher.paused(True)
    heard.wait(lambda h: h.payloads(PAUSE)[-1] == b"ON")
    late = listen(mosquitto.host, mosquitto.port, PAUSE)
    late.wait(lambda h: h.messages == [Received(PAUSE, b"ON", qos=1, retain=True)])


def test_a_hub_that_comes_up_is_told_what_it_missed(mosquitto: Mosquitto, listen: Listen, start: Start) -> None:
    publisher = start(mqtt_of(mosquitto), discovery_prefix="homeassistant", receivers=("receiver1",))
    publisher.state(a_state())
    wait_until(lambda: publisher.connected)
    before = listen(mosquitto.host, mosquitto.port, "#")
    before.wait(lambda h: STATE in {m.topic for m in h.messages})  # also what follows discovery a moment later
    say(mosquitto, OCCUPANCY, b"", retain=True)
    heard = listen(mosquitto.host, mosquitto.port, "#")
    say(mosquitto, "homeassistant/status", b"offline")
    say(mosquitto, "homeassistant/status", b"online")
    heard.wait(lambda h: any(m.topic == OCCUPANCY and m.payload for m in h.messages))
    heard.wait(lambda h: len(h.payloads(STATE)) >= 2)
    again = {m.topic for m in heard.messages if m.topic.startswith("homeassistant/") and not m.retain}
    assert len(again - {"homeassistant/status"}) == ENTITIES + 1


def test_another_bundle_is_said_at_once(mosquitto: Mosquitto, listen: Listen, start: Start) -> None:
    publisher = start(mqtt_of(mosquitto), discovery_prefix="homeassistant")
    heard = listen(mosquitto.host, mosquitto.port, "#")
    heard.wait(lambda h: OCCUPANCY in {m.topic for m in h.messages})
    changed = Info(version="0.1.0", bundle="other@ffffffff", room_profile=None)
    publisher.update_info(changed)
    heard.wait(lambda h: encode(changed) in h.payloads(INFO_TOPIC) and b"other@ffffffff" in h.payloads(OCCUPANCY)[-1])


def test_what_it_is_asked_to_hear_and_a_handler_that_fails(
    mosquitto: Mosquitto, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    records: list[bytes] = []

    def keep(payload: bytes) -> None:
        if payload == b"bad":
            raise RuntimeError("a fault in a handler")
        records.append(payload)

    publisher = start(mqtt_of(mosquitto), subscriptions={"wimose/lab/csi/receiver2": keep})
    wait_until(lambda: publisher.connected)
    for connections in range(2):
        for payload in (b"bad", b"good"):
            # Said until it is heard: the subscription follows the connection.
            while not records and payload == b"good":
                say(mosquitto, "wimose/lab/csi/receiver2", payload)
                time.sleep(0.05)
            say(mosquitto, "wimose/lab/csi/receiver2", payload)
        wait_until(lambda: b"good" in records)
        if connections == 0:
            wait_until(lambda: "a fault in a handler" in caplog.text)
            assert publisher.connected
            mosquitto.kill()
            wait_until(lambda: not publisher.connected)
            mosquitto.start()
            wait_until(lambda: publisher.connected)
            records.clear()


def test_closing_towards_a_stalled_broker_ends_in_time_and_leaves_the_will(
    mosquitto: Mosquitto, listen: Listen, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "KEEPALIVE_S", 600)  # not what ends it
    publisher = start(mqtt_of(mosquitto))
    wait_until(lambda: publisher.connected)
    mosquitto.freeze()
    stuck = 0
    while stuck < 200:  # the kernel takes some before the socket is full and every pose replaces another
        dropped = publisher.drops["pose"]
        publisher.pose(numbered(0))
        time.sleep(0.001)
        stuck = stuck + 1 if publisher.drops["pose"] > dropped else 0
    answers: list[bool] = []
    closing = threading.Thread(target=lambda: answers.append(publisher.close(0.5)), daemon=True)
    closing.start()
    closing.join(WAIT_S)
    assert answers == [False]
    publisher._keeper._thread.join(WAIT_S)
    assert not publisher._keeper._thread.is_alive()
    mosquitto.thaw()
    heard = listen(mosquitto.host, mosquitto.port, STATUS)
    heard.wait(lambda h: h.payloads(STATUS)[-1:] == [b"offline"])


def test_closing_what_never_connected_or_never_started(start: Start) -> None:
    assert not start(Mqtt(address=f"mqtt://127.0.0.1:{free_port()}")).close()
    publisher = LivePublisher(Mqtt(), "lab", INFO)
    publisher.pose(numbered(0))
    assert not publisher.close()
    assert publisher.drops["pose"] == 1


def test_a_fault_of_ours_costs_a_connection_and_not_the_publisher(
    mosquitto: Mosquitto, start: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    serve = keeper.Keeper._serve
    faults = iter([RuntimeError("a fault of ours"), RuntimeError("a fault of ours")])

    def faulty(self: keeper.Keeper, of: link.Link) -> None:
        for fault in faults:
            raise fault
        serve(self, of)

    monkeypatch.setattr(keeper.Keeper, "_serve", faulty)
    publisher = start(mqtt_of(mosquitto))
    publisher.state(a_state())
    wait_until(lambda: publisher.connected and publisher.close())
    assert "a fault of ours" in caplog.text


def test_waiting_grows_with_the_time_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "BACKOFF_MIN_S", 1)
    assert [back_off(away) for away in (0.0, 3.0, 30.0, 60.0, 600.0, 1e9)] == [1, 1, 5, 10, 60, 60]
