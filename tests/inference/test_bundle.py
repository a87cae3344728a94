"""A bundle is believed only when its parts belong together."""

import shutil
from pathlib import Path

import msgspec
import pytest

from edge.cli import BUNDLE
from edge.errors import BundleMismatch, ConfigError, WimoseError
from edge.inference import bundle as bundles
from edge.inference.bundle import Bundle, find_bundle, load_bundle

SHIPPED = "wimose-basic"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A bundle that may be damaged."""
    return Path(shutil.copytree(find_bundle(SHIPPED), tmp_path / "bundle"))


def edit(folder: Path, **changes: object) -> None:
    file = folder / "bundle.yaml"
    content = msgspec.yaml.decode(file.read_bytes())
    file.write_bytes(msgspec.yaml.encode({**content, **changes}))


def test_the_shipped_bundle_names_itself_by_its_hash() -> None:
    loaded = load_bundle(find_bundle(SHIPPED))
    assert loaded.identity == f"{SHIPPED}@{loaded.description.sha256[:8]}"
    assert loaded.description.trained_on == "simulated"


def test_it_is_found_by_name_and_by_folder(copy: Path) -> None:
    assert find_bundle(SHIPPED).name == SHIPPED
    assert find_bundle(str(copy)) == copy
    with pytest.raises(ConfigError, match=SHIPPED):  # the message offers what there is
        find_bundle("no-such-bundle")


def test_a_changed_byte_of_the_model_is_noticed(copy: Path) -> None:
    model = copy / "model.tflite"
    content = bytearray(model.read_bytes())
    content[len(content) // 2] ^= 1
    model.write_bytes(content)
    with pytest.raises(BundleMismatch, match="hash"):
        load_bundle(copy)


def test_a_step_model_of_another_bundle_is_noticed(tmp_path: Path) -> None:
    streaming = Path(shutil.copytree(find_bundle("wimose-plus-basic"), tmp_path / "bundle"))
    assert load_bundle(streaming).step
    shutil.copy(find_bundle("wimose-plus-rooms") / "step.tflite", streaming)
    with pytest.raises(BundleMismatch, match=r"step\.tflite.*hash"):
        load_bundle(streaming)
    (streaming / "step.tflite").unlink()
    with pytest.raises(ConfigError, match=r"step\.tflite"):
        load_bundle(streaming)


def test_a_bundle_does_without_a_step_model_that_it_does_not_name(copy: Path) -> None:
    shutil.copy(find_bundle("wimose-plus-basic") / "step.tflite", copy)
    assert load_bundle(copy).step == b""


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"image_spec": "wimose-99"}, BundleMismatch, "update wimose"),
        ({"skeleton": ["Head"]}, BundleMismatch, "skeleton"),
        ({"output_mean_m": [0.0]}, BundleMismatch, "51"),
        ({"outputs": "angles-1"}, BundleMismatch, "angles-1.*update wimose"),
        ({"outputs": "split-1"}, BundleMismatch, "71 numbers each"),
        (
            {"outputs": "split-1", "output_mean_m": [0.0] * 71, "output_scale_m": [1.0] * 71, "limb_m": []},
            BundleMismatch,
            "limb_m needs 16",
        ),
        ({"surprise": 1}, BundleMismatch, "surprise"),
        ({"schema": "one"}, BundleMismatch, "schema"),
    ],
)
def test_a_description_that_does_not_fit_is_refused(
    copy: Path, changes: dict[str, object], error: type[WimoseError], message: str
) -> None:
    edit(copy, **changes)
    with pytest.raises(error, match=message):
        load_bundle(copy)


def test_a_missing_part_says_which(copy: Path) -> None:
    (copy / "model.tflite").unlink()
    with pytest.raises(ConfigError, match=r"model\.tflite"):
        load_bundle(copy)


def test_a_huge_file_is_not_read(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundles, "MAX_MODEL_BYTES", 1000)
    with pytest.raises(BundleMismatch, match="MB"):
        load_bundle(copy)


def test_what_ships_is_small_enough() -> None:
    bundles: list[Bundle] = [load_bundle(find_bundle(name)) for name in (SHIPPED, BUNDLE)]
    assert all(len(loaded.model) + len(loaded.step) < 32 << 20 for loaded in bundles)
    for loaded in bundles:
        assert {entry.split for entry in loaded.description.accuracy} == {"paper", "clip", "subject", "room"}
