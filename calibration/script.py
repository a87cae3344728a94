"""What a guided walk asks for: spots on a grid over the free floor, in an order that is spread at every length.

A walk is as long as people have time for, and what a room's last layer is fitted to is what they have met by then. Row
by row, a minute covers one side of the room, and the segments left out of the fit cannot tell that it is wrong on the
other. So each spot is far from all that were met before; when all have been met, they are met again from elsewhere,
so that some of their visits can be kept away from the fit. The first three span the room: they check its frame.
"""

from itertools import cycle
from math import atan2, degrees, dist

from calibration.walk import Prompt, PromptPose
from edge.geometry import Geometry

WALL_M = (0.6, 1.0)  # nobody walks closer to a wall than that; in large rooms the radios stand there
WALL_SHARE = 0.15
CLEAR_M = 0.5  # nor to the transmitter and the antennas
APART_M = 0.9  # spots closer together tell no more
MAX_A_SIDE = 4  # sixteen pieces of tape
FEW_A_SIDE = 3  # where less than MANY_S of walking leave no time for more
MANY_S = 200.0
PACE = 0.7  # m/s, of somebody who looks for the next piece of tape
LEAST_WALK_S = 2.0
CHECKS = 3  # stops that check the frame
CHECK_S = 5.0  # on each of them
POSE_S = 4.0
STOPS: tuple[PromptPose, ...] = ("stand", "arms-up", "stand", "arms-wide")
CHAIR_EVERY = 3  # visits of the spot with the chair, of which the first is sat on

Spot = tuple[float, float]


def script(geometry: Geometry, seconds: float, start_s: float = 0.0) -> list[Prompt]:
    """Prompts of a walk, each beginning where and when the one before ends.

    seconds  of walking and standing, from start_s on
    """
    stops = route(spots(geometry, seconds), seconds)
    chair, visits, poses = chair_spot(geometry, seconds), 0, cycle(STOPS)
    prompts: list[Prompt] = []
    now = start_s
    for number, spot in enumerate(stops):
        if number:
            before = stops[number - 1]
            prompts.append(Prompt(round(now, 2), round(now + _walk_s(before, spot), 2), "walk", before, spot))
            now += _walk_s(before, spot)
        pose: PromptPose = "stand" if number < CHECKS else next(poses)
        if spot == chair and number >= CHECKS:
            pose, visits = ("sit" if visits % CHAIR_EVERY == 0 else pose), visits + 1
        facing = None if pose == "stand" else _towards(spot, geometry.transmitter_m)
        prompts.append(Prompt(round(now, 2), round(now + _stop_s(number), 2), pose, spot, spot, facing))
        now += _stop_s(number)
    return prompts


def route(places: list[Spot], seconds: float) -> list[Spot]:
    """Where to stop, one after another: whatever the length, all of the room is near a stop.

    From one end of the room to the other, then the place furthest off that line: three that span the frame. Then always
    the place that is furthest from all that were met (the farthest-point order: Gonzalez, 1985), for the time that it
    takes, so that nobody crosses the room for what is hardly further. What does not fit into the time is left out.
    """
    stops = [max(((a, b) for a in places for b in places), key=lambda ends: dist(*ends))[0]]
    met, left_s = set(stops), seconds - _stop_s(0)

    def costs_s(place: Spot) -> float:
        return _walk_s(stops[-1], place) + _stop_s(len(stops))

    def worth(place: Spot) -> float:
        if len(stops) == 2:
            return _off_line(place, *stops)
        return min(dist(place, other) for other in met) / costs_s(place)

    while fit := [place for place in places if place not in met and costs_s(place) <= left_s]:
        place = max(fit, key=worth)
        left_s -= costs_s(place)
        stops.append(place)
        # Another round begins where this one ends, so it takes another way round.
        met = met | {place} if len(met) + 1 < len(places) else {place}
    return stops


def spots(geometry: Geometry, seconds: float) -> list[Spot]:
    """Where to put tape, row by row: metres in the room's frame."""
    return [spot for row in _rows(geometry, seconds) for spot in row]


def chair_spot(geometry: Geometry, seconds: float) -> Spot:
    """Where a chair stands: the spot nearest the middle."""
    middle = geometry.size_m[0] / 2, geometry.size_m[1] / 2
    return min(spots(geometry, seconds), key=lambda spot: dist(spot, middle))


def _walk_s(start: Spot, end: Spot) -> float:
    return max(dist(start, end) / PACE, LEAST_WALK_S)


def _stop_s(number: int) -> float:
    """Of the stop of that number, from zero."""
    return CHECK_S if number < CHECKS else POSE_S


def _rows(geometry: Geometry, seconds: float) -> list[list[Spot]]:
    """Spots along x, one row for each y, without those where something stands."""
    radios = [geometry.transmitter_m, *geometry.receivers_m[0], *geometry.receivers_m[1]]
    xs, ys = (_places(size, seconds) for size in geometry.size_m[:2])
    rows = [[(x, y) for x in xs if all(dist((x, y), radio[:2]) >= CLEAR_M for radio in radios)] for y in ys]
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


def _off_line(spot: Spot, a: Spot, b: Spot) -> float:
    """Distance from the line through a and b, times theirs."""
    return abs((b[0] - a[0]) * (spot[1] - a[1]) - (b[1] - a[1]) * (spot[0] - a[0]))


def _towards(spot: Spot, place: tuple[float, float, float]) -> float:
    return round(degrees(atan2(place[1] - spot[1], place[0] - spot[0])), 1)
