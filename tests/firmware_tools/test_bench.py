"""The benchmark's own sums: ratios, limits, turns, the page. How fast anything is no test says."""

import json
import os
from collections.abc import Callable
from datetime import date
from pathlib import Path

import msgspec
import numpy as np
import pytest

from edge.cli import main
from edge.errors import ConfigError
from edge.inference.bundle import SHIPPED
from edge.parse.intel5300 import parse_log
from edge.signal.imagespec import KNOWN
from edge.signal.pairing import pair
from firmware_tools.bench import command, infer, live, machine, parse, rooms, signal, start, timing
from firmware_tools.bench.figures import Limit, Part, Peer, Profile, Row, rate_row, time_row
from firmware_tools.bench.house import Heard, listen
from firmware_tools.bench.kept import ORDER
from firmware_tools.bench.machine import Machine, Watch
from firmware_tools.bench.radio import Log
from firmware_tools.bench.recordings import concatenated, pieces, thinned, walk, wivelo_folder
from firmware_tools.bench.timing import WARM, Timing, alternate

MACHINE = Machine("a CPU", 2, 8.0, "6.1", "3.11", {"numpy": "1.26.4"}, ["csiread"], 20.0, 24.0, 10.0)


def test_contestants_take_turns_after_each_other_and_warm_rounds_are_not_counted() -> None:
    calls: list[str] = []
    ticks = iter(range(10_000))
    took = alternate(
        {"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, budget_s=40, clock=lambda: float(next(ticks))
    )
    turns = ["".join(calls[n : n + 2]) for n in range(0, len(calls), 2)]
    assert set(turns) == {"ab", "ba"}
    assert len(turns) == WARM + took["a"].rounds
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
    today = date(2026, 11, 20)
    assert list(command.measure(known, ["live", "parse"], {}, today).parts) == ["parse", "live"]
    every = command.measure(known, "all", {}, today).parts
    assert list(every) == ["parse", "signal", "live"]
    assert [(one.on, one.machine) for one in every.values()] == 3 * [("2026-11-20", MACHINE)]
    assert set(command.parts(60.0)) == {"parse", "signal", "infer", "start", "live", "rooms"}


def test_what_falls_short_is_looked_into(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "describe", lambda: MACHINE)
    whole = Profile("stages", "s", {"pair": 1.0})

    def part(met: bool | None) -> Callable[[Machine], Part]:
        return lambda _: Part([Row("", "a", "s", 1.0, met=met), Row("", "b", "s", 1.0, met=True)], profiles=[whole])

    known = {"parse": part(False), "start": part(False), "live": part(True), "rooms": part(None)}
    profiler = {name: lambda: [Profile("imports", "ms", {"numba": 2.0})] for name in ("start", "live", "rooms")}
    found = command.measure(known, "all", profiler).parts
    assert {name: [profile.what for profile in one.part.profiles] for name, one in found.items()} == {
        "parse": ["stages"], "start": ["stages", "imports"], "live": ["stages"], "rooms": ["stages"]
    }  # fmt: skip
    assert set(command.profilers()) <= set(ORDER)


def test_an_hour_of_live_is_a_soak(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "describe", lambda: MACHINE)
    known = command.parts(3600.0)
    assert set(known) == {"parse", "signal", "infer", "start", "soak", "rooms"} <= set(ORDER)
    known["soak"] = lambda _: Part([])
    assert list(command.measure(known, ["live"], {}).parts) == ["soak"]  # by the name that was typed


def test_the_command_prints_json_and_writes_a_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.setattr(command, "describe", lambda: MACHINE)
    monkeypatch.setattr(command, "parts", lambda seconds: {"live": lambda _: Part([Row("live", "s", "s", seconds)])})
    assert main(["bench", "live", "--seconds", "7", "--json", "--report", str(tmp_path)]) == 0
    assert json.loads(capsysbinary.readouterr().out)["parts"]["live"]["part"]["rows"][0]["median"] == 7.0
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
    (stages,) = part.profiles
    assert stages.unit == "CPU s per minute of recording"
    assert all(0.0 < share < 60.0 for share in stages.shares.values())
    assert stages.shares["images, plus-1: Hampel alone"] < stages.shares["images, plus-1"]
    assert [row.aim for row in part.rows if "two cores" in row.what] == len(KNOWN) * [
        "200 times real time on two cores"
    ]
    growth = [row for row in part.rows if "growth" in row.what]
    assert len(growth) == len(KNOWN)
    assert all(abs(row.median) < 100.0 for row in growth)  # kB: nothing is kept of three thousand packets


def test_every_bundle_is_run_on_every_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(infer, "TURNS", 1)
    monkeypatch.setattr(infer, "WARM_CALLS", 1)
    monkeypatch.setattr(infer, "_convert", lambda *_: "no figure")
    part = infer.bench(msgspec.structs.replace(MACHINE, cores=1), calls=3)
    assert_sane(part)
    whats = [row.what for row in part.rows]
    assert "wimose-basic, litert, 1 thread: model" in whats
    windows, streamed = 2 * len(list(SHIPPED.glob("*/bundle.yaml"))), 2 * len(list(SHIPPED.glob("*/step.tflite")))
    assert len(whats) == 2 * (windows + streamed) or any("not installed" in n for n in part.notes)
    assert "wimose-basic, litert, 1 thread, streamed: model" not in whats
    rows = {row.what: row for row in part.rows}
    step = rows["wimose-plus-basic, litert, 1 thread, streamed: model"]
    assert step.peers[0].median == rows["wimose-plus-basic, litert, 1 thread: model"].median
    assert step.met is not None


def test_start_is_measured_to_ready(brief: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "IMPORTS", ("numpy", "no_such_module"))
    part = start.bench(MACHINE, budget_s=0.01, starts=1)
    assert [row.what for row in part.rows[:2]] == ["wimose --help", "wimose run, from exec to READY"]
    assert part.rows[1].median > part.rows[0].median > 0.0
    assert part.rows[2].median > 5.0  # MB of numpy


def test_rooms_are_served_by_one_process(data: Path) -> None:
    part = rooms.bench(MACHINE, seconds=2.0, rooms=(1, 2))
    cpu, memory, poses = part.series
    assert cpu.at == [1.0, 2.0]
    assert all(value > 0 for value in cpu.values)
    assert all(value > 30 for value in memory.values)
    assert all(5.0 < value < 40.0 for value in poses.values)  # in each room, however busy the machine is
    assert_sane(part)


def heard(rooms: int, poses: int, cpu: float, memory: float) -> Heard:
    return Heard([1.0, 2.0, 3.0], [30.0], [poses] * (rooms - 1) + [poses - 3], cpu, [memory], 1.0, [1], [1], [],
                 0, 0, 0, True, 10.0)  # fmt: skip


def test_a_room_is_held_against_one_alone_and_counts_only_with_all_its_poses(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {
        1: heard(1, 303, 10.0, 100.0),
        4: heard(4, 300, 36.0, 106.0),
        6: heard(6, 300, 72.0, 110.0),
        8: heard(8, 250, 80.0, 114.0),
    }
    monkeypatch.setattr(rooms, "listen", lambda _, __, count: told[count])
    part = rooms.bench(MACHINE, rooms=(1, 4, 6, 8))
    rows = {row.what: row for row in part.rows}
    assert [rows[f"{n} rooms: CPU of each"].median for n in (1, 4, 6, 8)] == [10.0, 9.0, 12.0, 10.0]
    assert [rows[f"{n} rooms: CPU of each"].met for n in (1, 4, 6, 8)] == [True, True, False, None]
    assert rows["4 rooms: poses of the poorest"].median == 29.7
    assert rows["most rooms that got all their poses"].median == 6
    assert rows["memory of a further room"].median == 2.0
    assert part.notes == [
        "8 rooms: 24.7 poses/s in the poorest room, 0 poses too late, 0 windows withheld, 0 chunks dropped"
    ]


def test_the_service_is_measured_live(data: Path) -> None:
    heard = listen(thinned(walk(wivelo_folder())), seconds=2.0)
    assert len(heard.latency_ms) == len(heard.age_ms) > 5
    assert min(heard.latency_ms) > 0.0
    assert min(heard.age_ms) > 10.0  # the resampler looks 10 ms ahead
    assert 0.0 < heard.cpu_percent < 200.0
    assert len(heard.memory_mb) >= 1
    rows = live._rows("2 x 150", heard, 12.0)
    assert rows[0].what == "2 x 150: arrival to publish"
