"""A room that was measured, to simulate: its digital twin.

The geometry is a room profile's, as `wimose calibrate` wrote it. What no tape measure tells, how walls reflect and what
stands about, is drawn as for any room; `living-room.yaml#3` is the fourth guess, and training on several of them does
not learn one of them by heart.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from edge.errors import ConfigError
from edge.profile import read_profile
from firmware_tools.simulate.room import BASIC, Room, draw_room

SEED = 4  # keeps the guesses apart from the drawn rooms
UNEVEN = 0.25  # share by which the steps between an array's antennas may differ; the simulator's are even


def is_profile(name: str) -> bool:
    """Whether a room is named by its profile's file, with or without the number of a guess."""
    return name.partition("#")[0].endswith(".yaml")


def twin(name: str) -> Room:
    """The room of `PROFILE.yaml` or `PROFILE.yaml#GUESS`. Raises ConfigError where it holds no geometry to simulate."""
    file, _, guess = name.partition("#")
    if guess and not guess.isdecimal():
        raise ConfigError(f"{name}: write the number of a guess after #, such as {file}#0")
    profile = read_profile(Path(file))
    if profile.geometry is None:
        raise ConfigError(f"{file} holds no geometry; run `wimose calibrate --step frame` and calibrate again")
    arrays = [np.array(antennas, np.float64) for antennas in profile.geometry.receivers_m]
    steps = [np.diff(array, axis=0) for array in arrays]
    if any(array.shape != (3, 3) for array in arrays) or any(
        np.linalg.norm(step[0] - step[1]) > UNEVEN * np.linalg.norm(step.mean(axis=0)) for step in steps
    ):
        raise ConfigError(f"{file}: a simulated receiver has three antennas in a row at even steps; measure them anew")
    spacings = [float(np.linalg.norm(step.mean(axis=0))) for step in steps]
    if max(spacings) > (1 + UNEVEN) * min(spacings):
        raise ConfigError(f"{file}: both arrays are simulated with the same step; theirs are {spacings} m")
    guessed = draw_room(name, np.random.default_rng([SEED, int(guess or 0)]))
    first, second = (tuple(array[1].tolist()) for array in arrays)
    one, other = (tuple((step.mean(axis=0) / spacing).tolist()) for step, spacing in zip(steps, spacings, strict=True))
    return replace(
        guessed,
        size=profile.geometry.size_m,
        transmitter=profile.geometry.transmitter_m,
        receivers=(first, second),
        array_axes=(one, other),
        spacing=sum(spacings) / 2,
        carrier_hz=profile.carrier_hz or BASIC.carrier_hz,
        links=profile.links or guessed.links,
    )
