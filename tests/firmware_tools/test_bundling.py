"""A run becomes a bundle that the engine runs, close to the float model, with its table inside."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="the training extra is not installed")

from edge.arrays import Array
from edge.cli import main
from edge.errors import ConfigError
from edge.inference.bundle import Accuracy, load_bundle
from edge.inference.engine import Engine
from edge.pose import joints_of
from firmware_tools import dataset, measuring
from firmware_tools.bundling import quantize_run, read_run, unbias
from firmware_tools.quantize import balance, load_model, quantize
from firmware_tools.tasks import FORMS, Normal, host_model, network_input, network_spec, predict, task_of
from firmware_tools.tasks import test_windows as whole_windows
from tests.firmware_tools.conftest import BATCH, run_of


@pytest.fixture(scope="module")
def wipose_run(dataset_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was never trained, but says something: its last layers are not at rest."""
    folder = tmp_path_factory.mktemp("wipose-run")
    run = run_of(dataset_folder, "wipose")
    task = task_of("wipose", dataset.load(dataset_folder, "train", "wimose-1"), 1, BATCH)
    model = task.build()
    rng = np.random.default_rng(1)
    for name in ("turns", "place"):
        layer = model.get_layer(name)
        layer.set_weights([weight + rng.normal(0.0, 0.5, weight.shape) for weight in layer.get_weights()])
    host_model(model, "wipose").save(folder / "model.keras")
    task.normal.save(folder / "normal.npz")
    (folder / "run.yaml").write_bytes(msgspec.yaml.encode(run))
    return folder


def assert_goes_round(run_folder: Path, out: Path) -> None:
    """The bundle says what the float model says: far nearer to it than what a silent network says."""
    run = read_run(run_folder)
    sessions = dataset.load(Path(run.dataset), "clip", network_spec(run.network).name)
    engine = Engine(quantize_run(run_folder, out, "tiny"), geometry=sessions.geometry[0])  # of one room
    windows = whole_windows(sessions)[::3]
    normal = Normal.read(run_folder / "normal.npz")
    model: Any = load_model(run_folder / "model.keras")
    exact = predict(model, run.network, normal, sessions, windows)
    joints = np.array([engine(image) for image in sessions.images(windows)])
    silent = joints_of(normal.mean, FORMS[run.network], normal.limb_m)
    error, said = (np.linalg.norm(other - exact, axis=2).mean() for other in (joints, silent))
    assert error < 0.15
    assert error < 0.4 * said


def test_wimose_plus_goes_round(plus_run: Path, tmp_path: Path) -> None:
    assert_goes_round(plus_run, tmp_path)
    bundle = load_bundle(tmp_path)
    assert Engine(bundle).streams
    description = bundle.description
    assert (description.image_spec, description.outputs) == ("plus-2", "split-1")
    assert description.trained_on == "simulated"
    assert description.training["network"] == "wimose-plus"
    normal = Normal.read(plus_run / "normal.npz")
    np.testing.assert_allclose(description.limb_m, normal.limb_m, atol=1e-6)
    assert description.room == "basic"


def test_balancing_changes_the_scales_and_not_the_joints(plus_run: Path, dataset_folder: Path) -> None:
    sessions = dataset.load(dataset_folder, "clip", "plus-2")
    windows = whole_windows(sessions)[::3]
    images = network_input("wimose-plus", sessions, windows)
    model, normal = load_model(plus_run / "model.keras"), Normal.read(plus_run / "normal.npz")
    before = predict(model, "wimose-plus", normal, sessions, windows)
    balanced = balance(model, normal, images)
    np.testing.assert_allclose(predict(model, "wimose-plus", balanced, sessions, windows), before, atol=1e-4)
    said = model.predict(images, verbose=0)
    assert np.abs(said.mean(axis=0)).max() < 0.01
    assert said.std(axis=0).max() == pytest.approx(1.0, abs=0.01)


def test_a_quantised_model_says_in_the_mean_what_it_is_to_say(
    plus_run: Path, dataset_folder: Path, tmp_path: Path
) -> None:
    quantize_run(plus_run, tmp_path, "tiny")
    sessions = dataset.load(dataset_folder, "clip", "plus-2")
    windows = whole_windows(sessions)[::9]
    normal = Normal.read(plus_run / "normal.npz")
    wanted = replace(normal, mean=normal.mean + np.linspace(-0.1, 0.1, normal.mean.size))
    unbias(tmp_path, wanted, sessions, windows)
    engine, told = Engine(load_bundle(tmp_path)), sessions.geometry
    layer = engine.last_layer()
    said = [layer(np.asarray(engine.sibling(geometry=told[session]).predict(image).features))
            for (session, _), image in zip(windows, sessions.images(windows), strict=True)]  # fmt: skip
    np.testing.assert_allclose(np.mean(said, axis=0), wanted.mean, atol=1e-5)


def test_the_furthest_image_sets_the_scales_where_all_are_shown() -> None:
    import keras

    image = keras.Input((8, 2))
    said = keras.layers.Conv1D(3, 8, kernel_initializer="ones")(image)
    model = keras.Model(image, keras.layers.ReLU()(said))
    images = np.full((50, 8, 2), 0.05, np.float32)
    images[30] = 1.0
    widest = [scales_of(quantize(model, images, ordinary)).max() * 255 for ordinary in (1.0, 0.9)]
    assert widest[0] > 16  # all of its outputs, from 0 to 16
    assert widest[1] < 3
    assert images.min() > 0  # left as they were


def scales_of(file: bytes) -> Array:
    """Scales of everything that a model has one scale of."""
    from ai_edge_litert import schema_py_generated as schema

    (graph,) = schema.ModelT.InitFromPackedBuf(file, 0).subgraphs
    scales = [tensor.quantization.scale for tensor in graph.tensors if tensor.quantization is not None]
    return np.array([scale[0] for scale in scales if scale is not None and len(scale) == 1])


def test_wipose_goes_round(wipose_run: Path, tmp_path: Path) -> None:
    assert_goes_round(wipose_run, tmp_path)
    bundle = load_bundle(tmp_path)
    assert bundle.description.outputs == "joints-1"
    assert not Engine(bundle).streams  # an LSTM's window is read anew each time


def test_an_unfinished_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="finish it with `wimose train`"):
        read_run(tmp_path)


def test_a_run_becomes_a_bundle_with_its_table(
    plus_run: Path, dataset_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(measuring, "FEWEST_WINDOWS", 10)
    assert main(["bundle", str(plus_run), str(tmp_path / "bundle"), "--name", "tiny"]) == 0
    bundle = load_bundle(tmp_path / "bundle")
    assert bundle.description.name == "tiny"
    assert bundle.step
    assert {entry.split for entry in bundle.description.accuracy} == {"paper", "clip", "subject"}
    for entry in bundle.description.accuracy:
        assert entry.canonical_root_mm == 0
        assert entry.float_mpjpe_mm is not None
        assert entry.knn_mpjpe_mm is not None
    assert "shuffled" in capfd.readouterr().out

    assert main(["evaluate", str(tmp_path / "bundle"), str(dataset_folder), "--json"]) == 0
    again = msgspec.json.decode(capfd.readouterr().out, type=list[Accuracy])
    unquantised = {
        field.name: field.default for field in msgspec.structs.fields(Accuracy) if field.name.startswith("float_")
    }
    without = [msgspec.structs.replace(entry, **unquantised) for entry in bundle.description.accuracy]
    assert again == without  # measured again, without the float model: the same figures
