"""Tells systemd how the service does: `sd_notify(3)`, one datagram to the socket named in the environment."""

import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress

PINGS_A_TIMEOUT = 4  # systemd restarts a service that was silent for its WatchdogSec; half of it is what it advises


class Notifier:
    """Silent where nobody listens, as when started by hand."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        address = environ.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        # The variable is inherited by children, and only the process it names is watched.
        watched = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        timeout_us = environ.get("WATCHDOG_USEC", "") if watched else ""
        self._ping_s = int(timeout_us) * 1e-6 / PINGS_A_TIMEOUT if timeout_us.isdecimal() else None
        self._pinged = -float("inf")

    def say(self, *lines: str) -> None:
        if not self._address:
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
            out.sendto("\n".join(lines).encode(), self._address)

    def ready(self, status: str) -> None:
        self.say("READY=1", f"STATUS={status}")

    def reloading(self) -> None:
        self.say("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        self.say("STOPPING=1")

    def ping(self, now: float) -> None:
        """Called by the loop that makes poses, as often as it goes round; says so as often as systemd wants it."""
        if self._ping_s is not None and now - self._pinged >= self._ping_s:
            self._pinged = now
            self.say("WATCHDOG=1")
