"""What a guided walk asks for: spots on a grid over the free floor, walked between along and across the links.

At first three spots far apart are stood on: they check the room's frame. Then the spots row by row with a stop on each,
then column by column with stops at the ends alone, and so on the other way round for as long as there is time: every
spot is met again from elsewhere, so that some of its visits can be kept away from the fit.
"""

from collections.abc import Iterator
from itertools import cycle
from math import atan2, degrees, hypot

from calibration.walk import Prompt, PromptPose
from edge.profile import Geometry

WALL_M = (0.6, 1.0)  # nobody walks closer to a wall than that; in large rooms the radios stand there
WALL_SHARE = 0.15
CLEAR_M = 0.5  # nor to the transmitter and the antennas
APART_M = 0.9  # spots closer together tell no more
MAX_A_SIDE = 4  # sixteen pieces of tape
FEW_A_SIDE = 3  # where less than MANY_S of walking leave no time for more
MANY_S = 200.0
PACE = 0.7  # m/s, of somebody who looks for the next piece of tape
LEAST_WALK_S = 2.0
CHECK_S = 5.0  # on each of the first three
POSE_S = 4.0
STOPS: tuple[PromptPose, ...] = ("stand", "arms-up", "stand", "arms-wide")
CHAIR_EVERY = 3  # visits of the spot with the chair, of which the first is sat on

Spot = tuple[float, float]


def script(geometry: Geometry, seconds: float, start_s: float = 0.0) -> list[Prompt]:
    """Prompts of a walk, each beginning where and when the one before ends.

    seconds  of walking and standing, from start_s on
    """
    prompts: list[Prompt] = []
    at: Spot | None = None
    now = start_s
    for spot, pose, length_s in _stops(geometry, seconds):
        away = 0.0 if at is None else hypot(spot[0] - at[0], spot[1] - at[1])
        walk_s = max(away / PACE, LEAST_WALK_S) if away else 0.0
        if now + walk_s + length_s > start_s + seconds:
            break
        if at is not None and away:
            prompts.append(Prompt(round(now, 2), round(now + walk_s, 2), "walk", at, spot))
            now += walk_s
        facing = None if pose == "stand" else _towards(spot, geometry.transmitter_m)
        prompts.append(Prompt(round(now, 2), round(now + length_s, 2), pose, spot, spot, facing))
        at, now = spot, now + length_s
    return prompts


def spots(geometry: Geometry, seconds: float) -> list[Spot]:
    """Where to put tape, row by row: metres in the room's frame."""
    return [spot for row in _rows(geometry, seconds) for spot in row]


def check_spots(geometry: Geometry, seconds: float) -> list[Spot]:
    """The three that check the frame: the two furthest apart, and the one furthest from the line between them."""
    all_ = spots(geometry, seconds)
    first, second = max(
        ((a, b) for a in all_ for b in all_), key=lambda pair: hypot(pair[0][0] - pair[1][0], pair[0][1] - pair[1][1])
    )
    third = max(all_, key=lambda spot: abs(_cross(first, second, spot)))
    return [first, third, second]


def chair_spot(geometry: Geometry, seconds: float) -> Spot:
    """Where a chair stands: the spot nearest the middle."""
    middle = geometry.size_m[0] / 2, geometry.size_m[1] / 2
    return min(spots(geometry, seconds), key=lambda spot: hypot(spot[0] - middle[0], spot[1] - middle[1]))


def _stops(geometry: Geometry, seconds: float) -> Iterator[tuple[Spot, PromptPose, float]]:
    """Without end."""
    for spot in check_spots(geometry, seconds):
        yield spot, "stand", CHECK_S
    rows = _rows(geometry, seconds)
    columns: list[list[Spot]] = [
        column for x in sorted({spot[0] for row in rows for spot in row})
        if (column := [spot for row in rows for spot in row if spot[0] == x])
    ]  # fmt: skip
    chair, visits = chair_spot(geometry, seconds), 0
    poses = cycle(STOPS)
    for back in cycle((False, True)):
        ends = [[column[0], column[-1]] for column in columns]
        for spot in (*_snake(rows, back), *_snake(ends, back)):
            pose = next(poses)
            if spot == chair:
                pose, visits = ("sit" if visits % CHAIR_EVERY == 0 else pose), visits + 1
            yield spot, pose, POSE_S


def _snake(lines: list[list[Spot]], back: bool) -> Iterator[Spot]:
    """One line forward, the next backward."""
    for number, line in enumerate(reversed(lines) if back else lines):
        yield from reversed(line) if number % 2 else line


def _rows(geometry: Geometry, seconds: float) -> list[list[Spot]]:
    """Spots along x, one row for each y, without those where something stands."""
    radios = [geometry.transmitter_m, *geometry.receivers_m[0], *geometry.receivers_m[1]]
    xs, ys = (_places(size, seconds) for size in geometry.size_m[:2])
    rows = [[(x, y) for x in xs if all(hypot(x - r[0], y - r[1]) >= CLEAR_M for r in radios)] for y in ys]
    return [row for row in rows if row]


def _places(size: float, seconds: float) -> list[float]:
    """Along one side, from wall to wall."""
    wall = min(max(WALL_SHARE * size, WALL_M[0]), WALL_M[1])
    free = max(size - 2 * wall, 0.0)
    most = MAX_A_SIDE if seconds >= MANY_S else FEW_A_SIDE
    count = max(min(int(free / APART_M) + 1, most), 1)
    if count == 1:
        return [round(size / 2, 2)]
    return [round(wall + free * n / (count - 1), 2) for n in range(count)]


def _cross(a: Spot, b: Spot, c: Spot) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _towards(spot: Spot, place: tuple[float, float, float]) -> float:
    return round(degrees(atan2(place[1] - spot[1], place[0] - spot[0])), 1)
