"""The service's publisher and brokers that are not there, let it not in or cannot be trusted."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest
from paho.mqtt.client import Client

from edge.config import Mqtt
from edge.errors import ConfigError
from edge.publish.live import LivePublisher
from tests.conftest import StartMosquitto
from tests.publish.brokers import Start, errors, mqtt_of, wait_until
from tests.publish.messages import a_state
from tests.publish.test_mqtt import INFO
from tests.publish.test_refusal import password_file

pytestmark = pytest.mark.usefixtures("impatient")


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
