"""What a household sees: every entity on a real hub, through a real broker, without a line of configuration."""

import time

from edge.config import Config, Mqtt
from edge.publish.clear import clear
from edge.publish.live import LivePublisher
from tests.hub.conftest import HUB_S, Hub
from tests.publish.messages import a_state, a_telemetry
from tests.publish.test_mqtt import INFO

RECEIVERS = ("receiver1", "receiver2")
OURS = "wimose_lab"
OF_POSES = {
    "binary_sensor.wimose_lab": "on",
    "sensor.wimose_lab_posture": "sitting",
    "sensor.wimose_lab_position_x": "1.25",
    "sensor.wimose_lab_position_y": "-0.5",
    "sensor.wimose_lab_confidence": "87",
}
OF_HOST = {
    "switch.wimose_lab_pause": "off",
    "sensor.wimose_lab_problem": "OK",
    "sensor.wimose_lab_poses_per_second": "29.5",
    "sensor.wimose_lab_latency": "7.25",
    "sensor.wimose_lab_packet_loss_receiver1": "2.5",
    "sensor.wimose_lab_packet_loss_receiver2": "unknown",  # not paired
}
ALL = OF_POSES | OF_HOST


def test_everything_a_household_sees(hub: Hub) -> None:
    def report(what: str) -> None:
        print(f"{time.monotonic() - begun:6.1f} s  {what}")

    begun = time.monotonic()
    mqtt = Mqtt(address=f"mqtt://{hub.user}@{hub.host}:{hub.port}")
    publisher = LivePublisher(
        mqtt, "lab", INFO, password=hub.password, discovery_prefix="homeassistant", receivers=RECEIVERS
    )
    publisher.receiving(True)
    publisher.state(a_state())
    publisher.telemetry(a_telemetry())
    publisher.start()
    try:
        hub.wait(OURS, ALL)
        for entity, state in sorted(hub.states(OURS).items()):
            report(f"{entity} is {state}")
        devices = {hub.template(f"{{{{ device_id('{entity}') }}}}") for entity in ALL}
        assert len(devices) == 1
        assert "None" not in devices
        assert hub.template("{{ state_attr('binary_sensor.wimose_lab', 'device_class') }}") == "occupancy"
        report("all of them belong to one device")

        publisher.receiving(False)
        hub.wait(OURS, dict.fromkeys(OF_POSES, "unavailable") | OF_HOST)
        report("no packets: what needs them is unavailable, the rest is not")

        publisher.receiving(True)
        publisher.state(
            a_state(present=None, posture=None, position=None, confidence=None, problem="receiver2 is silent " * 20)
        )
        sentence = ("receiver2 is silent " * 20)[:255]
        hub.wait(OURS, dict.fromkeys(OF_POSES, "unknown") | OF_HOST | {"sensor.wimose_lab_problem": sentence.strip()})
        report("one receiver silent: unknown, and the problem in 255 characters")

        for posture in ("standing", "lying", "moving"):
            publisher.state(a_state(posture=posture))
            hub.wait(OURS, ALL | {"sensor.wimose_lab_posture": posture})
        publisher.state(a_state(present=False, posture=None, position=None, confidence=None))
        hub.wait(OURS, ALL | dict.fromkeys(OF_POSES, "unknown") | {"binary_sensor.wimose_lab": "off"})
        publisher.state(a_state())
        report("every posture, and an empty room")

        for service, asked, shown in (("turn_on", True, "on"), ("turn_off", False, "off")):
            hub.call(f"/api/services/switch/{service}", {"entity_id": "switch.wimose_lab_pause"})
            deadline = time.monotonic() + HUB_S
            while publisher.pause_asked is not asked:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            assert hub.states(OURS)["switch.wimose_lab_pause"] != shown, "the switch shows what is, not what was asked"
            publisher.paused(asked)
            hub.wait(OURS, ALL | {"switch.wimose_lab_pause": shown})
            report(f"the hub's {service} of the pause switch arrived, and it shows {shown}")

        hub.restart()
        assert hub.states(OURS) == {}
        hub.wait(OURS, ALL)
        report("the hub was restarted: every entity is back, with the state that no broker retained")

        hub.restart_broker()
        hub.until(OURS, lambda states: set(states.values()) == {"unavailable"})
        report("the broker was killed: everything is unavailable")
        hub.wait(OURS, ALL)
        report("the broker is back without its memory: so is everything else")
    finally:
        confirmed = publisher.close()
    assert confirmed
    hub.wait(OURS, dict.fromkeys(ALL, "unavailable"))
    report("offline: everything is unavailable")

    cleared = clear(Config(room="lab", mqtt=mqtt), hub.password)
    hub.wait(OURS, {})
    report(f"cleared {len(cleared)} topics: the hub has forgotten the device")
