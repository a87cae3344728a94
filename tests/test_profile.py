"""Room profiles: whole or not at all, one bundle's and no other's, and back to the former one."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

from edge.errors import BundleMismatch, ConfigError
from edge.inference.bundle import Bundle, find_bundle, load_bundle
from edge.inference.head import Head
from edge.pose import SPLIT_1
from edge.profile import ProfileFile, former, load_profile, read_profile, roll_back, write_profile
from edge.signal.links import Links


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return load_bundle(find_bundle("wimose-plus-basic"))


def file_of(bundle: Bundle, **changes: object) -> ProfileFile:
    file = ProfileFile(1, "attic", bundle.identity, bundle.description.sha256, 1.0, "simulated")
    return msgspec.structs.replace(file, **changes)


def head_of(bundle: Bundle, seed: int) -> Head:
    rng = np.random.default_rng(seed)
    return Head(rng.normal(size=(bundle.description.features, SPLIT_1)), rng.normal(size=SPLIT_1))


def test_what_was_written_is_read(tmp_path: Path, bundle: Bundle) -> None:
    path, head = tmp_path / "rooms" / "attic.yaml", head_of(bundle, 1)
    write_profile(path, file_of(bundle, presence_level=0.04, links=(Links(0, 1), Links(2, 1))), head)
    profile = load_profile(path, bundle)
    assert profile.head is not None
    np.testing.assert_array_equal(profile.head.weights, head.weights)
    np.testing.assert_array_equal(profile.head.bias, head.bias)
    assert profile.file.presence_level == 0.04
    assert profile.file.links == (Links(0, 1), Links(2, 1))


def test_the_former_one_comes_back_and_may_go_again(tmp_path: Path, bundle: Bundle) -> None:
    path = tmp_path / "attic.yaml"
    for made in (1, 2, 3):
        write_profile(path, file_of(bundle, made=float(made)), head_of(bundle, made))
    assert len(list(tmp_path.glob("*.npz"))) == 2  # nobody names the first one's arrays any more
    assert roll_back(path).made == 2.0
    now = load_profile(path, bundle)
    assert now.file.made == 2.0
    assert now.head is not None
    np.testing.assert_array_equal(now.head.bias, head_of(bundle, 2).bias)
    assert roll_back(path).made == 3.0
    assert read_profile(former(path)).made == 2.0


def test_without_a_former_one_nothing_changes(tmp_path: Path, bundle: Bundle) -> None:
    path = tmp_path / "attic.yaml"
    write_profile(path, file_of(bundle), None)
    with pytest.raises(ConfigError, match="former"):
        roll_back(path)
    assert load_profile(path, bundle).head is None


def test_a_write_that_fails_leaves_the_old_one(tmp_path: Path, bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "attic.yaml"
    write_profile(path, file_of(bundle, made=1.0), head_of(bundle, 1))
    before = {entry.name for entry in tmp_path.iterdir()}
    real = Path.write_bytes

    def full(self: Path, data: bytes) -> int:
        real(self, data[: len(data) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        write_profile(path, file_of(bundle, made=2.0), head_of(bundle, 2))
    assert load_profile(path, bundle).file.made == 1.0
    assert {entry.name for entry in tmp_path.iterdir()} == before


def test_what_does_not_belong_together_is_refused(tmp_path: Path, bundle: Bundle) -> None:
    path = tmp_path / "attic.yaml"
    write_profile(path, file_of(bundle), head_of(bundle, 1))
    with pytest.raises(BundleMismatch, match="was made with wimose-plus-basic"):
        load_profile(path, load_bundle(find_bundle("wimose-basic")))
    (arrays,) = tmp_path.glob("*.npz")
    arrays.write_bytes(arrays.read_bytes()[:-1])
    with pytest.raises(ConfigError, match="hash"):
        load_profile(path, bundle)
    arrays.unlink()
    with pytest.raises(ConfigError, match="run `wimose calibrate`"):
        load_profile(path, bundle)


@pytest.mark.parametrize("text", ["", "room: attic", "schema: 2\nroom: attic", "[", "made: .nan"])
def test_a_file_that_is_no_profile_is_refused(tmp_path: Path, bundle: Bundle, text: str) -> None:
    (tmp_path / "attic.yaml").write_text(text)
    with pytest.raises(ConfigError, match="not a room profile"):
        load_profile(tmp_path / "attic.yaml", bundle)
    with pytest.raises(ConfigError, match="run `wimose calibrate`"):
        load_profile(tmp_path / "none.yaml", bundle)
    write_profile(tmp_path / "attic.yaml", file_of(bundle, links=(Links(0, 3), Links(0, 1))), None)
    with pytest.raises(ConfigError, match="antennas other than"):
        load_profile(tmp_path / "attic.yaml", bundle)
