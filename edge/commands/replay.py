"""`wimose replay`: a recording in, poses out over MQTT, into a file, onto the screen."""

import argparse
import os
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import msgspec
from rich.console import Console

from edge import __version__
from edge.errors import ConfigError
from edge.estimate import Labels
from edge.geometry import geometry_values
from edge.inference.bundle import Bundle, find_bundle, load_bundle
from edge.inference.engine import Engine
from edge.parse.intel5300 import read_log
from edge.progress import progress_bar
from edge.publish.message import Info
from edge.publish.sink import JsonLines, PoseSink
from edge.recording import Recording, as_heard
from edge.replay import Speed, replay, warm_up
from edge.report import ReplayReport, summary_table
from edge.session import Session, load_session
from edge.signal.grid import stride_of

MAX_THREADS = 4  # the network is bound by reading its weights; more threads only wait for memory


def run(arguments: argparse.Namespace) -> int:
    session = load_session(Path(arguments.session)) if arguments.session else None
    recording = open_recording(session, arguments.receiver)
    bundle = load_bundle(find_bundle(arguments.bundle))
    speed = parse_speed(arguments.speed)
    stride_of(arguments.rate)  # a rate that does not divide the grid's is refused before anything is opened
    with ExitStack() as stack:
        sinks = open_sinks(stack, arguments, bundle)
        report = play(recording, bundle, session, sinks, arguments.rate, speed, arguments.engine)
    if arguments.json:
        sys.stdout.buffer.write(msgspec.json.encode(report) + b"\n")
    else:
        Console(stderr=True).print(summary_table(report))
    return 0


def open_recording(session: Session | None, receivers: list[str] | None) -> Recording:
    """The session's receivers, or the two logs given by hand."""
    if session:
        if receivers:
            raise ConfigError("give a session or two logs with --receiver, not both")
        return as_heard(session.logs, session.links, session.file.empty_s)
    if not receivers or len(receivers) != 2:
        raise ConfigError("give a session's folder, or exactly two logs: --receiver A.dat --receiver B.dat")
    return as_heard((read_log(receivers[0]), read_log(receivers[1])))


def parse_speed(text: str) -> Speed:
    """ "max" or a positive number."""
    if text == "max":
        return "max"
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0.01 <= speed <= 1e4:
        raise ConfigError(f"--speed {text!r}: give a number of times recorded speed, 0.01 to 10000, or max")
    return speed


def open_sinks(stack: ExitStack, arguments: argparse.Namespace, bundle: Bundle) -> list[PoseSink]:
    """Open what was asked for with --out and --mqtt; closed with the stack."""
    sinks: list[PoseSink] = []
    if arguments.out:
        sinks.append(stack.enter_context(JsonLines(Path(arguments.out))))
    if arguments.mqtt:
        from edge.address import BrokerAddress, read_password
        from edge.publish.mqtt import MqttPublisher

        file = arguments.mqtt_password_file
        password = read_password(Path(file) if file else None, os.environ)
        address = BrokerAddress.parse(arguments.mqtt)
        sinks.append(stack.enter_context(MqttPublisher(address, arguments.room, info_of(bundle), password).connect()))
    return sinks


def open_engine(bundle: Bundle, name: str | None, speed: Speed, session: Session | None) -> Engine:
    """One thread as when live; at full speed nobody else waits for the cores. It is told what the session knows."""
    geometry = geometry_values(session.file.geometry, session.file.carrier_hz) if session else None
    threads = min(os.cpu_count() or 1, MAX_THREADS) if speed == "max" else 1
    return Engine(bundle, name, threads, geometry=geometry)


def info_of(bundle: Bundle) -> Info:
    return Info(version=__version__, bundle=bundle.identity, room_profile=None)


def play(
    recording: Recording, bundle: Bundle, session: Session | None, sinks: list[PoseSink], rate: float, speed: Speed,
    engine_name: str | None,
) -> ReplayReport:  # fmt: skip
    """Replay with a progress bar; returns the figures."""
    engine = open_engine(bundle, engine_name, speed, session)
    warm_up(recording, engine)
    labels = labels_of(bundle, session, time.time())
    truth = session.truth if session else None
    begun = time.monotonic()
    with progress_bar() as bar:
        task = bar.add_task("replaying", total=round(recording.seconds * rate))
        estimates = []
        for estimate in replay(recording, engine, labels, sinks, poses_per_s=rate, speed=speed, truth=truth):
            estimates.append(estimate)
            bar.advance(task)
    return ReplayReport.of(recording, estimates, engine.name, bundle, time.monotonic() - begun, truth is not None)


def labels_of(bundle: Bundle, session: Session | None, now: float) -> Labels:
    """Joints are in the room's frame only where the model was made for that room; else in its own array's frame."""
    simulated = session is not None and session.file.source == "simulated"
    return Labels(
        source="simulated" if simulated else "replay",
        frame="room" if session is not None and session.file.room == bundle.description.room else "array",
        trained_on="recorded" if bundle.description.trained_on == "recorded" else "simulated",
        model=bundle.identity,
        started=session.file.started if session is not None and session.file.started is not None else now,
    )
