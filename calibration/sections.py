"""The report's parts that show figures of one kind each."""

from collections.abc import Iterable
from typing import Literal

import numpy as np

from calibration.assess import Assessment, Errors
from calibration.empty import Empty
from calibration.filmed import CameraReport
from calibration.markup import bar, facts, grade, section, text
from calibration.spectrogram import NOISE_HZ, Doppler, dopplers
from calibration.survey import GRADES, Item, Survey
from calibration.walk import Walk
from edge.recording import Recording

TOLD = 0.5  # mm or degrees; a baseline that is less off was told the truth there, which is no merit
PLACES = ("root_mm", "spot_mm", "mpjpe_mm")  # measures that hold the position

# Field of Errors, name, unit, and what it is.
MEASURES = (
    ("root_mm", "Position", "mm", "how far off the hips are, root error"),
    ("spot_mm", "Spots", "mm", "how far off the median place is while somebody stands on a marked spot"),
    ("mpjpe_mm", "All joints", "mm", "MPJPE: mean over the 17 joints, position included"),
    ("relative_mm", "Pose", "mm", "root-relative: joints about the hips, direction included"),
    ("p_mpjpe_mm", "Shape", "mm", "P-MPJPE: pose after the best turn, shift and scale; any mean pose does well in it"),
    ("heading_deg", "Heading", "degrees", "which way somebody faces"),
)

Truth = Literal["film", "simulation", "session", "prompts"]  # where it is known from how somebody was
TRUTH: dict[Truth, str] = {
    "film": "The truth is the film's.",
    "simulation": "The truth is the simulation's.",
    "session": "The truth is what the session holds of the joints.",
    "prompts": "The prompts say where somebody was, not how: there is no truth for the other joints.",
}

# Doppler pictures: user units.
WIDTH, PICTURE, STRIP, LEFT, FOOT = 900.0, 150.0, 10.0, 34.0, 20.0
STEPS_S = (5, 10, 20, 30, 60, 120, 300)
MAX_TICKS = 12
KINDS = {"stand": "stand", "arms-up": "stand", "arms-wide": "stand", "sit": "sit", "walk": "walk"}


def error_section(assessed: Assessment, truth: Truth) -> str:
    """Bars: before, after and what knows nothing of the CSI, measure by measure; all millimetres to one scale."""
    every = (assessed.before, assessed.after, *assessed.baselines)
    top_mm = max(_value(errors, field) or 0.0 for errors in every for field, _, unit, _ in MEASURES if unit == "mm")
    blocks = [_block(assessed, field, name, unit, what, top_mm) for field, name, unit, what in MEASURES]
    legend = (
        '<p class="quiet"><span class="key before"></span>uncalibrated<span class="key after"></span>calibrated'
        '<span class="key"></span>without listening at all</p>'
    )
    notes = [
        f"Measured on {assessed.seconds:.0f} s of walk, each segment by a fit that never saw it. {TRUTH[truth]}",
        _unlearnt(assessed) + "A guess without listening is left out where it was told what is measured.",
    ]
    return section(
        "Errors before and after",
        f"<p>{text(notes[0])}</p>",
        legend,
        '<div class="wide"><table class="errors"><colgroup><col class="name"><col><col class="number"></colgroup>',
        *[block for block in blocks if block],
        f'</table></div>\n<p class="quiet">{text(notes[1])}</p>',
    )


def link_section(survey: Survey | None) -> str:
    """Graded figures of both receivers side by side, what is to be done first."""
    if survey is None:
        said = "The survey was not done; run <code>wimose calibrate --step survey</code>."
        return section("Link quality", f"<p>{said}</p>")
    first, second = survey.receivers
    owned = [(first.name, item) for item in first.items] + [(second.name, item) for item in second.items]
    owned += [("both", item) for item in survey.pair]
    odd = sorted((pair for pair in owned if pair[1].remedy), key=lambda pair: -GRADES.index(pair[1].grade))
    todo = "<p>Nothing needs doing: every figure is in its green range.</p>"
    if odd:
        lines = "\n".join(
            f"<li>{grade(item.grade, item.name)} <b>{text(owner)}</b>: {text(item.why)}. "
            f"To do: {text(item.remedy)}.</li>"
            for owner, item in odd
        )
        todo = f'<ul class="todo">\n{lines}\n</ul>'
    return section(
        "Link quality",
        todo,
        '<div class="wide">',
        _receivers(survey),
        "</div>",
    )


def doppler_section(recording: Recording, walk: Walk, names: tuple[str, str]) -> str:
    """A spectrogram of each link, with the prompts above."""
    figures = [
        f"<h3>Transmitter to <bdi>{text(name)}</bdi></h3>\n<figure>\n{_doppler(doppler, walk)}\n</figure>"
        for name, doppler in zip(names, dopplers(recording), strict=True)
    ]
    caption = (
        f"Brighter is more motion, over the noise above {NOISE_HZ:.0f} Hz. The strip says what was asked for: "
        '<span class="key before"></span>stand <span class="key after"></span>walk <span class="key"></span>sit; an '
        "outline where the room was empty. Walking reaches further up than standing, and an empty room is dark."
    )
    return section("What each link heard", *figures, f"<figcaption>{caption}</figcaption>")


def empty_section(empty: Empty | None) -> str:
    """The empty room."""
    if empty is None:
        return section("The empty room", "<p>It was not measured; presence keeps the level for any room.</p>")
    rows = [
        ("Listened", f"{empty.seconds:.0f} s"),
        ("Motion level", f"{empty.level_p50:.4f} usually, {empty.level_p99:.4f} passed for a hundredth of the time"),
        ("Somebody is there from", f"{empty.presence_level:.4f}"),
    ]
    name = "amber" if empty.moving or empty.remedy else "green"
    said = empty.why[:1].upper() + empty.why[1:]
    then = f" To do: {text(empty.remedy)}." if empty.remedy else ""
    return section("The empty room", f"<p>{grade(name, said)}.{then}</p>", facts(rows))


def camera_section(camera: CameraReport) -> str:
    """How well film, packets and spots fit."""
    residual = "too short to tell" if camera.residual_ms is None else f"{camera.residual_ms:.0f} ms"
    left_out = (
        "" if camera.spot_left_out_mm is None else f", {camera.spot_left_out_mm:.0f} mm on spots left out in turn"
    )
    rows = [
        ("Pictures", f"{camera.pictures} with a person, {100 * camera.kept:.0f} % of them with the whole body"),
        ("Clocks", f"residual {residual}, drift {camera.drift_ppm:+.0f} ppm, offset {camera.offset_s:+.2f} s"),
        ("Motion in film and packets", f"correlation {camera.correlation:.2f}, confidence {camera.confidence:.2f}"),
        ("Feet off the spots", f"{camera.spot_mm:.0f} mm on {camera.spots} spots{left_out}"),
        ("Person", f"{camera.height_m:.2f} m by the film, {camera.stated_height_m:.2f} m stated"),
        ("Camera", f"at ({', '.join(f'{at:.2f}' for at in camera.camera_m)}) m"),
    ]
    return section("The film", facts(rows))


def _block(assessed: Assessment, field: str, name: str, unit: str, what: str, top_mm: float) -> str:
    """One measure; empty where nothing is known of it."""
    if _value(assessed.after, field) is None:
        return ""
    top = top_mm if unit == "mm" else 180.0
    rows = [
        f'<tr><th scope="rowgroup" colspan="3">{text(name)} <span class="why">{text(what)}</span></th></tr>',
        _row(assessed.before, "before", field, unit, top),
        _row(assessed.after, "after", field, unit, top),
        *(_row(errors, "guess", field, unit, top) for errors in assessed.baselines if not _told(errors, field)),
    ]
    return "<tbody>\n" + "\n".join(rows) + "\n</tbody>"


def _row(errors: Errors, kind: str, field: str, unit: str, top: float) -> str:
    value = _value(errors, field)
    if value is None:
        return ""
    ours = ' class="ours"' if kind == "after" else ""
    return (
        f"<tr{ours}><td>{text(errors.name)}</td><td>{bar(value / top if top else 0.0, kind)}</td>"
        f'<td class="number">{value:.0f} {unit}</td></tr>'
    )


def _unlearnt(assessed: Assessment) -> str:
    """A sentence that names the measures in which some guess is as good."""
    names = [
        name.lower()
        for field, name, _, _ in MEASURES
        for after in [_value(assessed.after, field)]
        if after is not None
        and any(after >= (_value(guess, field) or np.inf) for guess in assessed.baselines if not _told(guess, field))
    ]
    return f"No better than a guess without listening: {', '.join(names)}. " if names else ""


def _told(baseline: Errors, field: str) -> bool:
    """Whether a baseline was told what is measured."""
    return (_value(baseline, "root_mm" if field in PLACES else field) or 0.0) < TOLD


def _value(errors: Errors, field: str) -> float | None:
    value: float | None = getattr(errors, field)
    return value


def _receivers(survey: Survey) -> str:
    first, second = survey.receivers
    names = list(dict.fromkeys(item.name for receiver in survey.receivers for item in receiver.items))
    rows = []
    for name in names:
        cells = [
            _cell(next((item for item in receiver.items if item.name == name), None)) for receiver in (first, second)
        ]
        rows.append(f'<tr><th scope="row">{text(name)}</th>{cells[0]}{cells[1]}</tr>')
    rows += [f'<tr><th scope="row">{text(item.name)}</th>{_cell(item, 2)}</tr>' for item in survey.pair]
    head = f'<tr><td></td><th scope="col">{text(first.name)}</th><th scope="col">{text(second.name)}</th></tr>'
    return f'<table class="links"><thead>{head}</thead><tbody>\n' + "\n".join(rows) + "\n</tbody></table>"


def _cell(item: Item | None, columns: int = 1) -> str:
    if item is None:
        return "<td>not told</td>"
    value = "unknown" if item.value is None else f"{figure(item.value, item.unit)} {item.unit}".strip()
    return f'<td colspan="{columns}">{grade(item.grade, value)}<span class="why">{text(item.why)}</span></td>'


def figure(value: float, unit: str = "") -> str:
    """With as many digits as say something; a channel has four."""
    digits = 3 if abs(value) < 1 or unit == "GHz" else 1 if abs(value) < 100 else 0
    shown = f"{value:.{digits}f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def _doppler(doppler: Doppler, walk: Walk) -> str:
    seconds = max(doppler.end_s - doppler.start_s, 1e-9)

    def x(time_s: float) -> float:
        return LEFT + (WIDTH - LEFT) * min(max((time_s - doppler.start_s) / seconds, 0.0), 1.0)

    top = STRIP + 4
    height = top + PICTURE + FOOT
    spans: list[tuple[float, float, str]] = [(p.start_s, p.end_s, KINDS[p.pose]) for p in walk.prompts]
    if walk.empty_s is not None:
        spans.append((*walk.empty_s, "empty"))
    parts = [
        f'<svg class="doppler" viewBox="0 0 {WIDTH:.0f} {height:.0f}" role="img" aria-label="spectrogram">',
        *(
            f'<rect class="{kind}" x="{x(a) + 0.5:.1f}" y="0.5" width="{max(x(b) - x(a) - 1, 0):.1f}" '
            f'height="{STRIP - 1:.0f}" rx="2"/>'
            for a, b, kind in spans
        ),
        f'<image x="{LEFT:.0f}" y="{top:.0f}" width="{WIDTH - LEFT:.0f}" height="{PICTURE:.0f}" '
        f'preserveAspectRatio="none" href="{doppler.source}"/>',
        *_frequencies(doppler.top_hz, top),
        *(
            f'<text x="{x(tick):.1f}" y="{height - 5:.0f}" text-anchor="middle">{tick} s</text>'
            for tick in _ticks(doppler.start_s, doppler.end_s)
        ),
        f'<text x="{LEFT - 6:.0f}" y="{STRIP:.0f}" text-anchor="end">Hz</text>',
        "</svg>",
    ]
    return "\n".join(parts)


def _frequencies(top_hz: float, top: float) -> Iterable[str]:
    for hz in (0, 25, 50, 75):
        y = min(max(top + PICTURE * (1 - hz / top_hz) + 4, top + 9), top + PICTURE)
        yield f'<text x="{LEFT - 6:.0f}" y="{y:.0f}" text-anchor="end">{hz}</text>'


def _ticks(start_s: float, end_s: float) -> list[int]:
    step = next((step for step in STEPS_S if (end_s - start_s) / step <= MAX_TICKS), STEPS_S[-1])
    first = int(start_s // step + 1) * step
    return [tick for tick in range(first, int(end_s), step) if tick + step / 4 < end_s]
