"""The steps of a calibration that compute: adapt and report."""

import time
from dataclasses import dataclass
from math import hypot

import msgspec
import numpy as np

from calibration.adapt import Adaptation, adapt
from calibration.assess import Assessment, Errors, assess, presence_accuracy, spot_errors
from calibration.empty import Empty
from calibration.filmed import RATE_HZ as FILM_HZ
from calibration.footage import camera_report, developed
from calibration.frame import check_walk
from calibration.install import install, profile_path
from calibration.job import Job, heard
from calibration.labels import NOWHERE, Labels, of_truth, of_walk
from calibration.report import Report, write_report
from calibration.samples import Samples, samples
from calibration.survey import Survey
from calibration.walk import FILE as WALK_FILE
from calibration.walk import Walk
from edge.errors import ConfigError
from edge.geometry import Geometry, geometry_values
from edge.inference.engine import Engine
from edge.profile import Fit, ProfileFile
from edge.recording import Recording
from edge.session import Session, Truth, load_session
from edge.signal.motion import PRESENT_LEVEL

CHECKS = 3  # stops at the beginning of a walk, see `script`
GAP_S = 1.5 / FILM_HZ  # between a film's joints: where it saw nobody, nothing is interpolated


class Outcome(msgspec.Struct, frozen=True):
    """What came of it, for `--json`."""

    assessment: Assessment
    seconds: float  # of walk that were fitted
    segments: int
    share: float  # of the shipped weights that the room's layer keeps
    source: str  # recorded | simulated
    installed: bool
    profile: str | None = None  # its file, where it was installed
    report: str | None = None  # the report's file


@dataclass(frozen=True, eq=False)
class Fitted:
    """A profile that waits to be installed, and all that the report shows of it."""

    file: ProfileFile
    adaptation: Adaptation
    assessment: Assessment
    session: Session
    recording: Recording
    samples: Samples
    labels: Labels  # of the prompts or the film; what was fitted
    truth: Labels  # what errors are measured against: known joints where there are some, else the same
    geometry: Geometry
    survey: Survey | None
    empty: Empty | None
    walk: Walk

    @property
    def outcome(self) -> Outcome:
        """Not installed yet."""
        done, source = self.adaptation, self.session.file.source
        return Outcome(
            self.assessment, round(done.seconds, 1), done.segments, round(done.share, 3), source, installed=False
        )


def fit_step(job: Job, geometry: Geometry, survey: Survey | None, empty: Empty | None) -> Fitted:
    """Fit the room's last layer to the walk, and measure on held-out segments what that gains."""
    guide = job.guide
    guide.title("adapt: fit the model to the room")
    walk, session = job.walk(), load_session(job.walked)
    check_walk(walk, geometry, str(job.walked / WALK_FILE))
    recording = heard(session)
    told = geometry_values(geometry, session.file.carrier_hz)  # as the service is by the profile
    engine = Engine(job.bundle, job.config.engine, geometry=told)
    with guide.console.status("listening to the walk again, as the service would"):
        made = samples(recording, engine)
    labels, truth = _labels(job, walk, session, made)
    with guide.console.status("fitting"):
        adaptation = adapt(made, labels, job.bundle, engine, walk.height_m)
    level = empty.presence_level if empty else PRESENT_LEVEL
    presence = None
    if walk.empty_s is not None:
        presence = presence_accuracy(made.time_s, made.level, level, walk.empty_s, labels)
    assessment = assess(made.joints, adaptation.held_out, truth, adaptation.seconds, presence)
    guide.say(_table(assessment))
    guide.say(_check(adaptation, truth))
    guide.say(f"{assessment.verdict}: {assessment.why}")
    file = ProfileFile(
        schema=1,
        room=job.room,
        bundle=job.bundle.identity,
        bundle_sha256=job.bundle.description.sha256,
        made=time.time(),
        source=session.file.source,
        geometry=geometry,
        carrier_hz=session.file.carrier_hz,
        links=recording.links,
        presence_level=empty.presence_level if empty else None,
        height_m=walk.height_m,
        fit=_fit(adaptation, assessment, job),
    )
    return Fitted(file, adaptation, assessment, session, recording, made, labels, truth, geometry, survey, empty, walk)


def report_step(job: Job, fit: Fitted) -> Outcome:
    """Install what is worth it, and write the report."""
    job.guide.title("report")
    path = profile_path(job.config, job.room)
    installed = fit.assessment.verdict != "fail" or job.force
    if installed:
        install(path, fit.file, fit.adaptation.head)
        job.guide.say(f"the profile is in {path}; back to the one before: {job.again} --rollback")
    else:
        job.guide.warn(
            "the profile is not installed: " + fit.assessment.why,
            f"see the report and the survey, walk longer ({job.again} --step walk --minutes 5), or add --force",
        )
    write_report(job.work.report, _report(job, fit, installed))
    job.guide.say(f"the report is in {job.work.report}")
    return msgspec.structs.replace(
        fit.outcome, installed=installed, profile=str(path) if installed else None, report=str(job.work.report)
    )


def _report(job: Job, fit: Fitted, installed: bool) -> Report:
    return Report(
        profile=fit.file,
        installed=installed,
        trained_on=job.bundle.description.trained_on,
        session=fit.session.file,
        walk=fit.walk,
        recording=fit.recording,
        geometry=fit.geometry,
        survey=fit.survey,
        empty=fit.empty,
        camera=camera_report(job.work.folder) if developed(job.work.folder, job.walked) else None,
        labels=fit.truth,
        before=fit.samples.joints,
        adaptation=fit.adaptation,
        assessment=fit.assessment,
    )


def _labels(job: Job, walk: Walk, session: Session, made: Samples) -> tuple[Labels, Labels]:
    """What to fit, and what to measure against. A film is both; a simulation's truth is never fitted."""
    film = developed(job.work.folder, job.walked)
    if film is not None:
        labels = _without_gaps(of_truth(film, made.time_s, walk), film)
        return labels, labels
    labels = of_walk(walk, made.time_s)
    return labels, labels if session.truth is None else of_truth(session.truth, made.time_s, walk)


def _without_gaps(labels: Labels, film: Truth) -> Labels:
    after = np.searchsorted(film.time_s, labels.time_s).clip(1, film.time_s.size - 1)
    gap = film.time_s[after] - film.time_s[after - 1] > GAP_S
    assert labels.joints is not None  # a film has joints
    return Labels(
        labels.time_s, labels.root, labels.joints, np.where(gap, NOWHERE, labels.segment),
        np.where(gap, NOWHERE, labels.spot), labels.spots,
    )  # fmt: skip


def _fit(adaptation: Adaptation, assessment: Assessment, job: Job) -> Fit:
    before, after = assessment.before, assessment.after
    if before.spot_mm is None or after.spot_mm is None:
        raise ConfigError(f"{job.walked / WALK_FILE}: nobody stops on a spot in it; walk with: {job.again} --step walk")
    return Fit(
        seconds=round(adaptation.seconds, 1),
        before_root_mm=round(before.root_mm, 1),
        after_root_mm=round(after.root_mm, 1),
        before_spot_mm=round(before.spot_mm, 1),
        after_spot_mm=round(after.spot_mm, 1),
        verdict=assessment.verdict,
    )


def _check(adaptation: Adaptation, truth: Labels) -> str:
    """How far off the first stops are, which check the frame: one that is far worse than the others was misplaced."""
    stops = spot_errors(adaptation.held_out, truth)[:CHECKS]
    told = (f"({x:g}, {y:g}) {hypot(*off):.1f} m" for number, *off in stops for x, y in [truth.spots[int(number)]])
    return "off the spots that check the frame, when kept away: " + ", ".join(told)


def _table(assessment: Assessment) -> str:
    """Errors on what was held out, one line each."""
    rows = [_row(errors) for errors in (assessment.before, assessment.after, *assessment.baselines)]
    if assessment.presence is not None:
        rows.append(f"presence is told right {100 * assessment.presence:.0f} % of the time")
    return "\n".join(rows)


def _row(errors: Errors) -> str:
    figures = (("root", errors.root_mm, "mm"), ("spot", errors.spot_mm, "mm"), ("MPJPE", errors.mpjpe_mm, "mm"),
               ("root-relative", errors.relative_mm, "mm"), ("P-MPJPE", errors.p_mpjpe_mm, "mm"),
               ("heading", errors.heading_deg, "degrees"))  # fmt: skip
    told = ", ".join(f"{name} {value:.0f} {unit}" for name, value, unit in figures if value is not None)
    return f"{errors.name}: {told}"
