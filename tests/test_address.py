from pathlib import Path

import pytest

from edge.address import BrokerAddress, check_room, read_password
from edge.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "host", "port", "tls", "user", "shown"),
    [
        ("mqtt://hub", "hub", 1883, False, None, "mqtt://hub:1883"),
        ("mqtts://hub", "hub", 8883, True, None, "mqtts://hub:8883"),
        ("mqtt://hub.local:1884/", "hub.local", 1884, False, None, "mqtt://hub.local:1884"),
        ("mqtt://192.0.2.7:65535", "192.0.2.7", 65535, False, None, "mqtt://192.0.2.7:65535"),
        ("mqtt://[2001:db8::1]", "2001:db8::1", 1883, False, None, "mqtt://[2001:db8::1]:1883"),
        ("mqtts://me@[::1]:99", "::1", 99, True, "me", "mqtts://[::1]:99"),
        ("mqtt://me%40home@hub", "hub", 1883, False, "me@home", "mqtt://hub:1883"),
    ],
)
def test_addresses(text: str, host: str, port: int, tls: bool, user: str | None, shown: str) -> None:
    address = BrokerAddress.parse(text)
    assert address == BrokerAddress(host, port, tls, user)
    assert str(address) == shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hub",
        "hub:1883",
        "http://hub",
        "mqtt:hub",
        "mqtt://",
        "mqtt://:1883",
        "mqtt://@hub",
        "mqtt://me@",
        "mqtt://hub:0",
        "mqtt://hub:65536",
        "mqtt://hub:port",
        "mqtt://[::1",
        "mqtt://::1",
        "mqtt://hub/room",
        "mqtt://hub?x=1",
        "mqtt://hub#x",
        "mqtt://hu b",
        "mqtt://hub\n",
        "mqtt://" + 64 * "x",
        "mqtt://a..b",
    ],
)
def test_anything_else_says_what_to_write(text: str) -> None:
    with pytest.raises(ConfigError, match="write mqtt://HOST, mqtt://USER@HOST:PORT"):
        BrokerAddress.parse(text)


@pytest.mark.parametrize(
    "text", ["mqtt://me:s3cret@hub", "mqtt://:s3cret@hub", "mqtt://me:@hub", "http://me:s3cret@hub"]
)
def test_a_password_in_the_address_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="--mqtt-password-file") as refusal:
        BrokerAddress.parse(text)
    assert "s3cret" not in str(refusal.value)


@pytest.mark.parametrize("text", ["mqtt://me:s3cret@hub:99999", "me:s3cret@hub", "mqtt://me:s3cret @hub"])
def test_a_broken_address_is_shown_without_its_password(text: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        BrokerAddress.parse(text)
    assert "s3cret" not in str(refusal.value)
    assert "hub" in str(refusal.value)


def test_password_from_the_file_then_from_the_credentials_then_none(tmp_path: Path) -> None:
    (tmp_path / "mqtt-password").write_text("from systemd\n")
    (tmp_path / "mine").write_text(" pass wörd \r\n")
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert read_password(tmp_path / "mine", environ) == " pass wörd "
    assert read_password(None, environ) == "from systemd"
    assert read_password(None, {"CREDENTIALS_DIRECTORY": str(tmp_path / "other")}) is None
    assert read_password(None, {}) is None


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "cannot read the MQTT password file .*: No such file"),
        (b"", "must hold the password alone"),
        (b"\n", "must hold the password alone"),
        (b"user\ns3cret\n", "must hold the password alone"),
        (b"s3cret\xff", "is not UTF-8 text"),
    ],
)
def test_unusable_password_files(tmp_path: Path, content: bytes | None, sentence: str) -> None:
    file = tmp_path / "password"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match=sentence) as refusal:
        read_password(file, {})
    assert "s3cret" not in str(refusal.value)
    assert not isinstance(refusal.value.__cause__, UnicodeDecodeError)


@pytest.mark.parametrize("room", ["lab", "Wohnzimmer oben", "キッチン", "x" * 64])
def test_rooms(room: str) -> None:
    assert check_room(room) == room


@pytest.mark.parametrize("room", ["", " ", "a/b", "a+", "#", "a\0b", "a\nb", "\ud800", "x" * 65])
def test_rooms_that_no_topic_can_hold(room: str) -> None:
    with pytest.raises(ConfigError, match="cannot name a room"):
        check_room(room)
