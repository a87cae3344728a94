"""The room from above, in characters, for the terminal."""

from collections.abc import Sequence

from edge.geometry import Geometry, Place

COLUMNS = 44  # of the longer side; a character is twice as high as wide
CHARACTER = 2.0

NAMES = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def plan(geometry: Geometry, spots: Sequence[tuple[float, float]] = (), here: tuple[float, float] | None = None) -> str:
    """Walls, T for the transmitter, 1 and 2 for the receivers, letters for the spots, * for `here`. x right, y up."""
    width, depth = geometry.size_m[:2]
    scale = COLUMNS / max(width, depth)  # columns a metre
    columns, rows = max(round(width * scale), 8), max(round(depth * scale / CHARACTER), 4)
    floor = [[" "] * columns for _ in range(rows)]

    def put(x: float, y: float, sign: str) -> None:
        column = min(max(int(x / width * columns), 0), columns - 1)
        row = min(max(int(y / depth * rows), 0), rows - 1)
        floor[rows - 1 - row][column] = sign

    for number, spot in enumerate(spots):
        put(*spot, name_of(number))
    put(geometry.transmitter_m[0], geometry.transmitter_m[1], "T")
    for number, antennas in enumerate(geometry.receivers_m, start=1):
        x, y = _middle(antennas)
        put(x, y, str(number))
    if here is not None:
        put(*here, "*")
    edge = "+" + "-" * columns + "+"
    lines = [edge, *("|" + "".join(line) + "|" for line in floor), edge]
    return "\n".join([*lines, f"0{'x'.rjust(columns // 2)}{f'{width:g} m'.rjust(columns - columns // 2)}"])


def name_of(number: int) -> str:
    """Of a spot, in the order of `script.spots`."""
    return NAMES[number % len(NAMES)]


def _middle(antennas: list[Place]) -> tuple[float, float]:
    return sum(place[0] for place in antennas) / len(antennas), sum(place[1] for place in antennas) / len(antennas)
