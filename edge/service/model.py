"""What makes poses: one model for every room of the host, and what each room adds to it."""

import time
from dataclasses import dataclass
from pathlib import Path

from edge import __version__
from edge.config import Config
from edge.estimate import Labels
from edge.geometry import geometry_values
from edge.inference.bundle import Bundle, find_bundle, load_bundle
from edge.inference.engine import Engine
from edge.profile import RoomProfile, load_profile
from edge.publish.message import Info
from edge.signal.links import Links
from edge.signal.motion import PRESENT_LEVEL


@dataclass(frozen=True, eq=False)
class Fitted:
    """A room's engine and profile, which belong together."""

    bundle: Bundle
    engine: Engine
    profile: RoomProfile | None

    @property
    def links(self) -> tuple[Links, Links] | None:
        return self.profile.file.links if self.profile else None

    @property
    def present_level(self) -> float:
        measured = self.profile.file.presence_level if self.profile else None
        return PRESENT_LEVEL if measured is None else measured

    def labels(self, config: Config) -> Labels:
        return Labels(
            source=config.origin,
            frame="room" if self.profile else "array",
            trained_on="recorded" if self.bundle.description.trained_on == "recorded" else "simulated",
            model=self.bundle.identity,
            started=time.time(),
        )

    def info(self) -> Info:
        return Info(
            version=__version__,
            bundle=self.bundle.identity,
            room_profile=self.profile.file.room if self.profile else None,
        )


@dataclass(frozen=True, eq=False)
class Model:
    """A bundle whose network is loaded once."""

    bundle: Bundle
    engine: Engine

    @classmethod
    def load(cls, config: Config) -> "Model":
        """Raises WimoseError where the bundle or the engine cannot be used."""
        bundle = load_bundle(find_bundle(config.bundle))
        return cls(bundle, Engine(bundle, config.engine))

    def fitted(self, config: Config) -> Fitted:
        """To a room. Raises WimoseError where its profile cannot be used."""
        profile = load_profile(Path(config.profile), self.bundle) if config.profile else None
        if profile and profile.file.geometry:
            geometry = geometry_values(profile.file.geometry, profile.file.carrier_hz)
        else:
            geometry = geometry_values(config.geometry)
        return Fitted(self.bundle, self.engine.sibling(profile.head if profile else None, geometry), profile)
