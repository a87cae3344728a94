"""Where things are, asked of somebody with a tape measure."""

from calibration.frame import SPACING_DEFAULT_M, array_at, check
from calibration.guide import Guide
from calibration.plan import plan
from edge.geometry import Geometry, Place


def measured(guide: Guide, known: Geometry | None) -> Geometry:
    """Ask until it can be right, and is meant.

    known  what is offered to anybody who only presses Enter
    """
    guide.say(
        "Metres from the corner at the floor that is nearest the transmitter: x along the wall towards receiver 1,"
    )
    guide.say("y along the wall towards receiver 2, z up.")
    while True:
        size = _place(guide.numbers("room: width (x), depth (y), height", 3, known.size_m if known else None))
        sender = _place(guide.numbers("transmitter: x y z", 3, known.transmitter_m if known else None))
        arrays = [_array(guide, number, known) for number in (0, 1)]
        known = Geometry(size, sender, (arrays[0], arrays[1]))
        remarks = check(known)
        for remark in remarks:
            guide.warn(remark.text)
        if any(remark.stops for remark in remarks):
            guide.say("That cannot be right; once more.")
            continue
        guide.say(plan(known))
        if guide.confirm("Is that how it is?"):
            return known


def _array(guide: Guide, number: int, known: Geometry | None) -> list[Place]:
    name = f"receiver {number + 1}"
    before = known.receivers_m[number] if known else None
    middle = _place(guide.numbers(f"{name}, its middle antenna: x y z", 3, before[1] if before else None))
    axis, spacing = _line(before) if before else ("x", SPACING_DEFAULT_M)
    while (said := guide.ask(f"{name}: its antennas stand in a line along x, y or z", axis)) not in ("x", "y", "z"):
        guide.warn(f"{said!r}: write x, y or z")
    (spacing,) = guide.numbers(f"{name}: from one antenna to the next", 1, (spacing,))
    return array_at(middle, said, spacing)


def _line(antennas: list[Place]) -> tuple[str, float]:
    """The axis and spacing of an array that is known."""
    steps = [abs(b - a) for a, b in zip(antennas[0], antennas[1], strict=True)]
    return "xyz"[steps.index(max(steps))], round(sum(step**2 for step in steps) ** 0.5, 4)


def _place(numbers: tuple[float, ...]) -> Place:
    return numbers[0], numbers[1], numbers[2]
