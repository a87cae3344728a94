"""The room's frame by tape measure: is what was measured plausible?

The frame's origin is the corner at the floor nearest the transmitter; x runs along the wall towards receiver 1, y along
the wall towards receiver 2, z up. The shipped models were trained in that layout (`firmware_tools.simulate.room`).
"""

from dataclasses import dataclass
from itertools import pairwise
from math import acos, degrees, dist
from pathlib import Path

import msgspec

from calibration.walk import Walk
from edge.errors import ConfigError
from edge.geometry import Geometry, Place

FILE = "geometry.yaml"
MAX_FILE_BYTES = 1 << 16

FOOT_M = 0.3048
ROOM_M = (2.0, 15.0)  # a side; over that no receiver hears a person at the far end
CEILING_M = (1.9, 5.0)
LINK_M = (1.0, 12.0)  # nearer, the direct path hides everything else
# Between neighbouring antennas: the models were trained with 2.6 cm (half a wavelength) to 8 cm. WiVelo had 20 cm.
SPACING_M = (0.02, 0.10)
SPACING_LIMIT_M = (0.005, 0.5)  # beyond, a figure was misread
ANGLE_DEG = (60.0, 120.0)  # between the two links; each tells motion across itself best
SPACING_DEFAULT_M = 0.026


@dataclass(frozen=True)
class Remark:
    """What is odd about a geometry."""

    text: str
    stops: bool  # it cannot be right; else it works, worse than it could


def check(geometry: Geometry) -> list[Remark]:
    """Everything odd about it; what cannot be right comes first, and hides the rest."""
    wrong = [*_size(geometry.size_m)] or [*_inside(geometry), *_arrays(geometry)]
    if wrong:
        return [Remark(text, stops=True) for text in wrong]
    return [Remark(text, stops=False) for text in (*_layout(geometry), *_spacing(geometry))]


def checked(geometry: Geometry, where: str) -> list[str]:
    """What could be better. Raises ConfigError with everything that cannot be right, and what to do."""
    remarks = check(geometry)
    wrong = [remark.text for remark in remarks if remark.stops]
    if wrong:
        raise ConfigError(f"{where}: {'; '.join(wrong)}; measure again, in metres")
    return [remark.text for remark in remarks]


def check_walk(walk: Walk, geometry: Geometry, where: str) -> None:
    """Raises ConfigError where somebody was asked to stand outside the room."""
    for prompt in walk.prompts:
        for spot in (prompt.start_m, prompt.end_m):
            if not _within(geometry.size_m, spot):
                raise ConfigError(
                    f"{where}: the spot {_place(spot)} is outside the room of {geometry.size_m[0]:g} x "
                    f"{geometry.size_m[1]:g} m{_feet(geometry.size_m, spot)}; write metres from the origin's corner, "
                    "or measure the room again with --step frame"
                )


def array_at(middle: Place, axis: str, spacing_m: float) -> list[Place]:
    """Three antennas in a line: the middle one, and one to each side along x, y or z."""
    step = [spacing_m if name == axis else 0.0 for name in "xyz"]
    return [
        (round(middle[0] + n * step[0], 4), round(middle[1] + n * step[1], 4), round(middle[2] + n * step[2], 4))
        for n in (-1, 0, 1)
    ]


def load_geometry(folder: Path) -> Geometry | None:
    """`geometry.yaml` of a room's work folder, None where there is none. Raises ConfigError where it cannot be used."""
    path = folder / FILE
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ConfigError(f"{path} is larger than any geometry; remove it, and measure again with --step frame")
        return msgspec.yaml.decode(path.read_bytes(), type=Geometry)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise ConfigError(f"{path}: {error}; mend it, or remove it and measure again with --step frame") from error


def _size(size: Place) -> list[str]:
    width, depth, height = size
    said = f"a room of {width:g} x {depth:g} x {height:g} m"
    sides = all(ROOM_M[0] <= side <= ROOM_M[1] for side in (width, depth))
    if sides and CEILING_M[0] <= height <= CEILING_M[1]:
        return []
    limits = ((width, ROOM_M), (depth, ROOM_M), (height, CEILING_M))
    feet = [
        f"{value:g} ft are {value * FOOT_M:.2f} m"
        for value, (low, high) in limits
        if value > high and low <= value * FOOT_M <= high
    ]
    if feet:
        return [f"{said}: are these feet? {', '.join(feet)}"]
    return [
        f"{said}: a side is {ROOM_M[0]:g} to {ROOM_M[1]:g} m, and the ceiling {CEILING_M[0]:g} to {CEILING_M[1]:g} m up"
    ]


def _inside(geometry: Geometry) -> list[str]:
    named = [("the transmitter", [geometry.transmitter_m])]
    named += [(f"receiver {number}", antennas) for number, antennas in enumerate(geometry.receivers_m, start=1)]
    return [
        f"{name} at {_place(place)} is outside the room{_feet(geometry.size_m, place)}"
        for name, places in named
        for place in [next((place for place in places if not _within(geometry.size_m, place)), None)]
        if place is not None
    ]


def _arrays(geometry: Geometry) -> list[str]:
    wrong = []
    for number, antennas in enumerate(geometry.receivers_m, start=1):
        if len(antennas) != 3:
            wrong.append(f"receiver {number} has {len(antennas)} antennas; three are needed")
        elif not all(SPACING_LIMIT_M[0] <= gap <= SPACING_LIMIT_M[1] for gap in _gaps(antennas)):
            gaps = " and ".join(f"{gap:g}" for gap in _gaps(antennas))
            wrong.append(f"the antennas of receiver {number} are {gaps} m apart; write 0.026 for 2.6 cm")
    return wrong


def _layout(geometry: Geometry) -> list[str]:
    odd = []
    sender, size = geometry.transmitter_m, geometry.size_m
    receivers = [_middle(antennas) for antennas in geometry.receivers_m]
    for number, place in enumerate(receivers, start=1):
        length = dist(sender, place)
        if not LINK_M[0] <= length <= LINK_M[1]:
            odd.append(f"receiver {number} is {length:.1f} m from the transmitter; {LINK_M[0]:g} to {LINK_M[1]:g} m is "
                       "good")  # fmt: skip
    if sender[0] > size[0] / 2 or sender[1] > size[1] / 2:
        odd.append("the origin is not the corner nearest the transmitter; the models were trained that way: measure "
                   "from that corner")  # fmt: skip
    elif receivers[0][0] < receivers[0][1] and receivers[1][0] > receivers[1][1]:
        odd.append("receiver 1 lies along y and receiver 2 along x; the models were trained the other way: exchange x "
                   "and y, or the receivers in the configuration")  # fmt: skip
    angle = _angle(sender, *receivers)
    if not ANGLE_DEG[0] <= angle <= ANGLE_DEG[1]:
        odd.append(
            f"the links meet at {angle:.0f} degrees; 90 is best, as each tells motion across itself: move a receiver"
        )
    return odd


def _spacing(geometry: Geometry) -> list[str]:
    return [
        f"the antennas of receiver {number} are {max(_gaps(antennas)):g} m apart; the models were trained with "
        f"{SPACING_DEFAULT_M:g} to 0.08 m"
        for number, antennas in enumerate(geometry.receivers_m, start=1)
        if not all(SPACING_M[0] <= gap <= SPACING_M[1] for gap in _gaps(antennas))
    ]


def _gaps(antennas: list[Place]) -> list[float]:
    return [round(dist(a, b), 4) for a, b in pairwise(antennas)]


def _within(size: Place, place: tuple[float, ...]) -> bool:
    return all(0 <= at <= side for at, side in zip(place, size, strict=False))


def _feet(size: Place, place: tuple[float, ...]) -> str:
    """What to say of a place outside the room that lies inside it when taken as feet."""
    metres = tuple(round(at * FOOT_M, 2) for at in place)
    return f": are these feet? In metres they are {_place(metres)}" if _within(size, metres) else ""


def _middle(places: list[Place]) -> Place:
    x, y, z = (sum(axis) / len(places) for axis in zip(*places, strict=True))
    return x, y, z


def _angle(corner: Place, a: Place, b: Place) -> float:
    """Degrees, in the floor plane."""
    u, v = (a[0] - corner[0], a[1] - corner[1]), (b[0] - corner[0], b[1] - corner[1])
    lengths = dist(u, (0, 0)) * dist(v, (0, 0))
    return degrees(acos(max(min((u[0] * v[0] + u[1] * v[1]) / lengths, 1.0), -1.0))) if lengths else 0.0


def _place(place: tuple[float, ...]) -> str:
    return f"({', '.join(f'{at:g}' for at in place)})"
