"""What becomes of the benchmark's figures: a file a part, a page, plots, the README's table."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

from firmware_tools.bench.figures import Bench, Limit, Measured, Part, Peer, Profile, Row, Series
from firmware_tools.bench.kept import QUANTILES, kept
from firmware_tools.bench.machine import Busy, Machine
from firmware_tools.bench.report import aims, bench_tables, page, summary_markdown, write_report

MACHINE = Machine("a CPU", 2, 8.0, "6.1", "3.11", {"numpy": "1.26.4"}, ["csiread"], 20.0, 24.0, 10.0)
IDLE = Busy(0.1, 0.3, 0.02, 0.0, 2600.0, 12.0)
GOOD = Row("parse", "raw", "packets/s", 2.5e6, 2e6, 3e6, True, [Peer("csiread", 1e6)], Limit("copy", 5e6), "2 x", True)
BAD = Row("parse", "scaled", "packets/s", 1e5, more_is_better=True, peers=[Peer("csiread", None)], aim="3 x", met=False)
PLAIN = Row("start", "help", "s", 0.25)


def bench_of(*rows: Row, name: str = "parse", busy: Busy = IDLE, on: str = "2026-11-20", **more: object) -> Bench:
    part = msgspec.convert({"rows": list(rows), **more}, Part, from_attributes=True)
    return Bench({name: Measured(part, MACHINE, busy, on)})


def test_the_page_holds_every_figure_and_says_what_falls_short(tmp_path: Path) -> None:
    bench = bench_of(GOOD, BAD, notes=["csiread is not installed"])
    write_report(bench, tmp_path / "docs" / "benchmark")
    text = (tmp_path / "docs" / "benchmark" / "README.md").read_text()
    assert (
        "| raw | packets/s | 2.50 M | 2.00 M | 3.00 M | csiread 1.00 M | 2.50 | 5.00 M (copy) | 2.00 | 2 x | yes |"
        in text
    )
    assert "csiread (not installed)" in text
    assert "- parse: scaled: 100,000 packets/s, aim: 3 x" in text.partition("Short of the aim")[2]
    assert "a CPU, 2 cores" in text
    assert "2026-11-20. Load 0.1 before" in text
    assert "Busy" not in text
    assert page(kept(tmp_path / "docs" / "benchmark"), set()) == page(bench, set())


def test_a_part_that_is_measured_again_replaces_its_own_figures_alone(tmp_path: Path) -> None:
    series = [Series("parse", "latency", "ms", [1.0, 2.0])]
    write_report(bench_of(GOOD, series=series), tmp_path)
    write_report(bench_of(PLAIN, name="live"), tmp_path)
    write_report(bench_of(PLAIN, name="soak", on="2026-11-21"), tmp_path)
    before = (tmp_path / "parse.json").read_bytes()
    write_report(bench_of(msgspec.structs.replace(PLAIN, median=0.75), name="live"), tmp_path)
    found = kept(tmp_path).parts
    assert list(found) == ["parse", "live", "soak"]
    assert [found[name].part.rows[0].median for name in found] == [2.5e6, 0.75, 0.25]
    assert (tmp_path / "parse.json").read_bytes() == before
    text = (tmp_path / "README.md").read_text()
    assert text.index("## parse") < text.index("## live") < text.index("0.75") < text.index("## soak")
    assert "2026-11-21" in text


def test_of_a_long_run_the_distribution_is_kept_and_its_curves(tmp_path: Path) -> None:
    latency = np.random.default_rng(1).exponential(2.0, 100_000)
    memory = [100.0 + n / 7 for n in range(3600)]
    series = [
        Series("live", "latency", "ms", latency.tolist()),
        Series("live", "memory", "MB", memory, [float(n) for n in range(3600)], "s"),
    ]
    write_report(bench_of(PLAIN, name="soak", series=series), tmp_path)
    shown, curve = kept(tmp_path).parts["soak"].part.series
    assert len(shown.values) == QUANTILES
    assert (shown.values[0], shown.values[-1]) == pytest.approx((latency.min(), latency.max()), rel=1e-3)
    assert np.percentile(shown.values, 99) == pytest.approx(np.percentile(latency, 99), rel=1e-2)
    assert curve.values == pytest.approx(memory, rel=1e-3)
    assert (tmp_path / "soak.json").stat().st_size < 200_000


def test_nothing_is_kept_where_nothing_was_measured(tmp_path: Path) -> None:
    assert kept(tmp_path / "none").parts == {}


def test_a_page_without_misses_and_one_of_a_busy_machine_say_so() -> None:
    assert "Nothing that was measured." in page(bench_of(PLAIN), set())
    for busy in ({"others": 1.5}, {"steal": 0.3}):
        assert "**Busy: these figures say little.**" in page(
            bench_of(busy=msgspec.structs.replace(IDLE, **busy)), set()
        )


def test_profiles_are_tables_of_what_is_largest() -> None:
    few = Profile("stages", "ms", {"pair": 1.0, "read": 3.0})
    many = Profile("functions", "%", {f"f{n}": float(n) for n in range(40)})
    text = page(bench_of(BAD, profiles=[few, many]), set())
    assert "Stages:\n\n| | ms |\n|---|--:|\n| pair | 1 |\n| read | 3 |\n" in text  # in their order
    functions = text.partition("Functions:")[2]
    assert functions.index("| f39 | 39 |") < functions.index("| f15 | 15 |") < functions.index("| 15 others | 105 |")
    assert "f14 " not in functions


def test_plots_are_drawn_of_what_there_is_and_old_ones_go(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    series = [Series("parse", "latency", "ms", [1.0, 2.0, 9.0]), Series("parse", "cost", "%", [1.0, 2.0], [1.0, 4.0])]
    write_report(bench_of(GOOD, series=series), tmp_path)
    assert (tmp_path / "parse.png").read_bytes()[:4] == b"\x89PNG"
    assert "![parse](parse.png)" in (tmp_path / "README.md").read_text()
    write_report(bench_of(PLAIN), tmp_path)
    assert not (tmp_path / "parse.png").exists()
    assert "parse.png" not in (tmp_path / "README.md").read_text()


def test_tables_for_the_screen_have_a_row_a_figure() -> None:
    table, shares = bench_tables(
        bench_of(GOOD, BAD, profiles=[Profile("stages", "ms", {"a": 1.0, "b": 2.0, "c": 3.0})])
    )
    assert (table.row_count, shares.row_count) == (2, 3)


def test_of_rows_with_one_aim_the_furthest_from_it_is_shown() -> None:
    def row(what: str, median: float, aim: str, met: bool | None, **more: object) -> Row:
        return msgspec.convert({"part": "", "what": what, "unit": "s", "median": median, "aim": aim, "met": met} | more,
                               Row, from_attributes=True)  # fmt: skip

    rows = [
        row("quick", 1.0, "2 s", True), row("slow", 1.5, "2 s", True), row("unknown", 9.0, "2 s", None),
        row("late", 3.0, "1 s", False), row("later but told to be well", 4.0, "1 s", True),
        row("twice the peer", 4.0, "beat it", True, more_is_better=True, peers=[Peer("p", 2.0)]),
        row("thrice the peer", 3.0, "beat it", True, more_is_better=True, peers=[Peer("p", 1.0)]),
        row("no aim", 1.0, "", None),
    ]  # fmt: skip
    assert [row.what for row in aims(Part(rows))] == ["slow", "late", "twice the peer"]


def test_the_summary_has_a_line_an_aim_and_says_where_that_was() -> None:
    assert (
        summary_markdown(bench_of(GOOD, BAD, PLAIN))
        == """\
| | figure | times better than | times the limit | aim | met |
|---|--:|---|---|---|---|
| parse: raw | 2.50 M packets/s, p99 2.00 M | csiread 2.5 | 2 (copy) | 2 x | yes |
| parse: scaled | 100,000 packets/s |  |  | 3 x | NO |

Measured on a CPU, 2 cores, Python 3.11, 2026-11-20, while other work took 0.02 cores at most.
"""
    )
    busy = bench_of(GOOD, busy=msgspec.structs.replace(IDLE, others=1.25))
    later = bench_of(PLAIN, name="live", on="2026-11-22")
    summary = summary_markdown(Bench(busy.parts | later.parts))
    assert (
        "2026-11-20 to 2026-11-22, while other work took 1.25 cores at most (it was **busy** during parse:" in summary
    )
