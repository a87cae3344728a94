"""`wimose demo`: the bundled session through the whole path, with a page to look at and, if none is named, a broker."""

import argparse
import itertools
import sys
import time
import webbrowser
from contextlib import ExitStack
from pathlib import Path

import msgspec
from rich.console import Console

from edge.commands.replay import info_of, labels_of, open_engine, open_sinks, parse_speed
from edge.demo.audience import Audience
from edge.demo.screen import Screen
from edge.errors import ConfigError, MissingDependency
from edge.inference.bundle import Bundle, find_bundle, load_bundle
from edge.publish.sink import PoseSink
from edge.recording import as_heard
from edge.replay import Estimate, Speed, replay, warm_up
from edge.report import ReplayReport, summary_table
from edge.session import load_session
from edge.signal.grid import stride_of
from edge.view.scene import Room

SESSION = Path(__file__).parents[1] / "demo" / "session"


def run(arguments: argparse.Namespace) -> int:
    console = Console(stderr=arguments.json)  # with --json, stdout holds nothing but the figures
    speed = parse_speed(arguments.speed)
    stride_of(arguments.rate)
    if arguments.seconds is not None and arguments.seconds <= 0:
        raise ConfigError(f"--seconds {arguments.seconds:g}: give a positive number")
    session = load_session(SESSION)
    bundle = load_bundle(find_bundle(arguments.bundle))
    engine = open_engine(bundle, arguments.engine, speed, session)
    recording = as_heard(session.logs, session.links, session.file.empty_s)
    console.print("Preparing (the first time, about half a minute: the signal path is compiled for this CPU).")
    warm_up(recording, engine)

    with ExitStack() as stack:
        room = Room.of_session(session.file, arguments.room) if _is_watched(arguments, speed) else None
        sinks = open_sinks(stack, arguments, bundle)
        sinks += _listeners(stack, arguments, bundle, room, console)
        first, second = (receiver.name for receiver in session.file.receivers)
        audience = Audience(sinks, recording, (first, second), "simulated")
        loops = _loops(arguments, room is not None and console.is_terminal)
        console.print(
            f"SIMULATED session, room {session.file.room}, a person whom training never saw; "
            f"model {bundle.identity}, trained on {bundle.description.trained_on} data."
            + (" Again and again until Ctrl-C." if loops else "")
        )
        while True:
            begun = time.monotonic()
            estimates: list[Estimate] = []
            poses = replay(
                recording, engine, labels_of(bundle, session, time.time()), [audience],
                poses_per_s=arguments.rate, speed=speed, truth=session.truth,
            )  # fmt: skip
            if arguments.seconds is not None:
                poses = itertools.islice(poses, max(round(arguments.seconds * arguments.rate), 1))
            try:
                with Screen(session.file, "SIMULATED", console) as screen:
                    for estimate in poses:
                        audience.after(estimate)
                        screen.show(estimate)
                        estimates.append(estimate)
            except KeyboardInterrupt:
                if not loops:
                    raise
                break
            if not loops:
                break
            audience.say("the recording begins again")
        audience.say("the demo has ended: run it again")
        report = ReplayReport.of(
            recording, estimates, engine.name, bundle, time.monotonic() - begun, session.truth is not None
        )
    if arguments.json:
        sys.stdout.buffer.write(msgspec.json.encode(report) + b"\n")
    else:
        console.print(summary_table(report))
    return 0


def _is_watched(arguments: argparse.Namespace, speed: Speed) -> bool:
    """At full speed there is nothing to see, and who asks for JSON is a program."""
    return bool(arguments.view) and not arguments.json and speed != "max"


def _loops(arguments: argparse.Namespace, watched_at_a_terminal: bool) -> bool:
    """A page that goes dead after half a minute disappoints; a script, a length or a file wants an end."""
    if arguments.loop is not None:
        return bool(arguments.loop)
    return watched_at_a_terminal and arguments.seconds is None and arguments.out is None


def _listeners(
    stack: ExitStack, arguments: argparse.Namespace, bundle: Bundle, room: Room | None, console: Console
) -> list[PoseSink]:
    """Where none is named, a broker inside this process and a publisher to it; and the page, if there is a room for it.

    A broker that is named need not speak to browsers: then the page has one of its own.
    """
    from edge.view.page import open_view

    sinks: list[PoseSink] = []
    websocket = None
    if not arguments.mqtt:
        publisher, websocket = _own_broker(stack, arguments.room, bundle, console)
        sinks.append(publisher)
    if room is None:
        return sinks
    try:
        url, feed = open_view(stack, room, websocket, otherwise=0)
    except MissingDependency as error:
        console.print(f"No page: {error}")
        return sinks
    if feed is not None:
        feed.tell(info_of(bundle))
        sinks.append(feed)
    console.print(f"Look at it: [bold]{url}[/bold]", soft_wrap=True)
    if arguments.open:
        webbrowser.open(url)
    return sinks


def _own_broker(stack: ExitStack, room: str, bundle: Bundle, console: Console) -> tuple[PoseSink, str]:
    """A broker inside this process, and a publisher connected to it; where browsers find the broker."""
    from paho.mqtt.enums import MQTTProtocolVersion

    from edge.address import BrokerAddress
    from edge.publish.broker import HOST, embedded_broker
    from edge.publish.mqtt import MqttPublisher

    broker = stack.enter_context(embedded_broker())
    address = BrokerAddress.parse(f"mqtt://{HOST}:{broker.port}")
    publisher = MqttPublisher(address, room, info_of(bundle), protocol=MQTTProtocolVersion.MQTTv311)
    console.print(f"Listen along: mosquitto_sub -h {HOST} -p {broker.port} -t 'wimose/{room}/#' -v", soft_wrap=True)
    return stack.enter_context(publisher.connect()), broker.websocket_url
