"""docs/fleet.md, true: its access list, certificates, shared subscription and bridge, on real brokers with our own
publishers."""

import logging
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from paho.mqtt.enums import MQTTProtocolVersion

from edge.address import BrokerAddress
from edge.capture.relay import MAX_MESSAGE
from edge.config import Config, Mqtt
from edge.publish import connection
from edge.publish.clear import clear
from edge.publish.connection import new_client, tls_context
from edge.publish.live import LivePublisher
from edge.publish.message import Pose
from tests.conftest import Received
from tests.hub.fleet import HOST, MOSQUITTO, PAGE, PREFIX, Broker, Fleet, Member, Secrets, blocks, wait_until
from tests.publish.messages import a_state, a_telemetry
from tests.publish.test_mqtt import INFO, numbered

RETAINED = ("status", "info", "receiving", "pause")
BIRTH = f"{PREFIX}/status"


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Secrets:
    for program in ("mosquitto_passwd", "openssl", "bash"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    return Secrets(tmp_path_factory.mktemp("fleet") / "secrets")


@pytest.fixture
def fleet(
    secrets: Secrets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> Iterator[Fleet]:
    if MOSQUITTO is None:
        pytest.skip("mosquitto is not installed")
    monkeypatch.setattr(connection, "BACKOFF_MIN_S", 0.05)
    caplog.set_level(logging.INFO)
    with Fleet(tmp_path, secrets) as fleet:
        yield fleet


def of(room: str, *names: str) -> set[str]:
    return {f"wimose/{room}/{name}" for name in names}


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


def everything(publisher: LivePublisher) -> None:
    publisher.receiving(True)
    publisher.state(a_state())
    publisher.telemetry(a_telemetry())
    publisher.pose(numbered(1))


def test_each_host_may_do_all_that_it_has_to(fleet: Fleet, secrets: Secrets, caplog: pytest.LogCaptureFixture) -> None:
    broker = fleet.broker()
    hub = fleet.join(broker, "hub", "wimose/+/+", f"{PREFIX}/#")
    display = fleet.join(broker, "display", "wimose/#")
    rooms = {"office": "office", "living-room": "east", "bedroom": "east"}
    heard: dict[str, list[bytes]] = {room: [] for room in rooms}
    publishers = {room: fleet.publish(broker.mqtt(user), room, heard[room]) for room, user in rooms.items()}
    for room, publisher in publishers.items():
        everything(publisher)
        hub.has(of(room, *RETAINED, "state", "telemetry", "pose"))
        hub.has({f"{PREFIX}/binary_sensor/wimose_{room}/occupancy/config"})
        for payload, asked in ((b"ON", True), (b"OFF", False)):
            assert hub.may_say(f"wimose/{room}/pause/set", payload)
            wait_until(lambda publisher=publisher, asked=asked: publisher.pause_asked is asked)  # type: ignore[misc]
    (each,) = re.findall(r"(\d+) messages a room", PAGE.read_text())
    late = fleet.join(broker, "hub", "wimose/+/+", f"{PREFIX}/#")
    late.wait(lambda h: len({m.topic for m in h.messages if m.retain}) == int(each) * len(rooms))

    states = [len(hub.payloads(f"wimose/{room}/state")) for room in rooms]
    assert hub.may_say(BIRTH, b"online")
    for room, before in zip(rooms, states, strict=True):
        hub.wait(lambda h, room=room, n=before: len(h.payloads(f"wimose/{room}/state")) > n)  # type: ignore[misc]
    display.has(topic for room in rooms for topic in of(room, "pose", "status", "info"))
    assert {topic.rpartition("/")[2] for topic in display.topics()} == {"pose", "status", "info"}

    for room, batches in heard.items():
        relay = fleet.relay(broker, f"{rooms[room]}-relay", room, "receiver2")
        for batch in (b"packets", bytes(MAX_MESSAGE), bytes(MAX_MESSAGE + 1), b"the last"):
            relay.send(batch)
        wait_until(lambda batches=batches: b"the last" in batches)  # type: ignore[misc]
        assert [len(batch) for batch in batches] == [7, MAX_MESSAGE, 8]
        assert relay.close(), "its `offline` was confirmed"

    for room, publisher in publishers.items():
        assert publisher.close(), "its `offline` was confirmed"
        config = Config(room=room, mqtt=broker.mqtt(rooms[room]))
        assert f"wimose/{room}/csi/receiver2/status" in clear(config, secrets.password(rooms[room]))
    assert errors(caplog) == []
    after = fleet.join(broker, "hub", "#")
    assert after.may_say(BIRTH, b"online")
    after.has({BIRTH})
    assert after.topics() == {BIRTH}, "nothing of the rooms is left"


def test_the_will_of_a_host_may_be_said(fleet: Fleet, secrets: Secrets) -> None:
    broker = fleet.broker()
    hub = fleet.join(broker, "hub", "wimose/+/status")
    for room, user in (("office", "office"), ("bedroom", "east")):
        mqtt = broker.mqtt(user)
        address = BrokerAddress.parse(mqtt.address)
        client = new_client(
            address, room, secrets.password(user), MQTTProtocolVersion.MQTTv5, tls_context(mqtt, address, {}),
            reconnects=False,
        )  # fmt: skip
        client.connect(HOST, broker.port)
        client.loop_start()
        wait_until(client.is_connected)
        connected = client.socket()
        assert isinstance(connected, socket.socket)
        connected.shutdown(socket.SHUT_RDWR)
        client.loop_stop()
        hub.has(of(room, "status"))
        assert hub.payloads(f"wimose/{room}/status") == [b"offline"]


@pytest.mark.parametrize(("user", "own", "other"), [("office", "office", "bedroom"), ("east", "bedroom", "office")])
def test_a_host_stays_in_its_rooms(fleet: Fleet, secrets: Secrets, user: str, own: str, other: str) -> None:
    broker = fleet.broker()
    host = fleet.join(broker, user, "#")
    assert host.may_say(f"wimose/{own}/pose")
    assert host.may_say(f"{PREFIX}/sensor/wimose_{own}/posture/config")
    for name in ("pose", "state", "status", "pause", "pause/set", "csi/receiver2", "csi/receiver2/status"):
        assert not host.may_say(f"wimose/{other}/{name}"), name
    for topic in (
        f"wimose/{own}/pause/set", f"wimose/{own}/csi/receiver2", f"{PREFIX}/sensor/wimose_{other}/posture/config",
        BIRTH, "wimose", "anything",
    ):  # fmt: skip
        assert not host.may_say(topic), topic

    hub = fleet.join(broker, "hub", f"wimose/{other}/+")
    owner = {"office": "office", "bedroom": "east"}[other]
    everything(fleet.publish(broker.mqtt(owner), other))
    hub.has(of(other, *RETAINED, "state", "telemetry", "pose"))
    for command in (f"wimose/{other}/pause/set", f"wimose/{own}/pause/set", BIRTH):
        assert hub.may_say(command, b"heard")
    host.has({f"wimose/{own}/pause/set", BIRTH})  # by now it would have the others, said before
    assert host.topics() == {f"wimose/{own}/pause/set", BIRTH}


def test_consumers_and_relays_say_no_more_than_is_theirs(fleet: Fleet) -> None:
    broker = fleet.broker()
    display = fleet.join(broker, "display")
    for topic in (*of("office", "pose", "status", "pause/set"), BIRTH):
        assert not display.may_say(topic), topic
    relay = fleet.join(broker, "east-relay")
    assert relay.may_say("wimose/living-room/csi/receiver2/status")
    assert relay.may_say("wimose/bedroom/csi/receiver1"), "a host has a receiver of its own for one room at most"
    for topic in (*of("living-room", "pose", "csi/receiver1"), *of("office", "csi/receiver2")):
        assert not relay.may_say(topic), topic
    hub = fleet.join(broker, "hub")
    for topic in of("office", "pose", "state", "csi/receiver2"):
        assert not hub.may_say(topic), topic


def test_nobody_comes_in_without_a_name(fleet: Fleet, secrets: Secrets, tmp_path: Path) -> None:
    broker = fleet.broker()
    with pytest.raises(PermissionError, match="Not authorized"):
        Member(broker, None)
    with pytest.raises(PermissionError, match="Not authorized"):
        (secrets.folder / "nobody.password").write_text("guessed")
        Member(broker, "nobody")
    hashed = (secrets.folder / "passwords").read_text()
    assert "office:$" in hashed
    assert secrets.password("office") not in hashed


def test_a_host_that_was_lost_is_put_off_and_nobody_else(
    fleet: Fleet, secrets: Secrets, caplog: pytest.LogCaptureFixture
) -> None:
    broker = fleet.broker()
    lost = fleet.publish(broker.mqtt("office"), "office")
    other = fleet.publish(broker.mqtt("east"), "bedroom")
    hub = fleet.join(broker, "hub", "wimose/+/+")
    subprocess.run(["mosquitto_passwd", "-b", broker.passwords, "office", "another"], check=True, capture_output=True)
    broker.reload()
    wait_until(lambda: any("refuses user 'office'" in error for error in errors(caplog)))
    assert not lost.connected
    assert fleet.join(broker, "office", password="another").may_say("wimose/office/status", b"offline", retain=True)
    other.pose(numbered(1))
    hub.has(of("bedroom", "pose"))
    assert hub.payloads("wimose/office/status")[-1] == b"offline"
    assert other.drops["pose"] == 0
    assert hub.payloads("wimose/bedroom/status") == [b"online"]


def test_a_restart_forgets_no_room_that_is_off(fleet: Fleet) -> None:
    broker = fleet.broker()
    assert fleet.publish(broker.mqtt("office"), "office").close()
    broker.restart()
    hub = fleet.join(broker, "hub", "wimose/+/+", f"{PREFIX}/#")
    hub.has({*of("office", *RETAINED), f"{PREFIX}/switch/wimose_office/pause/config"})
    assert hub.payloads("wimose/office/status") == [b"offline"]


def test_a_certificate_is_the_name_of_a_host(fleet: Fleet, secrets: Secrets, caplog: pytest.LogCaptureFixture) -> None:
    broker = fleet.broker()
    page = msgspec.yaml.decode(blocks()["config.yaml"].replace("/etc/wimose", str(secrets.folder)), type=dict)
    mqtt = msgspec.convert(page["mqtt"], Mqtt)
    assert mqtt.address == "mqtts://hub.local:8884"
    mqtt = msgspec.structs.replace(mqtt, address=f"mqtts://{HOST}:{broker.certificate_port}")
    hub = fleet.join(broker, "hub", "wimose/+/+", f"{PREFIX}/#")
    everything(fleet.publish(mqtt, "bedroom"))
    hub.has(of("bedroom", *RETAINED, "state", "telemetry", "pose"))
    assert errors(caplog) == []
    assert not fleet.join(broker, "east", certificate=True).may_say("wimose/office/pose")
    stranger = LivePublisher(msgspec.structs.replace(mqtt, certificate_file=None, key_file=None), "bedroom", INFO)
    stranger.start()
    wait_until(lambda: bool(errors(caplog)))
    assert "it may also ask for a client certificate" in errors(caplog)[0]
    stranger.close(0.1)


def test_a_group_of_consumers_shares_the_poses(fleet: Fleet, secrets: Secrets) -> None:
    broker = fleet.broker()
    shared = PAGE.read_text().partition("-t '")[2].partition("'")[0]
    assert shared.startswith("$share/")
    members = [fleet.join(broker, "display", shared) for _ in range(2)]
    whole = fleet.join(broker, "display", "wimose/+/pose")
    publisher = fleet.publish(broker.mqtt("office"), "office")
    for seq in range(40):
        publisher.pose(numbered(seq))
        whole.wait(lambda w, n=seq + 1: len(w.payloads("wimose/office/pose")) == n)  # type: ignore[misc]
    wait_until(lambda: sum(len(member.messages) for member in members) >= 40)
    parts = [[seq_of(message) for message in member.messages] for member in members]
    assert sorted(parts[0] + parts[1]) == list(range(40)), "each once, and together all"
    assert all(len(part) > 0 for part in parts)


def seq_of(message: Received) -> int:
    return msgspec.json.decode(message.payload, type=Pose).seq


def bridged(fleet: Fleet, central: Broker, *more: str) -> Broker:
    bridge = blocks()["bridge.conf"].replace("central.example:8884", f"{HOST}:{central.certificate_port}")
    return fleet.broker("house", "acl", bridge, *more)


def test_a_bridge_carries_a_house_to_the_centre(fleet: Fleet, secrets: Secrets) -> None:
    central = fleet.broker("central", "central.acl")
    house = bridged(fleet, central)
    publisher = fleet.publish(house.mqtt("office"), "office")
    dashboard = fleet.join(central, "dashboard", "#", certificate=True)
    dashboard.wait(lambda d: b"1" in d.payloads("oak/bridge"))
    everything(publisher)
    dashboard.has(f"oak/{topic}" for topic in of("office", *RETAINED, "state", "telemetry", "pose"))
    assert {m.qos for m in dashboard.messages if m.topic.endswith("/pose")} == {0}
    assert {m.qos for m in dashboard.messages if m.topic.endswith("/state")} == {1}
    assert all(topic.startswith("oak/") for topic in dashboard.topics()), "no discovery, no packets"

    assert dashboard.may_say("oak/wimose/office/pause/set", b"ON")
    hub = fleet.join(house, "hub", "wimose/office/+")
    everything(publisher)  # to and fro: what was commanded before would have come
    dashboard.wait(lambda d: len(d.payloads("oak/wimose/office/pose")) == 2)
    hub.has(of("office", "pose"))
    assert publisher.pause_asked is None, "the centre hears and does not command"

    central.kill()
    for posture in ("standing", "lying", "moving"):
        publisher.state(a_state(posture=posture))
        publisher.pose(numbered(2))
        hub.wait(lambda h, posture=posture: posture.encode() in h.payloads("wimose/office/state")[-1])  # type: ignore[misc]
    central.start()  # with nothing that it retained
    again = fleet.join(central, "dashboard", "#", certificate=True)
    again.has(f"oak/{topic}" for topic in of("office", *RETAINED))
    again.wait(lambda a: b"1" in a.payloads("oak/bridge"))
    publisher.state(a_state(posture="sitting"))
    again.wait(lambda a: any(b"sitting" in state for state in a.payloads("oak/wimose/office/state")))
    heard = b"".join(again.payloads("oak/wimose/office/state"))
    assert b"standing" not in heard, "what is old was not queued"
    assert b"lying" not in heard
    assert "oak/wimose/office/pose" not in again.topics()
    late = fleet.join(central, "dashboard", "oak/wimose/office/status", certificate=True)
    assert late.wait_for("oak/wimose/office/status") == Received(
        "oak/wimose/office/status", b"online", qos=1, retain=True
    )
    assert publisher.connected
    assert publisher.drops == {"pose": 0, "state": 0, "telemetry": 0}, "the house never noticed"

    house.kill()
    again.wait(lambda a: a.payloads("oak/bridge")[-1] == b"0")


def test_the_centre_commands_a_house_that_lets_it(fleet: Fleet, secrets: Secrets) -> None:
    central = fleet.broker("central", "central.acl")
    house = bridged(fleet, central, blocks()["bridge-command.conf"])
    publisher = fleet.publish(house.mqtt("office"), "office")
    dashboard = fleet.join(central, "dashboard", "oak/#", certificate=True)
    dashboard.wait(lambda d: b"1" in d.payloads("oak/bridge"))
    wait_until(lambda: dashboard.may_say("oak/wimose/office/pause/set", b"ON") and publisher.pause_asked is True)
    assert not dashboard.may_say("oak/wimose/office/pose")
    oak = fleet.join(central, "oak", certificate=True)
    assert oak.may_say("oak/wimose/office/pose")
    assert not oak.may_say("elm/wimose/office/pose"), "nor may a house speak for another"
