"""The survey on real recordings, and what it says of each thing that can be wrong with a radio."""

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest

from calibration.figures import measure
from calibration.survey import Item, Survey, survey
from edge.arrays import Array
from edge.commands.demo import SESSION
from edge.parse.intel5300 import CsiLog, read_log
from edge.session import load_session

WIDE = 1 << 11
WALKS = 12
CARRIER_HZ = 5.825e9


@pytest.fixture(scope="module")
def logs() -> tuple[CsiLog, CsiLog]:
    return load_session(SESSION).logs


def item(found: Survey, name: str, receiver: int | None = None) -> Item:
    items = found.pair if receiver is None else found.receivers[receiver].items
    (one,) = [one for one in items if one.name == name]
    return one


def kept(log: CsiLog, keep: Array) -> CsiLog:
    """Some of the records."""
    fields = {field.name: getattr(log, field.name)[keep] for field in dataclasses.fields(log) if field.name != "report"}
    return CsiLog(**fields, report=log.report)


def test_every_walk_of_wivelo_is_good_enough(data: Path) -> None:
    """Real receivers that a whole system was built on: nothing is red, and receiver 2's weak antenna is found."""
    folder = data / "csi" / "wivelo"
    names = sorted(path.name.removesuffix("-r1.dat") for path in folder.glob("*-r1.dat"))
    assert len(names) == WALKS
    for name in names:
        logs = read_log(folder / f"{name}-r1.dat"), read_log(folder / f"{name}-r2.dat")
        found = survey(logs, carrier_hz=CARRIER_HZ)
        not_green = {(r, one.name) for r in (0, 1) for one in found.receivers[r].items if one.grade != "green"}
        assert found.grade == "amber", name
        assert (1, "weakest antenna") in not_green, name
        assert not_green <= {(1, "weakest antenna"), (1, "phase stability"), (1, "motion over noise")}, name
        assert {one.grade for one in found.pair} == {"green"}, name
        residual = item(found, "pairing residual").value
        assert residual is not None
        assert residual < 1.0, name
        assert "antenna 3 of receiver 2" in item(found, "weakest antenna", 1).remedy


def test_the_demo_is_all_green(logs: tuple[CsiLog, CsiLog]) -> None:
    found = survey(logs, ("left", "right"), CARRIER_HZ)
    assert found.grade == "green"
    assert [receiver.name for receiver in found.receivers] == ["left", "right"]
    assert not any(one.remedy for one in found.items)
    assert item(found, "packet rate", 0).value == pytest.approx(150, rel=0.02)
    assert item(found, "loss", 1).value == pytest.approx(0.75, abs=0.3)


def test_a_deaf_receiver_is_named_with_what_to_do(logs: tuple[CsiLog, CsiLog]) -> None:
    """Six packets of ten are lost, with which no pairing is found; then three, and the deaf one alone is blamed."""
    rng = np.random.default_rng(1)
    deaf = kept(logs[1], rng.random(len(logs[1])) < 0.405)
    found = survey((logs[0], deaf), ("left", "right"), CARRIER_HZ)
    rate = item(found, "packet rate", 1)
    assert rate.grade == "red"
    assert re.fullmatch(r"right hears 6\d of 150 packets/s", rate.why)
    assert "move it" in rate.remedy
    assert item(found, "packet rate", 0).grade == "green"
    assert "packet rate first" in item(found, "packets in common").remedy
    hard_of_hearing = kept(logs[1], rng.random(len(logs[1])) < 0.7)
    found = survey((logs[0], hard_of_hearing), ("left", "right"), CARRIER_HZ)
    assert item(found, "loss", 1).value == pytest.approx(30, abs=2)
    assert (item(found, "loss", 1).grade, item(found, "loss", 0).grade) == ("red", "green")


def test_a_sender_that_is_slow_is_not_the_receivers_fault(logs: tuple[CsiLog, CsiLog]) -> None:
    every = np.arange(len(logs[0])) % 3 == 0
    first = kept(logs[0], every)
    second = kept(logs[1], np.isin(np.arange(len(logs[1])), np.arange(0, len(logs[1]), 3)))
    found = survey((first, second), carrier_hz=CARRIER_HZ)
    rate = item(found, "packet rate", 0)
    assert rate.grade == "red"
    assert "let the transmitter send 150 packets/s" in rate.remedy


def test_pauses_of_the_sender(logs: tuple[CsiLog, CsiLog]) -> None:
    paused = [kept(log, (log.timestamp_us - log.timestamp_us[0]) % 2_000_000 > 80_000) for log in logs]
    gaps = item(survey((paused[0], paused[1])), "gaps", 0)
    assert gaps.grade == "red"
    assert gaps.value == pytest.approx(29, abs=2)
    longest = re.search(r"the longest (\d+) ms", gaps.why)
    assert longest is not None
    assert 80 <= int(longest.group(1)) <= 100


def test_the_traps_of_bands(logs: tuple[CsiLog, CsiLog]) -> None:
    wide = dataclasses.replace(logs[0], rate=logs[0].rate | WIDE)
    found = survey((wide, logs[1]), carrier_hz=2.437e9)
    assert item(found, "40 MHz", 0).grade == "red"
    assert "20 MHz" in item(found, "40 MHz", 0).remedy
    assert item(found, "40 MHz", 1).grade == "green"
    band = item(found, "band")
    assert (band.grade, band.value) == ("red", 2.437)
    assert "5 GHz" in band.remedy
    assert item(survey(logs), "band").grade == "amber", "not known is not good"


def test_two_streams_and_two_antennas(data: Path, logs: tuple[CsiLog, CsiLog]) -> None:
    """Real files of an access point with two streams, and of a NIC with two antennas."""
    streams = read_log(data / "csi" / "csi-data" / "heart_rate" / "88bpm.dat")
    found = survey((streams, logs[1]))
    assert item(found, "streams", 0).grade == "amber"
    assert item(found, "phase stability", 0).grade == "red"
    assert item(found, "packets in common").grade == "red"
    assert "same packets" in item(found, "packets in common").why
    two = read_log(data / "csi" / "csi-data" / "activity" / "cook_1590161749.dat")
    assert measure(two) is None
    (rate,) = survey((two, logs[1])).receivers[0].items
    assert rate.grade == "red"
    assert "three antennas" in rate.why


def test_loose_antennas_and_noise(logs: tuple[CsiLog, CsiLog]) -> None:
    rng = np.random.default_rng(2)
    log = logs[1]
    turned = log.csi * np.exp(2j * np.pi * rng.random((len(log), 3, 1, 1))).astype(np.complex64)
    found = survey((logs[0], dataclasses.replace(log, csi=turned)))
    assert item(found, "phase stability", 1).grade == "red"
    noise = rng.normal(size=(*log.csi.shape, 2)) @ (1, 1j) * np.abs(log.csi).mean() * 0.4
    found = survey((logs[0], dataclasses.replace(log, csi=(log.csi + noise).astype(np.complex64))))
    assert item(found, "noise", 1).grade == "red"
    assert item(found, "noise", 1).value == pytest.approx(0.4 / 1.13, abs=0.03), "noise makes the mean amplitude 1.13"
    assert item(found, "motion over noise", 1).grade != "green"


def test_a_phase_that_turns_slowly_is_steady(logs: tuple[CsiLog, CsiLog]) -> None:
    """As a walking body turns it; over the whole recording it would look loose."""
    log = logs[1]
    seconds = (log.timestamp_us - log.timestamp_us[0]) * 1e-6
    csi = np.repeat(log.csi[:1], len(log), axis=0)
    csi[:, 1] *= np.exp(1j * 3.0 * seconds)[:, None, None]
    figures = measure(dataclasses.replace(log, csi=csi.astype(np.complex64)))
    assert figures is not None
    assert min(figures.stability) > 0.99


def test_an_empty_log(logs: tuple[CsiLog, CsiLog]) -> None:
    nothing = kept(logs[0], np.zeros(len(logs[0]), bool))
    found = survey((nothing, logs[1]))
    assert found.grade == "red"
    assert "heard 0 records" in found.receivers[0].items[0].why


def test_agc_and_strength(logs: tuple[CsiLog, CsiLog]) -> None:
    log = logs[0]
    jumping = dataclasses.replace(log, agc=np.where(np.arange(len(log)) % 2, 20, 60).astype(np.uint8))
    found = survey((jumping, logs[1]))
    assert item(found, "AGC range", 0).grade == "red"
    weak = dataclasses.replace(log, rssi=np.maximum(log.rssi, 1) * 0 + 1, agc=np.full(len(log), 63, np.uint8))
    found = survey((weak, logs[1]))
    assert item(found, "signal", 0).grade == "red"
    silent = dataclasses.replace(log, rssi=log.rssi * 0)
    assert item(survey((silent, logs[1])), "signal", 0).value is None
