from pathlib import Path

import pytest

from edge.config import Config, Mqtt, Receiver
from edge.errors import ConfigError
from edge.publish.clear import clear
from edge.publish.live import LivePublisher
from tests.conftest import Listen, Mosquitto, StartMosquitto, free_port
from tests.publish.brokers import wait_until
from tests.publish.test_mqtt import INFO
from tests.publish.test_refusal import password_file

RECEIVERS = ("east", "west")


def config(broker: Mosquitto, user: str = "") -> Config:
    mqtt = Mqtt(address=f"mqtt://{user}{broker.host}:{broker.port}")
    return Config(room="lab", mqtt=mqtt, receivers=(Receiver(RECEIVERS[0]), Receiver(RECEIVERS[1], "relay")))


def test_nothing_is_left_of_a_room_and_all_of_another(mosquitto: Mosquitto, listen: Listen) -> None:
    for room in ("lab", "kitchen"):
        publisher = LivePublisher(
            config(mosquitto).mqtt, room, INFO, discovery_prefix="homeassistant", receivers=RECEIVERS
        )
        publisher.start()
        wait_until(lambda publisher=publisher: publisher.connected)  # type: ignore[misc]
        assert publisher.close()
    before = listen(mosquitto.host, mosquitto.port, "#")
    before.wait(lambda h: len(h.messages) == 2 * (11 + 4))
    clear(config(mosquitto))
    after = listen(mosquitto.host, mosquitto.port, "#")
    after.wait(lambda h: len(h.messages) == 11 + 4)
    assert all("kitchen" in message.topic for message in after.messages)


def test_a_broker_that_does_not_take_it_is_an_error(start_mosquitto: StartMosquitto, tmp_path: Path) -> None:
    (tmp_path / "acl").write_text("user me\ntopic read #\n")
    broker = start_mosquitto(
        f"allow_anonymous false\npassword_file {password_file(tmp_path)}\nacl_file {tmp_path / 'acl'}"
    )
    with pytest.raises(ConfigError, match=r"allow user 'me' to write homeassistant/.* in its access list"):
        clear(config(broker, "me@"), "s3cret")
    with pytest.raises(ConfigError, match=r"refuses user 'me': correct the user in mqtt\.address"):
        clear(config(broker, "me@"), "wr0ng")
    nobody = Config(mqtt=Mqtt(address=f"mqtt://127.0.0.1:{free_port()}"))
    with pytest.raises(ConfigError, match=r"no MQTT broker listens .* correct mqtt\.address"):
        clear(nobody)
