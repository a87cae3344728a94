"""`wimose calibrate`: the steps of a room's calibration, one after another, each only where it is not done yet."""

import argparse
import logging
import os
import sys
from pathlib import Path

import msgspec
from rich.console import Console

from calibration.empty import Empty
from calibration.fitting import Outcome, fit_step, report_step
from calibration.frame import load_geometry
from calibration.guide import Guide
from calibration.install import announce, bring_back, profile_path
from calibration.job import Job
from calibration.steps import MINUTES, empty_step, frame_step, survey_step, walk_step
from calibration.survey import Survey
from calibration.walk import FILE as WALK_FILE
from calibration.walk import Walk, load_walk
from calibration.work import Work, recent
from edge.address import check_room
from edge.commands.record import carrier_of
from edge.config import load_rooms, room_of
from edge.errors import ConfigError
from edge.geometry import Geometry
from edge.session import load_session

STEPS = ("survey", "empty", "frame", "walk", "adapt", "report")


class Calibrated(msgspec.Struct):
    """`wimose calibrate --json`: what is known by now; null where a step was neither done now nor before."""

    room: str
    survey: Survey | None = None
    empty: Empty | None = None
    geometry: Geometry | None = None
    walk: Walk | None = None
    outcome: Outcome | None = None
    rolled_back: str | None = None  # the bundle of the profile that is in use again
    told: bool | None = None  # whether the running service was told of a profile; null: there is none to tell of


def run(arguments: argparse.Namespace) -> int:
    """0 where all that was asked for is done, 1 where the profile is not worth installing."""
    logging.basicConfig(level=logging.WARNING, format="wimose: %(message)s", stream=sys.stderr)
    job = _job(arguments)
    result = Calibrated(job.room)
    try:
        if arguments.rollback:
            _roll_back(job, result)
        else:
            _steps(job, arguments.step, result)
    except KeyboardInterrupt:
        job.guide.warn("stopped; what was done before is kept", f"{job.again} goes on with the step that was stopped")
        return 130
    finally:
        if arguments.json:
            sys.stdout.buffer.write(msgspec.json.encode(result) + b"\n")
    return 0 if result.outcome is None or result.outcome.installed or arguments.step == "adapt" else 1


def _job(arguments: argparse.Namespace) -> Job:
    config_file = Path(arguments.config) if arguments.config else None
    rooms = load_rooms(config_file, sets=arguments.set)
    # The profile of a host's only room may bear any name.
    config = rooms[0] if len(rooms) == 1 else room_of(rooms, arguments.room, "--room")
    room = arguments.room or config.room
    check_room(room)
    if not MINUTES[0] <= arguments.minutes <= MINUTES[1]:
        raise ConfigError(f"--minutes {arguments.minutes:g}: a walk takes {MINUTES[0]:g} to {MINUTES[1]:g} minutes")
    work = Work.of_room(room, os.environ)
    source = Path(arguments.source) if arguments.source else None
    if source and not (source / "session.yaml").is_file():
        raise ConfigError(
            f"--from {source}: no session.yaml in there; give the folder of a walk that was recorded. A calibration "
            f"leaves its own in {work.session}"
        )
    # With --json and --yes a program reads the output, and nobody the guidance.
    console = Console(stderr=True, quiet=arguments.json and arguments.yes)
    return Job(
        room=room,
        config=config,
        config_file=config_file,
        work=work,
        guide=Guide(console, arguments.yes),
        minutes=arguments.minutes,
        source=source,
        height_m=arguments.height,
        camera=arguments.camera,
        channel_hz=carrier_of(arguments.channel) if arguments.channel is not None else None,
        force=arguments.force,
    )


def _steps(job: Job, step: str | None, result: Calibrated) -> None:
    """One step, or all that are not done yet."""
    guide, fresh = job.guide, job.source is not None  # a recorded session goes through all of them

    def due(name: str, done: bool) -> bool:
        if step is None and done and not fresh:
            guide.say(f"{name}: done already; again with: {job.again} --step {name}")
        return step == name or (step is None and (fresh or not done))

    result.survey = job.work.load(job.work.survey, Survey)
    if due("survey", result.survey is not None):
        result.survey = survey_step(job)
        if step is None and result.survey.grade == "red":
            guide.warn("the radio is not good enough for a calibration to be worth much", "what is marked red, first")
            if not guide.yes and not guide.confirm("Go on all the same?", default=False):
                raise KeyboardInterrupt
    result.empty = job.work.load(job.work.empty, Empty)
    if due("empty", result.empty is not None):
        result.empty = empty_step(job)
    result.geometry = load_geometry(job.work.folder)
    if due("frame", result.geometry is not None):
        result.geometry = frame_step(job)
    if step in ("survey", "empty", "frame"):
        return
    if result.geometry is None and job.source:
        result.geometry = load_session(job.source).file.geometry
    if result.geometry is None:
        raise ConfigError(f"the room has not been measured: {job.again} --step frame")
    if due("walk", recent(job.work.session / WALK_FILE)):
        result.walk = walk_step(job, result.geometry)
    else:
        result.walk = load_walk(job.walked)
    if step == "walk":
        return
    fit = fit_step(job, result.geometry, result.survey, result.empty)
    if step == "adapt":
        result.outcome = fit.outcome
        return
    result.outcome = report_step(job, fit)
    if result.outcome.installed:
        result.told = announce(guide, profile_path(job.config, job.room), job.config, job.config_file)


def _roll_back(job: Job, result: Calibrated) -> None:
    path = profile_path(job.config, job.room)
    before = bring_back(path, job.bundle, job.force)
    result.rolled_back = before.bundle
    job.guide.say(f"{path}: the former profile is in use again; --rollback once more exchanges them back")
    result.told = announce(job.guide, path, job.config, job.config_file)
