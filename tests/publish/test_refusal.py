"""Every way not to be let in ends in a sentence that says what to do."""

import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge.address import BrokerAddress
from edge.errors import ConfigError
from edge.publish.mqtt import MqttPublisher
from tests.conftest import WAIT_S, Mosquitto, StartMosquitto, free_port
from tests.publish.test_mqtt import INFO, publisher_to


def password_file(folder: Path) -> Path:
    file = folder / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(file), "me", "s3cret"], check=True, capture_output=True)
    return file


def test_passwords(start_mosquitto: StartMosquitto, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    broker = start_mosquitto(f"allow_anonymous false\npassword_file {password_file(tmp_path)}")
    threads = threading.active_count()
    with publisher_to(broker, "me", "s3cret").connect() as publisher:
        assert "s3cret" not in repr(publisher) + str(publisher) + repr(publisher.address)
    with pytest.raises(ConfigError, match="refuses user 'me': correct the user in --mqtt, or the password file") as no:
        publisher_to(broker, "me", "wr0ng").connect()
    assert "wr0ng" not in str(no.value)
    with pytest.raises(ConfigError, match="wants a user: write --mqtt as mqtt://USER@HOST"):
        publisher_to(broker).connect()
    with pytest.raises(ConfigError, match="without a user: write --mqtt as mqtt://USER@HOST"):
        publisher_to(broker, None, "s3cret")
    assert not caplog.records, "said once, by the exception"
    assert threading.active_count() == threads, "whoever was refused does not try on in the background"


def test_a_user_who_may_not_write_is_told_so(
    start_mosquitto: StartMosquitto, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "acl").write_text("user me\ntopic read #\n")
    broker = start_mosquitto(
        f"allow_anonymous false\npassword_file {password_file(tmp_path)}\nacl_file {tmp_path / 'acl'}"
    )
    with pytest.raises(ConfigError, match="allow user 'me' to write wimose/lab/# in its access list"):
        publisher_to(broker, "me", "s3cret").connect()
    assert not caplog.records, "said once, by the exception"


def connect(host: str, port: int, tls: bool = False, timeout: float = 5.0) -> None:
    with MqttPublisher(BrokerAddress(host, port, tls, user=None), "lab", INFO).connect(timeout):
        pass


def test_nobody_there() -> None:
    with pytest.raises(ConfigError, match=r"no MQTT broker listens at mqtt://127\.0\.0\.1:\d+: start it, or"):
        connect("127.0.0.1", free_port())
    with pytest.raises(ConfigError, match=r"the host name 'broker\.invalid' is unknown: correct --mqtt"):
        connect("broker.invalid", 1883)


@contextmanager
def puppet(*greetings: bytes) -> Iterator[tuple[str, int, list[int]]]:
    """A server that answers its connections with these bytes, in order: its host, port and what it heard.

    What it heard is the protocol level of each CONNECT (MQTT 5.0, section 3.1.2.2).
    """
    levels: list[int] = []

    def serve() -> None:
        for greeting in greetings:
            connection, _ = server.accept()
            with connection:
                levels.append(connection.recv(4096)[8])
                connection.sendall(greeting)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        yield *server.getsockname(), levels
        thread.join(WAIT_S)


def test_a_server_that_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        host, port = mute.getsockname()
        with pytest.raises(ConfigError, match="does not answer: check the host, the port and the firewall"):
            connect(host, port, timeout=0.5)


def test_a_server_that_hangs_up() -> None:
    with (
        puppet(b"") as (host, port, _),
        pytest.raises(ConfigError, match="closed the connection: check that mqtt:// or mqtts:// fits the port"),
    ):
        connect(host, port)


def test_a_broker_that_refuses_mqtt_5_is_asked_in_3_1_1() -> None:
    unacceptable_version, not_authorized = b"\x20\x02\x00\x01", b"\x20\x02\x00\x05"  # MQTT 3.1.1, table 3.1
    with puppet(unacceptable_version, not_authorized) as (host, port, levels):
        with pytest.raises(ConfigError, match="wants a user"):
            connect(host, port)
        assert levels == [5, 4]


def test_tls(start_mosquitto: StartMosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=test "
        f"-addext subjectAltName=IP:127.0.0.1 -keyout {key} -out {certificate}".split(),
        check=True,
        capture_output=True,
    )
    broker = start_mosquitto(f"allow_anonymous true\ncertfile {certificate}\nkeyfile {key}")
    with pytest.raises(ConfigError, match=r"certificate of mqtts://.* is not trusted .*: set SSL_CERT_FILE"):
        connect(broker.host, broker.port, tls=True)
    with pytest.raises(ConfigError, match="check that mqtt:// or mqtts:// fits the port"):
        connect(broker.host, broker.port, tls=False)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    connect(broker.host, broker.port, tls=True)


def test_plain_broker_asked_for_tls(mosquitto: Mosquitto) -> None:
    with pytest.raises(
        ConfigError, match=r"closed the connection: check that mqtt:// or mqtts:// fits|does not speak TLS"
    ):
        connect(mosquitto.host, mosquitto.port, tls=True)
