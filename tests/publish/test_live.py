"""The service's publisher against a real mosquitto that is killed, frozen, and lets it not in."""

import gc
import logging
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from paho.mqtt import publish
from paho.mqtt.client import Client

from edge.config import Mqtt
from edge.errors import ConfigError
from edge.publish import connection, keeper, link
from edge.publish.connection import back_off
from edge.publish.live import POSES, LivePublisher
from edge.publish.message import Info, Pose, encode
from tests.conftest import WAIT_S, Listen, Mosquitto, Received, StartMosquitto, free_port
from tests.publish.messages import a_state, a_telemetry
from tests.publish.test_mqtt import INFO, INFO_TOPIC, POSE, STATUS, numbered
from tests.publish.test_refusal import password_file

STATE, PAUSE, RECEIVING = "wimose/lab/state", "wimose/lab/pause", "wimose/lab/receiving"
OCCUPANCY = "homeassistant/binary_sensor/wimose_lab/occupancy/config"
RETAINED = 4  # status, info, pause, receiving
ENTITIES = 9  # without receivers

Start = Callable[..., LivePublisher]


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def mqtt_of(broker: Mosquitto, user: str = "", scheme: str = "mqtt") -> Mqtt:
    return Mqtt(address=f"{scheme}://{user}{broker.host}:{broker.port}")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(connection, "BACKOFF_MIN_S", 0.05)
    caplog.set_level(logging.INFO)


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a publisher, which is closed at the end."""
    running: list[LivePublisher] = []

    def run(mqtt: Mqtt, **options: Any) -> LivePublisher:
        running.append(LivePublisher(mqtt, "lab", INFO, **options))
        running[-1].start()
        return running[-1]

    yield run
    for publisher in running:
        publisher.close(0.1)


@pytest.fixture
def attempts(monkeypatch: pytest.MonkeyPatch) -> list[Client]:
    """The clients of all connections that were tried."""
    clients: list[Client] = []
    init = link.Link.__init__

    def note(self: link.Link, client: Client, *rest: Any) -> None:
        clients.append(client)
        init(self, client, *rest)

    monkeypatch.setattr(link.Link, "__init__", note)
    return clients


def say(broker: Mosquitto, topic: str, payload: bytes, *, retain: bool = False) -> None:
    publish.single(topic, payload, qos=1, retain=retain, hostname=broker.host, port=broker.port)


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


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


def test_it_starts_where_there_is_no_broker_yet_and_says_so_once(
    tmp_path: Path, start: Start, start_mosquitto: StartMosquitto, attempts: list[Client],
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    broker = start_mosquitto("allow_anonymous true")
    broker.kill()
    publisher = start(mqtt_of(broker))
    wait_until(lambda: len(attempts) >= 4)
    assert not publisher.connected
    assert errors(caplog) == [
        f"no MQTT broker listens at mqtt://127.0.0.1:{broker.port}: start it, or correct mqtt.address"
    ]
    broker.start()
    wait_until(lambda: publisher.connected)
    wait_until(lambda: f"connected to mqtt://127.0.0.1:{broker.port}" in caplog.text)


def test_an_unknown_host_is_asked_for_again(start: Start, attempts: list[Client], caplog: Any) -> None:
    start(Mqtt(address="mqtt://broker.invalid"))
    wait_until(lambda: len(attempts) >= 3)
    assert errors(caplog) == ["the host name 'broker.invalid' is unknown: correct mqtt.address, or give the IP address"]


def test_a_wrong_password_is_said_once_and_tried_until_it_is_right(
    start: Start, start_mosquitto: StartMosquitto, tmp_path: Path, attempts: list[Client], caplog: Any
) -> None:
    broker = start_mosquitto(f"allow_anonymous false\npassword_file {password_file(tmp_path)}")
    publisher = start(mqtt_of(broker, "me@"), password="wr0ng")
    wait_until(lambda: len(attempts) >= 4)
    assert errors(caplog) == [
        f"mqtt://127.0.0.1:{broker.port} refuses user 'me': correct the user in mqtt.address, or the password file"
    ]
    assert "wr0ng" not in caplog.text + repr(publisher)
    broker.kill()
    subprocess.run(["mosquitto_passwd", "-b", str(tmp_path / "passwords"), "me", "wr0ng"], check=True)
    broker.start()
    wait_until(lambda: publisher.connected)


def test_what_it_may_not_write_is_said_once(
    start: Start, start_mosquitto: StartMosquitto, tmp_path: Path, attempts: list[Client], caplog: Any
) -> None:
    (tmp_path / "acl").write_text("user me\ntopic read #\n")
    broker = start_mosquitto(
        f"allow_anonymous false\npassword_file {password_file(tmp_path)}\nacl_file {tmp_path / 'acl'}"
    )
    publisher = start(mqtt_of(broker, "me@"), password="s3cret", discovery_prefix="homeassistant")
    for connections in (1, 2):
        wait_until(lambda: len(errors(caplog)) >= 2)
        wait_until(lambda: publisher.connected)
        assert sorted(errors(caplog)) == [
            f"mqtt://127.0.0.1:{broker.port} does not take messages (Not authorized): "
            f"allow user 'me' to write {topics} in its access list"
            for topics in ("homeassistant/#", "wimose/lab/#")
        ]
        if connections == 1:
            broker.kill()
            wait_until(lambda: not publisher.connected)
            broker.start()
            wait_until(lambda: "connected to" in caplog.records[-1].getMessage())
            publisher.state(a_state())
    assert not publisher.close(0.5), "`offline` was refused too"


def authority(folder: Path, name: str) -> Path:
    """A certificate and its key, signed by itself: NAME.pem and NAME.key."""
    subprocess.run(
        f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN={name} "
        f"-addext subjectAltName=IP:127.0.0.1 -keyout {folder / name}.key -out {folder / name}.pem".split(),
        check=True,
        capture_output=True,
    )
    return folder / f"{name}.pem"


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    for name in ("broker", "other", "client"):
        authority(tmp_path, name)
    return tmp_path


def test_tls_with_the_right_authority_and_with_a_wrong_one(
    start: Start, start_mosquitto: StartMosquitto, certificates: Path, attempts: list[Client], caplog: Any
) -> None:
    broker = start_mosquitto(
        f"allow_anonymous true\ncertfile {certificates}/broker.pem\nkeyfile {certificates}/broker.key"
    )
    mqtt = mqtt_of(broker, scheme="mqtts")
    wrong = start(msgspec.structs.replace(mqtt, ca_file=f"{certificates}/other.pem"))
    wait_until(lambda: len(attempts) >= 4)
    (line,) = errors(caplog)
    assert line.startswith(f"the certificate of mqtts://127.0.0.1:{broker.port} is not trusted")
    assert line.endswith("name the file of the authority that signed it in mqtt.ca_file")
    wrong.close()
    right = start(msgspec.structs.replace(mqtt, ca_file=f"{certificates}/broker.pem"))
    wait_until(lambda: right.connected)
    assert right.close()


def test_a_certificate_instead_of_a_password(
    start: Start, start_mosquitto: StartMosquitto, certificates: Path, caplog: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = start_mosquitto(
        f"allow_anonymous false\ncertfile {certificates}/broker.pem\nkeyfile {certificates}/broker.key\n"
        f"cafile {certificates}/client.pem\nrequire_certificate true\nuse_identity_as_username true"
    )
    mqtt = msgspec.structs.replace(mqtt_of(broker, scheme="mqtts"), ca_file=f"{certificates}/broker.pem")
    nobody = start(mqtt)
    wait_until(lambda: bool(errors(caplog)))
    assert "it may also ask for a client certificate" in errors(caplog)[0]
    nobody.close()
    named = msgspec.structs.replace(mqtt, certificate_file=f"{certificates}/client.pem")
    with_file = start(msgspec.structs.replace(named, key_file=f"{certificates}/client.key"))
    wait_until(lambda: with_file.connected)
    with_file.close()
    (certificates / "credentials").mkdir()
    (certificates / "client.key").rename(certificates / "credentials" / "mqtt-key")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(certificates / "credentials"))
    with_credential = start(named)
    wait_until(lambda: with_credential.connected)


def test_files_and_addresses_that_cannot_be_used(certificates: Path) -> None:
    secure = "mqtts://hub"
    for mqtt, sentence in (
        (Mqtt(address="mqtt://hub", ca_file="/x"), r"belong to TLS: write mqtt\.address as mqtts://"),
        (Mqtt(address=secure, ca_file="/missing"), r"mqtt\.ca_file /missing: No such file"),
        (Mqtt(address=secure, ca_file=f"{certificates}/client.key"), r"name the authority's PEM file"),
        (Mqtt(address=secure, certificate_file="/missing"), r"mqtt\.certificate_file /missing .*No such file"),
        (
            Mqtt(address=secure, certificate_file=f"{certificates}/client.pem", key_file=f"{certificates}/other.key"),
            r"KEY_VALUES_MISMATCH; both must be PEM, belong together",
        ),
    ):
        with pytest.raises(ConfigError, match=sentence):
            LivePublisher(mqtt, "lab", INFO)
    with pytest.raises(ConfigError, match=r"without a user: write mqtt\.address as mqtt://USER@HOST"):
        LivePublisher(Mqtt(), "lab", INFO, password="s3cret")
    with pytest.raises(ConfigError, match="cannot name a room"):
        LivePublisher(Mqtt(), "a/b", INFO)


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


LET_IN = {5: bytes.fromhex("2003000000"), 4: bytes.fromhex("20020000")}  # CONNACK, success; section 3.2


@contextmanager
def puppet(answer: Callable[[int, int], bytes | None]) -> Iterator[tuple[Mqtt, list[int]]]:
    """A server that answers the CONNECT of number n at protocol level l with these bytes; None: it hangs up.

    Yields its address and the levels that it was asked at.
    """
    levels: list[int] = []
    connections: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                peer, _ = server.accept()
                level = peer.recv(4096)[8]  # MQTT 5.0, section 3.1.2.2
            except (OSError, IndexError):
                return
            said = answer(len(levels), level)
            levels.append(level)
            if said is None:
                peer.close()
            else:
                peer.sendall(said)
                connections.append(peer)

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, daemon=True).start()
        yield Mqtt(address=f"mqtt://127.0.0.1:{server.getsockname()[1]}"), levels
        server.shutdown(socket.SHUT_RDWR)
        for peer in connections:
            peer.close()


def test_a_broker_of_mqtt_3_1_1(start: Start) -> None:
    refuse = b"\x20\x02\x00\x01"  # unacceptable protocol version; MQTT 3.1.1, table 3.1
    with puppet(lambda _, level: LET_IN[4] if level == 4 else refuse) as (mqtt, levels):
        publisher = start(mqtt)
        wait_until(lambda: publisher.connected)
        assert levels == [5, 4]


def test_a_broker_that_hangs_up_is_asked_in_the_other_version_until_one_is_known(start: Start) -> None:
    with puppet(lambda number, level: LET_IN[level] if number == 2 else None) as (mqtt, levels):
        publisher = start(mqtt)
        wait_until(lambda: publisher.connected)
        assert levels == [5, 4, 5]


def test_a_connection_on_which_nothing_is_confirmed_is_given_up(
    start: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It answers and is silent: as it would look, too, if paho's thread had died of a fault."""
    monkeypatch.setattr(keeper, "STALL_S", 0.1)
    monkeypatch.setattr(keeper, "POLL_S", 0.05)
    with puppet(lambda _, level: LET_IN[level]) as (mqtt, levels):
        start(mqtt)
        wait_until(lambda: len(levels) >= 3)
    assert "messages are not taken" in caplog.text


def test_a_subscription_that_is_refused_is_said(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    refuse_first = bytes.fromhex("9004 0001 00 87")  # SUBACK, not authorized; MQTT 5.0, section 3.9
    with puppet(lambda _, level: LET_IN[level] + refuse_first) as (mqtt, _):
        start(mqtt)
        wait_until(lambda: "allow anonymous clients to read it in its access list" in caplog.text)
        assert "lets us not hear wimose/lab/pause/set (Not authorized)" in caplog.text


def test_a_second_host_of_the_same_room_is_named_as_the_trouble(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    taken_over = bytes.fromhex("e0018e")  # DISCONNECT; MQTT 5.0, section 3.14
    with puppet(lambda _, level: LET_IN[level] + taken_over) as (mqtt, _):
        start(mqtt)
        wait_until(lambda: "does a second host publish for this room?" in caplog.text)


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


def test_a_month_of_lost_connections_leaves_no_sockets_open(
    start: Start, monkeypatch: pytest.MonkeyPatch, attempts: list[Client]
) -> None:
    monkeypatch.setattr(connection, "BACKOFF_MIN_S", 0.001)
    monkeypatch.setattr(connection, "BACKOFF_MAX_S", 0.001)

    def opened() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    gc.collect()
    gc.disable()
    try:
        with puppet(lambda *_: None) as (mqtt, levels):
            before = opened()
            publisher = start(mqtt)
            while len(levels) < 50:
                attempts.clear()
                time.sleep(0.001)
            assert opened() < before + 20
            publisher.close()
    finally:
        gc.enable()


def test_waiting_grows_with_the_time_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "BACKOFF_MIN_S", 1)
    assert [back_off(away) for away in (0.0, 3.0, 30.0, 60.0, 600.0, 1e9)] == [1, 1, 5, 10, 60, 60]
