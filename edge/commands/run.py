"""`wimose run`: packets from the receivers, poses to the hub, for as long as the host is on."""

import argparse
import itertools
import logging
import os
import signal
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from edge import __version__
from edge.address import read_password
from edge.capture.capture import Capture
from edge.capture.inbox import Inbox
from edge.capture.relay import RelayCapture
from edge.capture.sources import receiver_captures
from edge.config import Config, load_rooms, room_of
from edge.publish.live import LivePublisher
from edge.recording import as_heard
from edge.replay import warm_up
from edge.service.announcer import Audience
from edge.service.host import Host
from edge.service.journal import log_to_journal
from edge.service.loop import Signals, serve
from edge.service.memory import give_back
from edge.service.model import Fitted, Model
from edge.service.notify import Notifier
from edge.service.pause import Pause
from edge.service.reload import reload_rooms
from edge.service.station import Station
from edge.service.warm import SESSION
from edge.session import load_session
from edge.view.feed import Feed

log = logging.getLogger("wimose")


def run(arguments: argparse.Namespace) -> int:
    log_to_journal()
    file = Path(arguments.config) if arguments.config else None
    load = partial(load_rooms, file, sets=arguments.set)
    rooms = load()
    seen = None if arguments.view is None else room_of(rooms, arguments.view or rooms[0].room, "--view")
    model = Model.load(rooms[0])
    fitted = [model.fitted(config) for config in rooms]
    warm_up(as_heard(load_session(SESSION).logs), model.engine)
    inbox, notifier, signals = Inbox(), Notifier(), Signals()
    captures = [receiver_captures(config, inbox, number) for number, config in enumerate(rooms)]
    publishers = [publisher_of(*each) for each in zip(rooms, fitted, captures, strict=True)]
    status = ", ".join(f"room {config.room}" for config in rooms)

    def reload() -> None:
        notifier.reloading()
        reload_rooms(stations, load)
        notifier.ready(status)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: signals.stop.set())
    signal.signal(signal.SIGHUP, lambda *_: signals.reload.set())
    with ExitStack() as stack:
        page = view(stack, seen) if seen else None
        stations = []
        for n, (config, publisher) in enumerate(zip(rooms, publishers, strict=True)):
            audience = Audience(publisher, page if config is seen else None)
            stations.append(station(n, config, audience, fitted[n], inbox))
        for capture in itertools.chain(*captures):
            capture.open()
            stack.callback(capture.close)
            log.info("listening: %s", capture.name)
        for publisher in publishers:
            publisher.start()
        notifier.ready(status)
        log.info("wimose %s, %s, model %s", __version__, status, model.bundle.identity)
        give_back()
        serve(stations, inbox, notifier, signals, reload)
        notifier.stopping()
        log.info("stopping")
        leave(publishers)
    return 0


def publisher_of(config: Config, fitted: Fitted, captures: Sequence[Capture]) -> LivePublisher:
    """Each room has a connection of its own: MQTT gives a connection one will, and a broker that stalls on one room's
    messages, or refuses them, must not hold up another's. A room can move to another host, which takes over its name.
    """
    password_file = config.mqtt.password_file
    return LivePublisher(
        config.mqtt, config.room, fitted.info(),
        password=read_password(Path(password_file) if password_file else None, os.environ),
        discovery_prefix=config.home_assistant.prefix if config.home_assistant.discovery else None,
        receivers=[receiver.name for receiver in config.receivers],
        subscriptions={capture.topic: capture.message for capture in captures if isinstance(capture, RelayCapture)},
    )  # fmt: skip


def station(number: int, config: Config, audience: Audience, fitted: Fitted, inbox: Inbox) -> Station:
    names = (config.receivers[0].name, config.receivers[1].name)
    labels = fitted.labels(config)
    host = Host(names, fitted.engine, labels, config.poses_per_s, fitted.links, fitted.present_level)
    state = os.environ.get("STATE_DIRECTORY")
    return Station(number, host, audience, Pause(Path(state) if state else None, config.room), inbox)


def leave(publishers: Sequence[LivePublisher]) -> None:
    """All at once: a broker that hangs costs the time of one."""
    with ThreadPoolExecutor(len(publishers)) as pool:
        for publisher, confirmed in zip(publishers, pool.map(LivePublisher.close, publishers), strict=True):
            if not confirmed:
                log.warning("%s: the broker did not confirm `offline`; it will say so by the will", publisher.room)


def view(stack: ExitStack, config: Config) -> Feed | None:
    """Serve the page; what comes back is to be fed, None where the page listens to the hub's broker."""
    from edge.view.page import open_view
    from edge.view.scene import Room

    url, feed = open_view(stack, Room.of_config(config), config.mqtt.websocket, config.view.port)
    log.info("look at %s", url)
    return feed
