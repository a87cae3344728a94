"""A room without packets, a walk of three loops of the demo."""

from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from calibration import take
from calibration.guide import Guide
from calibration.job import Job
from calibration.work import Work
from edge.config import Config, Receiver
from tests.calibration.rehearsal import PlayedInbox, Time, answers, demo_logs

CONFIG = Config(room="hall", origin="simulated", receivers=(Receiver("left", "log", "/no"), Receiver("right", "relay")))


@pytest.fixture(scope="session")
def long_logs() -> tuple[bytes, bytes]:
    """Seventy-five seconds of the demo's two receivers."""
    return demo_logs(3)


@pytest.fixture
def time() -> Time:
    return Time()


NewJob = Callable[..., Job]


@pytest.fixture
def job(tmp_path: Path, time: Time) -> NewJob:
    """A job whose answers are given; without any it runs with --yes."""

    def make(*texts: str, **fields: object) -> Job:
        guide = Guide(Console(stderr=True, width=200), not texts, answers(*texts), time, time.sleep)
        usual: dict[str, object] = {
            "ask_system": lambda _: None,
            "height_m": 1.8,
            "channel_hz": 5.825e9,
            "minutes": 0.5,
        }
        return Job("hall", CONFIG, None, Work(tmp_path / "work"), guide, **{**usual, **fields})  # type: ignore[arg-type]

    return make


Play = Callable[..., PlayedInbox]


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch, long_logs: tuple[bytes, bytes], time: Time) -> Play:
    """Whoever records next hears the demo; `at` says what happens when, in seconds of the recording."""

    def begin(at: dict[float, Callable[[], None]] | None = None, logs: tuple[bytes, bytes] = long_logs) -> PlayedInbox:
        inbox = PlayedInbox(logs, time, at)
        others = iter([inbox])  # the first recording hears this one, later ones the same from its beginning
        monkeypatch.setattr(take, "Inbox", lambda: next(others, None) or PlayedInbox(logs, time))
        monkeypatch.setattr(take, "open_captures", lambda *_: None)
        return inbox

    return begin
