"""The report as a browser would read it: what it says, that it is all there, and that no name breaks out of it."""

import re
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from calibration.adapt import Adaptation
from calibration.assess import Assessment, Errors
from calibration.empty import Empty
from calibration.filmed import CameraReport
from calibration.labels import Labels
from calibration.report import Report, report_page, stops, write_report
from calibration.survey import Item, ReceiverSurvey, Survey
from calibration.walk import Prompt, Walk
from edge.errors import RecordingError
from edge.geometry import Geometry
from edge.inference.head import Head
from edge.profile import ProfileFile
from edge.recording import Recording
from edge.session import ReceiverEntry, SessionFile
from edge.signal.links import Links
from edge.signal.pairing import Pairing
from edge.signal.path import Packets
from tests.calibration.markup import Element, Tree, every

HOSTILE = "<script>alert('1')</script><img src=http://x.test/a.png onerror=\"b()\"> & \u202eroom\x00"


def item(name: str, value: float | None, grade: str = "green", why: str = "as it should be", remedy: str = "") -> Item:
    return msgspec.convert(
        {"name": name, "value": value, "unit": "dB", "grade": grade, "why": why, "remedy": remedy}, Item
    )


def recording(seconds: float = 6.0) -> Recording:
    """Two receivers that hear noise, and from the third second on a beat of 20 Hz."""
    rng = np.random.default_rng(4)
    time_us = np.arange(0, seconds * 1e6, 1e6 / 150)
    beat = 1 + 0.3 * np.sin(2 * np.pi * 20 * time_us * 1e-6) * (time_us > 3e6)
    csi = 100 * beat[:, None, None] * np.ones((len(time_us), 3, 30)) + rng.normal(size=(len(time_us), 3, 30))
    csi[:, 1:] = 100 + rng.normal(size=(len(time_us), 2, 30))
    packets = Packets(time_us, csi.astype(np.complex64))
    index = np.arange(len(time_us))
    pairing = Pairing(
        index_a=index, index_b=index, origin_us=0.0, offset_us=0.0, drift_ppm=0.0, residual_us=1.0, paired_share=1.0
    )
    return Recording((packets, packets), (Links(0, 2), Links(2, 0)), pairing, (0, 0))


@pytest.fixture(scope="module")
def report() -> Report:
    """One stop on each of two spots, 0.5 and 0.25 m off; figures that no other part of the page has."""
    time_s = np.arange(4) / 10
    labels = Labels(
        time_s, np.array([(1.0, 1, 0.9), (1, 1, 0.9), (2, 3, 0.9), (2, 3, 0.9)]), np.zeros((4, 17, 3)),
        np.array([0, 0, 1, 1]), np.array([0, 0, 1, 1]), np.array([(1.0, 1.0), (2.0, 3.0)]),
    )  # fmt: skip
    before, after = np.zeros((4, 17, 3)), np.zeros((4, 17, 3))
    before[:2, 0, :2], before[2:, 0, :2] = (1.0, 1.5), (2.5, 3.0)
    after[:2, 0, :2], after[2:, 0, :2] = (1.25, 1.0), (2.0, 2.75)
    adaptation = Adaptation(
        head=Head(np.zeros((2, 3)), np.zeros(3)),
        share=0.125,
        size=0.0,
        seconds=87.0,
        segments=13,
        held_out=after,
    )
    assessment = Assessment(
        Errors("uncalibrated", 1411.0, 1522.0, 1633.0, 244.0, 155.0, 66.0),
        Errors("calibrated", 717.0, 828.0, 939.0, 241.0, 152.0, 63.0),
        (Errors("mean pose", 1919.0, 2020.0, 2121.0, 222.0, 123.0, 84.0),
         Errors("told root and heading", 0.0, 57.0, 111.0, 112.0, 113.0, 0.0)),
        0.97, 87.0, "pass", "half as far off as before",
    )  # fmt: skip
    first = ReceiverSurvey("left", None, (item("rate", 149.3), item("loss", 12.3, "red", "it is lost", "move it")))
    second = ReceiverSurvey("right", None, (item("rate", None, "amber", "unheard", "listen"), item("loss", 0.5)))
    antennas = [(4.0, 0.5, 1.2), (4.0, 0.53, 1.2), (4.0, 0.56, 1.2)]
    others = [(0.5, 5.0, 1.2), (0.53, 5.0, 1.2), (0.56, 5.0, 1.2)]
    prompts = [Prompt(1.0, 3.0, "stand", (1, 1), (1, 1)), Prompt(3.0, 5.0, "walk", (1, 1), (2, 3))]
    geometry = Geometry((5.0, 6.0, 2.5), (0.4, 0.4, 1.2), (antennas, others))
    return Report(
        profile=ProfileFile(1, "living-room", "model@12345678", "0" * 64, 1.76e9, "simulated"),
        installed=True,
        trained_on="simulated",
        session=SessionFile(
            1, "simulated", "living-room", 5.825e9, 20, 150.0,
            (ReceiverEntry("left", "left.dat", "nic"), ReceiverEntry("right", "right.dat", "nic")), started=1.75e9,
        ),
        walk=Walk(1, 1.75, prompts, (0.0, 1.0)),
        recording=recording(),
        geometry=geometry,
        survey=Survey((first, second), (item("residual", 1.234, "amber", "it wanders", "wait"),)),
        empty=Empty(27.0, 0.0123, 0.0234, 0.0345, 0.0456, False, "nothing moves", "", None, ([], [])),
        camera=None,
        labels=labels,
        before=before,
        adaptation=adaptation,
        assessment=assessment,
    )  # fmt: skip


def read(report: Report) -> Element:
    return Tree(report_page(report)).root


def rows(page: Element) -> dict[str, dict[str, tuple[float, float]]]:
    """The bars: measure, line, its figure and the bar's width in hundredths of the cell."""
    found: dict[str, dict[str, tuple[float, float]]] = {}
    for block in page.all("table", "errors")[0].all("tbody"):
        head, *lines = block.all("tr")
        name = str(head.all("th")[0].inside[0]).strip()
        found[name] = {}
        for line in lines:
            label, _, number = (cell.text for cell in line.all("td"))
            width = float(line.all("rect")[0].attributes["width"])
            found[name][label] = (float(number.split()[0]), width)
    return found


def test_the_bars_are_the_assessments(report: Report) -> None:
    found = rows(read(report))
    before, after, mean, told = report.assessment.before, report.assessment.after, *report.assessment.baselines
    fields = {"Position": "root_mm", "Spots": "spot_mm", "All joints": "mpjpe_mm", "Pose": "relative_mm",
              "Shape": "p_mpjpe_mm", "Heading": "heading_deg"}  # fmt: skip
    assert list(found) == list(fields)
    for name, value in fields.items():
        for errors in (before, after, mean):
            figure, width = found[name][errors.name]
            assert figure == getattr(errors, value)
            assert width == pytest.approx(100 * figure / (180 if name == "Heading" else 2121.0), abs=0.01)
    assert {name for name in found if told.name in found[name]} == {"Pose", "Shape"}  # else it was told the truth
    assert "No better than a guess without listening: pose, shape." in read(report).text


def test_without_truth_only_places_are_judged(report: Report) -> None:
    assessed = replace(
        report.assessment, before=Errors("uncalibrated", 1411.0, 1522.0), after=Errors("calibrated", 717.0, 828.0),
        baselines=(Errors("middle of the walk", 1919.0, 2020.0),),
    )  # fmt: skip
    page = read(replace(report, assessment=assessed, labels=replace(report.labels, joints=None)))
    assert list(rows(page)) == ["Position", "Spots"]
    assert "there is no truth for the other joints" in page.text
    assert "MPJPE" not in page.all("dl", "tiles")[0].text
    assert "No better than" not in page.text


def test_the_verdict_comes_first_and_in_plain_words(report: Report) -> None:
    page = report_page(report)
    assert page.index('class="verdict pass"') < page.index("<section>")
    verdict = read(report).all("div", "verdict")[0].text
    assert "Calibration worked." in verdict
    assert "0.72 m off on average; uncalibrated it was 1.41 m" in verdict
    assert "Half as far off as before." in verdict
    assert "The profile is installed." in verdict
    tiles = read(report).all("dl", "tiles")[0].text
    for figure in ("0.72 m", "1.41 m", "0.83 m", "1.52 m", "0.94 m", "97 %", "87 s", "13 segments"):
        assert figure in tiles, figure


@pytest.mark.parametrize("verdict, installed, said, then", [
    ("weak", True, "Calibration helped a little.", "The profile is installed. What to do"),
    ("fail", False, "Calibration did not help.", "is not installed; the model goes on as it was. What to do"),
    ("fail", True, "Calibration did not help.", "The profile is installed, because --force was given. What to do"),
])  # fmt: skip
def test_a_verdict_that_is_not_good_says_what_to_do(
    report: Report, verdict: str, installed: bool, said: str, then: str
) -> None:
    assessed = replace(report.assessment, verdict=verdict)  # type: ignore[arg-type]
    page = read(replace(report, assessment=assessed, installed=installed)).all("div", verdict)[0].text
    assert said in page
    assert then in page


def test_simulated_is_said_at_the_top_and_recorded_is_not_called_simulated(report: Report) -> None:
    page = read(report)
    assert page.all("h1")[0].all("span", "badge")[0].text == "simulated"
    assert "Simulated: no radio was heard" in page.all("div", "verdict")[0].text
    assert "The truth is the simulation's." in page.text
    session = msgspec.structs.replace(report.session, source="recorded")
    page = read(replace(report, session=session, trained_on="recorded"))
    assert page.all("h1")[0].all("span", "badge")[0].text == "recorded"
    assert "simulat" not in page.all("main")[0].text.lower()


def test_it_needs_nothing_but_itself(report: Report) -> None:
    text = report_page(report)
    page = Tree(text).root
    for tag in ("script", "link", "iframe", "object", "embed", "form", "base", "a"):
        assert not page.all(tag), tag
    for element in every(page):
        for name, value in element.attributes.items():
            assert not name.startswith("on"), (element.tag, name)
            if name in ("src", "href", "xlink:href", "style", "action", "srcset"):
                assert value.startswith("data:image/png;base64,"), (element.tag, name)
    style = page.all("style")[0].text
    assert "url(" not in style and "@import" not in style
    assert not re.search(r"https?:|//\w", re.sub(r"base64,[\w+/=]+", "", text))
    policy = next(meta for meta in page.all("meta") if "http-equiv" in meta.attributes)
    assert policy.attributes["content"] == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    assert "prefers-color-scheme: dark" in style and "@media print" in style


def test_hostile_names_stay_text(report: Report) -> None:
    """Everywhere a name, a note or a reason can come from somewhere else."""
    usual = [element.tag for element in every(read(report))]
    entries = (ReceiverEntry(HOSTILE, "a.dat", "nic"), ReceiverEntry(HOSTILE, "b.dat", "nic"))
    survey = report.survey
    assert survey is not None and report.empty is not None
    bad = tuple(
        msgspec.structs.replace(one, name=HOSTILE, why=HOSTILE, unit=HOSTILE) for one in survey.receivers[0].items
    )
    # One row for two items of one name: the first, and so as many rows as before with other names for the rest.
    bad = tuple(msgspec.structs.replace(one, name=one.name + str(n)) for n, one in enumerate(bad))
    page = read(
        replace(
            report,
            profile=msgspec.structs.replace(report.profile, room=HOSTILE, bundle=HOSTILE),
            session=msgspec.structs.replace(report.session, receivers=entries, note=HOSTILE),
            trained_on=HOSTILE,
            survey=Survey(
                (ReceiverSurvey(HOSTILE, None, bad), msgspec.structs.replace(survey.receivers[1], items=())),
                survey.pair,
            ),
            empty=msgspec.structs.replace(report.empty, why=HOSTILE),
            assessment=replace(
                report.assessment,
                why=HOSTILE,
                baselines=tuple(replace(b, name=HOSTILE) for b in report.assessment.baselines),
            ),
        )
    )
    assert {element.tag for element in every(page)} == set(usual)
    assert not any(name.startswith("on") for element in every(page) for name in element.attributes)
    shown = HOSTILE.replace("\u202e", "\ufffd").replace("\x00", "\ufffd")
    assert page.all("title")[0].text == f"Calibration of {shown}"
    assert page.all("h1")[0].all("bdi")[0].text == shown
    assert page.text.count("<script>") > 10  # as text
    assert "\u202e" not in page.text and "\x00" not in page.text


def test_link_quality_has_every_figure_its_grade_and_what_to_do_worst_first(report: Report) -> None:
    page = read(report)
    todo = page.all("ul", "todo")[0].all("li")
    assert [line.text.split(":")[0] for line in todo] == ["loss left", "rate right", "residual both"]
    assert "it is lost. To do: move it." in todo[0].text
    table = page.all("table", "links")[0]
    assert [cell.text for cell in table.all("thead")[0].all("th")] == ["left", "right"]
    lines = {line.all("th")[0].text: line.all("td") for line in table.all("tbody")[0].all("tr")}
    assert list(lines) == ["rate", "loss", "residual"]
    assert [cell.all("span", "grade")[0].text for cell in lines["rate"]] == ["149 dB", "unknown"]
    assert [cell.all("span", "grade")[0].text for cell in lines["loss"]] == ["12.3 dB", "0.5 dB"]
    grades = [cell.all("span", "grade")[0].attributes["class"] for cell in (*lines["loss"], *lines["residual"])]
    assert grades == ["grade red", "grade green", "grade amber"]
    assert lines["residual"][0].attributes["colspan"] == "2"


def test_what_was_not_done_is_said(report: Report) -> None:
    page = read(replace(report, survey=None, empty=None))
    assert "The survey was not done" in page.text
    assert "It was not measured; presence keeps the level for any room" in page.text


def test_the_plan_has_every_stop_where_it_is(report: Report) -> None:
    first, second = stops(report.labels, report.before, report.adaptation.held_out)
    assert (first.true_m, first.before_m, first.after_m) == ((1.0, 1.0), (1.0, 1.5), (1.25, 1.0))
    assert (second.true_m, second.before_m, second.after_m) == ((2.0, 3.0), (2.5, 3.0), (2.0, 2.75))
    plan = read(report).all("svg", "plan")[0]
    assert [len(plan.all("circle", kind)) for kind in ("spot", "before", "after")] == [2, 2, 2]
    floor = {name: float(plan.all("rect", "floor")[0].attributes[name]) for name in ("x", "y", "width", "height")}
    assert floor["width"] / floor["height"] == pytest.approx(5 / 6, rel=0.01)
    ring = plan.all("circle", "spot")[1].attributes
    assert (float(ring["cx"]) - floor["x"]) / floor["width"] == pytest.approx(2 / 5, abs=0.01)
    assert (float(ring["cy"]) - floor["y"]) / floor["height"] == pytest.approx(1 - 3 / 6, abs=0.01)  # y goes up
    assert plan.all("circle", "after")[0].text == "spot at 1, 1 m, calibrated: 1.25, 1.00 m"
    assert [name.text for name in plan.all("text", "name")] == ["left", "right", "transmitter"]


def test_an_estimate_far_outside_is_drawn_beside_the_wall(report: Report) -> None:
    after = report.adaptation.held_out.copy()
    after[:2, 0, 0] = 400.0
    plan = read(replace(report, adaptation=replace(report.adaptation, held_out=after))).all("svg", "plan")[0]
    width = float(plan.attributes["viewbox"].split()[2])
    assert all(0 < float(dot.attributes["cx"]) < width for dot in plan.all("circle"))
    assert "400.00, 1.00 m" in plan.text  # the figure stays


def test_each_link_has_its_spectrogram_with_the_prompts(report: Report) -> None:
    pictures = read(report).all("svg", "doppler")
    assert len(pictures) == 2
    for picture in pictures:
        assert len(picture.all("image")) == 1
        kinds = [rect.attributes["class"] for rect in picture.all("rect")]
        assert kinds == ["stand", "walk", "empty"]
        stand, walk, _ = (float(rect.attributes["x"]) for rect in picture.all("rect"))
        assert walk > stand


def test_where_the_figures_come_from(report: Report) -> None:
    said = read(report).all("table", "facts")[-1].text
    facts = (
        "simulated session", "model@12345678", "5.825 GHz, 20 MHz, 150 packets/s", "5 x 6 x 2.5 m", "1.75 m tall",
        "9 October 2025, 08:53 UTC", "15 June 2025, 15:06 UTC", "keeping 12 % of the shipped weights",
        "1: reference 1, partner 3",
    )  # fmt: skip
    for fact in facts:
        assert fact in said, fact


def test_a_film_has_its_residuals(report: Report) -> None:
    camera = CameraReport(
        2000, 0.81, 1.234, 45.0, 0.83, 0.995, 17.0, (3.1, -0.4, 1.7), 0.8, 1.08, 1.73, 1.75, 5, 21.0, 34.0, 4.0, 0.08
    )
    page = read(replace(report, camera=camera))
    assert "The truth is the film's." in page.text
    for figure in (
        "residual 17 ms",
        "drift +45 ppm",
        "correlation 0.83",
        "21 mm on 5 spots, 34 mm",
        "81 %",
        "1.73 m by",
    ):
        assert figure in page.text, figure
    unknown = msgspec.structs.replace(camera, residual_ms=None, spot_left_out_mm=None)
    assert "too short to tell" in read(replace(report, camera=unknown)).text


def test_it_is_written_whole_or_not_at_all(report: Report, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_report(path, report)
    assert path.read_text() == report_page(report)
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]
    with pytest.raises(RecordingError, match="Free some space"):
        write_report(tmp_path / "gone" / "report.html", report)
