"""The README's figures are the default bundle's own, and those of the benchmark that is kept beside it."""

from pathlib import Path

import pytest

from edge.cli import BUNDLE
from edge.inference.bundle import find_bundle, load_bundle
from firmware_tools.bench.figures import Bench, Measured, Part, Row
from firmware_tools.bench.kept import kept
from firmware_tools.bench.machine import Busy, Machine
from firmware_tools.bench.report import write_report
from firmware_tools.readme import BENCHMARK, NOT_MEASURED, README, ROOT, headline, sections, speed, with_section


def between(readme: str, name: str) -> str:
    return readme.partition(f"<!-- {name}: begin -->\n")[2].partition(f"<!-- {name}: end -->")[0]


@pytest.mark.parametrize("name", ["accuracy", "speed"])
def test_the_readme_holds_what_was_measured(name: str) -> None:
    assert between(README.read_text(), name) == sections()[name], "run `python -m firmware_tools.readme`"


def test_accuracy_is_shown_on_three_splits() -> None:
    entries = headline(load_bundle(find_bundle(BUNDLE)).description.accuracy)
    assert [entry.split for entry in entries] == ["paper", "clip", "subject"]


def test_speed_is_that_of_the_report_and_none_is_invented(tmp_path: Path) -> None:
    assert speed(tmp_path) == NOT_MEASURED
    machine = Machine("a CPU", 2, 8.0, "6.1", "3.11", {}, [], 20.0, 24.0, 10.0)
    part = Part([Row("start", "help", "s", 0.25, aim="0.3", met=True)])
    bench = Bench({"start": Measured(part, machine, Busy(0.1, 0.1, 0.0, 0.0, None, 3.0), "2026-11-20")})
    write_report(bench, tmp_path / BENCHMARK)
    assert "| start: help | 0.25 s |  |  | 0.3 | yes |" in speed(tmp_path)
    assert f"({BENCHMARK}/README.md)" in speed(tmp_path)
    assert (tmp_path / BENCHMARK / "README.md").is_file()


def test_figures_that_are_committed_can_be_read() -> None:
    for name, measured in kept(ROOT / BENCHMARK).parts.items():
        assert measured.part.rows, name


def test_only_what_stands_between_the_marks_is_replaced() -> None:
    readme = "a\n<!-- x: begin -->\nold\n<!-- x: end -->\nb\n<!-- y: begin -->\nkept\n<!-- y: end -->\n"
    assert with_section(readme, "x", "new\n") == readme.replace("old", "new")
    with pytest.raises(ValueError, match="substring not found"):
        with_section(readme, "z", "new\n")
