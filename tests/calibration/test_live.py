"""The guided recordings: what they leave when all goes well, and when something goes wrong in the middle."""

import errno
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from calibration import guided, take
from calibration.guide import Guide
from calibration.job import Job
from calibration.script import script
from calibration.steps import empty_step, survey_step, walk_step
from calibration.walk import load_walk
from calibration.work import Work
from edge.errors import ConfigError, RecordingError
from edge.recording import as_heard
from edge.session import load_session
from tests.calibration.conftest import NewJob, Play
from tests.calibration.rehearsal import GEOMETRY, Air, FastClock, PlayedInbox, names


def ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_a_walk_is_a_session_with_its_prompts(job: NewJob, play: Play) -> None:
    play()
    one = job()
    walk = walk_step(one, GEOMETRY)
    assert load_walk(one.work.session) == walk
    assert names(one.work.folder) == ["session", *(f"session/{name}" for name in
        ("left.dat", "right.dat", "session.yaml", "walk.yaml"))]  # fmt: skip
    asked = script(GEOMETRY, 30.0)
    assert [(prompt.pose, prompt.start_m, prompt.end_m) for prompt in walk.prompts] == [
        (prompt.pose, prompt.start_m, prompt.end_m) for prompt in asked
    ]
    for done, wanted in zip(walk.prompts, asked, strict=True):
        assert done.end_s - done.start_s == pytest.approx(wanted.end_s - wanted.start_s, abs=0.25)
    assert walk.empty_s is not None
    assert walk.empty_s[1] - walk.empty_s[0] == pytest.approx(15.0, abs=0.25)
    assert walk.prompts[0].start_s - walk.empty_s[1] == pytest.approx(8.0, abs=0.5), "time to walk to the first spot"
    session = load_session(one.work.session)
    assert (session.file.room, session.file.source, session.file.carrier_hz) == ("hall", "simulated", 5.825e9)
    assert session.file.room_size_m == GEOMETRY.size_m
    assert session.file.receivers[1].antennas_m == GEOMETRY.receivers_m[1]
    assert as_heard(session.logs).seconds == pytest.approx(walk.prompts[-1].end_s, abs=0.3), "one clock"


def test_a_receiver_that_is_lost_stops_the_walk_until_it_is_back(
    job: NewJob, play: Play, capsys: pytest.CaptureFixture[str]
) -> None:
    inbox: PlayedInbox = play(
        {26.0: lambda: inbox.silent.__setitem__(1, True), 34.0: lambda: inbox.silent.__setitem__(1, False)}
    )
    one = job()
    walk = walk_step(one, GEOMETRY)
    said = capsys.readouterr().err
    assert "no packets from right: the recording pauses" in said
    assert "heard again" in said
    assert [prompt.pose for prompt in walk.prompts] == ["stand", "walk", "stand", "walk", "stand"]
    assert walk.prompts[0].start_s > 41.0, "the prompt that it spoilt was done again, with time to walk there"
    assert all(prompt.end_s < 24.5 or prompt.start_s > 34.0 for prompt in walk.prompts)
    recording = as_heard(load_session(one.work.session).logs)
    assert recording.seconds == pytest.approx(walk.prompts[-1].end_s, abs=0.3)


def test_a_receiver_that_stays_away_ends_the_walk_and_the_good_part_is_kept(
    job: NewJob, play: Play, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("calibration.steps.KEEP_S", 16.0)
    monkeypatch.setattr(guided, "GIVE_UP_S", 6.0)
    inbox: PlayedInbox = play({42.0: lambda: inbox.silent.__setitem__(0, True)})
    one = job()
    walk = walk_step(one, GEOMETRY)
    assert [prompt.pose for prompt in walk.prompts] == ["stand", "walk"]
    said = capsys.readouterr().err
    assert "no packets from left for 6 s" in said
    assert "16 s of the walk before that are kept" in said
    assert "--step walk" in said
    assert load_walk(one.work.session) == walk


def test_too_little_of_a_walk_is_not_kept(job: NewJob, play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guided, "GIVE_UP_S", 6.0)
    one = job()
    play()
    before = walk_step(one, GEOMETRY)
    inbox: PlayedInbox = play({30.0: lambda: inbox.silent.__setitem__(0, True)})
    with pytest.raises(RecordingError, match=r"no packets from left.*what was there before is.*--step walk"):
        walk_step(one, GEOMETRY)
    assert load_walk(one.work.session) == before
    assert sorted(path.name for path in one.work.folder.iterdir()) == ["session"]


def test_a_nic_that_begins_anew_ends_the_walk(
    job: NewJob, play: Play, long_logs: tuple[bytes, bytes], monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr("calibration.steps.KEEP_S", 16.0)
    inbox: PlayedInbox = play({42.0: lambda: inbox.rewind(1)})
    one = job()
    walk = walk_step(one, GEOMETRY)
    assert [prompt.pose for prompt in walk.prompts] == ["stand", "walk"]
    assert "right began anew" in capsys.readouterr().err
    assert not load_session(one.work.session).logs[1].report.backward, "what came after it is not in the session"


@pytest.mark.parametrize(("full_s", "kept"), [(10.0, False), (42.0, True)])
def test_a_full_disk(
    full_s: float, kept: bool, job: NewJob, play: Play, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """The write itself fails, in the middle of a chunk."""
    monkeypatch.setattr("calibration.steps.KEEP_S", 16.0)
    full = False

    def fill() -> None:
        nonlocal full
        full = True

    write = os.write

    class File:
        def __init__(self, path: Path) -> None:
            self.number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL)

        def write(self, data: bytes) -> int:
            if not full:
                return write(self.number, data)
            write(self.number, data[:7])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        def truncate(self, size: int) -> None:
            os.ftruncate(self.number, size)

        def close(self) -> None:
            os.close(self.number)

    opened = Path.open

    def open_(path: Path, mode: str = "r", *rest: int, **named: int) -> object:
        return File(path) if mode == "xb" else opened(path, mode, *rest, **named)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", open_)
    play({full_s: fill})
    one = job()
    if kept:
        walk = walk_step(one, GEOMETRY)
        assert [prompt.pose for prompt in walk.prompts] == ["stand", "walk"]
        assert "No space left on device" in capsys.readouterr().err
        assert not load_session(one.work.session).logs[0].report.truncated
    else:
        with pytest.raises(RecordingError, match=r"No space left on device.*Nothing of this walk is kept"):
            walk_step(one, GEOMETRY)
        assert names(one.work.folder) == []


def test_a_walk_that_cannot_take_its_place_leaves_the_one_before(
    job: NewJob, play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    play()
    one = job()
    before = walk_step(one, GEOMETRY)
    rename = Path.rename

    def fails(path: Path, target: Path) -> Path:
        if path.name == "session.new":
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fails)
    play()
    with pytest.raises(RecordingError, match="Input/output error"):
        walk_step(one, GEOMETRY)
    assert load_walk(one.work.session) == before
    assert sorted(path.name for path in one.work.folder.iterdir()) == ["session"]


def test_no_space_for_the_walk_file(job: NewJob, play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(take, "write_walk", fails)
    play()
    one = job()
    with pytest.raises(RecordingError, match="No space left on device"):
        walk_step(one, GEOMETRY)
    assert names(one.work.folder) == []


STEPS: list[Callable[[Job], object]] = [survey_step, empty_step, lambda job: walk_step(job, GEOMETRY)]


@pytest.mark.parametrize("step", STEPS, ids=["survey", "empty", "walk"])
def test_ctrl_c_in_the_middle_leaves_nothing(step: Callable[[Job], object], job: NewJob, play: Play) -> None:
    one = job()
    play({5.0: ctrl_c})
    with pytest.raises(KeyboardInterrupt):
        step(one)
    assert names(one.work.folder) == []


def test_ctrl_c_late_in_the_walk_keeps_what_was_walked(
    job: NewJob, play: Play, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("calibration.steps.KEEP_S", 16.0)
    one = job()
    play({42.0: ctrl_c})
    with pytest.raises(KeyboardInterrupt):
        walk_step(one, GEOMETRY)
    walk = load_walk(one.work.session)
    assert walk is not None
    assert [prompt.pose for prompt in walk.prompts] == ["stand", "walk"]
    assert "16 s of the walk before that are kept" in capsys.readouterr().err


def test_ctrl_c_at_a_question(job: NewJob, play: Play) -> None:
    play()
    one = job("^C")
    with pytest.raises(KeyboardInterrupt):
        survey_step(one)
    assert names(one.work.folder) == []


def test_a_receiver_that_was_never_heard(job: NewJob, play: Play) -> None:
    inbox = play()
    inbox.silent[1] = True
    one = job()
    with pytest.raises(RecordingError, match=r"no packets from right.*wimose doctor.*--step survey"):
        survey_step(one)
    assert names(one.work.folder) == []


def test_somebody_in_the_empty_room_is_noticed_and_measured_again(
    job: NewJob, play: Play, capsys: pytest.CaptureFixture[str]
) -> None:
    play()
    empty = empty_step(job("", "no"))
    assert empty is not None
    assert empty.moving
    said = capsys.readouterr().err
    assert "something moved for" in said
    assert "leave the room" in said


def test_a_height_in_feet_is_refused_before_anything_is_recorded(job: NewJob, play: Play) -> None:
    play()
    one = job(height_m=5.9)
    with pytest.raises(ConfigError, match=r"5.9 ft are 1.80 m"):
        walk_step(one, GEOMETRY)
    with pytest.raises(ConfigError, match="--height"):
        walk_step(job(height_m=None), GEOMETRY)


def test_from_pipes_in_fast_time(job: NewJob, tmp_path: Path, long_logs: tuple[bytes, bytes]) -> None:
    """The real captures and the real clock; only faster."""
    air = Air(tmp_path, long_logs)
    air.start()
    base = job()
    guide = Guide(base.guide.console, yes=True, clock=FastClock())
    one = Job("hall", air.config, None, Work(tmp_path / "work"), guide, 0.5, height_m=1.8, channel_hz=5.825e9)
    survey = survey_step(one)
    assert [receiver.name for receiver in survey.receivers] == ["left", "right"]
    walk = walk_step(one, GEOMETRY)
    air.over = True
    recording = as_heard(load_session(one.work.session).logs)
    # A tick of the player is 0.2 s of this time, and a busy machine adds some.
    assert walk.prompts[-1].end_s - 0.1 <= recording.seconds + 1.0
    assert recording.seconds == pytest.approx(walk.prompts[-1].end_s, abs=2.0)


def test_a_pipe_has_one_reader(job: NewJob, play: Play) -> None:
    play()
    one = job(ask_system=lambda _: "active\n")
    for step in (survey_step, lambda one: walk_step(one, GEOMETRY)):
        with pytest.raises(ConfigError, match="systemctl stop wimose"):
            step(one)
    assert names(one.work.folder) == []
