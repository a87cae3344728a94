"""The room from above, to scale: radios, marked spots, and where the model put somebody who stood on them."""

from collections.abc import Sequence
from dataclasses import dataclass

from calibration.markup import text
from edge.geometry import Geometry

WIDTH, HEIGHT = 680.0, 620.0  # at most, user units
MARGIN = 34.0
GRID_M = 1.0
OUTSIDE_M = 1.0  # estimates further outside the room are drawn at this distance from the wall

Place = tuple[float, float]


@dataclass(frozen=True)
class Stop:
    """One stop on a spot, metres on the floor."""

    true_m: Place
    before_m: Place  # median place while standing there, of the model as it ships
    after_m: Place  # the same of a fit that never saw this stop


class _Sheet:
    """Metres to user units; y goes up."""

    def __init__(self, geometry: Geometry, stops: Sequence[Stop]) -> None:
        width, depth = geometry.size_m[:2]
        places = [place for stop in stops for place in (stop.before_m, stop.after_m)]
        outside = [(-x, x - width, -y, y - depth) for x, y in places]
        beyond = [max([0.0, *column]) for column in zip(*outside, strict=True)]
        self._left, self._right, self._bottom, self._top = (min(far, OUTSIDE_M) for far in beyond or [0.0] * 4)
        self._size = (width, depth)
        across, along = width + self._left + self._right, depth + self._bottom + self._top
        self.scale = min((WIDTH - 2 * MARGIN) / across, (HEIGHT - 2 * MARGIN) / along)
        self.width, self.height = across * self.scale + 2 * MARGIN, along * self.scale + 2 * MARGIN

    def at(self, place: tuple[float, ...]) -> Place:
        width, depth = self._size
        x = min(max(place[0], -self._left), width + self._right)
        y = min(max(place[1], -self._bottom), depth + self._top)
        return MARGIN + (x + self._left) * self.scale, self.height - MARGIN - (y + self._bottom) * self.scale


def floorplan(geometry: Geometry, stops: Sequence[Stop], receivers: tuple[str, str]) -> str:
    """An SVG; receivers are their names."""
    sheet = _Sheet(geometry, stops)
    parts = [
        f'<svg class="plan" viewBox="0 0 {sheet.width:.0f} {sheet.height:.0f}" width="{sheet.width:.0f}" role="img" '
        'aria-label="plan of the room">',
        *_room(sheet, geometry),
        *(_line(sheet, stop.true_m, stop.before_m, "before") for stop in stops),
        *(_line(sheet, stop.true_m, stop.after_m, "after") for stop in stops),
        *(_dot(sheet, stop.before_m, "before", f"{_name(stop)}, uncalibrated") for stop in stops),
        *(_dot(sheet, stop.after_m, "after", f"{_name(stop)}, calibrated") for stop in stops),
        *_spots(sheet, stops),
        *_radios(sheet, geometry, receivers),
        "</svg>",
    ]
    return "\n".join(parts)


def _room(sheet: _Sheet, geometry: Geometry) -> list[str]:
    width, depth = geometry.size_m[:2]
    (left, bottom), (right, top) = sheet.at((0.0, 0.0)), sheet.at((width, depth))
    parts = [
        f'<rect class="floor" x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" height="{bottom - top:.1f}"/>'
    ]
    for metre in range(1, int(width) + (width % 1 > 0)):
        x = sheet.at((metre * GRID_M, 0.0))[0]
        parts.append(f'<line class="grid" x1="{x:.1f}" y1="{bottom:.1f}" x2="{x:.1f}" y2="{top:.1f}"/>')
    for metre in range(1, int(depth) + (depth % 1 > 0)):
        y = sheet.at((0.0, metre * GRID_M))[1]
        parts.append(f'<line class="grid" x1="{left:.1f}" y1="{y:.1f}" x2="{right:.1f}" y2="{y:.1f}"/>')
    middle_x, middle_y = (left + right) / 2, (top + bottom) / 2
    parts.append(f'<text x="{middle_x:.1f}" y="{sheet.height - 8:.1f}" text-anchor="middle">x, {width:.3g} m</text>')
    parts.append(
        f'<text transform="translate(14 {middle_y:.1f}) rotate(-90)" text-anchor="middle">y, {depth:.3g} m</text>'
    )
    return parts


def _radios(sheet: _Sheet, geometry: Geometry, receivers: tuple[str, str]) -> list[str]:
    sender = sheet.at(geometry.transmitter_m)
    parts = []
    for antennas, name in zip(geometry.receivers_m, receivers, strict=True):
        x, y = sheet.at(tuple(sum(axis) / len(antennas) for axis in zip(*antennas, strict=True)))
        parts.append(
            f'<line class="link" x1="{sender[0]:.1f}" y1="{sender[1]:.1f}" x2="{x:.1f}" y2="{y:.1f}"/>'
            f'<rect class="radio" x="{x - 5:.1f}" y="{y - 5:.1f}" width="10" height="10" rx="2"/>'
            + _label(sheet, x, y, name)
        )
    x, y = sender
    parts.append(
        f'<path class="radio" d="M{x:.1f} {y - 7:.1f} {x + 7:.1f} {y + 6:.1f} {x - 7:.1f} {y + 6:.1f}Z"/>'
        + _label(sheet, x, y, "transmitter")
    )
    return parts


def _label(sheet: _Sheet, x: float, y: float, name: str) -> str:
    """Beside a radio, on the side where there is room."""
    shown = name if len(name) <= 18 else name[:17] + "…"
    side, anchor = (-11, "end") if x > sheet.width * 0.7 else (11, "start")
    return f'<text class="name" x="{x + side:.1f}" y="{y + 18:.1f}" text-anchor="{anchor}">{text(shown)}</text>'


def _spots(sheet: _Sheet, stops: Sequence[Stop]) -> list[str]:
    parts = []
    for true_m in sorted({stop.true_m for stop in stops}):
        x, y = sheet.at(true_m)
        parts.append(
            f'<circle class="spot" cx="{x:.1f}" cy="{y:.1f}" r="6.5">'
            f"<title>spot at {true_m[0]:g}, {true_m[1]:g} m</title></circle>"
        )
    return parts


def _line(sheet: _Sheet, a: Place, b: Place, kind: str) -> str:
    (x1, y1), (x2, y2) = sheet.at(a), sheet.at(b)
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _dot(sheet: _Sheet, place: Place, kind: str, name: str) -> str:
    x, y = sheet.at(place)
    said = f"{name}: {place[0]:.2f}, {place[1]:.2f} m"
    return f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="4"><title>{text(said)}</title></circle>'


def _name(stop: Stop) -> str:
    return f"spot at {stop.true_m[0]:g}, {stop.true_m[1]:g} m"
