"""`wimose inspect`: what a log holds, and how two receivers pair."""

import argparse
import sys

import msgspec
from rich.console import Console
from rich.table import Table

from edge.errors import ConfigError
from edge.parse.intel5300 import read_log
from edge.parse.summary import LogSummary, Spread, summarise
from edge.recording import align

LISTED = 5  # damaged places shown on screen; --json has them all


class PairSummary(msgspec.Struct, frozen=True):
    """`wimose inspect --pair --json`."""

    receivers: tuple[str, str]
    packets: tuple[int, int]  # usable ones
    paired: int
    offset_us: float  # B's clock minus A's at A's first packet
    drift_ppm: float
    residual_us: float  # standard deviation about the line
    paired_share: float  # of the packets heard while both listened
    references: tuple[int, int]  # the antenna of each with the largest dynamic response
    partners: tuple[int, int]  # the second


def run(arguments: argparse.Namespace) -> int:
    if not arguments.files and not arguments.pair:
        raise ConfigError("nothing to inspect: give log files, or two with --pair A.dat B.dat")
    summaries = [summarise(str(path), read_log(path)) for path in arguments.files]
    pair = _pair(arguments.pair) if arguments.pair else None
    if arguments.json:
        # One file gives one object, so that `inspect FILE --json | jq .records` works; several give a list.
        figures = [*summaries, *([pair] if pair else [])]
        sys.stdout.buffer.write(msgspec.json.encode(figures[0] if len(figures) == 1 else figures) + b"\n")
        return 0
    console = Console()
    for summary in summaries:
        console.print(_log_table(summary))
    if pair:
        console.print(_pair_table(pair))
    return 0


def _pair(paths: list[str]) -> PairSummary:
    recording = align((read_log(paths[0]), read_log(paths[1])))
    pairing = recording.pairing
    return PairSummary(
        receivers=(paths[0], paths[1]),
        packets=(recording.receivers[0].time_us.size, recording.receivers[1].time_us.size),
        paired=pairing.index_a.size,
        offset_us=pairing.offset_us,
        drift_ppm=pairing.drift_ppm,
        residual_us=pairing.residual_us,
        paired_share=pairing.paired_share,
        references=(recording.links[0].reference, recording.links[1].reference),
        partners=(recording.links[0].partner, recording.links[1].partner),
    )


def _log_table(log: LogSummary) -> Table:
    table = Table(title=log.file, show_header=False, title_justify="left")
    table.add_row("CSI records", f"{log.records}")
    table.add_row("frames by code", _counts(log.codes))
    places = ", ".join(f"{place.length} bytes at {place.offset}: {place.reason}" for place in log.damage[:LISTED])
    table.add_row(
        "damaged places", f"{log.bad} and {log.truncated} truncated tail" + (f" ({places})" if places else "")
    )
    offsets = ", ".join(str(offset) for offset in log.bad_antenna_sel[:LISTED])
    table.add_row("bad antenna_sel", f"{len(log.bad_antenna_sel)}" + (f" (at {offsets})" if offsets else ""))
    table.add_row("Nrx x Ntx", _counts(log.nrx_ntx))
    table.add_row("rate_n_flags", _counts(log.rate_n_flags))
    table.add_row("bandwidth, MHz", _counts(log.bandwidth_mhz))
    table.add_row("duration", f"{log.seconds:.3f} s at {log.packets_per_s:.1f} packets/s")
    table.add_row("gaps", f"{log.gaps}, longest {log.longest_gap_ms:.1f} ms")
    table.add_row("clock set back", _listed([f"at record {record}" for record in log.backward]) or "never")
    table.add_row("lost by the driver", f"{log.driver_lost}")
    table.add_row(
        "RSSI, dB", "; ".join(f"{name} {_range(rssi)}" for name, rssi in zip("abc", log.rssi_db, strict=True))
    )
    table.add_row("AGC, dB", _range(log.agc_db))
    table.add_row("noise, dBm", _range(log.noise_dbm))
    table.add_row("antenna_sel", _counts(log.antenna_sel))
    return table


def _pair_table(pair: PairSummary) -> Table:
    table = Table(title=f"{pair.receivers[0]} and {pair.receivers[1]}", show_header=False, title_justify="left")
    table.add_row("paired", f"{pair.paired} of {pair.packets[0]} and {pair.packets[1]}, {pair.paired_share:.2%}")
    table.add_row("offset", f"{pair.offset_us:.1f} us")
    table.add_row("drift", f"{pair.drift_ppm:+.3f} ppm")
    table.add_row("residual", f"{pair.residual_us:.2f} us")
    antennas = zip(pair.references, pair.partners, strict=True)
    table.add_row("antennas", "; ".join(f"reference {reference}, partner {partner}" for reference, partner in antennas))
    return table


def _range(spread: Spread | None) -> str:
    return f"{spread.min:g} to {spread.max:g}, median {spread.median:g}" if spread else "not measured"


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name}: {count}" for name, count in counts.items()) or "none"


def _listed(places: list[str]) -> str:
    """The first few, and how many more there are."""
    more = f" and {len(places) - LISTED} more" if len(places) > LISTED else ""
    return ", ".join(places[:LISTED]) + more
