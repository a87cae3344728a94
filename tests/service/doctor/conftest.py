"""A host that does not exist: a folder with what the kernel would say."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from edge.service.doctor.host import Host

PCI = "sys/bus/pci/devices"


@dataclass
class Fake:
    root: Path
    says: dict[str, str] = field(default_factory=dict)  # output of a command by its first word; else not installed
    free: int = 10 << 30

    @property
    def host(self) -> Host:
        def output(command: Sequence[str]) -> str | None:
            return self.says.get(command[0])

        return Host(self.root, output, lambda _: self.free)

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def card(self, device: int, driver: str | None = "iwlwifi", slot: str = "0000:03:00.0") -> None:
        """A network card of Intel's, as sysfs shows it."""
        self.write(f"{PCI}/{slot}/vendor", "0x8086\n")
        self.write(f"{PCI}/{slot}/device", f"{device:#06x}\n")
        self.write(f"{PCI}/{slot}/class", "0x028000\n")
        (self.root / PCI / slot / "ieee80211" / "phy0").mkdir(parents=True)
        if driver is not None:
            there = self.root / "sys/bus/pci/drivers" / driver
            there.mkdir(parents=True, exist_ok=True)
            (self.root / PCI / slot / "driver").symlink_to(there)

    def connector_log(self, value: str, module: str = "iwlwifi") -> None:
        self.write(f"sys/module/{module}/parameters/connector_log", f"{value}\n")


@pytest.fixture
def fake(tmp_path: Path) -> Fake:
    return Fake(tmp_path / "root")
