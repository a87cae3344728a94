"""The Intel 5300 in this host: is it there, does its driver speak, on which channel does it listen.

PCI numbers: drivers/net/wireless/intel/iwlwifi/pcie/drv.c of Linux. `connector_log` is a parameter that the CSI tool
(Halperin et al., 2011) adds to the driver: bit 0 sends every packet's CSI to user space.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edge.service.doctor.finding import Check, Finding
from edge.service.doctor.host import Host

INTEL = 0x8086
IWL5300 = {0x4235, 0x4236}
RELATIVES = {0x4232: "5100", 0x4237: "5100", 0x423A: "5350", 0x423B: "5350", 0x423C: "5150", 0x423D: "5150"}
NETWORK_CONTROLLER = 0x02  # the upper byte of the PCI class

MODULES = ("iwlwifi", "iwldvm", "iwlagn", "iwlcore")  # whichever holds the parameter; it moved between kernels
CSI_BIT = 0x1

CHANNEL = re.compile(r"^\s*channel (\d+) \((\d+) MHz\)", re.MULTILINE)
GHZ_5 = 5000  # MHz

TOOL = "https://dhalperi.github.io/linux-80211n-csitool/"


@dataclass(frozen=True)
class Card:
    """A PCI network card of Intel's."""

    folder: Path
    device: int

    @property
    def driver(self) -> str | None:
        link = self.folder / "driver"
        return link.resolve().name if link.exists() else None

    @property
    def phys(self) -> set[str]:
        """`phy#0`, as `iw` writes what the kernel calls phy0."""
        return {path.name.replace("phy", "phy#") for path in self.folder.glob("ieee80211/phy*")}


def radio(host: Host) -> Iterator[Finding]:
    """Everything about the NIC; what can only be asked of one that is there is left out where it is not."""
    check = Check("NIC")
    cards = list(_cards(host))
    card = next((card for card in cards if card.device in IWL5300), None)
    if card is None:
        other = next((RELATIVES[card.device] for card in cards if card.device in RELATIVES), None)
        yield check.fail(
            f"there is an Intel {other}, which reports no CSI" if other else "there is no Intel 5300 in this host",
            "put an Intel 5300 into a Mini PCIe slot; where the packets come from elsewhere, set `source` of the "
            "receiver to relay or log",
        )
        return
    yield check.ok(f"Intel 5300 at {card.folder.name}")
    yield _driver(card)
    yield _parameter(host)
    yield _channel(host, card)


def _cards(host: Host) -> Iterator[Card]:
    for folder in sorted(host.path("/sys/bus/pci/devices").glob("*")):
        vendor, device, kind = (_number(folder / name) for name in ("vendor", "device", "class"))
        if vendor == INTEL and kind >> 16 == NETWORK_CONTROLLER:
            yield Card(folder, device)


def _number(file: Path) -> int:
    try:
        return int(file.read_text(), 16)
    except (OSError, ValueError):
        return 0


def _driver(card: Card) -> Finding:
    check = Check("driver")
    if card.driver == "iwlwifi":
        return check.ok("iwlwifi drives the NIC")
    found = f"{card.driver} drives the NIC" if card.driver else "no driver has taken the NIC"
    return check.fail(
        found,
        "load it: modprobe iwlwifi; where that changes nothing, `dmesg | grep iwl` says which firmware is missing",
    )


def _parameter(host: Host) -> Finding:
    check = Check("CSI in the driver")
    values = {module: host.read(f"/sys/module/{module}/parameters/connector_log") for module in MODULES}
    module, value = next(((module, value) for module, value in values.items() if value is not None), ("", None))
    if value is None:
        return check.fail(
            "the driver has no parameter connector_log: it is not the CSI tool's",
            f"install the modified driver and firmware of the CSI tool ({TOOL}), then start again",
        )
    try:
        on = int(value, 0) & CSI_BIT
    except ValueError:
        on = 0
    if on:
        return check.ok(f"{module} sends CSI (connector_log={value})")
    return check.fail(
        f"{module} sends no CSI (connector_log={value})",
        f"write `options {module} connector_log=0x1` to /etc/modprobe.d/wimose.conf and start the host again",
    )


def _channel(host: Host, card: Card) -> Finding:
    check = Check("channel")
    said = host.output(["iw", "dev"])
    if said is None:
        return check.warn("iw is not installed, so the channel is not known", "apt-get install iw")
    blocks = re.split(r"^(?=phy#)", said, flags=re.MULTILINE)
    ours = [block for block in blocks if block.partition("\n")[0].strip() in card.phys]
    tuned = next((match for block in ours for match in CHANNEL.finditer(block)), None)
    if tuned is None:
        return check.warn(
            "the NIC is tuned to no channel, so it hears nothing",
            "join the access point, or set the channel in monitor mode: iw dev wlan0 set freq 5320",
        )
    number, mhz = tuned.group(1), int(tuned.group(2))
    if mhz < GHZ_5:
        return check.warn(
            f"channel {number} ({mhz} MHz) is in the 2.4 GHz band, where the 5300 turns each antenna's phase by an "
            "unknown multiple of 90 degrees",
            "let the access point use a channel in the 5 GHz band",
        )
    return check.ok(f"channel {number} ({mhz} MHz)")
