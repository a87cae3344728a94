"""What one run of `wimose calibrate` goes by: the room, its configuration, where things lie, whom to talk to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import msgspec

from calibration.guide import Guide
from calibration.walk import FILE as WALK_FILE
from calibration.walk import Walk, load_walk
from calibration.work import Work
from edge.commands.record import tuned_carrier
from edge.config import Config
from edge.errors import ConfigError
from edge.geometry import Geometry
from edge.inference.bundle import Bundle, find_bundle, load_bundle
from edge.recording import Recording, as_heard
from edge.service.doctor.host import command_output
from edge.session import Session


@dataclass
class Job:
    """One run."""

    room: str
    config: Config
    config_file: Path | None
    work: Work
    guide: Guide
    minutes: float
    source: Path | None = None  # a recorded session instead of live packets
    height_m: float | None = None
    camera: str | None = None
    channel_hz: float | None = None  # None: what the NIC is tuned to
    force: bool = False
    carrier: Callable[[Config], float] = tuned_carrier
    ask_system: Callable[[Sequence[str]], str | None] = command_output

    @cached_property
    def bundle(self) -> Bundle:
        return load_bundle(find_bundle(self.config.bundle))

    @cached_property
    def carrier_hz(self) -> float:
        return self.channel_hz or self.carrier(self.config)

    def check_air(self) -> None:
        """Raises ConfigError where the running service would take the packets away: a pipe has one reader."""
        pipes = [receiver.path for receiver in self.config.receivers if receiver.source == "log"]
        if pipes and (self.ask_system(["systemctl", "is-active", "wimose"]) or "").strip() == "active":
            raise ConfigError(
                f"the running service reads {pipes[0]} too: systemctl stop wimose, and start it afterwards"
            )

    @property
    def again(self) -> str:
        """The command, to be quoted in messages."""
        return f"wimose calibrate --room {self.room}"

    @property
    def walked(self) -> Path:
        """The folder of the guided walk."""
        return self.source or self.work.session

    def described(self, geometry: Geometry | None = None) -> Config:
        """The configuration with the room's name and, where it is known, its geometry, for a session's file."""
        config = msgspec.structs.replace(self.config, room=self.room)
        if geometry is None:
            return config
        first, second = (
            msgspec.structs.replace(receiver, antennas_m=antennas)
            for receiver, antennas in zip(config.receivers, geometry.receivers_m, strict=True)
        )
        return msgspec.structs.replace(
            config, room_size_m=geometry.size_m, transmitter_m=geometry.transmitter_m, receivers=(first, second)
        )

    def walk(self) -> Walk:
        """What was asked for during the guided walk. Raises ConfigError where there was none."""
        walk = load_walk(self.walked)
        if walk is None:
            raise ConfigError(f"{self.walked / WALK_FILE}: no such file; record a walk with: {self.again} --step walk")
        return walk


def heard(session: Session) -> Recording:
    """A session as the service would have heard it: its long-run mean is not told when the room was empty."""
    return as_heard(session.logs, session.links)
