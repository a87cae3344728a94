"""`wimose record`: both receivers into a session's folder, byte for byte, as `wimose replay` reads it."""

import argparse
import logging
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec
from rich.console import Console

from edge.capture.inbox import Inbox
from edge.capture.relay import RelayCapture
from edge.capture.sources import receiver_captures
from edge.config import Config, load_config
from edge.errors import ConfigError
from edge.progress import progress_bar
from edge.recorder import Recorder, RecordReport
from edge.service.doctor.host import command_output

TICK_S = 0.1  # how smoothly the bar moves
HEAR_S = 10.0  # for both receivers to be heard; a relay is connected within one

IW_CHANNEL = re.compile(r"channel \d+ \((\d+) MHz\)")


def run(arguments: argparse.Namespace) -> int:
    logging.basicConfig(level=logging.WARNING, format="wimose: %(message)s", stream=sys.stderr)
    if not arguments.seconds > 0:
        raise ConfigError(f"--seconds {arguments.seconds:g}: give a positive number")
    config = load_config(Path(arguments.config) if arguments.config else None, sets=arguments.set, room=arguments.room)
    carrier_hz = tuned_carrier(config) if arguments.channel is None else carrier_of(arguments.channel)
    inbox, stop = Inbox(), threading.Event()
    with ExitStack() as stack:
        stack.enter_context(stopped_by_signals(stop))
        recorder = stack.enter_context(Recorder(Path(arguments.out), config, carrier_hz))
        open_captures(stack, config, inbox)
        record(recorder, inbox, arguments.seconds, stop)
        report = recorder.finish(inbox.dropped)
    if arguments.json:
        sys.stdout.buffer.write(msgspec.json.encode(report) + b"\n")
    else:
        show(report, Console(stderr=True))
    return 0


def record(
    recorder: Recorder, inbox: Inbox, seconds: float, stop: threading.Event,
    clock: Callable[[], float] = time.monotonic,
) -> None:  # fmt: skip
    """Write what comes until `stop`, or for `seconds` from when both receivers have been heard."""
    opened = clock()
    with progress_bar() as bar:
        task = bar.add_task("waiting for both receivers", total=round(seconds))
        while not stop.is_set():
            for chunk in inbox.take(TICK_S):
                recorder.write(chunk)
            now, since = clock(), recorder.both_since
            if since is None and now - opened > HEAR_S:
                return
            if since is not None:
                bar.update(task, completed=int(now - since), description="recording")
                if now - since >= seconds:
                    return


def open_captures(stack: ExitStack, config: Config, inbox: Inbox) -> None:
    """Open both sources until the stack ends."""
    captures = receiver_captures(config, inbox)
    for capture in captures:
        capture.open()
        stack.callback(capture.close)
    relays = {capture.topic: capture.message for capture in captures if isinstance(capture, RelayCapture)}
    if relays:
        from edge.publish.subscription import subscribed

        # A name of its own each time: it must not push the service out of its connection, or another recording.
        stack.enter_context(subscribed(config.mqtt, f"wimose-record-{config.room}-{os.getpid()}", relays))


@contextmanager
def stopped_by_signals(stop: threading.Event) -> Iterator[None]:
    """Ctrl-C and SIGTERM end the recording, not the process: what has come is kept."""
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def carrier_of(channel: int) -> float:
    """Centre of a 20 MHz channel in Hz (IEEE 802.11-2016, Annex E)."""
    if channel == 14:
        return 2.484e9
    if 1 <= channel <= 13:
        return 2.407e9 + 5e6 * channel
    if 32 <= channel <= 177:
        return 5e9 + 5e6 * channel
    raise ConfigError(f"--channel {channel}: a Wi-Fi channel is 1 to 14 or 32 to 177")


def tuned_carrier(config: Config, iw_dev: Callable[[], str | None] = lambda: command_output(["iw", "dev"])) -> float:
    """What the NIC that is recorded is tuned to, in Hz. Raises ConfigError where nobody here knows."""
    here = any(receiver.source == "netlink" for receiver in config.receivers)
    tuned = set(IW_CHANNEL.findall(iw_dev() or "")) if here else set()
    if len(tuned) != 1:
        raise ConfigError("which Wi-Fi channel the receivers listen to is not known here: add --channel, such as 64")
    return float(tuned.pop()) * 1e6


def show(report: RecordReport, console: Console) -> None:
    for name, receiver in report.receivers.items():
        lost = f", {receiver.missed} lost on the way" if receiver.missed else ""
        console.print(f"{name}: {receiver.records} packets, {receiver.bytes / 1e6:.1f} MB{lost}", soft_wrap=True)
    if report.dropped:
        console.print(f"{report.dropped} chunks were dropped: the disk is too slow for {report.session}")
    console.print(
        f"{report.seconds:.1f} s at {report.packets_per_s:g} packets/s in {report.session}; "
        f"play it with: wimose replay {report.session}",
        soft_wrap=True,
    )
