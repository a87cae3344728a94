"""`wimose doctor`: what is wrong with this host, in plain words, and what to do about it."""

import argparse
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from edge.config import DEFAULT_FILE, Config, load_rooms, room_of
from edge.errors import ConfigError
from edge.service.doctor import machine, model
from edge.service.doctor.broker import broker
from edge.service.doctor.cost import engine
from edge.service.doctor.finding import Check, Finding
from edge.service.doctor.host import Host
from edge.service.doctor.pipe import pipe
from edge.service.doctor.radio import radio

COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


def run(arguments: argparse.Namespace) -> int:
    """0 where nothing is wrong or only could be better, 1 where something is, 2 where that is the configuration."""
    rooms, findings = _configuration(arguments)
    code = 0 if rooms else 2
    findings += examine(rooms or [Config()], Host(), _environ(), relay=arguments.relay)
    if arguments.json:
        sys.stdout.buffer.write(msgspec.json.encode(findings) + b"\n")
    else:
        Console().print(_table(findings))
    return code or int(any(finding.verdict == "fail" for finding in findings))


def examine(rooms: Sequence[Config], host: Host, environ: Mapping[str, str], *, relay: bool) -> Iterator[Finding]:
    """Every check that this host's part in the house asks for."""
    shared = rooms[0]
    sources = [shared.relay] if relay else [receiver for config in rooms for receiver in config.receivers]
    if any(entry.source == "netlink" for entry in sources):
        yield from radio(host)
    for entry in sources:
        if entry.path is not None:
            yield pipe(host, entry.path)
    yield broker(shared.mqtt, environ)
    yield machine.clock(host)
    yield machine.memory(host)
    yield machine.disk(host)
    if not relay:
        yield machine.processor(host)
        yield model.bundle(shared)
        yield engine(shared, len(rooms))
        yield model.caches()
        for config in rooms:
            yield model.profile(config)


def _configuration(arguments: argparse.Namespace) -> tuple[Sequence[Config], list[Finding]]:
    """The rooms, none where the configuration cannot be used; and what was found."""
    check = Check("configuration")
    file = Path(arguments.config) if arguments.config else None
    try:
        rooms = load_rooms(file)
        if arguments.relay:
            room_of(rooms, rooms[0].relay.room, "relay.room")
    except ConfigError as error:
        found = check.fail(str(error), "what follows is of the values that are built in")
        return [], [found]
    shown = file or DEFAULT_FILE
    if not shown.exists():
        return rooms, [check.ok(f"there is no {shown}: all values are those that are built in")]
    return rooms, [check.ok(", ".join([str(shown), *(f"room {config.room}" for config in rooms)]))]


def _environ() -> dict[str, str]:
    """Ours; by hand, where systemd passes no credentials, with the folder that they come from."""
    return {"CREDENTIALS_DIRECTORY": str(DEFAULT_FILE.parent), **os.environ}


def _table(findings: list[Finding]) -> Table:
    table = Table(show_header=False, box=None, pad_edge=False)
    for finding in findings:
        colour = COLOURS[finding.verdict]
        table.add_row(f"[{colour}]{finding.verdict}[/]", finding.check, finding.found)
        if finding.remedy:
            table.add_row("", "", f"[bold]to do:[/] {finding.remedy}")
    return table
