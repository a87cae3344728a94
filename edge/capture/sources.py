"""The configured source of a receiver's packets."""

from pathlib import Path

from edge.capture.capture import Capture
from edge.capture.inbox import RECEIVERS, Inbox
from edge.capture.log import LogCapture
from edge.capture.netlink import NetlinkCapture
from edge.capture.relay import RelayCapture
from edge.config import Config, Receiver, Relay
from edge.publish.connection import topic


def receiver_captures(config: Config, inbox: Inbox, room: int = 0) -> list[Capture]:
    """Of a room's receivers, not open yet. room: its number among those that the inbox is for."""
    return [
        _capture(RECEIVERS * room + number, receiver, config.room, inbox)
        for number, receiver in enumerate(config.receivers)
    ]


def relay_capture(relay: Relay, inbox: Inbox) -> Capture:
    """Of the receiver whose packets this host sends on."""
    return _local(0, relay, inbox)


def _capture(number: int, receiver: Receiver, room: str, inbox: Inbox) -> Capture:
    if receiver.source == "relay":
        return RelayCapture(number, inbox, topic(room, f"csi/{receiver.name}"))
    return _local(number, receiver, inbox)


def _local(number: int, entry: Receiver | Relay, inbox: Inbox) -> Capture:
    if entry.source == "log":
        assert entry.path is not None  # the configuration was checked
        return LogCapture(number, inbox, Path(entry.path))
    return NetlinkCapture(number, inbox)
