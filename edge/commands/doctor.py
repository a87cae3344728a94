"""`wimose doctor`: what is wrong with this host, in plain words, and what to do about it."""

import argparse
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from edge.config import DEFAULT_FILE, Config, load_config
from edge.errors import ConfigError
from edge.service.doctor import machine, model
from edge.service.doctor.broker import broker
from edge.service.doctor.finding import Check, Finding
from edge.service.doctor.host import Host
from edge.service.doctor.pipe import pipe
from edge.service.doctor.radio import radio

COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


def run(arguments: argparse.Namespace) -> int:
    """0 where nothing is wrong or only could be better, 1 where something is, 2 where that is the configuration."""
    config, findings = _configuration(arguments)
    code = 2 if config is None else 0
    findings += examine(config or Config(), Host(), _environ(), relay=arguments.relay)
    if arguments.json:
        sys.stdout.buffer.write(msgspec.json.encode(findings) + b"\n")
    else:
        Console().print(_table(findings))
    return code or int(any(finding.verdict == "fail" for finding in findings))


def examine(config: Config, host: Host, environ: Mapping[str, str], *, relay: bool) -> Iterator[Finding]:
    """Every check that this host's part in the house asks for."""
    sources = [config.relay] if relay else config.receivers
    if any(entry.source == "netlink" for entry in sources):
        yield from radio(host)
    for entry in sources:
        if entry.path is not None:
            yield pipe(host, entry.path)
    yield broker(config.mqtt, environ)
    yield machine.clock(host)
    yield machine.memory(host)
    yield machine.disk(host)
    if not relay:
        yield machine.processor(host)
        yield model.bundle(config)
        yield model.caches()
        yield model.profile(config)


def _configuration(arguments: argparse.Namespace) -> tuple[Config | None, list[Finding]]:
    check = Check("configuration")
    file = Path(arguments.config) if arguments.config else None
    try:
        config = load_config(file)
    except ConfigError as error:
        found = check.fail(str(error), "what follows is of the values that are built in")
        return None, [found]
    shown = file or DEFAULT_FILE
    if not shown.exists():
        return config, [check.ok(f"there is no {shown}: all values are those that are built in")]
    return config, [check.ok(f"{shown}, room {config.room}")]


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
