"""The engine: int8 at the edges, metres outside, the same joints from either runtime."""

import json
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import msgspec
import numpy as np
import pytest

from edge.arrays import Array
from edge.errors import BundleMismatch, MissingDependency
from edge.inference import engine as engines
from edge.inference.bundle import Bundle, find_bundle, load_bundle
from edge.inference.engine import Engine

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return load_bundle(find_bundle("wimose-basic"))


def image(seed: int) -> Array:
    return np.random.default_rng(seed).uniform(-0.5, 0.5, (30, 20, 4)).astype(np.float32)


def test_joints_are_metres_in_the_training_room(bundle: Bundle) -> None:
    joints = Engine(bundle)(image(1))
    assert joints.shape == (17, 3)
    assert np.isfinite(joints).all()
    # An output is eight bits: no joint can leave the range that mean and scale span.
    reach = np.abs(joints.reshape(-1) - bundle.output_mean) / bundle.output_scale
    assert reach.max() < 10


def test_the_image_matters_and_nothing_is_kept_between_calls(bundle: Bundle) -> None:
    engine = Engine(bundle)
    first, other, again = engine(image(1)), engine(image(2)), engine(image(1))
    assert not np.array_equal(first, other)
    assert np.array_equal(first, again)


def test_more_threads_change_nothing(bundle: Bundle) -> None:
    one, two = Engine(bundle), Engine(bundle, threads=2)
    assert all(np.array_equal(one(image(seed)), two(image(seed))) for seed in range(5))


def test_values_beyond_eight_bits_are_clipped_not_wrapped(bundle: Bundle) -> None:
    engine = Engine(bundle)
    full = np.ones((30, 20, 4), np.float32)
    assert np.array_equal(engine(full * 2), engine(full * 1000))


def in_own_process(runtime: str) -> Array:
    """(5, 17, 3) float64 metres. The runtimes and TensorFlow share symbol names and do not bear each other."""
    code = (
        "import json, sys\n"
        "from edge.inference.bundle import find_bundle, load_bundle\n"
        "from edge.inference.engine import Engine\n"
        "from tests.inference.test_engine import image\n"
        "engine = Engine(load_bundle(find_bundle('wimose-basic')), sys.argv[1])\n"
        "print(json.dumps([engine(image(seed)).tolist() for seed in range(5)]))"
    )
    done = subprocess.run([sys.executable, "-c", code, runtime], cwd=ROOT, capture_output=True, check=True)
    return np.array(json.loads(done.stdout))


def test_both_runtimes_agree(bundle: Bundle) -> None:
    for module in engines.ENGINES.values():
        if find_spec(module.partition(".")[0]) is None:
            pytest.skip(f"{module} has no wheel for this Python")
    difference = np.abs(in_own_process("litert") - in_own_process("tflite")).max()
    # Kernels may round the last bit of an activation differently, block after block; four steps of output were seen.
    assert difference <= 6 * np.abs(Engine(bundle)._gain).max() + 1e-9


def test_a_model_of_another_shape_is_refused(bundle: Bundle) -> None:
    taller = replace(bundle.spec, column=(56, 4))
    with pytest.raises(BundleMismatch, match="takes"):
        Engine(msgspec.structs.replace(bundle, spec=taller))


@pytest.mark.parametrize("end", ["get_input_details", "get_output_details"])
def test_a_model_that_is_not_int8_at_either_end_is_refused(
    bundle: Bundle, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, interpreter = engines._interpreter(None)
    details = getattr(interpreter, end)
    monkeypatch.setattr(interpreter, end, lambda self: [{**tensor, "dtype": np.float32} for tensor in details(self)])
    with pytest.raises(BundleMismatch, match="int8"):
        Engine(bundle, name)


def test_a_file_that_is_no_model_is_refused(bundle: Bundle) -> None:
    with pytest.raises(BundleMismatch, match="cannot load"):
        Engine(msgspec.structs.replace(bundle, model=b"no flatbuffer"))


def test_without_any_runtime_the_message_says_what_to_install(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "ENGINES", {"litert": "no_such_runtime"})
    with pytest.raises(MissingDependency, match="pip install"):
        Engine(bundle)


def test_an_image_of_another_spec_is_refused(bundle: Bundle) -> None:
    """Its counts would be written beside the memory that is there for them."""
    engine = Engine(bundle)
    for shape in ((*bundle.spec.shape[:-1], 1), (2, *bundle.spec.shape), (645, 140)):
        with pytest.raises(ValueError, match="an image of"):
            engine.predict(np.zeros(shape, np.float32))
