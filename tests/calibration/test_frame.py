"""The tape measure: what cannot be right is refused with what to do, what could be better is said."""

from pathlib import Path

import msgspec
import pytest

from calibration.frame import FOOT_M, array_at, check, check_walk, checked, load_geometry
from calibration.plan import plan
from calibration.script import script, spots
from calibration.steps import frame_step
from calibration.walk import Prompt, Walk
from edge.errors import ConfigError
from tests.calibration.conftest import NewJob
from tests.calibration.rehearsal import GEOMETRY

replace = msgspec.structs.replace


def test_a_good_room_has_no_remarks() -> None:
    assert check(GEOMETRY) == []
    assert checked(GEOMETRY, "here") == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"size_m": (23, 26, 2.7)}, ["are these feet", "23 ft are 7.01 m", "26 ft are 7.92 m"]),
        ({"size_m": (23, 26, 9)}, ["9 ft are 2.74 m"]),
        ({"size_m": (7, 8, 9)}, ["9 ft are 2.74 m"]),
        ({"size_m": (700, 800, 280)}, ["a side is 2 to 15 m"]),
        ({"size_m": (0.5, 8, 2.7)}, ["a side is 2 to 15 m"]),
        ({"transmitter_m": (2, 2, 4)}, ["transmitter at (2, 2, 4) is outside", "are these feet", "(0.61, 0.61, 1.22)"]),
        ({"transmitter_m": (-1, 2, 1)}, ["the transmitter at (-1, 2, 1) is outside"]),
        ({"receivers_m": (GEOMETRY.receivers_m[0], array_at((0.6, 7.4, 1.2), "x", 2.6))}, ["write 0.026 for 2.6 cm"]),
        ({"receivers_m": (GEOMETRY.receivers_m[0], array_at((0.6, 7.4, 1.2), "x", 0.0))}, ["receiver 2 are 0 and 0 m"]),
        ({"receivers_m": (GEOMETRY.receivers_m[0][:2], GEOMETRY.receivers_m[1])}, ["receiver 1 has 2 antennas"]),
    ],
)  # fmt: skip
def test_what_cannot_be_right(wrong: dict[str, object], said: list[str]) -> None:
    remarks = check(replace(GEOMETRY, **wrong))
    assert remarks
    assert all(remark.stops for remark in remarks)
    text = "; ".join(remark.text for remark in remarks)
    for part in said:
        assert part in text
    with pytest.raises(ConfigError, match="measure again, in metres"):
        checked(replace(GEOMETRY, **wrong), "here")


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        ({"transmitter_m": (6.0, 0.6, 1.2)}, "measure from that corner"),
        ({"receivers_m": GEOMETRY.receivers_m[::-1]}, "exchange x and y"),
        ({"receivers_m": (array_at((6.4, 0.6, 1.2), "y", 0.2), GEOMETRY.receivers_m[1])}, "0.2 m apart"),
        ({"receivers_m": (array_at((6.4, 7.0, 1.2), "y", 0.026), GEOMETRY.receivers_m[1])}, "42 degrees"),
        ({"receivers_m": (array_at((1.2, 0.6, 1.2), "y", 0.026), GEOMETRY.receivers_m[1])}, "0.6 m from the"),
    ],
)
def test_what_could_be_better(odd: dict[str, object], said: str) -> None:
    remarks = check(replace(GEOMETRY, **odd))
    assert any(said in remark.text for remark in remarks)
    assert not any(remark.stops for remark in remarks)


def test_spots_in_feet_are_refused() -> None:
    metres = script(GEOMETRY, 60.0)
    check_walk(Walk(1, 1.8, metres), GEOMETRY, "walk.yaml")

    def feet(spot: tuple[float, float]) -> tuple[float, float]:
        return spot[0] / FOOT_M, spot[1] / FOOT_M

    wrong = [replace(prompt, start_m=feet(prompt.start_m), end_m=feet(prompt.end_m)) for prompt in metres]
    with pytest.raises(
        ConfigError, match=r"walk.yaml: the spot .* outside the room of 7 x 8 m: are these feet\? In met"
    ):
        check_walk(Walk(1, 1.8, wrong), GEOMETRY, "walk.yaml")
    far = [Prompt(0.0, 1.0, "stand", (90.0, 1.0), (90.0, 1.0))]
    with pytest.raises(ConfigError, match="outside the room of 7 x 8 m; write metres"):
        check_walk(Walk(1, 1.8, far), GEOMETRY, "walk.yaml")


def test_the_plan() -> None:
    places = spots(GEOMETRY, 60.0)
    lines = plan(GEOMETRY, places).splitlines()
    rows = lines[1:-2]
    assert len({len(line) for line in rows}) == 1
    upper, lower = rows[: len(rows) // 2], rows[len(rows) // 2 :]
    assert any("T" in line for line in lower), "y points up"
    assert any("2" in line for line in upper)
    right = next(line for line in lower if "1" in line)
    assert right.index("1") > len(right) / 2
    assert sum(line.count(letter) for line in rows for letter in "ABCDEFGHI") == len(places) == 9
    assert "*" not in "".join(rows)
    assert "*" in plan(GEOMETRY, here=(3.5, 4.0))
    assert "7 m" in lines[-1]


def test_asked_until_it_can_be_right(job: NewJob, capsys: pytest.CaptureFixture[str]) -> None:
    """First in feet, then with a slip of the keyboard, then right; and not taken until it is said to be."""
    one = job(
        "23 26 9", "2 2 4", "21 2 4", "y", "0.085", "2 24 4", "x", "0.085",
        "7 x 8 x 2.8 m", "0.6 o.6 1.2", "0.6, 0.6, 1.2", "6.4 0.6 1.2", "north", "y", "0.026",
        "0.6 7.4 1.2", "x", "0.026", "no", "", "", "", "", "", "", "", "", "yes",
    )  # fmt: skip
    assert frame_step(one) == GEOMETRY
    said = capsys.readouterr().err
    assert "23 ft are 7.01 m" in said
    assert "That cannot be right" in said
    assert "'0.6 o.6 1.2': write 3 numbers in metres" in said
    assert "write x, y or z" in said
    assert load_geometry(one.work.folder) == GEOMETRY
    assert frame_step(job()) == GEOMETRY, "known from now on"


def test_with_yes_nobody_is_asked(job: NewJob) -> None:
    with pytest.raises(ConfigError, match=r"geometry.yaml.*--step frame"):
        frame_step(job())


def test_ctrl_c_at_each_question_leaves_nothing(job: NewJob) -> None:
    given = ["7 8 2.8", "0.6 0.6 1.2", "6.4 0.6 1.2", "y", "0.026", "0.6 7.4 1.2", "x", "0.026"]
    for count in range(len(given) + 1):
        one = job(*given[:count], "^C")
        with pytest.raises(KeyboardInterrupt):
            frame_step(one)
        assert list(one.work.folder.iterdir()) == []


def test_a_geometry_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    assert load_geometry(tmp_path) is None
    (tmp_path / "geometry.yaml").write_text("size_m: [7, 8]\n")
    with pytest.raises(ConfigError, match="--step frame"):
        load_geometry(tmp_path)
