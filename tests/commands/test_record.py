"""`wimose record` from pipes and from a relay, and what can be done with what it leaves."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from edge.capture.frames import frames
from edge.capture.inbox import Chunk
from edge.capture.relay import BATCH_S, RelaySender
from edge.cli import main
from edge.commands import record
from edge.commands.demo import SESSION
from edge.commands.record import carrier_of, tuned_carrier
from edge.commands.relay import RelayPublisher
from edge.config import Config, Mqtt, Receiver, Relay
from edge.errors import ConfigError
from edge.recording import align
from edge.session import load_session
from tests.conftest import WAIT_S, Mosquitto

LOGS = [(SESSION / f"receiver{number}.dat").read_bytes() for number in (1, 2)]
ANTENNAS = [(0.5, 0.1, 1.2), (0.5, 0.2, 1.2), (0.5, 0.3, 1.2)]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Of two pipes in the folder."""
    for name in ("left", "right"):
        os.mkfifo(tmp_path / f"{name}.pipe")
    path = tmp_path / "config.yaml"
    path.write_text(
        "room: hall\norigin: simulated\nroom_size_m: [7, 8, 2.7]\nreceivers:\n"
        f"  - {{name: left, source: log, path: {tmp_path / 'left.pipe'}, antennas_m: {list(map(list, ANTENNAS))}}}\n"
        f"  - {{name: right, source: log, path: {tmp_path / 'right.pipe'}}}\n"
    )
    return path


def playing(tmp_path: Path, logs: list[bytes]) -> list[threading.Thread]:
    """Writes each log into its pipe as soon as somebody reads there."""

    def write(path: Path, log: bytes) -> None:
        with suppress(BrokenPipeError):  # the recording ended first
            path.write_bytes(log)

    threads = [
        threading.Thread(target=write, args=(tmp_path / f"{name}.pipe", log), daemon=True)
        for name, log in zip(("left", "right"), logs, strict=True)
    ]
    for thread in threads:
        thread.start()
    return threads


def interrupt_once(done: Callable[[], bool]) -> threading.Thread:
    """Presses ctrl-C as soon as it is done; a test that never gets there ends as well."""

    def wait() -> None:
        deadline = time.monotonic() + WAIT_S
        while not done() and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    return thread


def size_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def test_what_was_played_into_the_pipes_can_be_replayed(
    config: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    out = tmp_path / "out"
    begun = time.time()
    threads = playing(tmp_path, LOGS)
    files = [out / "left.dat", out / "right.dat"]
    ctrl_c = interrupt_once(lambda: [size_of(file) for file in files] == [len(log) for log in LOGS])
    assert main(["record", str(out), "--seconds", "600", "--channel", "165", "--config", str(config), "--json"]) == 0
    for thread in (*threads, ctrl_c):
        thread.join(WAIT_S)

    assert [file.read_bytes() for file in files] == LOGS
    assert sorted(path.name for path in out.iterdir()) == ["left.dat", "right.dat", "session.yaml"]
    session = load_session(out)
    wanted = load_session(SESSION)
    file = session.file
    assert (file.room, file.source, file.carrier_hz, file.bandwidth_mhz) == ("hall", "simulated", 5.825e9, 20)
    assert (file.room_size_m, file.receivers[0].antennas_m) == ((7, 8, 2.7), ANTENNAS)
    assert file.packets_per_s == pytest.approx(150, rel=0.02)
    assert file.started is not None
    assert begun - 1 <= file.started <= time.time()
    pairing, reference = (align(one.logs, one.links).pairing for one in (session, wanted))
    assert pairing.index_a.size == reference.index_a.size > 3000
    assert pairing.offset_us == reference.offset_us

    report = json.loads(capfdbinary.readouterr().out)
    assert report["receivers"]["left"] == {"records": len(wanted.logs[0]), "bytes": len(LOGS[0]), "missed": 0}
    assert (report["session"], report["dropped"]) == (str(out), 0)

    # The command line's own word for it.
    assert main(["replay", str(out), "--speed", "max", "--out", str(tmp_path / "poses.jsonl"), "--json"]) == 0
    assert (tmp_path / "poses.jsonl").stat().st_size > 0


def test_one_of_several_rooms(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keys = config.read_text().replace("origin: simulated\n", "").replace("\n", "\n    ")
    config.write_text(f"rooms:\n  - room: lab\n  - {keys}\n")
    out = tmp_path / "out"
    command = ["record", str(out), "--seconds", "0.05", "--channel", "36", "--config", str(config)]
    assert main(command) == 2
    assert "which room? This host has lab, hall: name one with --room" in capsys.readouterr().err
    playing(tmp_path, LOGS)
    assert main([*command, "--room", "hall"]) == 0
    file = load_session(out).file
    assert (file.room, file.room_size_m, [one.name for one in file.receivers]) == (
        "hall",
        (7, 8, 2.7),
        ["left", "right"],
    )


def test_it_ends_by_itself(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    playing(tmp_path, LOGS)
    assert main(["record", str(out), "--seconds", "0.05", "--channel", "36", "--config", str(config)]) == 0
    for file, log in zip(("left.dat", "right.dat"), LOGS, strict=True):
        recorded = (out / file).read_bytes()
        assert recorded
        assert log.startswith(recorded)
    said = capsys.readouterr().err
    assert f"wimose replay {out}" in said
    assert "left: " in said


def test_a_silent_receiver_leaves_nothing(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(record, "HEAR_S", 0.5)
    out = tmp_path / "out"
    threading.Thread(target=(tmp_path / "left.pipe").write_bytes, args=(LOGS[0][:2150],), daemon=True).start()
    assert main(["record", str(out), "--seconds", "1", "--channel", "36", "--config", str(config)]) == 1
    assert "no packets from right" in capsys.readouterr().err
    assert not out.exists()


def test_a_folder_that_is_there_is_not_touched(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "left.dat").write_bytes(b"precious")
    assert main(["record", str(out), "--seconds", "1", "--channel", "36", "--config", str(config)]) == 2
    assert "is there already" in capsys.readouterr().err
    assert (out / "left.dat").read_bytes() == b"precious"


def test_the_other_receiver_by_relay(mosquitto: Mosquitto, config: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    mqtt = Mqtt(f"mqtt://{mosquitto.host}:{mosquitto.port}")
    config.write_text(
        f"room: hall\nmqtt: {{address: '{mqtt.address}'}}\nreceivers:\n"
        f"  - {{name: left, source: log, path: {tmp_path / 'left.pipe'}}}\n  - {{name: right, source: relay}}\n"
    )
    relay = RelayPublisher(Config(room="hall", mqtt=mqtt, relay=Relay("right")))
    relay.start()

    def feed() -> None:
        (tmp_path / "left.pipe").write_bytes(LOGS[0])  # returns once the recording reads it
        sender = RelaySender()
        all_ = list(frames(LOGS[1]))
        sent = 0
        while sent < len(all_):
            sender.add(Chunk(0, b"".join(all_[sent : sent + 100]), 0.0))
            for message in sender.due(BATCH_S):
                relay.send(message)
            sent += 100
            time.sleep(0.02)  # faster than real time, slower than the broker

    feeding = threading.Thread(target=feed, daemon=True)
    feeding.start()
    ctrl_c = interrupt_once(lambda: not feeding.is_alive() and size_of(out / "right.dat") == len(LOGS[1]))
    assert main(["record", str(out), "--seconds", "600", "--channel", "36", "--config", str(config)]) == 0
    ctrl_c.join(WAIT_S)
    relay.close()
    assert load_session(out).file.source == "recorded"
    recorded = (out / "right.dat").read_bytes()
    assert recorded
    assert LOGS[1].endswith(recorded), "in order, without a gap; it may have been connected a little late"


def test_a_broker_that_is_not_there(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text(
        "mqtt: {address: 'mqtt://127.0.0.1:1'}\nreceivers:\n"
        f"  - {{name: left, source: log, path: {tmp_path / 'left.pipe'}}}\n  - {{name: right, source: relay}}\n"
    )
    arguments = ["record", str(tmp_path / "out"), "--seconds", "1", "--channel", "36", "--config", str(config)]
    assert main(arguments) == 2
    assert "no MQTT broker listens" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("seconds", ["0", "-1", "nan"])
def test_lengths_that_are_none(seconds: str, config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["record", str(tmp_path / "out"), f"--seconds={seconds}", "--config", str(config)]) == 2
    assert "--seconds" in capsys.readouterr().err


@pytest.mark.parametrize(("channel", "mhz"), [(1, 2412), (13, 2472), (14, 2484), (36, 5180), (64, 5320), (165, 5825)])
def test_carriers(channel: int, mhz: int) -> None:
    assert carrier_of(channel) == mhz * 1e6


@pytest.mark.parametrize("channel", [0, 15, 31, 178, -3])
def test_channels_that_are_none(channel: int) -> None:
    with pytest.raises(ConfigError, match="--channel"):
        carrier_of(channel)


IW = "phy#0\n\tInterface mon0\n\t\ttype monitor\n\t\tchannel {} ({} MHz), width: 20 MHz, center1: {} MHz\n"
LIVE = Config()
PIPES = Config(receivers=(Receiver("a", "log", "/a"), Receiver("b", "relay")))


def test_the_channel_is_asked_of_the_nic() -> None:
    assert tuned_carrier(LIVE, lambda: IW.format(64, 5320, 5320)) == 5.32e9


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (LIVE, None),  # iw is not installed
        (LIVE, "phy#0\n"),
        (LIVE, IW.format(64, 5320, 5320) + IW.format(36, 5180, 5180)),  # which one?
        (PIPES, IW.format(64, 5320, 5320)),  # not what is recorded
    ],
)
def test_a_channel_that_nobody_knows_is_asked_of_the_user(config: Config, said: str | None) -> None:
    with pytest.raises(ConfigError, match="--channel"):
        tuned_carrier(config, lambda: said)
