"""What systemd hears, on a real datagram socket."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.service.notify import Notifier


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.setblocking(False)
        yield listening


def environ(systemd: socket.socket, **more: str) -> dict[str, str]:
    return {"NOTIFY_SOCKET": systemd.getsockname()} | more


def heard(systemd: socket.socket) -> list[bytes]:
    datagrams = []
    while True:
        try:
            datagrams.append(systemd.recv(4096))
        except BlockingIOError:
            return datagrams


def test_ready_says_what_it_does(systemd: socket.socket) -> None:
    Notifier(environ(systemd)).ready("room lab")
    assert heard(systemd) == [b"READY=1\nSTATUS=room lab"]


def test_the_watchdog_hears_often_enough_and_no_more(systemd: socket.socket) -> None:
    notifier = Notifier(environ(systemd, WATCHDOG_USEC="8000000"))
    for tenth in range(100):
        notifier.ping(tenth / 10)
    assert heard(systemd) == [b"WATCHDOG=1"] * 5  # every 2 of 10 s


def test_a_watchdog_of_another_process_is_left_alone(systemd: socket.socket) -> None:
    Notifier(environ(systemd, WATCHDOG_USEC="8000000", WATCHDOG_PID=str(os.getpid() + 1))).ping(0.0)
    assert heard(systemd) == []
    Notifier(environ(systemd, WATCHDOG_USEC="8000000", WATCHDOG_PID=str(os.getpid()))).ping(0.0)
    assert heard(systemd) == [b"WATCHDOG=1"]


def test_a_reload_has_its_time_and_an_abstract_socket_is_one_too() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        name = f"\0wimose-test-{os.getpid()}"
        listening.bind(name)
        Notifier({"NOTIFY_SOCKET": "@" + name[1:]}).reloading()
        first, second = listening.recv(4096).split(b"\n")
    assert first == b"RELOADING=1"
    assert second.startswith(b"MONOTONIC_USEC=")


@pytest.mark.parametrize("where", [{}, {"NOTIFY_SOCKET": "/nowhere/at/all"}])
def test_without_systemd_nothing_happens(where: dict[str, str]) -> None:
    notifier = Notifier(where)
    notifier.ready("")
    notifier.ping(0.0)
    notifier.stopping()
