import os
from pathlib import Path

import msgspec
import pytest

from edge.config import BUNDLE, Config
from edge.inference.bundle import find_bundle, load_bundle
from edge.profile import ProfileFile
from edge.service.doctor.model import bundle, cache_folder, caches, profile


@pytest.fixture(autouse=True)
def no_folder_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)


def installed(prefix: Path, cache: Path) -> Path:
    """A release as install.sh makes it."""
    prefix.mkdir()
    (prefix / "environment").write_text(f"NUMBA_CACHE_DIR={cache}\n")
    return prefix


def test_the_bundle_that_ships() -> None:
    found = bundle(Config())
    assert found.verdict == "ok", found
    assert load_bundle(find_bundle(BUNDLE)).identity in found.found
    assert "trained on simulated data" in found.found


def test_no_such_bundle() -> None:
    found = bundle(Config(bundle="no-such"))
    assert found.verdict == "fail"
    assert "it says no-such" in found.remedy


def test_a_damaged_bundle(tmp_path: Path) -> None:
    for file in find_bundle(BUNDLE).iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    with (tmp_path / "model.tflite").open("r+b") as model:
        model.write(b"\0")
    found = bundle(Config(bundle=str(tmp_path)))
    assert found.verdict == "fail"
    assert "(hash)" in found.found


def test_an_engine_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.inference.engine.ENGINES", {"litert": "no_such_package", "tflite": "no_such_package"})
    found = bundle(Config())
    assert found.verdict == "fail"
    assert "no TFLite engine" in found.found


def test_caches_of_a_service(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    prefix = installed(tmp_path / "release", cache)
    assert cache_folder(prefix) == cache
    assert caches(prefix, tmp_path).verdict == "warn"  # nothing there yet
    (cache / "signal_0123").mkdir(parents=True)
    (cache / "signal_0123" / "hampel.nbi").touch()
    found = caches(prefix, tmp_path)
    assert found.verdict == "ok"
    assert found.found == f"1 in {cache}"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_cache_that_is_not_ours(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir(mode=0o500)
    assert "not writable" in caches(installed(tmp_path / "release", cache), tmp_path).found


def test_caches_beside_the_sources(tmp_path: Path) -> None:
    assert cache_folder(tmp_path) is None
    assert caches(tmp_path, tmp_path).verdict == "warn"
    (tmp_path / "signal" / "__pycache__").mkdir(parents=True)
    (tmp_path / "signal" / "__pycache__" / "hampel.nbi").touch()
    assert caches(tmp_path, tmp_path).found == f"1 in {tmp_path}"


def test_the_environment_is_stronger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", "/elsewhere")
    assert cache_folder(installed(tmp_path / "release", tmp_path)) == Path("/elsewhere")


def test_no_profile_is_said() -> None:
    found = profile(Config())
    assert found.verdict == "warn"
    assert "receivers' own frame" in found.found
    assert "nor is the model told" in found.found


def test_a_profile(tmp_path: Path) -> None:
    path = tmp_path / "lab.yaml"
    shipped = load_bundle(find_bundle(BUNDLE))

    def write(sha256: str) -> None:
        file = ProfileFile(1, "lab", shipped.identity, sha256, 1.8e9, "recorded")
        path.write_bytes(msgspec.yaml.encode(file))

    write(shipped.description.sha256)
    assert profile(Config(profile=str(path))).verdict == "ok"
    write("a" * 64)
    found = profile(Config(profile=str(path)))
    assert found.verdict == "fail"
    assert "calibrate again" in found.found
    path.unlink()
    assert profile(Config(profile=str(path))).verdict == "fail"
