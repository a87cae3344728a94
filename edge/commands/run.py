"""`wimose run`: packets from the receivers, poses to the hub, for as long as the host is on."""

import argparse
import logging
import os
import signal
import time
from contextlib import ExitStack
from pathlib import Path

from edge import __version__
from edge.address import read_password
from edge.capture.inbox import Inbox
from edge.capture.relay import RelayCapture
from edge.capture.sources import receiver_captures
from edge.config import Config, load_config
from edge.errors import WimoseError
from edge.estimate import Labels
from edge.inference.bundle import Bundle, find_bundle, load_bundle
from edge.inference.engine import Engine
from edge.profile import RoomProfile, load_profile
from edge.publish.live import LivePublisher
from edge.publish.message import Info
from edge.recording import as_heard
from edge.replay import warm_up
from edge.service.host import Host
from edge.service.journal import log_to_journal
from edge.service.loop import Audience, Pause, Signals, serve
from edge.service.notify import Notifier
from edge.service.warm import SESSION
from edge.session import load_session
from edge.signal.links import Links
from edge.signal.motion import PRESENT_LEVEL
from edge.view.feed import Feed

log = logging.getLogger("wimose")


def run(arguments: argparse.Namespace) -> int:
    log_to_journal()
    file = Path(arguments.config) if arguments.config else None
    config = load_config(file, sets=arguments.set)
    model = Model.load(config)
    warm_up(as_heard(load_session(SESSION).logs), model.engine)
    names = (config.receivers[0].name, config.receivers[1].name)
    host = Host(names, model.engine, model.labels(config), config.poses_per_s, model.links, model.present_level)
    inbox, notifier, signals = Inbox(), Notifier(), Signals()
    captures = receiver_captures(config, inbox)
    relays = {capture.topic: capture.message for capture in captures if isinstance(capture, RelayCapture)}
    password_file = config.mqtt.password_file
    publisher = LivePublisher(
        config.mqtt, config.room, model.info(),
        password=read_password(Path(password_file) if password_file else None, os.environ),
        discovery_prefix=config.home_assistant.prefix if config.home_assistant.discovery else None,
        receivers=names, subscriptions=relays,
    )  # fmt: skip

    def reload() -> None:
        """Another bundle or profile; what cannot be used leaves things as they are."""
        notifier.reloading()
        try:
            again = load_config(file, sets=arguments.set)
            changed = Model.load(again)
            host.exchange(changed.engine, changed.labels(again), changed.links, changed.present_level)
            publisher.update_info(changed.info())
            log.info("reloaded: %s", changed.bundle.identity)
        except WimoseError as error:
            log.error("reload refused, going on as before: %s", error)
        notifier.ready(f"room {config.room}")

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: signals.stop.set())
    signal.signal(signal.SIGHUP, lambda *_: signals.reload.set())
    with ExitStack() as stack:
        page = view(stack, config) if arguments.view else None
        for capture in captures:
            capture.open()
            stack.callback(capture.close)
            log.info("listening: %s", capture.name)
        publisher.start()
        notifier.ready(f"room {config.room}")
        log.info("wimose %s, room %s, model %s", __version__, config.room, model.bundle.identity)
        state = os.environ.get("STATE_DIRECTORY")
        pause = Pause(Path(state) if state else None)
        serve(host, inbox, Audience(publisher, page), pause, notifier, signals, reload)
        notifier.stopping()
        log.info("stopping")
        if not publisher.close():
            log.warning("the broker did not confirm `offline`; it will say so by the will")
    return 0


class Model:
    """A bundle, its engine and the room's profile, which belong together."""

    def __init__(self, bundle: Bundle, engine: Engine, profile: RoomProfile | None) -> None:
        self.bundle, self.engine, self.profile = bundle, engine, profile

    @classmethod
    def load(cls, config: Config) -> "Model":
        """Raises WimoseError where a part cannot be used, before anything is exchanged."""
        bundle = load_bundle(find_bundle(config.bundle))
        profile = load_profile(Path(config.profile), bundle) if config.profile else None
        return cls(bundle, Engine(bundle, config.engine, head=profile.head if profile else None), profile)

    @property
    def links(self) -> tuple[Links, Links] | None:
        return self.profile.file.links if self.profile else None

    @property
    def present_level(self) -> float:
        measured = self.profile.file.presence_level if self.profile else None
        return PRESENT_LEVEL if measured is None else measured

    def labels(self, config: Config) -> Labels:
        return Labels(
            source=config.origin,
            frame="room" if self.profile else "array",
            trained_on="recorded" if self.bundle.description.trained_on == "recorded" else "simulated",
            model=self.bundle.identity,
            started=time.time(),
        )

    def info(self) -> Info:
        return Info(
            version=__version__,
            bundle=self.bundle.identity,
            room_profile=self.profile.file.room if self.profile else None,
        )


def view(stack: ExitStack, config: Config) -> Feed | None:
    """Serve the page; what comes back is to be fed, None where the page listens to the hub's broker."""
    from edge.view.page import open_view
    from edge.view.scene import Room

    url, feed = open_view(stack, Room.of_config(config), config.mqtt.websocket, config.view.port)
    log.info("look at %s", url)
    return feed
