"""Rooms never seen, calibrated: small, but through everything that the study does."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

from edge.errors import ConfigError
from edge.inference.bundle import Bundle, find_bundle, load_bundle
from firmware_tools.simulate.rooms import room_named
from firmware_tools.study import rooms
from firmware_tools.study.rooms import BEFORE, Line, Rooms, each_figures, installed, rooms_figures, study
from firmware_tools.study.tried import TRIED


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return load_bundle(find_bundle("wimose-plus-basic"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rooms")


@pytest.fixture(scope="module")
def done(data: Path, bundle: Bundle, folder: Path) -> Rooms:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("HOME_SESSIONS", 1), ("HOME_S", 15.0), ("CHECK_S", 25), ("MAIN_S", 45), ("EMPTY_S", 3.0)):
            patch.setattr(rooms, name, value)
        return study(bundle, data / "mocap17", folder, ["test-0"], (45,))


def test_every_way_is_measured_beside_the_baselines(done: Rooms) -> None:
    names = [line.name for line in done.lines]
    assert names[:2] == [BEFORE, "45 s"]
    assert set(TRIED) < set(names)
    by_name = {line.name: line for line in done.lines}
    assert by_name["45 s"].root_mm < by_name[BEFORE].root_mm
    assert by_name["45 s"].heading_deg == pytest.approx(by_name[BEFORE].heading_deg, abs=0.5)
    assert by_name["mean pose at the true root"].root_mm == 0.0
    assert 0.0 <= (by_name["45 s"].share or 0.0) <= 1.0
    assert len({line.mpjpe_mm for line in done.lines}) > len(TRIED)


def test_what_is_done_is_not_done_again(done: Rooms, data: Path, bundle: Bundle, folder: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.delattr(rooms, "record")
        patch.delattr(rooms, "simulate_guided")
        assert study(bundle, data / "mocap17", folder, ["test-0"], (45,)) == done


def test_figures_of_another_bundle_are_not_mixed(data: Path, bundle: Bundle, folder: Path, done: Rooms) -> None:
    (folder / "rooms.yaml").write_bytes(msgspec.yaml.encode(msgspec.structs.replace(done, bundle="other@12345678")))
    with pytest.raises(ConfigError, match="other@12345678"):
        study(bundle, data / "mocap17", folder, ["test-0"], (45,))
    (folder / "rooms.yaml").write_bytes(msgspec.yaml.encode(done))


def test_a_study_that_was_broken_off_at_once_is_one_bundles(
    data: Path, bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a model hears of people at home is kept in the folder: another bundle must not find it there."""

    def pressed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(rooms, "at_home", pressed)
    with pytest.raises(KeyboardInterrupt):
        study(bundle, data / "mocap17", tmp_path, ["test-0"], (45,))
    with pytest.raises(ConfigError, match="holds the figures of wimose-plus-basic"):
        study(load_bundle(find_bundle("wimose-plus-rooms")), data / "mocap17", tmp_path, ["test-0"], (45,))


def test_receivers_belong_to_their_room() -> None:
    first, again = (installed(room_named("test-0")) for _ in range(2))
    other = installed(room_named("test-1"))
    assert [nic.noise for nic in first] == [nic.noise for nic in again]
    assert len({nic.noise for nic in (*first, *other)}) == 4


def test_the_table_has_mean_and_spread_over_rooms() -> None:
    lines = [
        Line(room, name, root + 20, root, 250.0, 120.0, 80.0, spot, None)
        for room, name, root, spot in (
            ("a", BEFORE, 1000.0, 900.0), ("a", "30 s", 500.0, 300.0), ("a", "mean pose", 700.0, None),
            ("b", BEFORE, 2000.0, 1100.0), ("b", "30 s", 900.0, 500.0), ("b", "mean pose", 700.0, None),
        )
    ]  # fmt: skip
    done = Rooms("x@1", lines)
    table = {row.label: row for row in rooms_figures(done).rows}
    assert table["30 s"].cells[1] == f"700±{np.std([500, 900], ddof=1):.0f}"
    assert table["30 s"].cells[5] == f"400±{np.std([300, 500], ddof=1):.0f}"
    assert table["mean pose"].cells[5] == "-"
    assert (table["30 s"].own, table["mean pose"].own) == (True, False)
    each = each_figures(done)
    assert each.columns == ("a", "b")
    assert [row.cells for row in each.rows] == [("1020", "2020"), ("520", "920")]
