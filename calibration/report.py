"""The report of a calibration: one HTML file that says what was gained, on what, and what to do about the rest.

It needs nothing but itself: no network, no script, and it prints. Every figure is the assessment's, the survey's or the
session's; nothing is computed here but places on the plan and the spectrograms.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from calibration.adapt import Adaptation
from calibration.assess import Assessment, spot_errors
from calibration.empty import Empty
from calibration.filmed import CameraReport
from calibration.floorplan import Stop, floorplan
from calibration.labels import Labels
from calibration.markup import facts, page, section, text, tiles
from calibration.sections import Truth, camera_section, doppler_section, empty_section, error_section, link_section
from calibration.survey import Survey
from calibration.walk import Walk
from calibration.work import write_whole
from edge import __version__
from edge.arrays import Array
from edge.geometry import Geometry, Place
from edge.profile import ProfileFile
from edge.recording import Recording
from edge.session import SessionFile

SAID = {"pass": "Calibration worked.", "weak": "Calibration helped a little.", "fail": "Calibration did not help."}


@dataclass(frozen=True, eq=False)
class Report:
    """What there is to tell."""

    profile: ProfileFile
    installed: bool
    trained_on: str  # of the bundle: simulated | recorded
    session: SessionFile  # of the guided walk
    walk: Walk
    recording: Recording
    geometry: Geometry
    survey: Survey | None  # None: not done
    empty: Empty | None  # None: not measured
    camera: CameraReport | None  # None: not filmed
    labels: Labels  # what errors are measured against
    before: Array  # (N, 17, 3) metres, of the model as it ships
    adaptation: Adaptation
    assessment: Assessment


def write_report(path: Path, report: Report) -> None:
    """Whole or not at all. Raises RecordingError where the disk is full."""
    write_whole(path, report_page(report).encode())


def report_page(report: Report) -> str:
    """The file's text."""
    room = report.profile.room
    names = (report.session.receivers[0].name, report.session.receivers[1].name)
    return page(
        f"Calibration of {room}",
        [
            _title(report),
            _verdict(report),
            _figures(report),
            error_section(report.assessment, _truth(report)),
            _plan_section(report, names),
            link_section(report.survey),
            doppler_section(report.recording, report.walk, names),
            empty_section(report.empty),
            *([camera_section(report.camera)] if report.camera else []),
            _provenance(report),
        ],
    )


def stops(labels: Labels, before: Array, after: Array) -> list[Stop]:
    """Each stop on a spot: where it is, and where both estimates put it. before, after (N, 17, 3) metres."""
    was, now = spot_errors(before, labels), spot_errors(after, labels)
    return [
        Stop(_place(spot), _place(spot + off), _place(spot + new))
        for spot, off, new in zip(labels.spots[was[:, 0].astype(int)], was[:, 1:], now[:, 1:], strict=True)
    ]


def _truth(report: Report) -> Truth:
    if report.labels.joints is None:
        return "prompts"
    if report.camera:
        return "film"
    return "simulation" if report.session.source == "simulated" else "session"


def _title(report: Report) -> str:
    source = report.session.source
    badge = f'<span class="badge {source}">{source}</span>'
    return (
        f"<h1>Calibration of <bdi>{text(report.profile.room)}</bdi> {badge}</h1>\n"
        f'<p class="when">{_date(report.profile.made)} with {text(report.profile.bundle)}, '
        f"trained on {text(report.trained_on)} data</p>"
    )


def _verdict(report: Report) -> str:
    assessed = report.assessment
    verdict = assessed.verdict
    if report.installed:
        then = "The profile is installed" + (", because --force was given." if verdict == "fail" else ".")
    else:
        then = "The profile is not installed; the model goes on as it was."
    if verdict != "pass":
        then += " What to do: mend what is listed under link quality, then walk again, for longer."
    simulated = ""
    if report.session.source == "simulated":
        simulated = "<p>Simulated: no radio was heard and nobody walked. The figures say what a simulation gains.</p>\n"
    return (
        f'<div class="verdict {verdict}">\n<strong><span class="word">{SAID[verdict]}</span> '
        f"{text(_gain(assessed))}</strong>\n<p>{text(_sentence(assessed.why))}</p>\n{simulated}<p>{text(then)}</p>\n</div>"
    )


def _gain(assessed: Assessment) -> str:
    was, now = assessed.before.root_mm, assessed.after.root_mm
    return f"Somebody in this room is placed {now / 1e3:.2f} m off on average; uncalibrated it was {was / 1e3:.2f} m."


def _figures(report: Report) -> str:
    assessed = report.assessment
    was, now = assessed.before, assessed.after
    gained = (
        ("Position error", was.root_mm, now.root_mm, "of the hips, everywhere on the walk"),
        ("Spot error", was.spot_mm, now.spot_mm, "while standing on a marked spot"),
        ("MPJPE", was.mpjpe_mm, now.mpjpe_mm, "of all 17 joints"),
    )
    entries = [
        (name, f"{after / 1e3:.2f} m", f"{before / 1e3:.2f} m uncalibrated; {what}")
        for name, before, after, what in gained
        if before is not None and after is not None
    ]
    if assessed.presence is not None:
        entries.append(("Presence", f"{100 * assessed.presence:.0f} %", "of moments told right, empty and not"))
    adapted = report.adaptation
    entries.append(("Walk", f"{adapted.seconds:.0f} s", f"in {adapted.segments} segments, each kept away in turn"))
    return tiles(entries)


def _plan_section(report: Report, names: tuple[str, str]) -> str:
    found = stops(report.labels, report.before, report.adaptation.held_out)
    caption = (
        '<span class="key before"></span>uncalibrated <span class="key after"></span>calibrated, by a fit that never '
        "saw this stop. Rings are the marked spots; each dot is the median place during one stop, its line the error."
    )
    return section(
        "Where the model puts somebody",
        f"<figure>\n{floorplan(report.geometry, found, names)}\n<figcaption>{caption}</figcaption>\n</figure>",
    )


def _provenance(report: Report) -> str:
    session, geometry, profile = report.session, report.geometry, report.profile
    kept = [f"{number}: reference {links.reference + 1}, partner {links.partner + 1}"
            for number, links in enumerate(report.recording.links, start=1)]  # fmt: skip
    rows = [
        ("Source", f"{session.source} session" + (f", {session.note}" if session.note else "")),
        ("Session began", "unknown" if session.started is None else _date(session.started)),
        ("Calibrated", _date(profile.made)),
        ("Model", f"{profile.bundle}, trained on {report.trained_on} data"),
        ("Channel", f"{session.carrier_hz * 1e-9:.3f} GHz, {session.bandwidth_mhz} MHz, "
                    f"{session.packets_per_s:g} packets/s"),
        ("Room", " x ".join(f"{side:.3g}" for side in geometry.size_m) + " m"),
        ("Transmitter", _metres(geometry.transmitter_m)),
        *((f"Receiver {entry.name}", "; ".join(_metres(place) for place in antennas))
          for entry, antennas in zip(session.receivers, geometry.receivers_m, strict=True)),
        ("Antennas of the links", "; ".join(kept)),
        ("Person", f"{report.walk.height_m:g} m tall"),
        ("Fitted", f"{report.adaptation.seconds:.0f} s in {report.adaptation.segments} segments, keeping "
                   f"{100 * report.adaptation.share:.0f} % of the shipped weights"),
        ("Program", f"wimose {__version__}"),
    ]  # fmt: skip
    return section("Where these figures come from", facts(rows))


def _metres(place: Place) -> str:
    return f"({', '.join(f'{at:.3g}' for at in place)}) m"


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:] + "."


def _date(unix_s: float) -> str:
    return datetime.fromtimestamp(unix_s, UTC).strftime("%d %B %Y, %H:%M UTC").lstrip("0")


def _place(values: Array) -> tuple[float, float]:
    x, y = np.asarray(values, float).tolist()
    return x, y
