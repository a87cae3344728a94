"""What the service says: one line an event on stderr, the room before it where it is one's, to which the journal adds
the time."""

import logging
import sys
from contextvars import ContextVar

OURS = ("edge", "wimose")  # others speak up where something is wrong

speaker: ContextVar[str] = ContextVar("speaker", default="")  # the room whose turn it is; empty where it is nobody's


def log_to_journal() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_name_room)
    logging.basicConfig(level=logging.WARNING, format="%(levelname).1s %(room)s%(message)s", handlers=[handler])
    for name in OURS:
        logging.getLogger(name).setLevel(logging.INFO)


def _name_room(record: logging.LogRecord) -> bool:
    record.room = f"{speaker.get()}: " if speaker.get() else ""
    return True
