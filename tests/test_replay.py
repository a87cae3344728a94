"""Acceptance: real recordings of two receivers in, poses out over a real broker, received by somebody else."""

import json
from pathlib import Path

import pytest

from edge.cli import BUNDLE, main
from tests.conftest import Listen, Mosquitto

WALKS = (
    "1-1-1-1", "1-1-1-2", "1-1-2-1", "1-1-3-1", "1-1-4-1", "1-1-5-1", "1-1-6-1", "12-1-1-1", "12-1-6-3", "8-1-1-1",
    "8-1-3-1", "8-1-6-1",
)  # fmt: skip
WARM_UP_S = {"wimose-basic": 1.0, BUNDLE: 2.5}  # the default looks back 2.2 s


@pytest.mark.parametrize(("walk", "bundle"), [*((walk, "wimose-basic") for walk in WALKS), (WALKS[3], BUNDLE)])
def test_a_walk_arrives_as_poses(
    data: Path, mosquitto: Mosquitto, listen: Listen, capfdbinary: pytest.CaptureFixture[bytes], walk: str, bundle: str
) -> None:
    warm_up_s = WARM_UP_S[bundle]
    logs = [data / "csi" / "wivelo" / f"{walk}-r{receiver}.dat" for receiver in (1, 2)]
    listener = listen(mosquitto.host, mosquitto.port, "wimose/lab/#")
    address = f"mqtt://{mosquitto.host}:{mosquitto.port}"
    code = main(
        ["replay", "--receiver", str(logs[0]), "--receiver", str(logs[1]), "--speed", "max", "--json",
         "--mqtt", address, "--room", "lab", "--bundle", bundle]
    )  # fmt: skip
    assert code == 0
    figures = json.loads(capfdbinary.readouterr().out)
    listener.wait(lambda client: client.payloads("wimose/lab/status")[-1:] == [b"offline"])

    poses = [json.loads(payload) for payload in listener.payloads("wimose/lab/pose")]
    assert [pose["seq"] for pose in poses] == list(range(len(poses)))
    assert {pose["source"] for pose in poses} == {"replay"}
    assert {pose["frame"] for pose in poses} == {"array"}  # nobody has surveyed this room
    assert {pose["trained_on"] for pose in poses} == {"simulated"}
    numbers = [number for pose in poses for joint in pose["joints"] for number in joint]
    assert len(numbers) == len(poses) * 51
    assert all(abs(number) < 100 for number in numbers)  # false for NaN, too

    # The count is right to 1 % after the model's context and at most a second: nothing is missing in the middle or at
    # the end.
    last = poses[-1]["t"]
    settled = [pose for pose in poses if pose["t"] > poses[0]["t"] - 5 / 30 + warm_up_s]
    expected = (last - settled[0]["t"]) * 30 + 1
    assert len(settled) == pytest.approx(expected, rel=0.01)
    assert figures["poses"] == len(poses)
    assert figures["poses"] >= 0.99 * (figures["seconds"] - warm_up_s) * 30
    assert figures["paired_share"] >= 0.998


def test_the_file_holds_what_the_broker_got(data: Path, mosquitto: Mosquitto, listen: Listen, tmp_path: Path) -> None:
    logs = [str(data / "csi" / "wivelo" / f"1-1-1-2-r{receiver}.dat") for receiver in (1, 2)]
    listener = listen(mosquitto.host, mosquitto.port, "wimose/demo/#")
    address = f"mqtt://{mosquitto.host}:{mosquitto.port}"
    out = tmp_path / "poses.jsonl"
    arguments = ["replay", "--receiver", logs[0], "--receiver", logs[1], "--speed", "max", "--out", str(out)]
    assert main([*arguments, "--mqtt", address]) == 0
    listener.wait(lambda client: client.payloads("wimose/demo/status")[-1:] == [b"offline"])
    assert out.read_bytes().splitlines() == listener.payloads("wimose/demo/pose")


def test_the_papers_own_rate_is_every_fourth_pose(data: Path, tmp_path: Path) -> None:
    logs = [str(data / "csi" / "wivelo" / f"1-1-1-2-r{receiver}.dat") for receiver in (1, 2)]
    joints = {}
    for rate in ("30", "7.5"):
        out = tmp_path / f"{rate}.jsonl"
        arguments = ["replay", "--receiver", logs[0], "--receiver", logs[1], "--speed", "max", "--rate", rate,
                     "--bundle", "wimose-basic"]  # fmt: skip
        assert main([*arguments, "--out", str(out)]) == 0
        joints[rate] = [json.loads(line)["joints"] for line in out.read_text().splitlines()]
    # The first window ends at grid point 20 and lacks the very first packets; the next that both rates have is at 40.
    assert joints["7.5"] == joints["30"][3::4]


def test_a_damaged_log_is_replayed_and_said_to_be_damaged(
    data: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    first, second = (data / "csi" / "wivelo" / f"1-1-1-1-r{receiver}.dat" for receiver in (1, 2))
    content = bytearray(first.read_bytes())
    content[40_000:40_300] = bytes(300)
    broken = tmp_path / "broken.dat"
    broken.write_bytes(content[:-7])
    arguments = ["replay", "--receiver", str(broken), "--receiver", str(second), "--speed", "max"]
    assert main([*arguments, "--bundle", "wimose-basic", "--json"]) == 0
    figures = json.loads(capfd.readouterr().out)
    assert figures["damaged"][0] >= 2  # the hole and the tail
    assert figures["damaged"][1] == 0
    assert figures["measured"] is None  # nobody knows where the person was
    assert main([*arguments, "--bundle", "wimose-basic"]) == 0
    assert "wimose inspect" in capfd.readouterr().err
