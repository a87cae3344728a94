"""Where a profile goes, what is left when that fails, who is told."""

import errno
import os
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest

from calibration.guide import Guide
from calibration.install import announce, bring_back, install, profile_path
from calibration.work import write_whole
from edge.config import Config
from edge.errors import BundleMismatch, ConfigError, RecordingError
from edge.inference.bundle import Bundle, find_bundle, load_bundle
from edge.inference.head import Head
from edge.profile import ProfileFile, former, load_profile, read_profile
from tests.calibration.conftest import NewJob
from tests.calibration.rehearsal import names

replace = msgspec.structs.replace


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return load_bundle(find_bundle("wimose-plus-basic"))


@pytest.fixture
def file(bundle: Bundle) -> ProfileFile:
    return ProfileFile(1, "hall", bundle.identity, bundle.description.sha256, 1.0, "simulated")


def head(value: float) -> Head:
    return Head(np.full((3, 4), value), np.zeros(4))


def path_of(tmp_path: Path) -> Path:
    return tmp_path / "rooms" / "hall.yaml"


def test_where_it_goes() -> None:
    assert profile_path(Config(), "hall") == Path("/etc/wimose/rooms/hall.yaml")
    assert profile_path(Config(profile="/var/lib/p.yaml"), "hall") == Path("/var/lib/p.yaml")


def test_installed_and_brought_back(file: ProfileFile, bundle: Bundle, tmp_path: Path) -> None:
    path = path_of(tmp_path)
    install(path, file, head(1.0))
    install(path, replace(file, made=2.0), head(2.0))
    loaded = load_profile(path, bundle)
    assert loaded.head is not None
    assert (loaded.file.made, loaded.head.weights[0, 0]) == (2.0, 2.0)
    assert {part.stat().st_mode & 0o777 for part in path.parent.iterdir()} == {0o644}, "the service is another user"
    assert bring_back(path, bundle, force=False).made == 1.0
    loaded = load_profile(path, bundle)
    assert loaded.head is not None
    assert (loaded.file.made, loaded.head.weights[0, 0]) == (1.0, 1.0)
    assert bring_back(path, bundle, force=False).made == 2.0


@pytest.mark.parametrize("writes", range(4))
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), KeyboardInterrupt()], ids=str)
def test_a_full_disk_or_ctrl_c_at_any_write_changes_nothing(
    writes: int,
    error: BaseException,
    file: ProfileFile,
    bundle: Bundle,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The arrays, the former profile, the profile itself: whichever write fails, it is as it was before."""
    path = path_of(tmp_path)
    install(path, file, head(1.0))
    install(path, replace(file, made=2.0), head(2.0))
    before = {name: (path.parent / name).read_bytes() for name in names(path.parent)}
    write, left = Path.write_bytes, writes

    def failing(target: Path, data: bytes) -> int:
        nonlocal left
        left -= 1
        if left == -1:
            write(target, data[:5])
            raise error
        return write(target, data)

    monkeypatch.setattr(Path, "write_bytes", failing)
    if writes == 3:  # there are three
        install(path, replace(file, made=3.0), head(3.0))
        return
    with pytest.raises(RecordingError if isinstance(error, OSError) else KeyboardInterrupt):
        install(path, replace(file, made=3.0), head(3.0))
    assert {name: (path.parent / name).read_bytes() for name in names(path.parent)} == before
    assert load_profile(path, bundle).file.made == 2.0


def test_the_first_one_on_a_full_disk_leaves_nothing(
    file: ProfileFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Path.write_bytes

    def failing(target: Path, data: bytes) -> int:
        if target.name == "hall.yaml.new":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(target, data)

    monkeypatch.setattr(Path, "write_bytes", failing)
    with pytest.raises(
        RecordingError, match=r"No space left on device; the profile that was in use still is.*--step rep"
    ):
        install(path_of(tmp_path), file, head(1.0))
    assert names(tmp_path / "rooms") == []


def test_a_profile_that_cannot_be_read_does_not_stand_in_the_way(
    file: ProfileFile, bundle: Bundle, tmp_path: Path
) -> None:
    path = path_of(tmp_path)
    path.parent.mkdir()
    path.write_text("half a fi")
    install(path, file, head(1.0))
    assert load_profile(path, bundle).file.made == 1.0
    assert (path.parent / "hall.yaml.unreadable").read_text() == "half a fi"
    former(path).write_text("}")
    install(path, replace(file, made=2.0), None)
    assert bring_back(path, bundle, force=False).made == 1.0


def test_nothing_to_bring_back(file: ProfileFile, bundle: Bundle, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="take `profile` out of the configuration"):
        bring_back(path_of(tmp_path), bundle, force=False)


def test_a_former_profile_of_another_bundle(file: ProfileFile, bundle: Bundle, tmp_path: Path) -> None:
    path = path_of(tmp_path)
    install(path, replace(file, bundle="old@12345678", bundle_sha256="0" * 64), None)
    install(path, file, None)
    with pytest.raises(BundleMismatch, match=r"made with old@12345678.*name that bundle.*--force"):
        bring_back(path, bundle, force=False)
    assert read_profile(path).bundle == bundle.identity
    bring_back(path, bundle, force=True)
    assert read_profile(path).bundle == "old@12345678"
    assert read_profile(former(path)).bundle == bundle.identity


class Systemd:
    """What systemctl says."""

    def __init__(self, active: str | None = "active\n", reload: str | None = "") -> None:
        self.asked: list[str] = []
        self._said = {"is-active": active, "reload": reload}

    def __call__(self, command: Sequence[str]) -> str | None:
        assert command[0] == "systemctl"
        assert command[2] == "wimose"
        self.asked.append(command[1])
        return self._said[command[1]]


def guide_of(job: NewJob, *texts: str) -> Guide:
    return job(*texts).guide


def test_a_running_service_is_told(job: NewJob, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, systemd = tmp_path / "p.yaml", Systemd()
    assert announce(guide_of(job), path, Config(profile=str(path)), None, systemd)
    assert systemd.asked == ["is-active", "reload"]
    for stopped in (Systemd("inactive\n"), Systemd(None)):
        assert not announce(guide_of(job), path, Config(profile=str(path)), None, stopped)
        assert stopped.asked == ["is-active"]
    assert "systemctl start wimose" in capsys.readouterr().err
    assert not announce(guide_of(job), path, Config(profile=str(path)), None, Systemd(reload=None))
    assert "systemctl reload wimose" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("room: hall\n", "room: hall\nprofile: {path}\n"),
        ("room: hall", "room: hall\nprofile: {path}\n"),
        ("# why\nprofile: null  # none yet\nroom: hall\n", "# why\nprofile: {path}\nroom: hall\n"),
        ("profile:\nroom: hall\n", "profile: {path}\nroom: hall\n"),
    ],
)
def test_the_configuration_is_written_only_when_asked(
    before: str, after: str, job: NewJob, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, config = tmp_path / "p.yaml", tmp_path / "config.yaml"
    config.write_text(before)
    config.chmod(0o640)
    line = f"profile: {path}"
    for refused in (guide_of(job), guide_of(job, "no")):
        assert not announce(refused, path, Config(), config, Systemd())
        assert config.read_text() == before
        assert line in capsys.readouterr().err, "what to write by hand"
    assert announce(guide_of(job, "yes"), path, Config(), config, Systemd())
    assert config.read_text() == after.format(path=path)
    assert config.stat().st_mode & 0o777 == 0o640


def test_among_several_rooms_the_user_writes_it_into_the_right_one(
    job: NewJob, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("rooms:\n- room: hall\n")
    assert not announce(guide_of(job, "yes"), tmp_path / "p.yaml", Config(), config, Systemd())
    assert config.read_text() == "rooms:\n- room: hall\n"
    assert f"write into the room's entry of `rooms`: profile: {tmp_path / 'p.yaml'}" in capsys.readouterr().err


def test_without_a_configuration_file_it_says_what_to_write(
    job: NewJob, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not announce(guide_of(job, "yes"), tmp_path / "p.yaml", Config(), tmp_path / "none.yaml", Systemd())
    assert f"profile: {tmp_path / 'p.yaml'}" in capsys.readouterr().err
    assert not (tmp_path / "none.yaml").exists()


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.yaml"
    write_whole(path, b"old")
    write = Path.write_bytes

    def failing(target: Path, data: bytes) -> int:
        write(target, data[:2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", failing)
    with pytest.raises(RecordingError, match=r"No space left on device; nothing was changed\. Free some space"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["x.yaml"]
