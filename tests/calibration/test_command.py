"""`wimose calibrate` from a recorded session to an installed profile, and where it stops."""

import json
import os
import shutil
from pathlib import Path

import msgspec
import pytest

from calibration import command, fitting
from calibration.adapt import Adaptation, adapt
from calibration.assess import assess
from calibration.guide import Guide
from calibration.labels import Labels
from calibration.samples import Samples
from calibration.walk import Walk, load_walk, write_walk
from edge.cli import main
from edge.commands.demo import SESSION
from edge.config import BUNDLE
from edge.inference.bundle import find_bundle, load_bundle
from edge.inference.engine import Engine
from edge.profile import former, load_profile, read_profile
from tests.calibration.conftest import CONFIG, Play
from tests.calibration.rehearsal import GEOMETRY, Time, answers, demo_logs, names

WALK_S = 45.0
replace = msgspec.structs.replace


@pytest.fixture(scope="module")
def walked(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated guided walk in a room that training never saw."""
    from firmware_tools.simulate.guided import simulate_guided
    from firmware_tools.simulate.rooms import room_named

    folder = tmp_path_factory.mktemp("walked") / "session"
    simulate_guided(folder, room_named("valid-1"), data / "mocap17", WALK_S, 150.0, 3, empty_s=16.0)
    return folder


class Place:
    """Where a calibration writes, and how it is called."""

    def __init__(self, folder: Path) -> None:
        self.state, self.profile = folder / "state", folder / "rooms" / "hall.yaml"
        self.work = self.state / "calibration" / "hall"

    def calibrate(self, *arguments: str) -> int:
        return main(["calibrate", "--room", "hall", "--yes", "--set", f"profile={self.profile}", *arguments])


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    here = Place(tmp_path)
    monkeypatch.setenv("STATE_DIRECTORY", str(here.state))
    monkeypatch.setattr(command, "announce", lambda *_: False)  # whether a service runs here is not the test's business
    return here


def test_from_a_session_to_a_profile(walked: Path, place: Place, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert place.calibrate("--from", str(walked), "--json", "--force") == 0
    said = msgspec.json.decode(capfdbinary.readouterr().out)
    assert [item["name"] for item in said["survey"]["pair"]] == ["packets in common", "pairing residual", "band"]
    assert said["empty"]["moving"] is False
    assert said["geometry"]["size_m"] == list(size_of(walked))
    outcome = said["outcome"]
    assert outcome["installed"]
    assert outcome["source"] == "simulated"
    assert outcome["segments"] >= 3
    assert 15.0 < outcome["seconds"] < WALK_S
    before, after = outcome["assessment"]["before"], outcome["assessment"]["after"]
    assert before["mpjpe_mm"] > 0, "the simulation knows the truth"
    assert after["root_mm"] != before["root_mm"]
    assert outcome["assessment"]["presence"] > 0.9

    bundle = load_bundle(find_bundle(BUNDLE))
    profile = load_profile(place.profile, bundle)
    assert profile.head is not None
    Engine(bundle, head=profile.head)  # it fits
    file = profile.file
    assert (file.room, file.source, file.bundle) == ("hall", "simulated", bundle.identity)
    assert file.presence_level == said["empty"]["presence_level"]
    assert file.height_m == load_walked(walked).height_m
    assert file.fit is not None
    assert file.fit.after_root_mm == pytest.approx(after["root_mm"], abs=0.1)
    assert file.links is not None
    assert sorted(path.name for path in place.work.iterdir() if path.suffix == ".yaml") == [
        "empty.yaml", "geometry.yaml", "survey.yaml",
    ]  # fmt: skip

    assert outcome["report"] == str(place.work / "report.html")
    assert "hall" in (place.work / "report.html").read_text()

    # Again, and back: the former profile is kept.
    assert place.calibrate("--from", str(walked), "--step", "report", "--force") == 0
    assert read_profile(place.profile).made > file.made
    assert place.calibrate("--rollback") == 0
    assert read_profile(place.profile).made == file.made
    assert read_profile(former(place.profile)).made > file.made


def size_of(session: Path) -> tuple[float, float, float]:
    from edge.session import load_session

    size = load_session(session).file.room_size_m
    assert size is not None
    return size


def load_walked(folder: Path) -> Walk:
    walk = load_walk(folder)
    assert walk is not None
    return walk


def test_what_gains_nothing_is_not_installed(
    walked: Path, place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fitting, "assess", lambda before, after, *rest: assess(before, before, *rest))
    assert place.calibrate("--from", str(walked)) == 1
    said = capsys.readouterr().err
    assert "not installed" in said
    assert "--force" in said
    assert not place.profile.exists()
    assert place.calibrate("--from", str(walked), "--step", "report", "--force") == 0
    assert place.profile.exists()


def test_adapt_alone_installs_nothing(walked: Path, place: Place) -> None:
    assert place.calibrate("--from", str(walked), "--step", "adapt") == 0
    assert not place.profile.parent.exists()


def test_the_papers_network_is_calibrated_as_well(
    walked: Path, place: Place, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert place.calibrate("--from", str(walked), "--step", "adapt", "--set", "bundle=wimose-basic", "--json") == 0
    outcome = msgspec.json.decode(capfdbinary.readouterr().out)["outcome"]
    assert 0.0 <= outcome["share"] <= 1.0
    assert outcome["assessment"]["after"]["root_mm"] != outcome["assessment"]["before"]["root_mm"]


@pytest.mark.parametrize("broken", ["samples", "adapt", "install"])
def test_ctrl_c_while_it_computes(
    broken: str, walked: Path, place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def pressed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(fitting, broken, pressed)
    assert place.calibrate("--from", str(walked), "--step", "report", "--force") == 130
    assert "stopped" in capsys.readouterr().err
    assert not place.profile.parent.exists()
    assert [name for name in names(place.work) if name.endswith(".new")] == []


def test_spots_in_feet(walked: Path, place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = tmp_path / "feet"
    shutil.copytree(walked, wrong)
    walk = load_walked(walked)
    write_walk(wrong, msgspec.structs.replace(walk, prompts=[
        msgspec.structs.replace(prompt, start_m=_feet(prompt.start_m), end_m=_feet(prompt.end_m))
        for prompt in walk.prompts
    ]))  # fmt: skip
    for step in ((), ("--step", "adapt")):
        assert place.calibrate("--from", str(wrong), *step) == 2
        assert "are these feet?" in capsys.readouterr().err
    assert not place.profile.exists()


def _feet(spot: tuple[float, float]) -> tuple[float, float]:
    return spot[0] / 0.3048, spot[1] / 0.3048


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--from", "/no/such/session"], 2, "/no/such/session: no session.yaml in there; give the folder of a walk"),
        (["--from", str(SESSION / "session.yaml")], 2, "give the folder of a walk"),
        (["--from", str(SESSION), "--step", "walk"], 2, "walk.yaml: no such file; record a walk with"),
        (["--step", "adapt"], 2, "--step frame"),
        (["--step", "frame"], 2, "geometry.yaml"),
        (["--minutes", "90"], 2, "1 to 15 minutes"),
        (["--rollback"], 2, "there is no profile before"),
        (["--step", "survey"], 2, "--channel"),
        (["--set", "bundle=none", "--rollback"], 2, "no bundle 'none'"),
    ],
)
def test_mistakes(arguments: list[str], code: int, said: str, place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert place.calibrate(*arguments) == code
    told = capsys.readouterr().err
    assert said in told
    assert "--receiver" not in told, "only `replay` has it"
    assert not place.profile.exists()


def test_the_demo_has_no_empty_stretch(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert place.calibrate("--from", str(SESSION), "--step", "survey", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert said["survey"]["receivers"][0]["name"] == "receiver1"
    assert (said["empty"], said["outcome"]) == (None, None)
    assert place.calibrate("--from", str(SESSION), "--step", "empty") == 0
    assert "does not say when the room was empty" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.state.write_bytes(b"a file")
    assert place.calibrate("--step", "frame") == 2
    assert "sudo" in capsys.readouterr().err


def test_it_goes_on_where_it_stopped(
    place: Place, play: Play, time: Time, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Live: ctrl-C in the second step; the next run does not do the first again, and --step does."""
    from tests.calibration.test_live import ctrl_c

    monkeypatch.setattr(command, "load_rooms", lambda *_, **__: (CONFIG,))
    usual = Guide
    monkeypatch.setattr(command, "Guide", lambda console, yes: usual(console, yes, clock=time, sleep=time.sleep))
    live = ("--channel", "165", "--minutes", "1", "--height", "1.8")
    place.work.mkdir(parents=True)
    (place.work / "geometry.yaml").write_bytes(msgspec.yaml.encode(GEOMETRY))

    play({5.0: ctrl_c})
    assert place.calibrate(*live) == 130
    assert "goes on with the step" in capsys.readouterr().err
    assert names(place.work) == ["geometry.yaml"]

    play()
    assert place.calibrate(*live, "--step", "survey") == 0
    play({5.0: ctrl_c})
    assert place.calibrate(*live) == 130
    said = capsys.readouterr().err
    assert "survey: done already; again with: wimose calibrate --room hall --step survey" in said
    assert "survey.yaml" in names(place.work)
    assert "empty.yaml" not in names(place.work)

    old = place.work / "survey.yaml"
    os.utime(old, (1.0, 1.0))
    play({5.0: ctrl_c})
    assert place.calibrate(*live) == 130
    assert "survey: done already" not in capsys.readouterr().err, "of another day"


def test_all_of_it_live_with_somebody_at_the_keyboard(
    place: Place, play: Play, time: Time, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The demo's dancer is no guided walk, and the room is never empty: that is told, and everything is there."""
    monkeypatch.setattr(command, "load_rooms", lambda *_, **__: (replace(CONFIG, profile=str(place.profile)),))
    typed = answers("", "", "no", "7 8 2.8", "0.6 0.6 1.2", "6.4 0.6 1.2", "y", "0.026", "0.6 7.4 1.2", "x", "0.026",
                    "yes", "")  # fmt: skip
    usual = Guide
    monkeypatch.setattr(command, "Guide", lambda console, _: usual(console, False, typed, time, time.sleep))
    play(logs=demo_logs(4))
    code = main(["calibrate", "--channel", "165", "--minutes", "1", "--height", "1.8"])
    said = capsys.readouterr().err
    assert code == (0 if place.profile.exists() else 1)
    assert "something moved" in said
    assert "Put tape on the floor" in said
    assert "Is that how it is?" in said
    assert set(names(place.work)) >= {"survey.yaml", "empty.yaml", "geometry.yaml", "report.html", "session/walk.yaml"}
    walk = load_walked(place.work / "session")
    assert walk.height_m == 1.8
    assert len(walk.prompts) >= 8
    assert ("not installed" in said) == (code == 1)


def test_help_shows_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["calibrate", "--help"])
    assert "example: wimose calibrate --from walk/ --yes" in capsys.readouterr().out.replace("\n", " ")


def test_a_film_is_fitted_and_forgotten_with_the_next_walk(
    walked: Path, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The film's joints are the simulation's own here: what becomes of pictures is tested elsewhere."""
    from calibration import footage
    from calibration.filmed import Filmed
    from edge.session import load_session
    from tests.calibration.test_footage import MARKS, REPORT

    truth = load_session(walked).truth
    assert truth is not None
    monkeypatch.setattr(footage, "watch", lambda *_: MARKS)
    monkeypatch.setattr(footage, "film", lambda *_: Filmed(truth.time_s, truth.joints, REPORT))
    asked: list[bool] = []

    def noting(samples: Samples, labels: Labels, *rest: object) -> Adaptation:
        asked.append(labels.joints is not None)
        return adapt(samples, labels, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(fitting, "adapt", noting)
    assert place.calibrate("--from", str(walked), "--step", "walk", "--camera", "walk.mp4") == 0
    assert {"camera.yaml", "joints.npz", "landmarks.npz"} <= set(names(place.work))
    assert place.calibrate("--from", str(walked), "--step", "adapt") == 0
    assert place.calibrate("--from", str(walked), "--step", "walk") == 0
    assert "joints.npz" not in names(place.work)
    assert place.calibrate("--from", str(walked), "--step", "adapt") == 0
    assert asked == [True, False]
