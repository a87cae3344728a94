"""The steps of a calibration that measure: survey, empty, frame, walk. Each can be done alone, and again.

Live, a step records a session first; everything else works on sessions, so a recorded one does as well (`--from`).
"""

from pathlib import Path

from calibration.empty import LENGTH_S as EMPTY_S
from calibration.empty import Empty, measure_empty
from calibration.footage import Footage, develop, forget
from calibration.frame import FILE as GEOMETRY_FILE
from calibration.frame import (
    check_walk,
    checked,
    load_geometry,
)
from calibration.guided import perform, steadily
from calibration.job import Job, heard
from calibration.plan import name_of, plan
from calibration.script import chair_spot, script, spots
from calibration.survey import Survey, survey
from calibration.take import Ended, Stopped, discard, recording, settle
from calibration.tape import measured
from calibration.walk import FILE as WALK_FILE
from calibration.walk import Prompt, Walk, load_walk
from edge.errors import ConfigError, RecordingError
from edge.geometry import Geometry
from edge.session import Session, load_session

SURVEY_S = 20.0
LEAVE_S = 10.0  # to leave the room, before it listens: the long-run mean must not have heard anybody
LEAVING = "leave the room and close the door:"
BEFORE_S = 15.0  # of empty room before the walk: presence is judged on it, and no level was set by it
KEEP_S = 30.0  # of prompts: a walk that was broken off later is worth keeping
HEIGHT_M = (0.8, 2.3)
MINUTES = (1.0, 15.0)  # less holds too few stops to keep some of them away from the fit


def survey_step(job: Job) -> Survey:
    """Grade the radio while somebody walks about."""
    job.guide.title("survey: is the radio good enough?")
    if job.source:
        session = load_session(job.source)
    else:
        job.guide.say(f"Walk to and fro through the room for {SURVEY_S:.0f} s.")
        job.guide.ready("One person in the room.")
        session = _recorded(job, "survey", SURVEY_S, "walk to and fro")
    first, second = session.file.receivers
    found = survey(session.logs, (first.name, second.name), session.file.carrier_hz)
    for receiver in found.receivers:
        job.guide.items(receiver.name, receiver.items)
    job.guide.items("both", found.pair)
    job.work.save(job.work.survey, found)
    return found


def empty_step(job: Job) -> Empty | None:
    """Measure the empty room; None where a recorded session has no such stretch."""
    job.guide.title("empty: what moves while nobody is there?")
    while True:
        if job.source:
            session = load_session(job.source)
            stretch = _empty_stretch(job.source, session)
            if stretch is None:
                job.guide.warn(f"{job.source} does not say when the room was empty; presence keeps its usual level")
                return None
        else:
            job.guide.say(f"Leave the room and close the door; after {LEAVE_S:.0f} s it listens for {EMPTY_S:.0f} s.")
            job.guide.ready("Nobody may be in there then, fans off.")
            job.guide.countdown(LEAVE_S, LEAVING)
            session = _recorded(job, "empty", EMPTY_S, "nobody in the room")
            stretch = (0.0, heard(session).seconds)
        empty = measure_empty(heard(session), job.bundle.spec, *stretch)
        if empty.remedy:
            job.guide.warn(empty.why, empty.remedy)
        else:
            job.guide.say(f"{empty.why}; somebody is there from a motion level of {empty.presence_level} on")
        if not empty.moving or job.source or job.guide.yes or not job.guide.confirm("Measure again?"):
            job.work.save(job.work.empty, empty)
            return empty


def frame_step(job: Job) -> Geometry:
    """The room by tape measure, checked and drawn."""
    guide = job.guide
    guide.title("frame: where are things?")
    of_source = load_session(job.source).file.geometry if job.source else None
    known = of_source or load_geometry(job.work.folder) or job.config.geometry
    if of_source or (guide.yes and known):
        geometry, remarks = known, checked(known, "geometry") if known else []
    elif guide.yes:
        raise ConfigError(
            f"with --yes nobody can be asked where things are: write {job.work.folder / GEOMETRY_FILE} (size_m, "
            f"transmitter_m, receivers_m), or measure once with: {job.again} --step frame"
        )
    else:
        geometry, remarks = measured(guide, known), []
    assert geometry is not None
    guide.say(plan(geometry, spots(geometry, 60 * job.minutes)))
    for remark in remarks:
        guide.warn(remark)
    job.work.save(job.work.folder / GEOMETRY_FILE, geometry)
    return geometry


def walk_step(job: Job, geometry: Geometry) -> Walk:
    """The guided walk, with the three spots that check the frame at its beginning."""
    job.guide.title("walk: do what it says")
    if job.source:
        walk = job.walk()
        check_walk(walk, geometry, str(job.source / WALK_FILE))
        forget(job.work.folder)
        if job.camera:
            _develop(job, Footage(job.camera), walk, None)
        return walk
    job.check_air()
    height_m = _height(job)
    places = spots(geometry, 60 * job.minutes)
    prompts = script(geometry, 60 * job.minutes)
    guide = job.guide
    guide.say(plan(geometry, places))
    guide.say("Put tape on the floor, metres from the origin's corner along x and y:")
    met = {spot for prompt in prompts for spot in (prompt.start_m, prompt.end_m)}
    guide.say("  " + "   ".join(f"{name_of(n)} ({x:g}, {y:g})" for n, (x, y) in enumerate(places) if (x, y) in met))
    chair = chair_spot(geometry, 60 * job.minutes)
    if any(prompt.pose == "sit" for prompt in prompts):
        guide.say(f"Put a chair on {name_of(places.index(chair))}; stand beside it where it says stand.")
    guide.say(
        f"First leave the room: {BEFORE_S:.0f} s of it are heard empty. Then {len(prompts)} prompts, "
        f"{prompts[-1].end_s / 60:.1f} minutes, a bell with each; alone in the room."
    )
    guide.ready("Turn this screen so that you see it from the spots.")
    footage = Footage(job.camera) if job.camera else None
    if footage:
        footage.start()
    try:
        walk, began = _walked(job, geometry, height_m, prompts)
    except BaseException:
        if footage:
            footage.abandon()
        raise
    forget(job.work.folder)
    if footage:
        _develop(job, footage, walk, began if footage.live else None)
    return walk


def _develop(job: Job, footage: Footage, walk: Walk, began: float | None) -> None:
    """Joints of the film."""
    job.guide.say("looking at the film")
    report = develop(job.work.folder, job.walked, footage.stop(), heard(load_session(job.walked)), walk, began)
    job.guide.say(
        f"joints in {100 * report.kept:.0f} % of {report.pictures} pictures; film and packets agree on their clocks to "
        + (
            f"{report.residual_ms:.0f} ms"
            if report.residual_ms is not None
            else "an extent that it is too short to tell"
        )
        + f", on the spots to {report.spot_mm:.0f} mm"
    )


def _walked(job: Job, geometry: Geometry, height_m: float, prompts: list[Prompt]) -> tuple[Walk, float]:
    """The walk, and when its session began by this host's clock."""
    folder, places = job.work.session, spots(geometry, 60 * job.minutes)
    done: list[Prompt] = []
    empty_s, ended = None, None
    job.guide.countdown(LEAVE_S, LEAVING)
    try:
        with recording(folder, job.config, job.described(geometry), job.carrier_hz, job.guide.clock) as take:
            take.wait_for_both()
            try:
                start_s, end_s = steadily(take, job.guide, BEFORE_S, "nobody in the room")
                empty_s = (round(start_s, 3), round(end_s, 3))
                perform(take, job.guide, prompts, places, done)
            except Ended as reason:
                ended = reason
            seconds = sum(prompt.end_s - prompt.start_s for prompt in done)
            if ended and seconds < KEEP_S:
                raise ended
            take.finish()
            began = take.began
        walk = Walk(1, height_m, done, empty_s)
        settle(folder, walk)
    except Ended as reason:
        raise _broken(job, folder, "walk", reason) from reason
    except OSError as error:
        raise _broken(job, folder, "walk", Ended(f"cannot write {folder}: {error.strerror}")) from error
    except BaseException:
        discard(folder)
        raise
    if ended:
        job.guide.warn(
            f"{ended}; the {seconds:.0f} s of the walk before that are kept",
            f"go on with `{job.again}`, or walk again: {job.again} --step walk",
        )
        if isinstance(ended, Stopped):
            raise KeyboardInterrupt
    return walk, began


def _recorded(job: Job, name: str, seconds: float, what: str) -> Session:
    """A short recording into a folder of that name."""
    job.check_air()
    folder = job.work.folder / name
    try:
        with recording(folder, job.config, job.described(), job.carrier_hz, job.guide.clock) as take:
            take.wait_for_both()
            steadily(take, job.guide, seconds, what)
            job.guide.bell()
            take.finish()
        settle(folder)
    except Ended as reason:
        raise _broken(job, folder, name, reason) from reason
    except OSError as error:
        raise _broken(job, folder, name, Ended(f"cannot write {folder}: {error.strerror}")) from error
    except BaseException:
        discard(folder)
        raise
    return load_session(folder)


def _broken(job: Job, folder: Path, step: str, reason: Ended) -> BaseException:
    """Nothing of the recording stays; what is to be raised."""
    discard(folder)
    if isinstance(reason, Stopped):
        return KeyboardInterrupt()
    return RecordingError(
        f"{reason}. Nothing of this {step} is kept, what was there before is; see `wimose doctor`, then: {job.again} "
        f"--step {step}"
    )


def _empty_stretch(folder: Path, session: Session) -> tuple[float, float] | None:
    walk = load_walk(folder)
    if walk is not None and walk.empty_s is not None:
        return walk.empty_s
    return None if session.file.empty_s is None else (0.0, session.file.empty_s)


def _height(job: Job) -> float:
    height_m = job.height_m
    if height_m is None:
        if job.guide.yes:
            raise ConfigError("how tall the person is must be known: add --height, such as --height 1.75")
        (height_m,) = job.guide.numbers("How tall are you, in metres", 1)
    if not HEIGHT_M[0] <= height_m <= HEIGHT_M[1]:
        feet = f"; {height_m:g} ft are {height_m * 0.3048:.2f} m" if 3 < height_m < 8 else ""
        raise ConfigError(f"a height of {height_m:g} m is nobody's{feet}: give metres, such as --height 1.75")
    return height_m
