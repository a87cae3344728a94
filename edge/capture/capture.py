"""What every source of packets is to the service."""

from typing import Protocol


class Capture(Protocol):
    """Puts chunks of one receiver into an inbox from a thread of its own, from `open` to `close`."""

    @property
    def name(self) -> str:
        """For the log: `netlink group 26`, `relay wimose/lab/csi/receiver2`."""
        ...

    def open(self) -> None:
        """Begin. Raises ConfigError where it cannot, saying what to do."""
        ...

    def close(self) -> None: ...
