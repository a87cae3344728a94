"""The benchmark's own sums: ratios, limits, turns, the page. How fast anything is no test says."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest

from edge.cli import main
from edge.errors import ConfigError
from edge.inference.bundle import SHIPPED
from edge.parse.intel5300 import parse_log
from edge.signal.pairing import pair
from firmware_tools.bench import command, infer, live, machine, parse, rooms, signal, start, timing
from firmware_tools.bench.figures import Bench, Limit, Part, Peer, Row, Series, rate_row, time_row
from firmware_tools.bench.machine import Busy, Machine, Watch
from firmware_tools.bench.radio import Log
from firmware_tools.bench.recordings import concatenated, pieces, thinned, walk, wivelo_folder
from firmware_tools.bench.report import bench_tables, missed, page, summary_markdown, write_report
from firmware_tools.bench.timing import WARM, Timing, alternate

MACHINE = Machine("a CPU", 2, 8.0, "6.1", "3.11", {"numpy": "1.26.4"}, ["csiread"], 20.0, 24.0, 10.0)
BUSY = Busy(0.1, 0.3, 0.02, 0.0, 2600.0, 12.0)


def bench_of(*rows: Row, series: tuple[Series, ...] = (), busy: Busy = BUSY) -> Bench:
    return Bench(MACHINE, {"parse": Part(list(rows), list(series), ["csiread is not installed"])}, {"parse": busy})


def test_contestants_take_turns_and_warm_rounds_are_not_counted() -> None:
    calls: list[str] = []
    ticks = iter(range(10_000))
    took = alternate(
        {"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, budget_s=40, clock=lambda: float(next(ticks))
    )
    assert calls == ["a", "b"] * (WARM + took["a"].rounds)
    assert took["a"].rounds == took["b"].rounds >= 9
    assert took["a"] == Timing(1.0, 1.0, 1.0, took["a"].rounds)  # one tick of this clock


def test_a_timing_is_of_all_rounds() -> None:
    timing = Timing.of([float(n) for n in range(1, 102)])
    assert (timing.median, timing.p99, timing.min, timing.rounds) == (51.0, 100.0, 1.0, 101)


def test_ratios_say_how_many_times_better_whichever_way_is_better() -> None:
    timing = Timing(median=0.5, p99=1.0, min=0.25, rounds=9)
    rate = rate_row("parse", "raw", "packets/s", 100, timing, peers=[Peer("p", 50.0)], limit=Limit("copy", 400.0))
    assert (rate.median, rate.p99, rate.best) == (200.0, 100.0, 400.0)
    assert (rate.ratios, rate.limit_ratio) == ({"p": 4.0}, 2.0)
    time = time_row("infer", "model", "ms", 1e3, timing, peers=[Peer("p", 1000.0), Peer("q", None)],
                    limit=Limit("read", 250.0))  # fmt: skip
    assert (time.median, time.p99, time.best) == (500.0, 1000.0, 250.0)
    assert (time.ratios, time.limit_ratio) == ({"p": 2.0}, 2.0)


def test_the_page_holds_every_figure_and_says_what_falls_short(tmp_path: Path) -> None:
    good = Row(
        "parse", "raw", "packets/s", 2.5e6, 2e6, 3e6, True, [Peer("csiread", 1e6)], Limit("copy", 5e6), "2 x", True
    )
    bad = Row(
        "parse", "scaled", "packets/s", 1e5, more_is_better=True, peers=[Peer("csiread", None)], aim="3 x", met=False
    )
    series = (
        Series("parse", "latency", "ms", [1.0, 2.0, 9.0]),
        Series("parse", "cost", "%", [1.0, 2.0], [1.0, 4.0], "rooms"),
    )
    bench = bench_of(good, bad, series=series)
    write_report(bench, tmp_path / "docs" / "benchmark")
    text = (tmp_path / "docs" / "benchmark" / "README.md").read_text()
    assert (
        "| raw | packets/s | 2.50 M | 2.00 M | 3.00 M | csiread 1.00 M | 2.50 | 5.00 M (copy) | 2.00 | 2 x | yes |"
        in text
    )
    assert "csiread (not installed)" in text
    assert "- parse: scaled: 100,000 packets/s, aim: 3 x" in text.partition("Short of the aim")[2]
    assert "a CPU, 2 cores" in text
    assert "Busy" not in text
    again = msgspec.json.decode((tmp_path / "docs" / "benchmark" / "bench.json").read_bytes(), type=Bench)
    assert page(again, {}) == page(bench, {})
    assert missed(again) == [bad]
    assert "| parse: raw | 2.50 M packets/s | csiread: 2.5 | 2 x: yes |" in summary_markdown(bench)


def test_a_page_without_misses_and_one_of_a_busy_machine_say_so() -> None:
    assert "Nothing that was measured." in page(bench_of(Row("parse", "raw", "packets/s", 1.0)), {})
    busy = msgspec.structs.replace(BUSY, others=1.5)
    assert "**Busy: these figures say little.**" in page(bench_of(busy=busy), {})


def test_plots_are_drawn_of_what_there_is(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    row = Row("parse", "raw", "packets/s", 1.0, limit=Limit("copy", 2.0))
    write_report(bench_of(row, series=(Series("parse", "latency", "ms", [1.0, 2.0, 9.0]),)), tmp_path)
    assert (tmp_path / "parse.png").read_bytes()[:4] == b"\x89PNG"
    assert "![parse.png](parse.png)" in (tmp_path / "README.md").read_text()


def test_tables_for_the_screen_have_a_row_a_figure() -> None:
    (table,) = bench_tables(bench_of(Row("parse", "raw", "packets/s", 1.0), Row("parse", "scaled", "packets/s", 1.0)))
    assert table.row_count == 2


def test_the_machine_is_described_with_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "bandwidths", lambda: (10.0, 20.0, 5.0))
    monkeypatch.setattr(machine, "PEERS", ("numpy", "no-such-peer"))
    described = machine.describe()
    assert described.absent == ["no-such-peer"]
    assert described.packages["numpy"] == np.__version__
    assert described.cores == len(os.sched_getaffinity(0))
    assert described.memory_gb > 0.1


def test_bandwidths_are_of_bytes_that_moved() -> None:
    copy, copy_all, read = machine.bandwidths(size=1 << 20, budget_s=0.01)
    assert all(0.01 < rate < 100_000 for rate in (copy, copy_all, read))


def test_work_of_this_process_is_not_that_of_others() -> None:
    watch = Watch()
    n = 0
    while os.times().user - watch._own < 0.3:  # busy for a while ourselves
        n += 1
    busy = watch.read()
    cores = os.cpu_count() or 1
    assert 0.0 <= busy.others <= cores - 0.2 * 0.3 / busy.seconds
    assert busy.seconds > 0.0


def test_only_the_parts_that_are_wanted_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "describe", lambda: MACHINE)
    known: dict[str, Callable[[Machine], Part]] = {name: lambda _: Part([]) for name in ("parse", "signal", "live")}
    assert list(command.measure(known, ["live", "parse"]).parts) == ["parse", "live"]
    assert list(command.measure(known, "all").busy) == ["parse", "signal", "live"]
    assert set(command.parts(60.0)) == {"parse", "signal", "infer", "start", "live", "rooms"}


def test_the_command_prints_json_and_writes_a_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.setattr(command, "describe", lambda: MACHINE)
    monkeypatch.setattr(command, "parts", lambda seconds: {"live": lambda _: Part([Row("live", "s", "s", seconds)])})
    assert main(["bench", "live", "--seconds", "7", "--json", "--report", str(tmp_path)]) == 0
    assert json.loads(capsysbinary.readouterr().out)["parts"]["live"]["rows"][0]["median"] == 7.0
    assert (tmp_path / "README.md").is_file()
    assert main(["bench", "live", "--seconds", "0"]) == 2


def test_without_recordings_it_says_where_they_should_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIMOSE_DATA", str(tmp_path))
    with pytest.raises(ConfigError, match="set WIMOSE_DATA"):
        wivelo_folder()


@pytest.fixture
def folder(data: Path) -> Path:
    return data / "csi" / "wivelo"


def test_logs_are_put_together_whole(folder: Path) -> None:
    size = 5 << 20
    log = concatenated(folder, size)
    assert size <= len(log) < size + (5 << 20)
    assert parse_log(log).report.damage == ()


def test_a_thinned_walk_is_the_same_packets_at_150_hz(folder: Path) -> None:
    whole = walk(folder, "1-1-1-2")
    slow = [parse_log(log) for log in thinned(whole)]
    first = parse_log(whole[0])
    assert len(slow[0]) == len(slow[1])
    assert len(slow[0]) / (first.timestamp_us[-1] - first.timestamp_us[0]) * 1e6 == pytest.approx(150, rel=0.02)
    assert set(slow[0].timestamp_us.tolist()) <= set(first.timestamp_us.tolist())
    assert pair(slow[0].timestamp_us, slow[1].timestamp_us).paired_share == 1.0


def test_the_radio_goes_on_with_the_clock_running(folder: Path) -> None:
    log = walk(folder, "1-1-1-2")[0]
    stamps = parse_log(log).timestamp_us.astype(np.int64)
    length = int(stamps[-1] - stamps[0])
    radio = Log(log)
    heard = b"".join(radio.due(now) for now in np.arange(0, 2.5 * length, 700.0))
    played = parse_log(heard)
    assert played.report.damage == ()
    assert played.report.backward == ()
    steps = np.diff(played.timestamp_us.astype(np.int64))
    assert len(played) == pytest.approx(2.5 * len(stamps), rel=0.01)
    assert steps.max() == np.diff(stamps).max()
    np.testing.assert_array_equal(played.timestamp_us[: len(stamps)], stamps - stamps[0])
    assert np.array_equal(played.csi[len(stamps) : 2 * len(stamps)], parse_log(log).csi)
    assert sum(map(len, pieces(log))) == len(log)


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "MIN_ROUNDS", 2)


@pytest.fixture
def small(brief: None, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One short walk, as if it were all that there is."""
    (tmp_path / "csi" / "wivelo").mkdir(parents=True)
    for r in (1, 2):
        (tmp_path / "csi" / "wivelo" / f"1-1-1-2-r{r}.dat").symlink_to(folder / f"1-1-1-2-r{r}.dat")
    monkeypatch.setenv("WIMOSE_DATA", str(tmp_path))
    for module in (signal, rooms, live):
        if hasattr(module, "WALK"):
            monkeypatch.setattr(module, "WALK", "1-1-1-2")
    monkeypatch.setattr(signal, "SETTLED", 5000)
    monkeypatch.setattr(signal, "TRACED", 3000)
    monkeypatch.setattr(parse, "LARGE", 2)


def assert_sane(part: Part) -> None:
    assert part.rows
    for row in part.rows:
        assert np.isfinite(row.median), row.what
        assert row.best is None or row.p99 is None or (row.best >= row.p99) == row.more_is_better or row.best == row.p99
        assert all(ratio > 0 for ratio in row.ratios.values())


def test_parsing_is_measured_beside_csiread(small: None) -> None:
    part = parse.bench(MACHINE, budget_s=0.01, size=1 << 20)
    assert_sane(part)
    raw = next(row for row in part.rows if row.what == "raw, one thread")
    assert [peer.name for peer in raw.peers] == ["csiread"]
    assert raw.peers[0].median is not None
    assert raw.limit is not None
    assert raw.median < raw.limit.value


def test_without_csiread_there_is_no_peer(small: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parse, "_csiread", lambda: None)
    part = parse.bench(MACHINE, budget_s=0.01, size=1 << 20)
    assert part.rows[0].peers == [Peer("csiread", None)]
    assert part.rows[0].met is None
    assert part.notes == ["csiread is not installed: no peer for the parser"]


def test_the_signal_path_is_measured(small: None) -> None:
    part = signal.bench(MACHINE, budget_s=0.01)
    assert_sane(part)
    (curve,) = part.series
    assert len(curve.values) == len(curve.at) == len(signal.WINDOWS)
    growth = [row for row in part.rows if "growth" in row.what]
    assert len(growth) == 2
    assert all(abs(row.median) < 100.0 for row in growth)  # kB: nothing is kept of three thousand packets


def test_every_bundle_is_run_on_every_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(infer, "TURNS", 1)
    monkeypatch.setattr(infer, "WARM_CALLS", 1)
    monkeypatch.setattr(infer, "_convert", lambda *_: "no figure")
    part = infer.bench(msgspec.structs.replace(MACHINE, cores=1), calls=3)
    assert_sane(part)
    whats = [row.what for row in part.rows]
    assert "wimose-basic, litert, 1 thread: model" in whats
    assert len(whats) == 4 * len(list(SHIPPED.glob("*/bundle.yaml"))) or any("not installed" in n for n in part.notes)


def test_start_is_measured_to_ready(brief: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "IMPORTS", ("numpy", "no_such_module"))
    part = start.bench(MACHINE, budget_s=0.01, starts=1)
    assert [row.what for row in part.rows[:2]] == ["wimose --help", "wimose run, from exec to READY"]
    assert part.rows[1].median > part.rows[0].median > 0.0
    assert part.rows[2].median > 5.0  # MB of numpy


def test_rooms_share_one_engine_and_cost_something(data: Path) -> None:
    part = rooms.bench(MACHINE, seconds=1.0, rooms=(1, 2))
    cpu, memory = part.series
    assert cpu.at == [1.0, 2.0]
    assert all(value > 0 for value in cpu.values)
    assert all(value > 30 for value in memory.values)


def test_the_service_is_measured_live(data: Path) -> None:
    heard = live.listen(thinned(walk(wivelo_folder())), seconds=2.0)
    assert len(heard.latency_ms) == len(heard.age_ms) > 5
    assert min(heard.latency_ms) > 0.0
    assert min(heard.age_ms) > 10.0  # the resampler looks 10 ms ahead
    assert 0.0 < heard.cpu_percent < 200.0
    assert len(heard.memory_mb) >= 1
    rows = live._rows("2 x 150", heard, 12.0)
    assert rows[0].what == "2 x 150: arrival to publish"
