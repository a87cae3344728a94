"""The service's own loop in real time: captures on two pipes, host, publisher and a broker; from the arrival of a
window's last packet to the publish call, what it costs, and whether that stays so.
"""

import numpy as np

from firmware_tools.bench.figures import Part, Row, Series
from firmware_tools.bench.house import SAMPLE_S, Heard, listen
from firmware_tools.bench.machine import Machine
from firmware_tools.bench.recordings import thinned, walk, wivelo_folder

SECONDS = 60.0
AIM_P50_MS, AIM_P99_MS, AIM_MB = 3.0, 8.0, 160.0
AIM_CPU = {"150": 12.0, "1000": 30.0}  # percent of one core, by packets/s of a receiver
FASTEST = "1000"  # as it was recorded
FLAT_MB = 4.0  # between the first and the last tenth of a run


def bench(machine: Machine, seconds: float = SECONDS, rates: tuple[str, ...] = tuple(AIM_CPU)) -> Part:
    """seconds: at each of the rates, packets/s of a receiver"""
    fast = walk(wivelo_folder())
    rows: list[Row] = []
    series: list[Series] = []
    notes: list[str] = []
    for rate in rates:
        heard = listen(fast if rate == FASTEST else thinned(fast), seconds)
        label = f"2 x {rate} packets/s"
        rows += _rows(label, heard, AIM_CPU[rate])
        at_s = [SAMPLE_S * n for n in range(len(heard.memory_mb))]
        series += [
            Series("live", f"{label}: arrival to publish", "ms", heard.latency_ms),
            Series("live", f"{label}: memory", "MB", heard.memory_mb, at_s, "s"),
        ]
        if not heard.connected:
            notes.append(f"{label}: no broker (mosquitto is not installed, or did not answer): published to nobody")
        if heard.withheld or heard.dropped:
            notes.append(f"{label}: {heard.withheld} windows withheld, {heard.dropped} chunks dropped")
    return Part(rows, series, notes)


def _rows(label: str, heard: Heard, aim_cpu: float) -> list[Row]:
    latency, memory = np.array(heard.latency_ms), np.array(heard.memory_mb)
    p50, p99 = (float(np.percentile(latency, q)) for q in (50, 99))
    tenth = max(len(memory) // 10, 1)
    growth = float(np.median(memory[-tenth:]) - np.median(memory[:tenth]))
    flat = heard.threads[0] == heard.threads[-1] and heard.descriptors[0] == heard.descriptors[-1]
    half = len(latency) // 2
    tails = [float(np.percentile(part, 99)) for part in (latency[:half], latency[half:])] if half else [p99, p99]
    pauses = heard.gc_ms or [0.0]

    def row(
        what: str, unit: str, median: float, aim: str = "", met: bool | None = None,
        p99: float | None = None, best: float | None = None,
    ) -> Row:  # fmt: skip
        return Row("live", f"{label}: {what}", unit, median, p99, best, aim=aim, met=met)

    return [
        row("arrival to publish", "ms", p50, f"p50 {AIM_P50_MS:g}, p99 {AIM_P99_MS:g}",
            p50 <= AIM_P50_MS and p99 <= AIM_P99_MS, p99=p99, best=float(latency.min())),
        row("longest", "ms", float(latency.max())),
        row("end of the window to publish", "ms", float(np.median(heard.age_ms)),
            p99=float(np.percentile(heard.age_ms, 99)), best=float(np.min(heard.age_ms))),
        row("poses", "1/s", len(latency) / heard.seconds),
        row("CPU", "% of a core", heard.cpu_percent, f"{aim_cpu:g}", heard.cpu_percent <= aim_cpu),
        row("memory", "MB", float(np.median(memory)), f"{AIM_MB:g}", bool(memory.max() <= AIM_MB),
            p99=float(memory.max())),
        row("memory without libraries and other files", "MB", heard.anonymous_mb),
        row(f"memory grown in {heard.seconds:.0f} s", "MB", growth, f"flat ({FLAT_MB:g}), as threads and descriptors",
            growth <= FLAT_MB and flat),
        row("p99 of the second half less the first's", "ms", tails[1] - tails[0], "flat"),
        row(f"longest of {len(heard.gc_ms)} garbage collections", "ms", max(pauses), "no stall",
            max(pauses) <= AIM_P99_MS),
    ]  # fmt: skip
