import pytest

from edge.service.doctor.finding import Finding
from edge.service.doctor.radio import radio
from tests.service.doctor.conftest import PCI, Fake

# `iw dev` of iw 5.19: the card associated, and one beside it with a monitor interface.
IW = """phy#1
\tInterface mon0
\t\tifindex 6
\t\ttype monitor
\t\tchannel 6 (2437 MHz), width: 20 MHz, center1: 2437 MHz
phy#0
\tInterface wlan0
\t\tifindex 3
\t\twdev 0x1
\t\taddr 00:16:ea:12:34:56
\t\ttype managed
\t\tchannel 64 (5320 MHz), width: 20 MHz, center1: 5320 MHz
\t\ttxpower 15.00 dBm
"""


def by_check(fake: Fake) -> dict[str, Finding]:
    return {finding.check: finding for finding in radio(fake.host)}


def sound(fake: Fake) -> Fake:
    fake.card(0x4235)
    fake.connector_log("1")
    fake.says["iw"] = IW
    return fake


@pytest.mark.parametrize("device", [0x4235, 0x4236])
def test_all_is_well(fake: Fake, device: int) -> None:
    fake.card(device)
    fake.connector_log("1")
    fake.says["iw"] = IW
    found = by_check(fake)
    assert {finding.verdict for finding in found.values()} == {"ok"}
    assert found["NIC"].found == "Intel 5300 at 0000:03:00.0"
    assert found["channel"].found == "channel 64 (5320 MHz)"


def test_no_card_at_all(fake: Fake) -> None:
    (only,) = radio(fake.host)
    assert (only.check, only.verdict) == ("NIC", "fail")
    assert "relay or log" in only.remedy


def test_a_card_of_the_same_family_is_named(fake: Fake) -> None:
    fake.card(0x4232)
    (only,) = radio(fake.host)
    assert only.verdict == "fail"
    assert "Intel 5100, which reports no CSI" in only.found


def test_another_vendors_number_is_no_5300(fake: Fake) -> None:
    fake.card(0x4235)
    fake.write(f"{PCI}/0000:03:00.0/vendor", "0x10ec\n")
    assert [finding.verdict for finding in radio(fake.host)] == ["fail"]


def test_sysfs_that_cannot_be_read(fake: Fake) -> None:
    fake.write(f"{PCI}/0000:00:00.0/vendor", "nonsense")
    assert [finding.check for finding in radio(fake.host)] == ["NIC"]


@pytest.mark.parametrize(("driver", "words"), [(None, "no driver"), ("vfio-pci", "vfio-pci drives")])
def test_another_driver_or_none(fake: Fake, driver: str | None, words: str) -> None:
    fake.card(0x4235, driver)
    found = by_check(fake)["driver"]
    assert found.verdict == "fail"
    assert words in found.found
    assert "modprobe iwlwifi" in found.remedy


def test_the_stock_driver_sends_no_csi(fake: Fake) -> None:
    fake.card(0x4235)
    found = by_check(fake)["CSI in the driver"]
    assert found.verdict == "fail"
    assert "CSI tool" in found.remedy


@pytest.mark.parametrize(
    ("value", "verdict"), [("0", "fail"), ("0x2", "fail"), ("1", "ok"), ("0x1", "ok"), ("3", "ok"), ("?", "fail")]
)
def test_the_parameter_is_a_set_of_bits(fake: Fake, value: str, verdict: str) -> None:
    fake.card(0x4235)
    fake.connector_log(value, module="iwlagn")
    found = by_check(fake)["CSI in the driver"]
    assert found.verdict == verdict
    if verdict == "fail":
        assert "options iwlagn connector_log=0x1" in found.remedy


def test_2_4_ghz_is_warned_of(fake: Fake) -> None:
    sound(fake).says["iw"] = IW.replace("channel 64 (5320 MHz)", "channel 11 (2462 MHz)")
    found = by_check(fake)["channel"]
    assert found.verdict == "warn"
    assert "channel 11 (2462 MHz) is in the 2.4 GHz band" in found.found
    assert "5 GHz" in found.remedy


def test_another_cards_channel_does_not_count(fake: Fake) -> None:
    sound(fake).says["iw"] = IW[: IW.index("phy#0")]
    found = by_check(fake)["channel"]
    assert found.verdict == "warn"
    assert "hears nothing" in found.found


def test_without_iw_the_channel_is_not_known(fake: Fake) -> None:
    del sound(fake).says["iw"]
    found = by_check(fake)["channel"]
    assert found.verdict == "warn"
    assert found.remedy == "apt-get install iw"
