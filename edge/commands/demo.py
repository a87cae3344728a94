"""`wimose demo`: the bundled session through the whole path, with a broker of its own if none is named."""

import argparse
import itertools
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import msgspec
from rich.console import Console

from edge.commands.replay import info_of, labels_of, open_engine, open_sinks, parse_speed
from edge.demo.screen import Screen
from edge.errors import ConfigError
from edge.inference.bundle import Bundle, find_bundle, load_bundle
from edge.publish.sink import PoseSink
from edge.recording import align
from edge.replay import replay, warm_up
from edge.report import ReplayReport, summary_table
from edge.session import load_session
from edge.signal.path import stride_of

SESSION = Path(__file__).parents[1] / "demo" / "session"


def run(arguments: argparse.Namespace) -> int:
    console = Console(stderr=arguments.json)  # with --json, stdout holds nothing but the figures
    speed = parse_speed(arguments.speed)
    stride_of(arguments.rate)
    if arguments.seconds is not None and arguments.seconds <= 0:
        raise ConfigError(f"--seconds {arguments.seconds:g}: give a positive number")
    session = load_session(SESSION)
    bundle = load_bundle(find_bundle(arguments.bundle))
    engine = open_engine(bundle, arguments.engine, speed)
    recording = align(session.logs, session.links, session.file.empty_s)
    console.print("Preparing (the first time, about half a minute: the signal path is compiled for this CPU).")
    warm_up(recording, engine)

    with ExitStack() as stack:
        sinks = open_sinks(stack, arguments, bundle)
        if not arguments.mqtt:
            sinks.append(_own_broker(stack, arguments.room, bundle, console))
        console.print(
            f"SIMULATED session, room {session.file.room}, a person whom training never saw; "
            f"model {bundle.identity}, trained on {bundle.description.trained_on} data."
        )
        begun = time.monotonic()
        poses = replay(
            recording, engine, labels_of(bundle, session, time.time()), sinks,
            poses_per_s=arguments.rate, speed=speed, truth=session.truth,
        )  # fmt: skip
        if arguments.seconds is not None:
            poses = itertools.islice(poses, max(round(arguments.seconds * arguments.rate), 1))
        estimates = []
        with Screen(session.file, "SIMULATED", console) as screen:
            for estimate in poses:
                screen.show(estimate)
                estimates.append(estimate)
        report = ReplayReport.of(recording, estimates, engine.name, bundle, time.monotonic() - begun)
    if arguments.json:
        sys.stdout.buffer.write(msgspec.json.encode(report) + b"\n")
    else:
        console.print(summary_table(report))
    return 0


def _own_broker(stack: ExitStack, room: str, bundle: Bundle, console: Console) -> PoseSink:
    """A broker inside this process, and a publisher connected to it."""
    from paho.mqtt.enums import MQTTProtocolVersion

    from edge.publish.address import BrokerAddress
    from edge.publish.broker import HOST, embedded_broker
    from edge.publish.mqtt import MqttPublisher

    port = stack.enter_context(embedded_broker())
    address = BrokerAddress.parse(f"mqtt://{HOST}:{port}")
    publisher = MqttPublisher(address, room, info_of(bundle), protocol=MQTTProtocolVersion.MQTTv311)
    console.print(f"Listen along: mosquitto_sub -h {HOST} -p {port} -t 'wimose/{room}/#' -v", soft_wrap=True)
    return stack.enter_context(publisher.connect())
